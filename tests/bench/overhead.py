"""What watching really costs, beside what is shown; the same for other tools; how long attaching stops."""

import contextlib
import datetime
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from measure import cpu_seconds, running

RATES = (1000, 10000, 100000, 1000000)  # pairs of malloc and free in a second of the target's own time
KIB = 16
PAIR_NS = 12  # of malloc and free themselves
ALONE_S = 0.7
WARM_UP_S = 4  # until the cost of a trap and the rules of all stacks are known
MEASURE_S = 2
BUDGET = "budget of 5 %"
BUDGET_PCT = 5
STEP_RATES = 1000, 100000  # before and after a step of the load
MINUTE_S = 60
WITHIN = 0.2  # shown is to be true to a fifth, ...
WITHIN_POINTS = 0.5  # ... or to half a point
CYCLES = 5
CLASSIC = Path(__file__).with_name("classic.bt")
OURS = {
    "CPU 99 Hz": ("--heap", "off"),
    "CPU 999 Hz": ("--heap", "off", "-F", "999"),
    "CPU 4999 Hz": ("--heap", "off", "-F", "4999"),
    "heap 512K": ("--heap", "512K"),
    "heap exact": ("--heap", "exact"),
    "exact, 4999 Hz": ("--heap", "exact", "-F", "4999"),
    BUDGET: (),
}


def machine():
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "?")
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    return f"{model}, {os.cpu_count()} CPUs{', virtual' if virtual else ''}, Linux {platform.release()}"


class Load:
    """The target at work, with its counters."""

    def __init__(self, slots, rate):
        self.slots = slots
        file = os.open(slots, os.O_RDWR)
        os.pwrite(file, struct.pack("Q", max(int(1e9 / rate) - PAIR_NS, 0)), 64)
        os.close(file)

    def pair_ns(self, pid, seconds):
        """CPU time of the target for a pair and the work that goes with it."""
        pairs, cpu = struct.unpack("Q", self.slots.read_bytes()[:8])[0], cpu_seconds([pid])
        time.sleep(seconds)
        cpu = cpu_seconds([pid]) - cpu
        return 1e9 * cpu / (struct.unpack("Q", self.slots.read_bytes()[:8])[0] - pairs)


def finish(process):
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()


