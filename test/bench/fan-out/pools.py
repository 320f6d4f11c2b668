"""pools.py PEER SIZE: maps a no-op in Python, prints the first and the median warm time in milliseconds."""

import json
import statistics
import sys
import time


def noop(x):
    return x + 1


def measure(run, size, rounds):
    begin = time.perf_counter()
    assert run() == [i + 1 for i in range(size)]
    first = time.perf_counter() - begin
    warm = []
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        warm.append(time.perf_counter() - begin)
    return {"first": 1000 * first, "warm": 1000 * statistics.median(warm)}


def main():
    peer, size = sys.argv[1], int(sys.argv[2])
    if peer == "multiprocessing.Pool":
        from multiprocessing import Pool

        begin = time.perf_counter()
        with Pool(2) as pool:
            opening = 1000 * (time.perf_counter() - begin)
            times = measure(lambda: pool.map(noop, range(size)), size, 11)
            times["first"] += opening
    else:
        import lithops

        executor = lithops.LocalhostExecutor(log_level="ERROR")
        times = measure(lambda: executor.get_result(executor.map(noop, range(size))), size, 3)
    print(json.dumps(times))


if __name__ == "__main__":
    main()
