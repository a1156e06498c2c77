"""The targets of the overhead's bench, tests/targets/load.c, and what is said of their time."""

import contextlib
import datetime
import math
import os
import signal
import statistics
import struct
import time

from measure import running

KIB = 16
PAIR_NS = 12  # of malloc and free themselves
BEGUN_S = 0.5  # until its speed is known
BUDGET_PCT = 5
CERTAIN = 0.95


class Load:
    """A process at work, by its counters."""

    def __init__(self, file, rate, turn, steps_per_ns=0.0):
        """Without a speed, the process measures its own."""
        self.file = file
        file.write_bytes(struct.pack("64xQdQ40x", 0, steps_per_ns, turn))
        self.set_rate(rate)

    def set_rate(self, rate):
        """So many pairs of malloc and free in a second of its own time."""
        descriptor = os.open(self.file, os.O_RDWR)
        os.pwrite(descriptor, struct.pack("Q", max(int(1e9 / rate) - PAIR_NS, 0)), 64)
        os.close(descriptor)

    def argv(self, target, seconds=3600):
        return str(target), str(seconds), str(self.file), str(KIB)

    def steps_per_ns(self):
        return struct.unpack("72xd48x", self.file.read_bytes())[0]

    def done(self):
        """Pairs, and nanoseconds of CPU time."""
        return struct.unpack("QQ", self.file.read_bytes()[:16])


class Twins:
    """Two processes at the same work on one CPU, of which one is watched. They take turns of some milliseconds, so
    what the machine does meanwhile meets both."""

    def __init__(self, watched, other):
        self.loads = watched, other

    def set_rate(self, rate):
        for load in self.loads:
            load.set_rate(rate)

    def pair_ns(self, seconds):
        """CPU time of each for a pair and the work that goes with it."""
        before = [load.done() for load in self.loads]
        time.sleep(seconds)
        return [(cpu_ns - cpu_before_ns) / (pairs - pairs_before) for (pairs, cpu_ns), (pairs_before, cpu_before_ns)
                in zip((load.done() for load in self.loads), before)]

    def slower(self, seconds):
        """CPU time of the watched one, in that of the other."""
        watched_ns, other_ns = self.pair_ns(seconds)
        return watched_ns / other_ns


def one_cpu():
    return max(os.sched_getaffinity(0))


def pinned(argv):
    return "taskset", "-c", str(one_cpu()), *argv


@contextlib.contextmanager
def twins(folder, target, rate):
    """Both at work; and the pids of the watched one and of the other."""
    watched = Load(folder / "watched", rate, 1)
    with running(*pinned(watched.argv(target))) as pid:
        time.sleep(BEGUN_S)
        other = Load(folder / "other", rate, 2, watched.steps_per_ns())
        with running(*pinned(other.argv(target))) as other_pid:
            time.sleep(BEGUN_S)
            yield Twins(watched, other), pid, other_pid


@contextlib.contextmanager
def stopped(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def lost_pct(alone, slower):
    """Of the watched one's time; `alone`: how slow it is when nobody watches."""
    return 100 * (1 - alone / slower)


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


def within(lost):
    return max(WITHIN_POINTS, WITHIN * lost)


def decided(shown, lost, around):
    """Whether it makes no difference to the truth of what is shown where in `around` what was lost is."""
    near = [abs(shown - each) <= within(lost) for each in around]
    return near[0] == near[1] and (near[0] or not around[0] <= shown <= around[1])


def true(shown, lost, around=None):
    """Or unclear, where what was lost is only known to be in `around`."""
    low, high = around or (lost, lost)
    if abs(shown - lost) <= within(lost):
        return "true"
    return "unclear" if low - within(lost) <= shown <= high + within(lost) else "not true"


def held(slower):
    return f"{'' if slower <= BUDGET_PCT else 'not '}held"


def median(values):
    return statistics.median(values)
