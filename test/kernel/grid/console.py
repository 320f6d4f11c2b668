"""Types a cell into `jupyter console` and prints, as JSON, what the console wrote."""

import json
import sys

import pexpect

setup = (
    'import { LocalhostExecutor } from "cellfan"; const fexec = new LocalhostExecutor({ workers: 2 }); '
    "const nap = async (n: number) => { await new Promise(done => setTimeout(done, 300)); "
    'if (n === 4) throw new Error("four"); return n }'
)
run = "(await fexec.map(nap, Array.from({ length: 20 }, (_, n) => n)).settled()).length"

console = pexpect.spawn(
    sys.executable,
    [
        "-m",
        "jupyter_console",
        "--kernel=cellfan",
        "--simple-prompt",
    ],
    encoding="utf8",
    timeout=60,
    dimensions=(30, 120),
)
console.expect(r"In \[1\]: ")
console.sendline(setup)
console.expect(r"In \[2\]: ")
console.sendline(run)
console.expect(r"In \[3\]: ")
print(json.dumps(console.before))
console.sendeof()
console.expect("really want to exit")
console.sendline("y")
console.expect(pexpect.EOF)
