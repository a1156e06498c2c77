"""Heap books that are known to the byte."""

import os
import subprocess
from pathlib import Path

import support
from ledger import LedgerTest
from support import named_sites, read_ledger

TARGETS = ("ledger_c", "ledger_cc", "ledger_rs")
# How long the books are kept under load: RSPROF_LEDGER_SECONDS=60 looks longer.
LEDGER_SECONDS = int(os.environ.get("RSPROF_LEDGER_SECONDS", "5"))


class Ledger(LedgerTest):
    def test_command_c(self):
        refresh, _truth = self.command("ledger_c")
        (allocator,) = refresh["heap"]["allocators"]
        self.assertEqual(allocator["name"], "glibc")
        self.assertRegex(allocator["module"], r"libc\.so\.6$")
        self.assertGreaterEqual(allocator["probes"], 9)

    def test_command_cc(self):
        self.command("ledger_cc")

    def test_command_rust_legacy(self):
        self.command("ledger_rs")

    def test_command_many_threads(self):
        self.command("ledger_c", work=("--threads", 16))

    def test_command_static(self):
        refresh, _truth = self.command("static_c")
        (allocator,) = refresh["heap"]["allocators"]
        self.assertEqual(allocator["module"], "static_c")

    def under_load(self, *options, threads=8):
        """Threads that free and realloc what others allocated, interrupted by signals all the time."""
        _refresh, truth = self.command(
            "ledger_c", *options, work=("--threads", threads, "--load", LEDGER_SECONDS, "--signals"),
            seconds=support.DEADLINE_S + 3 * LEDGER_SECONDS)
        print(truth["site_cross_realloc"])
        self.assertGreater(truth["site_cross_realloc"].alloc_objects, 1000 * LEDGER_SECONDS)
        # Of the address space, some allocations were given and the last of them not.
        self.assertGreater(truth["site_limited_malloc"].live_objects, 0)
        self.assertGreater(truth["site_limited_seed"].live_objects, 0)

    def test_load(self):
        self.under_load()

    def test_load_link_perf(self):
        self.under_load("--uprobe-link=perf", threads=3)

    def test_attached_c(self):
        self.attached("ledger_c")

    def test_attached_cc(self):
        self.attached("ledger_cc")

    def test_attached_rust_legacy(self):
        self.attached("ledger_rs")

    def test_attached_static(self):
        self.attached("static_c")

    def test_command_link_multi(self):
        self.command("ledger_c", "--uprobe-link=multi")

    def test_command_link_perf(self):
        self.command("ledger_c", "--uprobe-link=perf")

    def test_attached_link_multi(self):
        self.attached("ledger_c", "--uprobe-link=multi")

    def test_attached_link_perf(self):
        self.attached("ledger_c", "--uprobe-link=perf")


class Mmap(LedgerTest):
    """--heap-mmap: what a program maps itself is booked, and what malloc() maps only once."""

    def test_command(self):
        refresh, _truth = self.command("ledger_mmap", "--heap-mmap")
        self.assertIn("mmap", [allocator["name"] for allocator in refresh["heap"]["allocators"]])

    def test_links(self):
        for link in ("multi", "perf"):
            with self.subTest(link):
                self.command("ledger_mmap", "--heap-mmap", f"--uprobe-link={link}")

    def test_attached(self):
        self.attached("ledger_mmap", "--heap-mmap")

    def test_not_by_default(self):
        refresh = self.reported("ledger_mmap").sites_now("ledger_mmap")
        self.assertEqual(named_sites(refresh).keys(), {"site_malloc"})


class First(support.LiveTest):
    """A command is seen from its first instruction: before constructors and main allocate."""

    def first(self, name):
        refresh = self.refreshes("-d", "0.5", "--", self.read_target(name))[-1]
        live = {site["function"]: site["live_bytes"] for site in refresh["heap"]["sites"]}
        self.assertEqual(live.get("site_constructor"), 12345)
        self.assertEqual(live.get("site_main"), 54321)

    def test_plain(self):
        self.first("first")

    def test_library_with_holes(self):
        """Whose loader calls mprotect before the C library is there."""
        self.first("first_holes")


