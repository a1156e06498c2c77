"""What heap tracking costs: time of the target for a malloc and its free, CPU of our own."""

import collections
import contextlib
import json
import os
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import cpu_seconds, family, running
from terminal import Terminal

TURNS = 3
WARM_UP_S = 4  # until all rules of the loop's stacks are learnt, and all of bpftrace's probes are set
MEASURE_S = 2
FRAMES = (5, 30)
SLOT_BYTES = 128  # of each thread's counter, see pairs.c
HELD_OBJECTS = 1 << 20
HELD_SETTLE_S = 5
HELD_REFRESHES = 10
DEADLINE_S = 60
CLASSIC = Path(__file__).with_name("classic.bt")

Pairs = collections.namedtuple("Pairs", "pid threads counters")
# Nanoseconds of the target for a pair, per cent of a core of the watcher's own, pairs a second.
Turn = collections.namedtuple("Turn", "pair_ns own_pct rate")


def sites(top, pid):
    """FILE:OFFSET of each place that rsprof-top would probe for malloc and free."""
    files = {Path(line.split()[-1]).name: line.split()[-1]
             for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "/" in line}
    listed = subprocess.run([top, "--probes", str(pid)], stdout=subprocess.PIPE, text=True, check=True)
    places = []
    for line in listed.stdout.splitlines():
        words = line.split()  # allocator, function, module, the function's offset, the place in it
        if len(words) > 4 and words[1] in ("malloc", "free"):
            places.append(f"{files[words[2]]}:{int(words[3], 16) + int(words[4])}")
    if len(places) != 2:
        sys.exit(f"bench: malloc and free are not among the probes:\n{listed.stdout}")
    return places


def counted(pairs):
    data = Path(pairs.counters).read_bytes()
    return sum(struct.unpack_from("Q", data, i * SLOT_BYTES)[0] for i in range(pairs.threads))


def measure(pairs, watcher_pids, wait):
    start, own, work, cpu = (time.monotonic(), cpu_seconds(watcher_pids), counted(pairs),
                             cpu_seconds([pairs.pid]))
    wait()
    seconds, done = time.monotonic() - start, counted(pairs) - work
    return Turn(1e9 * (cpu_seconds([pairs.pid]) - cpu) / done,
                100 * (cpu_seconds(watcher_pids) - own) / seconds, done / seconds)


def alone(pairs):
    return measure(pairs, [], lambda: time.sleep(MEASURE_S))


