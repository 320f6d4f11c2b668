"""Runs the notebook on stdin by nbclient. Writes its cells as JSON, or the error that stopped it.

    python nbclient_outputs.py (allow|stop) < notebook.ipynb
"""

import json
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

notebook = nbformat.reads(sys.stdin.read(), 4)
client = NotebookClient(notebook, kernel_name="cellfan", timeout=120, allow_errors=sys.argv[1] == "allow")
error = None
try:
    client.execute()
except CellExecutionError as stopped:
    error = str(stopped)
print(json.dumps({"cells": notebook.cells, "error": error}))
