"""What watching really costs, beside what is shown; the same for other tools.

Noise of the machine is larger than many of these costs. So the target has a twin, which nobody watches and which
takes turns with it on the same CPU (load.Twins), and each row is measured in many short rounds, in turn with the two
alone; the median of the rounds counts, and its interval is printed.
"""

import collections
import contextlib
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import budget
from load import (BEGUN_S, BUDGET_PCT, WITHIN, WITHIN_POINTS, Load, Twins, decided, held, interval, lost_pct, median,
                  one_cpu, pinned, stamp, stopped, true, twins)
from measure import running

RATES = (1000, 10000, 100000, 1000000)
ALONE_S, ALONE_MOST = 0.8, 20  # the median of the latest ones: how slow the twins are alone does not change
SETTLE_S = 0.3  # after the watcher has gone
# Until the cost of a trap and the rules of all stacks are known; with a budget, until it is kept.
WARM_UP_S, BUDGET_WARM_UP_S = 2.5, 8
MEASURE_S, BUDGET_MEASURE_S = 1.5, 5
REFRESH_S = 0.25
# Rounds go on until it is decided whether what is shown is true, or the interval is half as wide as it is to be true.
ROUNDS_LEAST, ROUNDS_MOST = 6, 20
OTHERS_ROUNDS_MOST = 9  # whose figures stand beside ours, and are to prove nothing
CLASSIC = Path(__file__).with_name("classic.bt")
BUDGET = f"budget of {BUDGET_PCT} %"
OURS = {
    "CPU 99 Hz": ("--heap", "off"),
    "CPU 999 Hz": ("--heap", "off", "-F", "999"),
    "CPU 4999 Hz": ("--heap", "off", "-F", "4999"),
    "heap 512K": ("--heap", "512K"),
    "heap exact": ("--heap", "exact"),
    "exact, 999 Hz": ("--heap", "exact", "-F", "999"),
    "exact, 4999 Hz": ("--heap", "exact", "-F", "4999"),
    BUDGET: (),
}
HEAPTRACK = "heaptrack (from the start)"


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "?")
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    return f"{model}, {os.cpu_count()} CPUs{', virtual' if virtual else ''}, Linux {platform.release()}"


class Watched:
    """A target at work, which is measured alone between the times it is watched."""

    def __init__(self, both, pid):
        self.both, self.pid = both, pid
        self.alone = collections.deque([both.slower(ALONE_S)], ALONE_MOST)

    def lost(self, watch):
        """Share of the target's time that is lost to `watch`, and what else that returns."""
        slower, more = watch()
        time.sleep(SETTLE_S)
        self.alone.append(self.both.slower(ALONE_S))
        return lost_pct(median(self.alone), slower), more

    def lost_by_all(self, watch):
        """The same of what is watched with every process that has its libraries, the twin, too."""
        before_ns, _other = self.both.pair_ns(ALONE_S)
        ns, more = watch(lambda seconds: self.both.pair_ns(seconds)[0])
        time.sleep(SETTLE_S)
        after_ns, _other = self.both.pair_ns(ALONE_S)
        return lost_pct((before_ns + after_ns) / 2, ns), more

    def ours(self, top, options):
        """How slow it is, and the share shown meanwhile."""
        argv = [top, "-b", "--json", "-d", str(REFRESH_S), *options, str(self.pid)]
        with tempfile.TemporaryFile() as out, \
                subprocess.Popen(argv, stdout=out, stderr=subprocess.DEVNULL) as process:
            time.sleep(WARM_UP_S if options else BUDGET_WARM_UP_S)
            begin = time.time()
            slower = self.both.slower(MEASURE_S if options else BUDGET_MEASURE_S)
            end = time.time()
            process.terminate()
            process.wait()
            out.seek(0)
            refreshes = [json.loads(line) for line in out if line.startswith(b"{")]
        # The share of a refresh is that of the second before it.
        shown = [refresh["overhead"]["target_pct"] for refresh in refreshes
                 if begin + 0.8 <= stamp(refresh["time"]) <= end + REFRESH_S]
        shown = [pct for pct in shown if pct is not None]
        return slower, sum(shown) / len(shown) if shown else float("nan")

    def other(self, argv, measure=None):
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(WARM_UP_S)
            if process.poll() is not None:
                raise RuntimeError("ended by itself")
            slower = (measure or self.both.slower)(MEASURE_S)
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
        return slower, None


def others(pid, folder):
    """Debian's tools on a process that runs, by name."""
    if shutil.which("perf"):
        record = ("perf", "record", "-q", "-F", "999", "-o", str(folder / "perf.data"), "-p", str(pid))
        yield "perf record -g, 999 Hz", (*record, "-g")
        yield "perf record dwarf, 999 Hz", (*record, "--call-graph", "dwarf")