def watch_ours(top, load, pid, options):
    """Time of a pair, and the shares shown meanwhile."""
    argv = [top, "-b", "--json", "-d", "0.5", *options, str(pid)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        time.sleep(WARM_UP_S)
        begin = time.time()
        ns = load.pair_ns(pid, MEASURE_S)
        end = time.time()
        process.terminate()
        refreshes = [json.loads(line) for line in process.stdout if line.startswith(b"{")]
    # The share of a refresh is that of the second before it. On a busy machine it may come late.
    shown = [refresh["overhead"]["target_pct"] for refresh in refreshes
             if begin + 1 <= stamp(refresh["time"]) <= end + 0.5]
    shown = [pct for pct in shown if pct is not None]
    return ns, sum(shown) / len(shown) if shown else float("nan")


def stamp(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def watch_other(argv, load, pid):
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(WARM_UP_S)
        if process.poll() is not None:
            return None
        ns = load.pair_ns(pid, MEASURE_S)
        finish(process)
    return ns


def others(pid, folder):
    """Debian's tools on a process that runs, by name."""
    if shutil.which("perf"):
        record = ("perf", "record", "-q", "-F", "999", "-o", str(folder / "perf.data"), "-p", str(pid))
        yield "perf record -g, 999 Hz", (*record, "-g")
        yield "perf record dwarf, 999 Hz", (*record, "--call-graph", "dwarf")
    if shutil.which("bpftrace"):
        yield "bpftrace malloc/free", ("bpftrace", "-p", str(pid), "-e", CLASSIC.read_text())


def print_row(name, slower, shown=None):
    if slower is None:
        print(f"  {name:28} ended by itself", flush=True)
    elif shown is None:
        print(f"  {name:28} {slower:7.2f} %", flush=True)
    else:
        off = abs(shown - slower)
        good = off <= WITHIN_POINTS or off <= WITHIN * slower
        print(f"  {name:28} {slower:7.2f} %  {shown:7.2f} %  {'' if good else 'not '}true"
              f"{held(slower) if name == BUDGET else ''}", flush=True)


def held(slower):
    return f", {'' if slower <= BUDGET_PCT else 'not '}held"


def bench_rate(top, target, rate):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        slots = folder / "slots"
        slots.write_bytes(bytes(128))
        load = Load(slots, rate)
        with running(str(target), "3600", str(slots), str(KIB)) as pid:
            time.sleep(0.5)
            print(f"{rate} pairs of malloc and free a second    lost    shown", flush=True)
            before = load.pair_ns(pid, ALONE_S)

            def slower(watch):
                """Share of the target's time, beside what it takes alone before and after."""
                nonlocal before
                ns, shown = watch()
                time.sleep(0.3)
                after = load.pair_ns(pid, ALONE_S)
                alone, before = (before + after) / 2, after
                return None if ns is None else 100 * (1 - alone / ns), shown

            for title, options in OURS.items():
                print_row(title, *slower(lambda: watch_ours(top, load, pid, options)))
            for title, argv in others(pid, folder):
                print_row(title, slower(lambda: (watch_other(argv, load, pid), None))[0])
        if shutil.which("heaptrack"):
            print_row("heaptrack (from the start)", heaptrack(target, folder, load, before))


def heaptrack(target, folder, load, alone):
    """It is loaded with the program: what is attached to a running one is not safe, as it says."""
    argv = ("heaptrack", str(target), "12", str(load.slots), str(KIB))
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
                          start_new_session=True) as process:
        time.sleep(WARM_UP_S)
        pids = subprocess.run(["pgrep", "-g", str(os.getpgid(process.pid)), "-x", target.name],
                              stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        ns = load.pair_ns(int(pids[0]), MEASURE_S) if pids else None
        os.killpg(process.pid, signal.SIGKILL)
    return None if ns is None else 100 * (1 - alone / ns)


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
        alone, watched, said = [], [], []
        with running("chrt", "-f", "1", str(target), "3600", str(file)) as pid:
            time.sleep(0.5)

            def come_and_go():
                out = subprocess.run([top, "-b", "--json", "-n", "1", "-d", "0.3", str(pid)],
                                     stdout=subprocess.PIPE, check=True).stdout
                said.append(json.loads(out.splitlines()[-1])["attach"]["longest_s"] * 1e3)

            for _ in range(CYCLES):
                alone.append(longest_ms(file, lambda: time.sleep(1)))
                watched.append(longest_ms(file, come_and_go))
    print(f"longest turn of a loop that maps memory and allocates: alone {median(alone):.3f} ms (at most "
          f"{max(alone):.3f}), while rsprof-top attaches and detaches {median(watched):.3f} (at most "
          f"{max(watched):.3f}; goal 1); setting one file's probes took {median(said):.1f} ms", flush=True)


def bench_step(top, target):
    """What is lost after the load has become a hundred times as high: in each second, and over a minute."""
    with tempfile.TemporaryDirectory() as name:
        slots = Path(name) / "slots"
        slots.write_bytes(bytes(128))
        load = Load(slots, STEP_RATES[1])
        with running(str(target), "3600", str(slots), str(KIB)) as pid:
            time.sleep(0.5)
            alone = load.pair_ns(pid, WARM_UP_S)
            Load(slots, STEP_RATES[0])
            with running(top, "-b", "--json", "-d", "0.5", str(pid)):
                time.sleep(WARM_UP_S)
                Load(slots, STEP_RATES[1])
                lost = [100 * (1 - alone / load.pair_ns(pid, 1)) for _ in range(MINUTE_S)]
    mean = sum(lost) / len(lost)
    print(f"from {STEP_RATES[0]} to {STEP_RATES[1]} pairs a second, with {BUDGET}: in the first second "
          f"{lost[0]:.1f} % lost, in the next ones {lost[1]:.1f}, {lost[2]:.1f}, {lost[3]:.1f}{held(lost[1])}; "
          f"over a minute {mean:.1f}{held(mean)}", flush=True)


def median(values):
    return sorted(values)[len(values) // 2]


def bench(top, targets, rates):
    print(f"on {machine()}", flush=True)
    for rate in rates or RATES:
        bench_rate(top, targets / "load", rate)
    if not rates:
        bench_step(top, targets / "load")
        bench_pause(top, targets / "gaps")
