"""
Attaching and detaching leave no trace: what targets print and how they end is what it is without us,
and after quit or kill -9 no probe is left in them.

RSPROF_CYCLES=1000 attaches so often, RSPROF_KILLS=200 kills so often, for which a test may take longer than
usual: RSPROF_TEST_TIMEOUT_S=900. By default it is done for about a minute.
"""

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import support
from support import differences

KINDS = ("threads", "new_threads", "forks", "execs", "spawns", "jumps", "signals", "coroutines",
         "strict", "filter", "libraries", "throws")
# What works with all other allocators: libraries that are loaded before it, and musl, linked into the program.
ALLOCATOR_KINDS = ("threads", "new_threads", "forks", "jumps", "signals")
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
ALLOCATORS = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2", "tcmalloc": "libtcmalloc.so.4",
              "musl": None}
CYCLES = int(os.environ.get("RSPROF_CYCLES", "72"))
KILLS = int(os.environ.get("RSPROF_KILLS", "20"))

# What takes turns in the cycles: the heap by every link, and CPU samples often. Taking out what perf
# links have put in takes the kernel ten times as long as with the others.
PERF_LINK = ("--heap", "exact", "--uprobe-link=perf")
WAYS = (
    ("--heap", "exact"),
    ("--heap", "exact", "--uprobe-link=multi", "-F", "997"),
    ("--heap", "64K", "-F", "4999"),
    PERF_LINK,
    ("--heap", "auto"),
    ("--heap", "exact", "--uprobe-link=session", "-F", "997"),
    ("--heap", "64K", "--uprobe-link=multi"),
    ("--heap", "exact", "-F", "4999"),
)
# The programs of bpf/ as the kernel lists them.
PROGRAMS = re.compile(r"heap_|cpu_sample")

ONCE = True


def held_programs():
    """The ids of all BPF programs that a process has a descriptor of, or of a link of which."""
    held = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        # A process, or a descriptor, that is gone meanwhile holds nothing.
        with contextlib.suppress(OSError):
            for number in os.listdir(f"/proc/{pid}/fdinfo"):
                with contextlib.suppress(OSError):
                    text = Path(f"/proc/{pid}/fdinfo/{number}").read_text()
                    held.update(map(int, re.findall(r"^prog_id:\s*(\d+)", text, re.M)))
    return held


def our_programs():
    """The ids of all BPF programs in the kernel that are ours, by their names."""
    listed = json.loads(subprocess.run(["bpftool", "-j", "prog", "show"], check=True,
                                       stdout=subprocess.PIPE).stdout)
    return {program["id"] for program in listed if PROGRAMS.match(program.get("name", ""))}


def orphans():
    """Those that nobody holds."""
    return our_programs() - held_programs()


class StormTest(support.LiveTest):
    def start(self, kind, allocator="glibc"):
        storms = self.target("storms.musl" if allocator == "musl" else "storms")
        command = [self.target(kind)] if kind == "throws" else [storms, kind]
        environment = dict(os.environ)
        if library := ALLOCATORS.get(allocator):
            environment["LD_PRELOAD"] = os.path.join(LIBRARIES, library)
        process = self.spawn(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        mode = {"strict": 1, "filter": 2}.get(kind, 0)
        support.wait_until(lambda: self.is_ready(process.pid, mode), "the target at work")
        return process

    @staticmethod
    def is_ready(pid, seccomp):
        """It has its handler for SIGTERM, and is under seccomp if that is its kind."""
        lines = dict(line.split(":\t", 1) for line in support.status(pid).splitlines())
        caught = int(lines["SigCgt"], 16) >> (signal.SIGTERM - 1) & 1
        return caught and int(lines["Seccomp"]) == seccomp

    def finish(self, process):
        """What it printed and its exit status. Only itself gets the signal, not its children."""
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=support.DEADLINE_S)
        return out.decode(errors="replace"), process.returncode

    def reference(self, kind, allocator="glibc"):
        """What a run without us says: a hash, that no round differed, and a status."""
        process = self.start(kind, allocator)
        time.sleep(0.2)
        said, status = self.finish(process)
        self.assertRegex(said, rf"\A{kind} [0-9a-f]{{16}} 0\n\Z")
        self.assertGreater(status, 0)
        return said, status

    def assert_untouched(self, pid):
        support.wait_until(lambda: not differences(pid), "code as in the files", 10)


class CyclesTest(StormTest):
    def attach(self, process, way, allocator):
        """Attaches, prints and detaches. How many allocations were seen."""
        refresh = self.seen(lambda refresh: refresh["heap"]["allocators"], "the probes", "-d", "0.1", *way,
                            process.pid)
        self.assertEqual(refresh["heap"]["state"], "on", refresh["heap"]["reason"])
        self.assertIn(allocator, [each["name"] for each in refresh["heap"]["allocators"]])
        return refresh["heap"]["alloc_objects"]

    def storm(self, kind, cycles, allocator="glibc"):
        expected = self.reference(kind, allocator)
        process = self.start(kind, allocator)
        seen = 0
        for cycle in range(cycles):
            seen += self.attach(process, WAYS[cycle % len(WAYS)], allocator)
        self.assertGreater(seen, 0, "the probes were passed")
        self.assert_untouched(process.pid)
        self.assertEqual(self.finish(process), expected)
        self.ends_under_probes(kind, allocator, expected)

    def ends_under_probes(self, kind, allocator, expected):
        """And a target that ends while it is probed."""
        process = self.start(kind, allocator)
        stream = self.stream("--heap", "exact", "-d", "0.1", process.pid)
        stream.until(lambda refresh: refresh["heap"]["alloc_objects"], "allocations")
        self.assertTrue(differences(process.pid), "a probe is seen by its breakpoint")
        self.assertEqual(self.finish(process), expected)
        stream.until(lambda refresh: refresh["target"]["state"] == "exited", "the exit")
        self.assertEqual(stream.process.wait(support.DEADLINE_S), 0)