class Sites(LedgerTest):
    def sites(self, target, word):
        """The places in the function, one for each of its lines that allocates, once these are known."""
        def sites(refresh):
            return [site for site in refresh["heap"]["sites"] if support.site_word(site["function"]) == word]

        stream = self.reported(target)
        stream.sites_now(target)
        return sites(stream.until(lambda refresh: sites(refresh) and all(site["file"] for site in sites(refresh)),
                                  f"lines of {word}"))

    def test_sizes(self):
        """Of what is live: demo forgets 1 KiB at a time and keeps entries of 256 to 767 bytes."""
        begins = {"demo_leak_session": 1024, "demo_cache_store": 256}

        def sites(refresh):
            return [site for site in refresh["heap"]["sites"] if site["function"] in begins and site["sizes"]]

        process = self.spawn(self.target("demo"))
        refresh = self.seen(lambda refresh: {site["function"] for site in sites(refresh)} == set(begins), "sizes",
                            "--heap", "exact", process.pid)
        for site in sites(refresh):
            step, = (step for step in site["sizes"] if step["live_objects"])
            self.assertEqual(step["from_bytes"], begins[site["function"]])
            self.assertLess(step["live_bytes"] / step["live_objects"], 4 * step["from_bytes"])
            self.assertGreaterEqual(step["live_bytes"] / step["live_objects"], step["from_bytes"])

    def test_frames_are_folded(self):
        """The site is the user's own function, and the frames under it are still in the stack."""
        for site in self.sites("ledger_cc", "site_string"):
            self.assertRegex(site["function"], r"\bledger::site_string\b")
            self.assertEqual(site["module"], "ledger_cc")
            self.assertRegex(site["file"], r"ledger_cc\.cc$")
            self.assertGreater(site["line"], 0)
            for stack in site["stacks"]:
                self.check_frames([frame["function"] or "" for frame in stack["frames"]])

    def check_frames(self, names):
        (at,) = [i for i, name in enumerate(names) if "site_string" in name]
        self.assertTrue(any("operator new" in name for name in names[:at]), names)
        self.assertTrue(any("ledger::keep" in name for name in names[at:]), names)
        self.assertEqual([name for name in names if name == "main"], ["main"], names)

    def test_paths_are_told_apart(self):
        """Stacks of one depth that differ in one caller far out, each ten times in a row."""
        held = self.folder() / "held"
        held.write_bytes(bytes(8))
        stream = self.stream("--heap", "exact", "-d", "0.5", "--", self.read_target("holds"), 600, 10 * 1024, held)

        def sites(refresh):
            return [site for site in refresh["heap"]["sites"] if site["function"] == "holds_some"]

        def is_known(refresh):
            return any(held.read_bytes()) and sites(refresh) and all(
                frame["line"] or "holds" not in (frame["function"] or "")
                for site in sites(refresh) for stack in site["stacks"] for frame in stack["frames"])

        stream.until(is_known, "all objects and the lines of their stacks")
        (site,) = sites(stream.sites_now("holds"))
        # The first allocations come before the rules, and a slow reader loses some of their stacks: those
        # end early. Nothing of another path is ever in one that does not.
        whole = [stack for stack in site["stacks"] if stack["frames"][-1]["function"] == "_start"]
        paths = {tuple((frame["function"], frame["line"]) for frame in stack["frames"])
                 for stack in whole}
        self.assertEqual(len(paths), len(whole))
        self.assertGreater(len(paths), 500)
        self.assertLessEqual(max(stack["live_objects"] for stack in whole), 10)
        self.assertEqual(site["live_objects"], 10 * 1024)

    def test_rust_names(self):
        for site in self.sites("ledger_rs", "site_hash_map"):
            self.assertEqual(site["function"], "ledger_rs::site_hash_map")
            names = [frame["function"] or ""
                     for stack in site["stacks"] for frame in stack["frames"]]
            self.assertFalse([name for name in names if name.startswith("_ZN")], names)

    def test_growth(self):
        """The demo: its leak only grows, at the rate that is shown, and its churn does not."""
        process = self.spawn(self.target("demo"))
        stream = self.stream("--heap", "exact", "-d", "1", process.pid)

        def sites(refresh, word):
            return [site for site in refresh["heap"]["sites"] if word in (site["function"] or "")]

        first = stream.until(lambda refresh: sites(refresh, "demo_leak_session")
                             and sites(refresh, "demo_parse_request"), "the leak and the churn")
        # Of so many seconds is the rate that is shown.
        last = stream.until(lambda refresh: refresh["elapsed_s"] >= first["elapsed_s"] + 10, "ten seconds more")
        (before,), (after,) = sites(first, "demo_leak_session"), sites(last, "demo_leak_session")
        rate = (after["live_bytes"] - before["live_bytes"]) / (
            last["elapsed_s"] - first["elapsed_s"])
        # 200 KiB/s when the machine has the time for all requests.
        self.assertGreater(rate, 0)
        self.assertLess(rate, 250 * 1024)
        self.assertGreater(after["growth_bytes_per_s"], 0.5 * rate)
        self.assertLess(after["growth_bytes_per_s"], 2 * rate)
        self.assertEqual(after["freed_bytes"], 0)
        churn = sites(last, "demo_parse_request")
        self.assertTrue(churn)
        for site in churn:
            self.assertLess(site["live_objects"], 10)
            self.assertGreater(site["alloc_objects"], 10)