def beside(argv):
    """A turn beside a program without a screen, which is interrupted at the end."""
    def turn(pairs):
        with subprocess.Popen(argv(pairs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(WARM_UP_S)
            if process.poll() is not None:
                sys.exit(f"bench: ended with {process.returncode}: {argv(pairs)}")
            result = measure(pairs, list(family(process.pid)), lambda: time.sleep(MEASURE_S))
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(DEADLINE_S)
            process.kill()
        return result
    return turn


def on_screen(argv):
    def turn(pairs):
        screen = Terminal(*argv, str(pairs.pid))
        screen.drain(WARM_UP_S)
        result = measure(pairs, list(family(screen.pid)), lambda: screen.drain(MEASURE_S))
        screen.close()
        return result
    return turn


def watchers(top, tests, floor, frames):
    """Everything that takes turns on a loop, by name. bpftrace does not walk its stacks: once is enough."""
    several = {
        "nobody": alone,
        "two empty probes": beside(lambda pairs: [str(tests / "tools" / "bare_probes"), str(pairs.pid),
                                                  *floor]),
        "--heap 512K": on_screen((top, "--heap", "512K")),
        "--heap exact": on_screen((top, "--heap", "exact")),
    }
    if frames == FRAMES[0] and shutil.which("bpftrace"):
        script = CLASSIC.read_text().replace(":libc:", f":{tests / 'targets' / 'pairs'}:")
        several["bpftrace"] = beside(lambda pairs: ["bpftrace", "-p", str(pairs.pid), "-e", script])
    return several


def bench_pairs(top, tests, threads, frames):
    """Medians of the turns, by name."""
    with tempfile.NamedTemporaryFile() as counters:
        counters.truncate(SLOT_BYTES * threads)
        with running(str(tests / "targets" / "pairs"), "3600", str(threads), str(frames),
                     counters.name) as pid:
            pairs = Pairs(pid, threads, counters.name)
            time.sleep(1)
            several = watchers(top, tests, sites(top, pid), frames)
            turns = {name: [] for name in several}
            for _ in range(TURNS):
                for name, turn in several.items():
                    turns[name].append(turn(pairs))
    return {name: Turn(*map(statistics.median, zip(*each))) for name, each in turns.items()}


def print_pairs(threads, frames, medians):
    floor = medians["two empty probes"].pair_ns
    goals = {"--heap 512K": 1.15, "--heap exact": 2.2 if frames == FRAMES[0] else 5}
    print(f"malloc and free, {threads} thread{'s' if threads > 1 else ' '}, {frames:2} frames    "
          f"ns a pair   of the floor    own CPU at events/s   (medians of {TURNS} turns)")
    for name, each in medians.items():
        goal = f"(goal {goals[name]})" if name in goals else ""
        print(f"  {name:36} {each.pair_ns:9.0f}   {each.pair_ns / floor:5.2f} {goal:12}"
              f" {each.own_pct:5.2f} % {2 * each.rate / 1e6:8.2f} M")
    if "bpftrace" in medians:
        theirs = medians["bpftrace"].pair_ns
        print(f"  bpftrace costs {theirs / medians['--heap exact'].pair_ns:.1f} times as much as exact "
              f"(goal 5), {theirs / medians['--heap 512K'].pair_ns:.1f} times as much as sampled (goal 8)",
              flush=True)


def next_refresh(stream):
    for line in stream:
        if line.startswith(b"{"):
            return json.loads(line)
    sys.exit("bench: rsprof-top ended before its refreshes were counted")


def own_pids(pid):
    return [each for each in family(pid) if Path(f"/proc/{each}/comm").read_text() != "holds\n"]


def refreshes_on_screen(argv, held):
    """CPU seconds of a refresh, on average."""
    screen = Terminal(*argv)
    while not any(Path(held.name).read_bytes()):
        screen.drain(1)
    screen.drain(HELD_SETTLE_S)
    pids, before = own_pids(screen.pid), cpu_seconds(own_pids(screen.pid))
    screen.drain(HELD_REFRESHES)
    cost = (cpu_seconds(pids) - before) / HELD_REFRESHES
    screen.close()
    return cost


def refreshes_as_json(argv, held):
    """Of some refreshes: CPU seconds, on average; the longest time between two; live objects at the end."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        while not any(Path(held.name).read_bytes()):
            next_refresh(process.stdout)
        for _ in range(HELD_SETTLE_S):
            next_refresh(process.stdout)
        own = own_pids(process.pid)
        times, before = [time.monotonic()], cpu_seconds(own)
        for _ in range(HELD_REFRESHES):
            heap = next_refresh(process.stdout)["heap"]
            times.append(time.monotonic())
        cost = (cpu_seconds(own) - before) / HELD_REFRESHES
        process.terminate()
        for pid in set(family(process.pid)) - set(own):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL)
    return cost, max(after - before for before, after in zip(times, times[1:])), heap["live_objects"]


def bench_held(top, tests):
    with tempfile.NamedTemporaryFile() as held:
        target = ["--", str(tests / "targets" / "holds"), "3600", str(HELD_OBJECTS - (1 << 12)), held.name]
        watch = [top, "--heap", "exact", "-d", "1"]
        held.truncate(8)
        on_terminal = refreshes_on_screen(watch + target, held)
        held.truncate(0)
        held.truncate(8)
        as_json, gap, objects = refreshes_as_json(watch + ["-b", "--json"] + target, held)
    print(f"{objects} live objects of 1,024 stacks: own CPU of a refresh {1000 * on_terminal:.1f} ms on the "
          f"screen (goal 50), {1000 * as_json:.1f} ms as JSON of all stacks; longest time between two "
          f"refreshes {gap:.2f} s of 1", flush=True)


def bench(top, tests):
    for threads in (1, 2):
        for frames in FRAMES:
            print_pairs(threads, frames, bench_pairs(top, tests, threads, frames))
    if not shutil.which("bpftrace"):
        print("bpftrace: not measured, it is not installed")
    bench_held(top, tests)