class Cycles(CyclesTest):
    """With glibc's allocator; a test for each kind."""


class Allocators(CyclesTest):
    """With the others; a test for each allocator."""

    def storms(self, allocator):
        for kind in ALLOCATOR_KINDS:
            with self.subTest(kind):
                self.storm(kind, max(1, CYCLES // len(KINDS) // len(ALLOCATOR_KINDS)), allocator)


for name in KINDS:
    setattr(Cycles, f"test_{name}", lambda self, kind=name: self.storm(kind, max(1, CYCLES // len(KINDS))))
for name in ALLOCATORS:
    setattr(Allocators, f"test_{name}", lambda self, allocator=name: self.storms(allocator))


class Started(StormTest):
    def test_command(self):
        """The same for what is started with `--`: it is held until the probes are in."""
        for kind in ("threads", "signals", "throws"):
            said, _ = self.reference(kind)
            command = [self.target(kind)] if kind == "throws" else [self.target("storms"), kind]
            stream = self.stream("--heap", "exact", "-d", "0.1", "--", *command)
            # It allocates before it has its handler.
            refresh = stream.until(lambda refresh: refresh["heap"]["alloc_objects"]
                                   and self.is_ready(refresh["target"]["pid"], 0), "allocations, and its handler")
            os.kill(refresh["target"]["pid"], signal.SIGTERM)
            text = ""
            while (line := stream.next_line()) is not None:
                text += line + "\n"
            # One file has the output of both, and what it says may come amid a line of ours.
            self.assertIn(said, text)


class Stopped(StormTest):
    def test_stopped_target(self):
        """A target that does not run can be attached to and is left as it was, still stopped."""
        expected = self.reference("jumps")
        process = self.start("jumps")
        process.send_signal(signal.SIGSTOP)
        support.wait_until(lambda: support.process_state(process.pid) == "T", "the stop")
        refresh = self.seen(lambda refresh: refresh["heap"]["allocators"], "the probes", "-d", "0.1",
                            "--heap", "exact", process.pid)
        self.assertEqual(refresh["heap"]["state"], "on")
        self.assertEqual(support.process_state(process.pid), "T")
        self.assert_untouched(process.pid)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(self.finish(process), expected)


class Kills(StormTest):
    """kill -9 of rsprof-top whenever it is: the kernel takes out what it had put in."""

    def kill_somewhen(self, process, way, moments):
        """While it attaches, while it runs, or while it detaches."""
        top = self.spawn(support.TOP, "-b", "--json", "-d", "0.1", *way, process.pid,
                         stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(0, 0.6))
        if moments.random() < 0.4:
            top.send_signal(signal.SIGTERM)
            time.sleep(moments.uniform(0, 0.06))
        top.kill()
        top.wait()
        support.wait_until(lambda: not self.has_group(top.pid), "the worker's end")

    @staticmethod
    def has_group(group):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, 0)
            return True
        return False

    def test_nothing_is_left(self):
        moments = random.Random(4)
        kinds = ("threads", "forks", "signals", "filter", "new_threads")
        expected = {kind: self.reference(kind) for kind in kinds}
        targets = {kind: self.start(kind) for kind in kinds}
        for number in range(KILLS):
            process = targets[kinds[number % len(kinds)]]
            self.kill_somewhen(process, WAYS[number % len(WAYS)], moments)
            left = orphans()
            support.wait_until(lambda: not left & orphans(), f"BPF programs gone: {left}")
            self.assert_untouched(process.pid)
        for kind in kinds:
            self.assertEqual(self.finish(targets[kind]), expected[kind], kind)

    def test_full_speed(self):
        """After a kill a malloc costs what it did: with a probe it would cost a hundred times that."""
        process = self.spawn(self.target("rate"), stdout=subprocess.PIPE)

        def cost():
            return float(process.stdout.readline())

        def has_allocations(refresh):
            # Its lines are read all the while: it stands still when the pipe is full.
            end = time.monotonic() + 0.05
            while time.monotonic() < end:
                cost()
            return refresh["heap"]["alloc_objects"]

        before = min(cost() for _ in range(50))
        for way in (WAYS[0], PERF_LINK):
            stream = self.stream(*way, "-d", "0.1", process.pid)
            stream.until(has_allocations, "allocations")
            # Lines of before the probes may still be in the pipe.
            support.wait_until(lambda: cost() > 3 * before, "the cost of the probes")
            self.assertTrue(our_programs() & held_programs(), "a program is seen while it is held")
            stream.process.kill()
            stream.process.wait()
            support.wait_until(lambda: cost() * 0.9 <= before, "full speed")
        self.assert_untouched(process.pid)