def bpftrace(pid):
    return "bpftrace", "-p", str(pid), "-e", CLASSIC.read_text()


def heaptrack(target, rate):
    """It is loaded with the program: what is attached to a running one is not safe, as it says. So both twins are
    processes of their own."""
    seconds = WARM_UP_S + MEASURE_S + 1
    with tempfile.TemporaryDirectory() as name:
        other = Load(Path(name) / "other", rate, 2)
        with running(*pinned(other.argv(target))):
            time.sleep(BEGUN_S)
            load = Load(Path(name) / "watched", rate, 1, other.steps_per_ns())
            with subprocess.Popen(("heaptrack", *load.argv(target, seconds)), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, cwd=name, start_new_session=True, text=True) as process:
                time.sleep(WARM_UP_S / 2)
                pids = subprocess.run(["pgrep", "-g", str(process.pid), "-x", target.name],
                                      stdout=subprocess.PIPE, text=True, check=False).stdout.split()
                if not pids:
                    raise RuntimeError("ended by itself")
                os.sched_setaffinity(int(pids[0]), {one_cpu()})
                time.sleep(WARM_UP_S / 2)
                slower = Twins(load, other).slower(MEASURE_S)
                said = process.communicate()[0]
        seen = re.search(r"allocations:\s+(\d+)", said)
        if not seen or int(seen[1]) < load.done()[0]:
            raise RuntimeError("has not seen the target's allocations")
    return lost_pct(1, slower), None


class Row:
    """What was lost and shown in each round."""

    def __init__(self, title, measure, rounds_most=ROUNDS_MOST):
        self.title, self.measure, self.rounds_most = title, measure, rounds_most
        self.lost, self.shown, self.failed = [], [], None

    def once(self):
        try:
            lost, shown = self.measure()
        except RuntimeError as error:
            self.failed = str(error)
            return
        self.lost.append(lost)
        if shown is not None:
            self.shown.append(shown)

    def is_done(self):
        if self.failed or len(self.lost) >= self.rounds_most:
            return True
        if len(self.lost) < ROUNDS_LEAST:
            return False
        low, high = interval(self.lost)
        if self.shown and decided(median(self.shown), median(self.lost), (low, high)):
            return True
        return high - low <= max(WITHIN_POINTS, WITHIN * median(self.lost))

    def print(self):
        if self.failed:
            print(f"  {self.title:27} {self.failed}", flush=True)
            return
        lost, (low, high) = median(self.lost), interval(self.lost)
        text = f"  {self.title:27} {lost:6.2f} %  {f'{low:.2f} to {high:.2f}':>15} {len(self.lost):4}"
        if self.shown:
            shown = median(self.shown)
            text += (f"  {shown:6.2f} %  {f'{min(self.shown):.2f} to {max(self.shown):.2f}':>15}  "
                     f"{true(shown, lost, (low, high))}")
        print(text + (f", {held(lost)}" if self.title == BUDGET else ""), flush=True)


def bench_rate(top, target, rate, wanted):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with twins(folder, target, rate) as (both, pid, other_pid):
            watched = Watched(both, pid)

            def attached(watch, *arguments):
                return lambda: watched.lost(lambda: watch(*arguments))

            def loaded():
                with stopped((pid, other_pid)):
                    return heaptrack(target, rate)

            rows = [Row(title, attached(watched.ours, top, options)) for title, options in OURS.items()]
            rows += [Row(title, attached(watched.other, argv), OTHERS_ROUNDS_MOST)
                     for title, argv in others(pid, folder)]
            if shutil.which("bpftrace"):
                rows.append(Row("bpftrace malloc/free", lambda: watched.lost_by_all(
                    lambda measure: watched.other(bpftrace(pid), measure)), OTHERS_ROUNDS_MOST))
            if shutil.which("heaptrack"):
                rows.append(Row(HEAPTRACK, loaded, OTHERS_ROUNDS_MOST))
            rows = [row for row in rows if wanted in row.title]
            going = rows
            while going:
                for row in going:
                    row.once()
                going = [row for row in going if not row.is_done()]
    print(f"{f'{rate} pairs of malloc and free a second':29}   lost         interval   of   shown    of all starts", flush=True)
    for row in rows:
        row.print()


def bench(top, targets, rates, wanted):
    """`rates`: only these; `wanted`: only rows with this in their title; both empty: all."""
    print(f"on {machine()}", flush=True)
    for rate in rates or RATES:
        bench_rate(top, targets / "load", rate, wanted)
    if not rates and not wanted:
        budget.bench_step(top, targets / "load")
        budget.bench_pause(top, targets / "gaps")
