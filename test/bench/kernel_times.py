"""Times Jupyter kernels from the outside, as a front end would see them.

    python kernel_times.py STARTS CELLS < {"name": [argv…], …}

Takes the kernels in turn, STARTS times each. Writes for each name the milliseconds from launch to the first answer, and to
the end of its first cell, of each of CELLS trivial cells, and of a loop over a variable of the notebook, and the MiB of memory that
the kernel has after its first cell.
"""

import json
import sys
import time
from statistics import median

import psutil
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpec


class Manager(KernelManager):
    """A kernel by its command line, without a kernelspec folder."""

    argv: list = []

    @property
    def kernel_spec(self):
        return KernelSpec(argv=self.argv, display_name="bench", language="typescript")


def measure(argv, cells):
    manager = Manager()
    manager.argv = argv
    began = time.perf_counter()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        ready_ms = (time.perf_counter() - began) * 1000
        run(client, "let n = 0")
        first_ms = (time.perf_counter() - began) * 1000
        memory_mib = psutil.Process(manager.provisioner.process.pid).memory_info().rss / 2**20
        # Each cell is one the kernel has not seen, with a value to show.
        cell_ms = [run(client, f"n + {index}") for index in range(cells)]
        loop_ms = run(client, "for (let i = 0; i < 3e6; i++) n += 0.5")
        return {"ready": [ready_ms], "first": [first_ms], "cells": cell_ms, "loop": [loop_ms], "memory": [memory_mib]}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client, code):
    began = time.perf_counter()
    reply = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"{code} failed: {reply['content']}")
    return (time.perf_counter() - began) * 1000


def main(starts, cells):
    kernels = json.load(sys.stdin)
    times = {name: {} for name in kernels}
    for _ in range(starts):
        for name, argv in kernels.items():
            for key, values in measure(argv, cells).items():
                times[name].setdefault(key, []).extend(values)
    print(json.dumps({name: {key: median(values) for key, values in found.items()} for name, found in times.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
