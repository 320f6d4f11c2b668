"""Drives one kernel by jupyter_client for tests written in another language.

Reads one JSON command a line from standard input and writes one JSON line for each answer and each message of the kernel.
Everything that concerns Jupyter is jupyter_client's own: starting, signing, sockets, interrupt, restart, shutdown.
"""

import base64
import json
import os
import subprocess
import sys
import time

import zmq
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager


class Manager(KernelManager):
    """A manager of the kernel whose specification is given, installed or not."""

    spec = None

    @property
    def kernel_spec(self):
        return self.spec


def say(**line):
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()


class Driver:
    def __init__(self, spec, cwd, env, encryption):
        self.manager = Manager(transport_encryption=encryption)
        self.manager.spec = KernelSpec(**spec)
        self.rest = b""
        env = {**os.environ, **env}
        started = time.perf_counter()
        # Its own stdout: Node would make ours non-blocking, and what we say would be cut.
        self.manager.start_kernel(cwd=cwd, env=env, stdout=subprocess.DEVNULL)
        self.connect()
        self.client.wait_for_ready(timeout=60)
        ready = (time.perf_counter() - started) * 1000
        pid = self.manager.provisioner.process.pid
        say(event="ready", milliseconds=ready, pid=pid)

    def connect(self):
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.channels = {
            "shell": self.client.shell_channel,
            "control": self.client.control_channel,
            "iopub": self.client.iopub_channel,
            "stdin": self.client.stdin_channel,
        }

    def run(self):
        poller = zmq.Poller()
        poller.register(sys.stdin.fileno(), zmq.POLLIN)
        names = {}
        for name, channel in self.channels.items():
            poller.register(channel.socket, zmq.POLLIN)
            names[channel.socket] = name
        while True:
            for source, _ in poller.poll():
                if source in names:
                    self.forward(names[source], source)
                    continue
                # Not readline: what it has buffered would not wake the poller again.
                read = os.read(sys.stdin.fileno(), 1 << 20)
                if not read:
                    return
                *lines, self.rest = (self.rest + read).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))

    def forward(self, channel, socket):
        _, message = self.client.session.recv(socket, mode=0)
        if message is None:
            return
        say(
            event="message",
            channel=channel,
            type=message["msg_type"],
            parent=message["parent_header"].get("msg_id"),
            content=message["content"],
            metadata=message["metadata"],
            header=message["header"],
            buffers=[base64.b64encode(bytes(buffer)).decode() for buffer in message["buffers"]],
        )

    def obey(self, command):
        operation = command["operation"]
        answer = getattr(self, operation)(**command.get("arguments", {}))
        say(event="answer", number=command["number"], value=answer)

    def send(self, channel, type, content, metadata=None, buffers=()):
        message = self.client.session.msg(type, content, metadata=metadata)
        sent = self.client.session.send(
            self.channels[channel].socket,
            message,
            buffers=[base64.b64decode(buffer) for buffer in buffers],
        )
        return sent["header"]["msg_id"]

    def send_frames(self, channel, frames):
        self.channels[channel].socket.send_multipart([base64.b64decode(frame) for frame in frames])

    def send_twice(self, channel, type, content):
        """The same signed frames two times: a replay."""
        session = self.client.session
        message = session.msg(type, content)
        frames = session.serialize(message)
        for _ in range(2):
            self.channels[channel].socket.send_multipart(frames)
        return message["header"]["msg_id"]

    def interrupt(self):
        self.manager.interrupt_kernel()

    def signal(self, number):
        self.manager.signal_kernel(number)

    def beats(self, seconds):
        """Echoes of the heartbeat within the time."""
        socket = self.manager.connect_hb()
        socket.linger = 0
        count, end = 0, time.perf_counter() + seconds
        while time.perf_counter() < end:
            socket.send(b"ping")
            if not socket.poll(1000):
                break
            assert socket.recv() == b"ping"
            count += 1
            time.sleep(0.02)
        socket.close()
        return count

    def welcome(self, topic):
        """What a new subscriber hears first."""
        socket = self.manager.connect_iopub()
        socket.linger = 0
        socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        _, message = self.client.session.recv(socket, mode=0)
        socket.close()
        return {"type": message["msg_type"], "content": message["content"]}

    def is_encrypted(self):
        return self.client.curve_publickey is not None

    def beats_without_keys(self, seconds):
        """Whether a client that has no keys hears an echo of the heartbeat."""
        socket = self.client.context.socket(zmq.REQ)
        socket.linger = 0
        socket.connect(self.manager._make_url("hb"))
        socket.send(b"ping")
        heard = bool(socket.poll(seconds * 1000))
        socket.close()
        return heard

    def alive(self):
        return self.manager.is_alive()

    def shutdown(self, restart=False):
        self.manager.shutdown_kernel(now=False, restart=restart)

    def restart(self):
        self.manager.restart_kernel(now=False)
        self.client.wait_for_ready(timeout=60)


def main():
    first = b""
    while not first.endswith(b"\n"):
        first += os.read(sys.stdin.fileno(), 1)
    options = json.loads(first)
    driver = Driver(**options)
    try:
        driver.run()
    finally:
        driver.client.stop_channels()
        if driver.manager.has_kernel:
            driver.manager.shutdown_kernel(now=True)


main()
