"""Targets whose mappings change while they are watched: every name is of what was there then."""

import os
import re
import shutil
import subprocess
import unittest.mock

import support
from support import (ENOUGH, NAMELESS, OFTEN, cpu_seconds, functions, is_named, process_state, read_ledger, share,
                     user_samples, user_share)


class Libraries(support.LiveTest):
    """Two libraries that are loaded in turn at one address."""

    ROUNDS = 12

    def swap(self, *path):
        folder = self.folder()
        ledger = folder / "ledger"
        libraries = [shutil.copy(self.target(f"libswap_{who}.so"), folder) for who in "ab"]
        stream = self.stream("--heap", "exact", "-F", "997", "-d", "0.5", "--",
                             self.target("swaps"), *libraries, self.ROUNDS, ledger,
                             *[folder / name for name in path])
        truth = {}

        def is_done(refresh):
            self.assertEqual(refresh["target"]["state"], "running", "the target has given up")
            truth.update(read_ledger(ledger) or {})
            return truth

        modules = path or ("libswap_a.so", "libswap_b.so")
        stream.until(is_done, "the ledger")
        for module in modules:
            stream.until(lambda refresh: is_named(refresh, module), "names")
            refresh = stream.sites_now(module)
        self.assert_ledger(refresh, truth)
        # Half of some 3000 samples, or on a busy machine of some hundreds: five standard errors and more.
        samples = user_samples(refresh)
        self.assertGreater(samples, 300)
        for who in "ab":
            (hot,) = functions(refresh, rf"\bswap_{who}_hot\b")
            self.assertAlmostEqual(user_share(refresh, rf"\bswap_{who}_hot\b"), 50,
                                   delta=max(8, 5 * (ENOUGH / samples) ** 0.5))
            self.assertEqual(hot["module"], path[0] if path else f"libswap_{who}.so")
        self.assert_complete(refresh)
        # Everything else in them, and what is in no known mapping, takes next to nothing.
        other = sum(function["self_pct"] for function in refresh["cpu"]["functions"]
                    if re.search(r"swap_[ab]\.so|plugin|unknown", function["module"])
                    and not re.search(r"swap_[ab]_hot", function["name"]))
        self.assertLess(other, 1)

    def test_in_turn(self):
        self.swap()

    def test_file_replaced(self):
        self.swap("plugin.so")

    def test_objects_outlive_their_library(self):
        """Each is sent with a copy of its stack, as its library is new: that costs no entry for ever."""
        process = self.spawn(self.target("lives"), 2, "keep",
                             *[self.target(f"libswap_{who}.so") for who in "ab"])
        stream = self.stream("--heap", "exact", "-d", "0.5", process.pid)

        def joined(refresh):
            (stacks,) = [entry["used"] for entry in refresh["ledger"]["maps"]
                         if entry["name"] == "allocation stacks"]
            return refresh["heap"]["live_objects"] > max(40, 2 * stacks) and not any(
                re.search(NAMELESS, name) for name in large(refresh))

        def large(refresh):
            return {site["function"] or site["module"] for site in refresh["heap"]["sites"]
                    if site["live_objects"] > 10}

        refresh = stream.until(joined, "objects in the books of a few stacks, and names")
        self.assertEqual(large(refresh), {"site_swap_a", "site_swap_b"})
        objects = sum(site["live_objects"] for site in refresh["heap"]["sites"] if site["live_objects"] > 10)
        self.assertGreater(refresh["ledger"]["stacks_copied"], 0.9 * objects)


class Exec(support.LiveTest):
    def test_another_program(self):
        process = self.spawn(self.target("execs"), self.target("shares_c"), 60,
                             stdin=subprocess.PIPE)
        stream = self.stream(*OFTEN, "-d", "0.5", process.pid)
        self.assertIsNotNone(stream.next())
        process.stdin.write(b"go\n")
        process.stdin.flush()
        refresh = stream.until(lambda refresh: user_samples(refresh) > ENOUGH and is_named(refresh, "shares_c"),
                               f"{ENOUGH} samples and names")
        self.assertGreaterEqual(share(refresh, "run", "total_pct"), 90)
        self.assertGreater(share(refresh, "hot_sixty"), share(refresh, "hot_thirty"))
        self.assertGreater(share(refresh, "hot_thirty"), share(refresh, "hot_ten"))
        self.assert_complete(refresh)
        for word in ("hot_sixty", "hot_thirty", "hot_ten"):
            self.assertEqual([function["module"] for function in functions(refresh, word)],
                             ["shares_c"])


class MadeCode(support.LiveTest):
    def test_written_then_executable(self):
        process = self.spawn(self.target("jits"), 60)
        stream = self.stream(*OFTEN, "-d", "0.5", process.pid)
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] > 2000, "2000 samples")
        self.assertGreater(user_share(refresh, r"\A\[anon\]\+"), 90)
        self.assertEqual([function for function in refresh["cpu"]["functions"]
                          if function["module"] == "[unknown]"], [])


class Churn(support.LiveTest):
    """A target that does nothing but map and unmap costs us neither all our time nor memory."""

    GROWTH_BYTES = 24 << 20

    def setUp(self):
        super().setUp()
        # Where there is a sanitizer it would keep what has been freed.
        options = os.environ.get("ASAN_OPTIONS", "")
        patch = unittest.mock.patch.dict(
            os.environ, ASAN_OPTIONS=f"{options}:quarantine_size_mb=4".lstrip(":"))
        patch.start()
        self.addCleanup(patch.stop)

    def churn(self, *kind):
        process = self.spawn(self.target("churns"), kind[0], 60, *kind[1:])
        stream = self.stream(*OFTEN[:2], "-F", "99", "-d", "0.5", process.pid)
        # Reading the files takes time and memory.
        first = stream.until(lambda refresh: refresh["elapsed_s"] > 2 and is_named(refresh, "churns"), "names")
        top = stream.process.pid
        cpu_first = cpu_seconds(top)
        last = stream.until(lambda refresh: refresh["elapsed_s"] > first["elapsed_s"] + 4, "6 s")
        used = (cpu_seconds(top) - cpu_first) / (last["elapsed_s"] - first["elapsed_s"])
        print(f"{kind[0]}: {used:.0%} of a CPU, "
              f"{last['overhead']['self_rss_bytes'] - first['overhead']['self_rss_bytes']} bytes, "
              f"{last['overflow']['perf_lost']} records lost")
        self.assertNotEqual(process_state(process.pid), "Z")
        self.assertLess(used, 0.6)
        self.assertLess(last["overhead"]["self_rss_bytes"],
                        first["overhead"]["self_rss_bytes"] + self.GROWTH_BYTES)
        self.assertGreater(share(last, f"churn_{kind[0]}", "total_pct"), 80)

    def test_same(self):
        self.churn("same")

    def test_wander(self):
        self.churn("wander")

    def test_files(self):
        self.churn("files", self.target("libswap_a.so"), self.target("libswap_b.so"))
