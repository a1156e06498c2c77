"""The target of the overhead's bench, tests/targets/load.c, and what is said of its time."""

import datetime
import math
import os
import statistics
import struct
import time

from measure import cpu_seconds

KIB = 16
PAIR_NS = 12  # of malloc and free themselves
COUNTERS_BYTES = 128
BUDGET_PCT = 5
CERTAIN = 0.95


class Load:
    """The target at work, with its counters."""

    def __init__(self, folder, rate):
        self.slots = folder / "slots"
        self.slots.write_bytes(bytes(COUNTERS_BYTES))
        self.set_rate(rate)

    def set_rate(self, rate):
        """So many pairs of malloc and free in a second of the target's own time."""
        file = os.open(self.slots, os.O_RDWR)
        os.pwrite(file, struct.pack("Q", max(int(1e9 / rate) - PAIR_NS, 0)), 64)
        os.close(file)

    def argv(self, target, seconds=3600):
        return str(target), str(seconds), str(self.slots), str(KIB)

    def pairs(self):
        return struct.unpack("Q", self.slots.read_bytes()[:8])[0]

    def pair_ns(self, pid, seconds):
        """CPU time of the target for a pair and the work that goes with it."""
        pairs, cpu = self.pairs(), cpu_seconds([pid])
        time.sleep(seconds)
        cpu = cpu_seconds([pid]) - cpu
        return 1e9 * cpu / (self.pairs() - pairs)


def lost_pct(alone_ns, ns):
    return 100 * (1 - alone_ns / ns)


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def interval(values):
    """Of the median, whatever the values' distribution is: from one of them in order to another."""
    values, count, tail, out = sorted(values), len(values), 0, -1
    while tail <= (1 - CERTAIN) / 2 and out < count // 2:
        out += 1
        tail += math.comb(count, out) / 2 ** count
    out = max(out - 1, 0)
    return values[out], values[count - 1 - out]


# What is shown is to be true to a fifth, or to half a point.
WITHIN, WITHIN_POINTS = 0.2, 0.5


def true(shown, lost, around=None):
    """Or unclear, where what was lost is only known to be in `around`."""
    within = max(WITHIN_POINTS, WITHIN * lost)
    low, high = around or (lost, lost)
    if abs(shown - lost) <= within:
        return "true"
    return "unclear" if low - within <= shown <= high + within else "not true"


def held(slower):
    return f"{'' if slower <= BUDGET_PCT else 'not '}held"


def median(values):
    return statistics.median(values)
