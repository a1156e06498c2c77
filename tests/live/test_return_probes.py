"""Stacks in functions that are probed, by us and by others, at any moment of what the kernel does for it."""

import os
import re
import subprocess

import support

SAMPLED, EXACT = (("--heap", mode, "--max-overhead", "0", "-F", "997") for mode in ("512K", "exact"))
GROUP = f"rsprof_{os.getpid()}"


class Probed(support.LiveTest):
    def complete(self, process, least, samples, *options):
        """The longest stack that allocates; of so many samples a share at least must have a complete stack."""
        refresh = self.seen(
            lambda refresh: refresh["cpu"]["samples"] >= samples and refresh["heap"] and refresh["heap"]["sites"],
            f"{samples} samples and an allocation", *options, process.pid)
        cpu = refresh["cpu"]
        self.assertGreaterEqual(cpu["stacks_complete"], least * cpu["samples"] - 3,
                                f'{cpu["stacks_complete"]} of {cpu["samples"]} stacks are complete')
        if cpu["unwind_check"]:
            self.assertEqual(cpu["unwind_check"]["different"], 0)
        stacks = [stack["frames"] for site in refresh["heap"]["sites"] for stack in site["stacks"]]
        return [frame["function"] for frame in max(stacks, key=len)]


class ProbedByUs(Probed):
    """999 in 1,000 stacks of a target that does nothing but allocate and free are complete."""

    def pairs(self):
        counters = self.folder() / "pairs"
        counters.write_bytes(bytes(128))
        return self.spawn(self.target("pairs"), 600, 1, 20, counters)

    def assert_pairs(self, *options, samples=6000):
        stack = self.complete(self.pairs(), 0.999, samples, *options)
        self.assertEqual(stack[:1] + stack[17:], ["pairs_loop", "pairs_thread", "start_thread", "__clone3"])
        self.assertEqual(set(stack[1:17]), {"pairs_recurse"})

    def test_sampled(self):
        """Most calls are left alone: our program has only looked at them."""
        self.assert_pairs(*SAMPLED)

    def test_exact(self):
        self.assert_pairs(*EXACT)

    def test_the_first_ones_too(self):
        """Of a quarter of a million allocations a second. On a machine that is busy with others, rules may come
        later than the buffers are full; that is counted, and another run is looked at."""
        for _ in range(3):
            refresh, = self.refreshes("-n", "1", "-d", "1", *EXACT, self.pairs().pid)
            site, = refresh["heap"]["sites"]
            lost = sum(channel["lost"] for channel in refresh["ledger"]["channels"])
            if not lost + refresh["ledger"]["stacks_unlearnt"]:
                break
        self.assertEqual((lost, refresh["ledger"]["stacks_unlearnt"]), (0, 0))
        self.assertEqual({len(stack["frames"]) for stack in site["stacks"]}, {20})
        self.assertGreater(site["alloc_objects"], 50000)

    def test_other_links(self):
        """Of older kernels: the return of each call is probed, by a link of its own."""
        for link in ("multi", "perf"):
            with self.subTest(link=link):
                self.assert_pairs(*SAMPLED, "--uprobe-link", link, samples=4000)

    def test_both_ways(self):
        for options in (SAMPLED, EXACT):
            with self.subTest(options=options):
                self.assert_pairs(*options, "--check-unwinding", samples=4000)

    def test_beside_another_session(self):
        """On another process: the kernel asks its program about our target's calls, too, and probes returns that
        we leave alone."""
        other = self.stream(*EXACT, self.pairs().pid)
        other.until(lambda refresh: refresh["heap"] and refresh["heap"]["sites"], "the other's probes")
        self.assert_pairs(*SAMPLED)


class ProbedByATracer(Probed):
    """The kernel's own tracer probes the returns of the target's functions. A sample in the moment in which a return
    address is displaced for it finds that nowhere: those are few."""

    FRAMES = 30

    def setUp(self):
        super().setUp()
        self.tracing = self.folder()
        subprocess.run(["mount", "-t", "tracefs", "tracefs", self.tracing], check=True)
        self.addCleanup(subprocess.run, ["umount", self.tracing], check=True)

    def write(self, name, text):
        """Adds to what is in a file of the tracer's, which others may use, too."""
        file = os.open(self.tracing / name, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)

    @staticmethod
    def output(*argv):
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def probe_returns(self, path, functions):
        offset, address = (int(word, 16) for word in re.search(
            r"LOAD +(0x\w+) (0x\w+) .* R E ", self.output("readelf", "-lW", path)).groups())
        symbols = {name: int(value, 16)
                   for value, name in re.findall(r"(\w+) T (\w+)", self.output("nm", path))}
        for function in functions:
            name = f"{GROUP}/{function}"
            self.write("uprobe_events", f"r:{name} {path}:{symbols[function] - address + offset:#x}\n")
            self.addCleanup(self.write, "uprobe_events", f"-:{name}\n")
            self.addCleanup(self.write, f"events/{name}/enable", "0")
            self.write(f"events/{name}/enable", "1")

    def test_frames(self):
        """There are as many trampolines on the stack."""
        path = self.target("returns")
        self.probe_returns(path, ["returns_recurse", "returns_allocate"])
        process = self.spawn(path, 600, self.FRAMES)
        for options in (SAMPLED, EXACT):
            with self.subTest(options=options):
                stack = self.complete(process, 0.95, 4000, *options, "--check-unwinding")
                self.assertEqual(stack[:-3], ["returns_allocate"] + self.FRAMES * ["returns_recurse"] + ["main"])
                self.assertEqual(stack[-1], "_start")
