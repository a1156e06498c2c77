"""CPU profiles that are known beforehand."""

import os
import shutil
import subprocess

import support
from support import ENOUGH, cpu_seconds, functions, is_named, share, user_samples

SHARES = {"hot_sixty": 60, "hot_thirty": 30, "hot_ten": 10}


class Shares(support.LiveTest):
    def profile_of(self, target, *arguments, lines=()):
        process = self.spawn(self.target(target), 600, *arguments)
        return self.profile(process, target, lines=lines)

    def check(self, target, main):
        refresh = self.profile_of(target, lines=SHARES)
        self.assert_shares(refresh, SHARES)
        self.assert_complete(refresh)
        for function in refresh["cpu"]["functions"]:
            self.assertGreaterEqual(function["total_samples"], function["self_samples"])
            self.assertLessEqual(function["total_samples"], refresh["cpu"]["samples"])
        for word in (main, "run", "level_a", "level_b"):
            self.assertGreaterEqual(share(refresh, word, "total_pct"), 97, word)
            self.assertLess(share(refresh, word, "self_pct"), 2, word)
        for word in SHARES:
            (function,) = functions(refresh, rf"\b{word}\b")
            self.assertEqual(function["module"], target)
            self.assertRegex(function["file"], r"shares(_\w+)?\.(c|cc|h|rs)$")
            self.assertGreater(function["line"], 0)
        return refresh

    def test_c(self):
        self.check("shares_c", "main")

    def test_cc(self):
        refresh = self.check("shares_cc", "main")
        for word in SHARES:
            self.assertTrue(functions(refresh, rf"\bshares::{word}\b"), word)

    def test_rust_v0(self):
        refresh = self.check("shares_rs", "shares_rs::main")
        for word in SHARES:
            (function,) = functions(refresh, rf"\bshares_rs::shares::{word}\b")
            self.assertNotRegex(function["name"], r"_R|\[[0-9a-f]+\]")

    def test_several_threads(self):
        refresh = self.profile_of("shares_c", 4)
        self.assert_shares(refresh, SHARES)
        self.assert_complete(refresh)
        self.assertEqual(refresh["target"]["threads"], 4)

    def test_static(self):
        refresh = self.profile_of("static_shares")
        self.assert_shares(refresh, SHARES)
        self.assert_complete(refresh)

    def test_default_frequency(self):
        """Of 99 samples a second, of each of as many threads as there are CPUs."""
        process = self.spawn(self.target("shares_c"), 600, os.cpu_count())
        refresh = self.profile(process, "shares_c", "--heap", "off", samples=1000)
        self.assert_shares(refresh, SHARES)
        self.assert_complete(refresh)
        self.assertEqual(refresh["cpu"]["frequency_hz"], 99)


