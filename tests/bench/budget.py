"""Whether the budget is kept after a step of the load, and how long attaching stops the target."""

import json
import os
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from load import BUDGET_PCT, held, interval, lost_pct, median, stamp, true, twins
from measure import running

STEP_RATES = 1000, 100000  # before and after a step of the load
MINUTE_S = 60
STEPS = 5  # of which the median counts, second by second; the first one is followed for a minute
SECONDS = 5
ALONE_S = 2
QUIET_S = 4
REFRESH_S = 0.25
CYCLES = 5


def one_step(top, target, seconds):
    """Share of the target's time that is lost in each second after it; and what is shown after each."""
    with tempfile.TemporaryDirectory() as name, twins(Path(name), target, STEP_RATES[1]) as (both, pid, _other):
        alone = both.slower(ALONE_S)
        both.set_rate(STEP_RATES[0])
        with tempfile.TemporaryFile() as out:
            with running(top, "-b", "--json", "-d", str(REFRESH_S), str(pid), stdout=out):
                time.sleep(QUIET_S)
                both.set_rate(STEP_RATES[1])
                slower, ends = [], []
                for _ in range(seconds):
                    slower.append(both.slower(1))
                    ends.append(time.time())
                time.sleep(REFRESH_S)
            out.seek(0)
            refreshes = [json.loads(line) for line in out if line.startswith(b"{") and line.endswith(b"}\n")]
        time.sleep(0.5)
        alone = (alone + both.slower(ALONE_S)) / 2
    return [lost_pct(alone, each) for each in slower], [shown_at(refreshes, end) for end in ends]


def shown_at(refreshes, end):
    """Of the second that ends then."""
    nearest = min(refreshes, key=lambda refresh: abs(stamp(refresh["time"]) - end))
    pct = nearest["overhead"]["target_pct"]
    return float("nan") if pct is None else pct


def bench_step(top, target):
    print(f"from {STEP_RATES[0]} to {STEP_RATES[1]} pairs a second, with a budget of {BUDGET_PCT} %, lost in", flush=True)
    minute = one_step(top, target, MINUTE_S)
    steps = [minute] + [one_step(top, target, SECONDS) for _ in range(STEPS - 1)]
    for second in range(SECONDS):
        lost = [step[second] for step, _shown in steps]
        low, high = interval(lost)
        print(f"  second {second + 1} {median(lost):6.1f} %, of {STEPS} steps {low:.1f} to {high:.1f}"
              f"{'' if second == 0 else ', ' + held(median(lost))}", flush=True)
    lost, shown = (statistics.mean(statistics.mean(step[kind][1:SECONDS]) for step in steps) for kind in (0, 1))
    print(f"  from second 2 on, on average {lost:.2f} %, shown {shown:.2f} %, {true(shown, lost)}", flush=True)
    mean = statistics.mean(minute[0])
    print(f"  a minute, the first second in it {mean:.1f} %, {held(mean)}", flush=True)


def longest_ms(file, wait):
    descriptor = os.open(file, os.O_RDWR)
    os.pwrite(descriptor, bytes(8), 0)
    os.close(descriptor)
    wait()
    return struct.unpack("Q", file.read_bytes())[0] / 1e6


def bench_pause(top, target):
    """The longest turn of a loop that maps memory and allocates, alone and while we come and go."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "longest"
        file.write_bytes(bytes(8))
        alone, watched, said, calibrated = [], [], [], []
        with running("chrt", "-f", "1", str(target), "3600", str(file)) as pid:
            time.sleep(0.5)

            def come_and_go():
                out = subprocess.run([top, "-b", "--json", "-n", "1", "-d", "0.3", str(pid)],
                                     stdout=subprocess.PIPE, check=True).stdout
                said.append(json.loads(out.splitlines()[-1])["attach"]["longest_s"] * 1e3)

            def calibration_ms():
                out = subprocess.run([top, "-b", "--json", "-n", "4", "-d", "0.3", str(pid)],
                                     stdout=subprocess.PIPE, check=True).stdout
                return json.loads(out.splitlines()[-1])["attach"]["calibrated_s"] * 1e3

            for _ in range(CYCLES):
                calibrated.append(calibration_ms())
                alone.append(longest_ms(file, lambda: time.sleep(1)))
                watched.append(longest_ms(file, come_and_go))
    print(f"longest turn of a loop that maps memory and allocates: alone {median(alone):.3f} ms (at most "
          f"{max(alone):.3f}), while rsprof-top attaches and detaches {median(watched):.3f} (at most "
          f"{max(watched):.3f}; goal 1); setting one file's probes took {median(said):.1f} ms\n"
          f"what a trap costs was measured in {median(calibrated):.1f} ms (at most {max(calibrated):.1f}; goal 20)",
          flush=True)
