"""The numbers of notebooks/quickstart.ipynb, computed anew from the data by other means.

    python quickstart_numbers.py FLIGHTS.json REPLICATES

Writes JSON: for each hour from 5 to 23 the number of flights, their mean delay and its standard error, the 0.9 quantile at
6, 13 and 20 o'clock, and the means of the first REPLICATES redraws by the generator that ctx.random() documents (sfc32).
"""

import json
import sys
from math import floor, sqrt
from statistics import fmean, stdev

MASK = 0xFFFFFFFF
HOURS = range(5, 24)


def split_mix(seed):
    state = seed & MASK

    def step():
        nonlocal state
        state = (state + 0x9E3779B9) & MASK
        mixed = ((state ^ (state >> 16)) * 0x21F0AAAD) & MASK
        mixed = ((mixed ^ (mixed >> 15)) * 0x735A2D97) & MASK
        return mixed ^ (mixed >> 15)

    return step


def random_for(seed, index):
    """sfc32 with 53-bit fractions; the seed's low and high halves and the index are mixed into its state."""
    mix = split_mix((seed & MASK) ^ (((seed >> 32) + 1) * 0x85EBCA6B & MASK))
    other = split_mix(mix() ^ index)
    a, b = mix(), other()
    c, counter = mix() ^ other(), 1

    def step():
        nonlocal a, b, c, counter
        total = (a + b + counter) & MASK
        counter = (counter + 1) & MASK
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & MASK
        c = (((c << 21) | (c >> 11)) + total) & MASK
        return total

    for _ in range(12):
        step()
    return lambda: ((step() >> 5) * 67108864 + (step() >> 6)) / 9007199254740992


def quantile(values, share):
    """The element at the share's place in order, as simple-statistics defines it where that place is no whole number."""
    return sorted(values)[floor(len(values) * share)]


def main(path, replicates):
    delays = {hour: [] for hour in range(24)}
    with open(path, encoding="utf-8") as file:
        for flight in json.load(file):
            delays[floor(flight["time"])].append(flight["delay"])

    def redraw(index):
        draw = random_for(2001, index)
        means = []
        for hour in HOURS:
            sample = delays[hour]
            size = len(sample)
            means.append(sum(sample[floor(draw() * size)] for _ in range(size)) / size)
        return means

    print(
        json.dumps(
            {
                "flights": [len(delays[hour]) for hour in HOURS],
                "means": [fmean(delays[hour]) for hour in HOURS],
                "standardErrors": [stdev(delays[hour]) / sqrt(len(delays[hour])) for hour in HOURS],
                "unlucky": [quantile(delays[hour], 0.9) for hour in (6, 13, 20)],
                "redraws": [redraw(index) for index in range(replicates)],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