class Exec(support.LiveTest):
    def test_books_start_anew(self):
        """A target that becomes another program: its old blocks are gone, the new one is seen."""
        out = self.folder() / "truth"
        process = self.spawn(self.target("execs"), self.target("ledger_c"), "--out", out,
                             "--seconds", 300, stdin=subprocess.PIPE)
        stream = self.stream("--heap", "exact", "-d", "0.5", process.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        truth = support.wait_until(lambda: read_ledger(out), "the target's report")
        refresh = stream.sites_now("ledger_c")
        self.assert_ledger(refresh, truth)  # which has no site_before_exec


class Off(support.LiveTest):
    def test_heap_off(self):
        process = self.spawn(self.target("ledger_c"), "--out", "/dev/null", "--seconds", 60)
        refresh = self.refreshes("--heap", "off", "-d", "0.3", "-n", "2", process.pid)[-1]
        heap = refresh["heap"]
        self.assertEqual(heap["state"], "off")
        self.assertEqual(heap["sites"], [])
        self.assertTrue(heap["reason"])
        self.assertGreater(heap["rss_bytes"], 0)


class Stacks(support.LiveTest):
    """Programs on uprobes can be preempted: none may use a stack of its CPU's, as kernels from 6.13 on
    give them. It can be told by their machine code, whether this kernel preempts or not."""

    TOOL = Path(support.TOP).parent / "tests" / "tools" / "program_stacks"

    def programs(self, link, *names):
        process = self.spawn(self.target("dies_soon"), 60000)
        self.stream("--heap", "exact", f"--uprobe-link={link}", process.pid).until(
            lambda refresh: refresh["heap"]["sites"], "allocations seen")
        done = subprocess.run([self.TOOL, *names], stdout=subprocess.PIPE, text=True, check=True)
        found = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual({name for name, _functions, _own in found}, set(names))
        self.assertTrue(all(int(functions) >= 1 for _name, functions, _own in found), done.stdout)
        self.assertEqual([int(own) for _name, _functions, own in found], [0] * len(found), done.stdout)

    def test_session(self):
        self.programs("session", "heap_session", "heap_free")

    def test_multi(self):
        self.programs("multi", "heap_enter", "heap_leave", "heap_free")

    def test_perf(self):
        self.programs("perf", "heap_enter", "heap_leave", "heap_free")