class Stacks(support.LiveTest):
    def test_deep_stacks(self):
        process = self.spawn(self.target("deep"), 600)
        refresh = self.profile(process, "deep")
        self.assert_complete(refresh)
        self.assertGreaterEqual(share(refresh, "deep_spin"), 95)
        # A function counts once in a stack, however often it is in it.
        self.assertGreaterEqual(share(refresh, "deep_recurse", "total_pct"), 97)
        self.assertLessEqual(share(refresh, "deep_recurse", "total_pct"), 100)
        self.assertLess(share(refresh, "deep_recurse", "self_pct"), 2)

    def test_command(self):
        """From the first instruction to the exit. The command has our output and prints nothing."""
        refresh = self.refreshes("--heap", "off", "-F", "997", "--", self.target("deep"), 3)[-1]
        self.assertEqual(refresh["target"]["state"], "exited")
        self.assertGreater(refresh["cpu"]["samples"], 300)
        self.assert_complete(refresh)
        self.assertGreaterEqual(share(refresh, "main", "total_pct"), 95)
        self.assertGreaterEqual(share(refresh, "deep_spin"), 95)

    def test_main_thread_ends_first(self):
        """Its perf event, which may be the one that has the ring, hangs up then."""
        refreshes = self.refreshes("--heap", "off", "--", self.target("orphans"), 3)
        self.assertGreaterEqual(share(refreshes[-1], "orphan_work", "total_pct"), 95)
        self.assertGreater(refreshes[-1]["cpu"]["samples"], 40)
        self.assertLess(min(one["overhead"]["self_cpu_pct"] for one in refreshes[1:]), 40)

    def test_under_probes(self):
        """A target that does nothing but allocate: the traps of our own probes break no stack."""
        process = self.spawn(self.target("dies_soon"), 600000)
        refresh = self.profile(process, "dies_soon", "--heap", "exact", "-F", "499", samples=100)
        self.assertGreaterEqual(share(refresh, "brief_work", "total_pct"), 95)
        self.assert_complete(refresh)

    def test_stripped(self):
        process = self.spawn(self.target("stripped_c"), 600)

        def hot_in(refresh):
            return [function for function in refresh["cpu"]["functions"]
                    if function["self_pct"] > 1 and function["module"] == "stripped_c"]

        # Until their starts are known it has many addresses.
        refresh = self.seen(lambda refresh: user_samples(refresh) >= ENOUGH and len(hot_in(refresh)) == 3,
                            "three functions", *support.OFTEN, process.pid)
        self.assert_complete(refresh)
        hot = hot_in(refresh)
        # The same program with its symbols: each function is one row, named by where it starts.
        symbols = subprocess.run(["nm", "--defined-only", self.target("shares_c")], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout.splitlines()
        starts = {int(line.split()[0], 16) for line in symbols if line.split()[1] in "tT"}
        self.assertEqual(len({function["name"] for function in hot}), len(hot))
        for function in hot:
            self.assertRegex(function["name"], r"\Astripped_c\+0x[0-9a-f]+\Z")
            self.assertIn(int(function["name"].split("+")[1], 16), starts)
            self.assertIsNone(function["file"])
            self.assertIsNone(function["line"])

    def test_kernel_time(self):
        process = self.spawn("dd", "if=/dev/zero", "of=/dev/null", "bs=64k",
                             stderr=subprocess.DEVNULL)
        refresh = self.seen(lambda refresh: refresh["cpu"]["samples"] >= 500, "500 samples",
                            *support.OFTEN, process.pid)
        kernel = sum(function["self_samples"] for function in refresh["cpu"]["functions"]
                     if "kernel" in (function["module"] or ""))
        self.assertGreater(kernel, refresh["cpu"]["samples"] / 2)


class Counting(support.LiveTest):
    """Samples are CPU time: none is missing and none is counted twice."""

    def check(self, target, *arguments):
        process = self.spawn(self.target(target), 600, *arguments)
        stream = self.stream(*support.OFTEN, "-d", "0.5", process.pid)
        # By then the rules are known: no sample waits for them.
        first = stream.until(lambda refresh: refresh["cpu"]["samples"] >= 500 and is_named(refresh, target),
                             "500 samples and names")
        cpu_first = cpu_seconds(process.pid)
        last, used = first, 0
        while used < 4:
            last = stream.next()
            self.assertIsNotNone(last)
            used = cpu_seconds(process.pid) - cpu_first
        sampled = (last["cpu"]["samples"] - first["cpu"]["samples"]) / last["cpu"]["frequency_hz"]
        self.assertAlmostEqual(sampled, used, delta=0.15 * used + 0.1)
        self.assertEqual(last["overflow"]["perf_lost"], 0)
        return last

    def test_one_thread(self):
        self.check("shares_c")

    def test_new_threads(self):
        refresh = self.check("threads")
        self.assertGreaterEqual(share(refresh, "late_thread_work"), 85)
        self.assert_complete(refresh)


class GoneBinary(support.LiveTest):
    """The file that a process runs may be gone or another one: the names are still its own."""

    def check(self, change):
        path = self.folder() / "shares_copy"
        shutil.copy(self.target("shares_c"), path)
        process = self.spawn(path, 600)
        support.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(path), "exec")
        change(path)
        refresh = self.profile(process, path.name)
        self.assert_shares(refresh, SHARES)
        self.assert_complete(refresh)

    def test_deleted(self):
        self.check(lambda path: path.unlink())

    def test_replaced(self):
        def replace(path):
            other = path.with_name("other")
            shutil.copy(self.target("ledger_c"), other)
            other.rename(path)

        self.check(replace)
