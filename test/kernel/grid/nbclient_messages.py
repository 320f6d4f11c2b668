"""Runs cells by nbclient: one whose job takes ten seconds, one that its job outlives, one that a promise outlives; prints, as JSON, what the first one's outputs were told and what was saved of all."""

import json

import nbformat
from nbclient import NotebookClient

setup = 'import { LocalhostExecutor } from "cellfan"\nconst fexec = new LocalhostExecutor({ workers: 2 })'
job = """const nap = async (n: number) => { await new Promise(done => setTimeout(done, 100)); return n }
await fexec.map(nap, Array.from({ length: 200 }, (_, n) => n), { name: "naps" })
"ended\""""

outliving = 'const outliving = fexec.map(nap, [1, 2, 3, 4], { name: "outliving" }); "begun"'
promise = "const sleepy = new Promise(done => setTimeout(done, 300, 42)); sleepy"
waiting = "await new Promise(done => setTimeout(done, 1500))"


class Listener(NotebookClient):
    texts = {}

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] in ("display_data", "update_display_data", "stream", "comm_open", "comm_msg"):
            text = msg["content"].get("data", {}).get("text/plain", "")
            self.texts.setdefault(cell_index, []).append((msg["msg_type"], text))
        return super().process_message(msg, cell, cell_index)


cells = [nbformat.v4.new_code_cell(source) for source in (setup, job, outliving, promise, waiting)]
client = Listener(nbformat.v4.new_notebook(cells=cells), kernel_name="cellfan")
notebook = client.execute()
outputs = [cell.outputs for cell in notebook.cells]
print(json.dumps({"messages": client.texts[1], "outputs": outputs[1], "outliving": outputs[2], "promise": outputs[3]}))
