"""Runs a notebook from top to bottom and writes the executed copy, also where a cell fails.

    python execute_notebook.py NOTEBOOK COPY [FOLDER]


FOLDER is where its kernel runs; its own where there is none given.
Says which cell runs, and ends with code 1 if one failed.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError


def main(source: Path, copy: Path, folder: Path) -> int:
    notebook = nbformat.read(source, as_version=4)
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    began = time.monotonic()
    count = 0

    def tell(cell, cell_index):
        nonlocal count
        if cell.cell_type != "code":
            return
        count += 1
        first_line = cell.source.strip().split("\n")[0]
        print(f"… Cell {count} of {total}: {first_line[:70]}", file=sys.stderr, flush=True)

    client = NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=120,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=tell,
    )
    failure = None
    try:
        client.execute()
    except (CellExecutionError, DeadKernelError) as error:
        failure = error
    copy.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, copy)
    if failure is not None:
        print(f"{failure}\n✘ Cell {count} of {source.name} failed.", file=sys.stderr)
    else:
        print(f"✔ {total} cells of {source.name} ({time.monotonic() - began:.1f} s)", file=sys.stderr)
    print(f"Executed copy: {copy}", flush=True)
    return 0 if failure is None else 1


if __name__ == "__main__":
    source, copy, *folder = [Path(path).resolve() for path in sys.argv[1:]]
    sys.exit(main(source, copy, folder[0] if folder else source.parent))
