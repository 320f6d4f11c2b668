"""Runs a cell by nbclient whose job takes ten seconds; prints, as JSON, the outputs' messages and the notebook that comes of it."""

import json

import nbformat
from nbclient import NotebookClient

setup = 'import { LocalhostExecutor } from "cellfan"\nconst fexec = new LocalhostExecutor({ workers: 2 })'
job = """const nap = async (n: number) => { await new Promise(done => setTimeout(done, 100)); return n }
await fexec.map(nap, Array.from({ length: 200 }, (_, n) => n), { name: "naps" })
"ended\""""


class Listener(NotebookClient):
    texts = []

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("display_data", "update_display_data", "stream", "comm_open", "comm_msg"):
            self.texts.append((msg["msg_type"], msg["content"].get("data", {}).get("text/plain", "")))
        return super().process_message(msg, cell, cell_index)


cells = [nbformat.v4.new_code_cell(source) for source in (setup, job)]
client = Listener(nbformat.v4.new_notebook(cells=cells), kernel_name="cellfan")
notebook = client.execute()
print(json.dumps({"messages": client.texts, "outputs": notebook.cells[1].outputs}))
