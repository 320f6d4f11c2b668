"""Sends a kernel thousands of valid and broken messages and asks it, again and again, whether it is still there.

Usage: flood.py SEED COUNT COMMAND…
Prints one line of JSON: how many of each kind were sent and what the kernel answered at the end.
"""

import json
import random
import secrets
import subprocess
import sys
import time

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

SEED, COUNT, *COMMAND = sys.argv[1:]
SEED, COUNT = int(SEED), int(COUNT)
CHECK_EVERY = 500

random.seed(SEED)


class Manager(KernelManager):
    @property
    def kernel_spec(self):
        return KernelSpec(argv=[*COMMAND, "{connection_file}"], interrupt_mode="message")


manager = Manager()
manager.start_kernel(stdout=subprocess.DEVNULL)
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=60)
session = client.session
sockets = {
    "shell": client.shell_channel.socket,
    "control": client.control_channel.socket,
    "stdin": client.stdin_channel.socket,
}

TYPES = [
    "execute_request", "complete_request", "inspect_request", "is_complete_request", "history_request",
    "comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request", "connect_request",
    "debug_request", "interrupt_request", "input_reply", "execute_reply", "status", "", "x" * 300,
    "__proto__", "constructor", "toString",
]  # fmt: skip
KEYS = [
    "code", "silent", "store_history", "user_expressions", "allow_stdin", "stop_on_error", "cursor_pos",
    "detail_level", "hist_access_type", "n", "pattern", "session", "start", "stop", "unique", "comm_id",
    "target_name", "data", "value", "seq", "command", "__proto__", "constructor",
]  # fmt: skip
CODES = [
    "1 + 1", "throw new Error('x')", ")", "await null", "console.log('x')", "😀", "\ud800", "", "\x00", "a?", "%x",
    "Promise.reject(1)", "setTimeout(() => { throw 1 }, 1); 1", "`", "}", "x".join("(" for _ in range(200)),
]  # fmt: skip


def anything(depth=0):
    """Some JSON value."""
    kind = random.randrange(9 if depth < 3 else 7)
    if kind == 0:
        return random.choice(CODES[:6] + CODES[7:])
    if kind == 1:
        return random.choice([0, 1, -1, 10**6, -(10**9), 2**53, 1e308, 0.5])
    if kind == 2:
        return None
    if kind == 3:
        return random.choice([True, False])
    if kind == 4:
        return random.choice(["tail", "range", "search", "echo", "failing", "[z-a]", "*", "[", "\\"])
    if kind == 5:
        return ""
    if kind == 6:
        return "y" * random.randrange(2000)
    if kind == 7:
        return [anything(depth + 1) for _ in range(random.randrange(4))]
    return {random.choice(KEYS): anything(depth + 1) for _ in range(random.randrange(4))}


def request():
    type = random.choice(TYPES)
    content = {key: anything() for key in random.sample(KEYS, random.randrange(len(KEYS)))}
    if random.random() < 0.5:
        content["code"] = random.choice(CODES[:6] + CODES[7:])
        content["cursor_pos"] = random.randrange(-3, 30)
    return session.msg(type, content)


def frames(message):
    return session.serialize(message)


def deep():
    return b"[" * 100_000 + b"]" * 100_000


def signed(parts):
    return [b"<IDS|MSG>", session.sign(parts), *parts]


def junk():
    return [secrets.token_bytes(random.randrange(200)) for _ in range(random.randrange(8))] or [b""]


def torn():
    whole = frames(request())
    return whole[: random.randrange(len(whole))] or [b""]


def forged():
    whole = frames(request())
    whole[1] = random.choice([b"", b"0" * 64, b"\xff" * 64, whole[1][:-1], whole[1] + b"0"])
    return whole


def flipped():
    whole = frames(request())
    index = random.randrange(len(whole))
    part = bytearray(whole[index] or b"x")
    part[random.randrange(len(part))] ^= 1 << random.randrange(8)
    whole[index] = bytes(part)
    return whole


def not_json():
    parts = [secrets.token_bytes(20) if random.random() < 0.5 else b"{}" for _ in range(4)]
    if random.random() < 0.1:
        parts[random.randrange(4)] = deep()
    return signed(parts)


def odd_header():
    header = {key: anything() for key in ["msg_id", "msg_type", "session", "username", "date", "version"]}
    return signed([json.dumps(part).encode() for part in (header, anything(), anything(), anything())])


def with_buffers():
    return [*frames(request()), *junk()]


last = None


def replayed():
    global last
    last = last or frames(request())
    return last


KINDS = {
    "valid": lambda: frames(request()),
    "junk": junk,
    "torn": torn,
    "forged": forged,
    "flipped": flipped,
    "not JSON": not_json,
    "odd header": odd_header,
    "with buffers": with_buffers,
    "replayed": replayed,
}
WEIGHTS = [6, 1, 1, 1, 1, 1, 1, 1, 1]


def drain():
    for socket in [*sockets.values(), client.iopub_channel.socket]:
        while socket.poll(0):
            socket.recv_multipart()


def answer():
    """The result of a cell that is sent now, behind all that was sent before."""
    # The client's own checks take no notice of what is left over from other requests.
    session.digest_history.clear()
    id = client.execute("40 + 2", stop_on_error=False)
    end = time.time() + 120
    seen = None
    while time.time() < end:
        if not client.iopub_channel.socket.poll(1000):
            continue
        _, message = session.recv(client.iopub_channel.socket, mode=0)
        if (message["parent_header"] or {}).get("msg_id") != id:
            continue
        if message["msg_type"] == "execute_result":
            seen = message["content"]["data"]["text/plain"]
        if message["content"].get("execution_state") == "idle":
            # An interrupt among the messages may have ended this very cell, or an error aborted it.
            return seen
    raise SystemExit("the kernel no longer answers")


counts = dict.fromkeys(KINDS, 0)
answers = 0
for number in range(COUNT):
    kind = random.choices(list(KINDS), WEIGHTS)[0]
    channel = random.choices(["shell", "control", "stdin"], [6, 2, 1])[0]
    sockets[channel].send_multipart(KINDS[kind]())
    counts[kind] += 1
    if number % 20 == 0:
        drain()
    if number % CHECK_EVERY == CHECK_EVERY - 1:
        while answer() != "42":
            pass
        answers += 1

pid = manager.provisioner.process.pid
with open(f"/proc/{pid}/status") as status:
    memory = next((int(line.split()[1]) // 1024 for line in status if line.startswith("VmRSS")), None)
print(json.dumps({"counts": counts, "answers": answers, "alive": manager.is_alive(), "memoryMiB": memory}))
manager.shutdown_kernel()
client.stop_channels()
