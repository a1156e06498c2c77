"""
Too little room, forced: what is lost is counted, and the books of what is tracked stay right. Clause
10.5.3 of SECURITY.

What a target allocates beside its own books (its threads' control blocks, a stream's buffer) is the same
in each run: it is learnt from a run in which nothing is lost.
"""

import collections
import contextlib
import os
import signal
import subprocess
from pathlib import Path

import support
from support import named_sites, read_ledger

Sums = collections.namedtuple("Sums", "alloc_bytes alloc_objects live_bytes live_objects")


class Overflow(support.LiveTest):
    def run_ledger(self, *options, stopped_s=0, threads=3, all_known=False):
        """
        Attaches to a target that waits, lets it work and looks when it has reported; for stopped_s
        seconds of its work rsprof-top does not run. The last refresh, the truth, and what is beside it.
        """
        out = self.folder() / "truth"
        work = ("--load", stopped_s + 1) if stopped_s else ("--rounds", 3000)
        process = self.spawn(self.target("ledger_c"), "--wait", "--out", out, "--threads", threads,
                             *work, "--seconds", 300, stdin=subprocess.PIPE)
        stream = self.stream("--heap", "exact", "-d", "0.5", *options, process.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        if stopped_s:
            stream.process.send_signal(signal.SIGSTOP)
            support.wait_until(lambda: support.process_state(stream.process.pid) == "T", "the stop")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        truth = support.wait_until(lambda: read_ledger(out), "the target's report")
        if stopped_s:
            stream.process.send_signal(signal.SIGCONT)
        refresh = stream.sites_now("ledger_c") if all_known else stream.after_now()
        self.check(refresh, truth)
        total = Sums(*(sum(getattr(site, key) for site in truth.values()) for key in Sums._fields))
        self.end(process)
        return refresh, truth, total

    def check(self, refresh, truth):
        """What has to hold whatever was lost."""
        heap = refresh["heap"]
        for books in [heap] + heap["sites"]:
            self.assertEqual(books["alloc_bytes"] - books["freed_bytes"], books["live_bytes"])
            self.assertEqual(books["alloc_objects"] - books["freed_objects"], books["live_objects"])
            self.assertGreaterEqual(books["live_bytes"], 0)
        for key in Sums._fields:
            self.assertEqual(sum(site[key] for site in heap["sites"]), heap[key], key)
        for channel in refresh["ledger"]["channels"]:
            if channel["produced"] is not None and channel["used_bytes"] == 0:
                self.assertEqual(channel["produced"], channel["consumed"] + channel["lost"], channel)
        for name, site in named_sites(refresh).items():
            self.assertLessEqual(site.alloc_objects, truth[name].alloc_objects, name)
            self.assertLessEqual(site.alloc_bytes, truth[name].alloc_bytes, name)
            self.assertLessEqual(site.live_objects, truth[name].live_objects, name)

    def beside(self, refresh, total):
        return Sums(*(refresh["heap"][key] - getattr(total, key) for key in Sums._fields))

    def without_loss(self, **run):
        refresh, truth, total = self.run_ledger(all_known=True, **run)
        self.assert_ledger(refresh, truth)
        self.assertEqual(self.lost(refresh), {"live objects": 0, "allocation stacks": 0, "threads": 0})
        return self.beside(refresh, total)

    @staticmethod
    def lost(refresh):
        """What the heap's maps had no room for."""
        return {one["name"]: one["refused"] for one in refresh["ledger"]["maps"]
                if one["name"] != "CPU samples by thread" and one["refused"] is not None}

    def channel(self, refresh, name):
        (channel,) = [one for one in refresh["ledger"]["channels"] if one["name"] == name]
        return channel

    def test_small_ring_and_a_reader_that_is_stopped(self):
        """4 KiB, and nobody reads for 10 s: only names can be missing."""
        beside = self.without_loss()
        refresh, _truth, total = self.run_ledger("--ring-bytes", "4096", stopped_s=10)
        channel = self.channel(refresh, "heap ring buffer")
        self.assertEqual(channel["capacity_bytes"], 4096)
        self.assertGreater(channel["lost"], 0)
        self.assertGreater(channel["consumed"], 0)
        self.assertEqual(channel["produced"], channel["consumed"] + channel["lost"])
        self.assertGreaterEqual(refresh["overflow"]["ringbuf_dropped"], channel["lost"])
        self.assertEqual(self.lost(refresh), {"live objects": 0, "allocation stacks": 0, "threads": 0})
        self.assertEqual(self.beside(refresh, total), beside)

    def small_map(self, option, name, room):
        """By each link, each allocation is booked, or counted as one that is not."""
        beside = self.without_loss(threads=1)
        for link in ("session", "multi", "perf"):
            with self.subTest(link):
                refresh, _truth, total = self.run_ledger(option, str(room), f"--uprobe-link={link}", threads=1)
                lost = self.lost(refresh)
                self.assertGreater(lost[name], 0)
                self.assertEqual(refresh["heap"]["alloc_objects"] + sum(lost.values()),
                                 total.alloc_objects + beside.alloc_objects)
                maps = {one["name"]: one for one in refresh["ledger"]["maps"]}
                self.assertEqual(maps[name]["capacity"], room)
                self.assertLessEqual(maps[name]["used"], room)
                self.assertEqual(maps["live objects"]["used"], refresh["heap"]["live_objects"])
        return refresh

    def test_few_objects(self):
        refresh = self.small_map("--heap-entries", "live objects", 64)
        self.assertEqual(refresh["overflow"]["live_map_full"], self.lost(refresh)["live objects"])

    def test_few_stacks(self):
        refresh = self.small_map("--map-entries", "allocation stacks", 16)
        self.assertEqual(refresh["overflow"]["site_map_full"], self.lost(refresh)["allocation stacks"])

    def test_few_threads(self):
        """More threads than there is room for: what one of those frees or moves is out of the books."""
        refresh, _truth, total = self.run_ledger("--map-entries", "64", threads=100)
        self.assertGreater(self.lost(refresh)["threads"], 0)
        self.assertLess(refresh["heap"]["alloc_objects"], total.alloc_objects)


class Memory(support.LiveTest):
    """10.5.2: a kernel that has no memory for the map of live objects gives a smaller one."""

    LIMIT = 500 << 20

    def memory_group(self):
        """A control group with a memory limit of its own: its folder."""
        for parent, limit in (("/sys/fs/cgroup", "memory.max"),
                              ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
            group = Path(parent) / f"rsprof-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError:
                continue
            self.addCleanup(support.wait_until, lambda: self.is_removed(group), "the end of all in the group")
            if (group / limit).exists():
                (group / limit).write_text(str(self.LIMIT))
                return group
        self.skipTest("this kernel has no control groups that limit memory")

    @staticmethod
    def is_removed(group):
        """Not as long as one of its processes is there, as the worker is for a moment."""
        with contextlib.suppress(OSError):
            group.rmdir()
        return not group.exists()

    def test_smaller_map(self):
        group = self.memory_group()
        process = self.spawn(self.target("demo"))
        refresh = self.seen(
            lambda refresh: refresh["heap"]["live_objects"], "live objects",
            "--heap", "exact", "--heap-entries", "64M", process.pid,
            prefix=("sh", "-c", f'echo $$ >{group}/cgroup.procs && exec "$@"', "sh"))
        (live,) = [one for one in refresh["ledger"]["maps"] if one["name"] == "live objects"]
        self.assertLess(live["capacity"], 64 << 20)
        self.assertGreaterEqual(live["capacity"], 4096)
        self.assertEqual(refresh["heap"]["state"], "on")
        self.assertIn(f"{live['capacity']} can be tracked", refresh["heap"]["reason"])


class MapMemory(support.LiveTest):
    """What the maps take is what the kernel says of our own descriptors."""

    @staticmethod
    def by_kernel(pid):
        """Bytes of each map, by the kernel's number of it."""
        maps = {}
        for file in Path(f"/proc/{pid}/fdinfo").iterdir():
            with contextlib.suppress(FileNotFoundError):
                facts = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
                if "map_id" in facts:
                    maps[int(facts["map_id"])] = int(facts["memlock"])
        return maps

    def test_as_in_fdinfo(self):
        process = self.spawn("sleep", "600")
        stream = self.stream("--heap", "exact", "-d", "0.5", process.pid)

        def agrees(refresh):
            return refresh["ledger"]["maps_memory_bytes"] == sum(self.by_kernel(stream.process.pid).values())

        refresh = stream.until(
            lambda refresh: refresh["heap"]["state"] == "on" and agrees(refresh), "the kernel's sum")
        rows = {one["name"]: one["memory_bytes"] for one in refresh["ledger"]["maps"]}
        self.assertEqual(sum(rows.values()), refresh["ledger"]["maps_memory_bytes"])
        known = list(self.by_kernel(stream.process.pid).values())
        for name in ("live objects", "allocation stacks", "threads", "unwind rules",
                     "CPU samples by stack", "CPU samples by thread", "heap ring buffer"):
            self.assertGreater(rows[name], 0, name)
            self.assertIn(rows[name], known, name)
        self.assertGreater(rows["other maps"], 0)
