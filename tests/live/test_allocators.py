"""Every allocator's books are true to the byte, in a library and linked into the program."""

import os
import signal
import subprocess

import support
from ledger import LedgerTest

# The environment is rsprof-top's, too, and a preloaded allocator goes with no sanitizer.
ONCE = True
LIBRARIES = "/usr/lib/x86_64-linux-gnu"


class AllocatorTest(LedgerTest):
    def preloaded(self, library):
        path = os.path.join(LIBRARIES, library)
        self.assertTrue(os.path.exists(path), f"{path} is missing: see quickstart's packages")
        return {**os.environ, "LD_PRELOAD": path}

    def check(self, refresh, name, module, least):
        """The allocator is shown as what it is, with all its probes."""
        (allocator,) = [allocator for allocator in refresh["heap"]["allocators"]
                        if allocator["name"] == name]
        self.assertIn(module, allocator["module"])
        self.assertGreaterEqual(allocator["probes"], least)
        self.assertEqual(refresh["heap"]["untracked_frees"], 0)

    def library(self, library, name, least):
        for target in ("ledger_c", "ledger_cc", "ledger_rs"):
            with self.subTest(target):
                refresh, _truth = self.command(target, env=self.preloaded(library))
                self.check(refresh, name, library.partition(".so")[0], least)

    def linked(self, target, name, least):
        refresh, _truth = self.command(target)
        self.check(refresh, name, target, least)


class Library(AllocatorTest):
    def test_jemalloc(self):
        self.library("libjemalloc.so.2", "jemalloc", 20)

    def test_mimalloc(self):
        self.library("libmimalloc.so.2", "mimalloc", 30)

    def test_tcmalloc(self):
        self.library("libtcmalloc.so.4", "tcmalloc", 15)

    def test_tcmalloc_minimal(self):
        self.library("libtcmalloc_minimal.so.4", "tcmalloc", 15)

    def test_musl(self):
        refresh, _truth = self.command("ledger_c.musl")
        self.assertEqual([allocator["name"] for allocator in refresh["heap"]["allocators"]],
                         ["musl"])

    def test_attached(self):
        for library in ("libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc.so.4"):
            with self.subTest(library):
                self.attached("ledger_c", env=self.preloaded(library))


class LinkKinds(AllocatorTest):
    """Session links, where the kernel has them, are what all other tests are done with."""

    def check_kind(self, kind):
        for library in ("libjemalloc.so.2", "libmimalloc.so.2", "libtcmalloc.so.4"):
            with self.subTest(library):
                self.command("ledger_cc", f"--uprobe-link={kind}", env=self.preloaded(library))
        for target in ("ledger_cc.jemalloc", "ledger_cc.tcmalloc", "ledger_c.mi_", "ledger_c.musl",
                       "ledger_c.musl-static"):
            with self.subTest(target):
                self.command(target, f"--uprobe-link={kind}")

    def test_multi(self):
        self.check_kind("multi")

    def test_perf(self):
        self.check_kind("perf")


class Linked(AllocatorTest):
    def test_jemalloc(self):
        self.linked("ledger_c.jemalloc", "jemalloc", 10)

    def test_jemalloc_operators(self):
        self.linked("ledger_cc.jemalloc", "jemalloc", 20)

    def test_tcmalloc(self):
        self.linked("ledger_c.tcmalloc", "tcmalloc", 15)

    def test_tcmalloc_operators(self):
        self.linked("ledger_cc.tcmalloc", "tcmalloc", 15)

    def test_mimalloc(self):
        self.linked("ledger_c.mimalloc", "mimalloc", 20)

    def test_mimalloc_operators(self):
        self.linked("ledger_cc.mimalloc", "mimalloc", 30)

    def test_musl(self):
        self.linked("ledger_c.musl-static", "musl", 7)

    def test_prefixed(self):
        """Beside the C library's own allocator, which keeps what the library itself allocates."""
        for prefix, name, least in (("_rjem_", "jemalloc", 10), ("je_", "jemalloc", 10),
                                    ("mi_", "mimalloc", 7), ("tc_", "tcmalloc", 7)):
            with self.subTest(prefix):
                self.linked(f"ledger_c.{prefix}", name, least)


class Own(AllocatorTest):
    """The functions that only one allocator has."""

    def start(self, library, **environment):
        out = self.folder() / "truth"
        path = self.preloaded(library)["LD_PRELOAD"]
        process = self.spawn(self.target("ledger_own"), "--wait", "--out", out, "--seconds", 300,
                             stdin=subprocess.PIPE,
                             env={**os.environ, "LEDGER_LIBRARY": path, **environment})
        return process, out, self.stream("--heap", "exact", "-d", "0.2", process.pid)

    def finish(self, process, out, stream):
        self.go_on(process)
        truth = support.wait_until(lambda: support.read_ledger(out), "the target's report")
        refresh = stream.sites_now("ledger_own")
        self.check_books(refresh)
        self.assert_ledger(refresh, truth)

    @staticmethod
    def go_on(process):
        process.stdin.write(b"go on\n")
        process.stdin.flush()

    @staticmethod
    def is_probed(refresh, name):
        return name in [allocator["name"] for allocator in refresh["heap"]["allocators"]]

    def loaded_late(self, library, name):
        process, out, stream = self.start(library)
        first = stream.until(lambda refresh: refresh["heap"]["state"] == "on", "the heap on")
        self.assertFalse(self.is_probed(first, name))
        self.go_on(process)
        stream.until(lambda refresh: self.is_probed(refresh, name), f"{name} probed")
        self.finish(process, out, stream)

    def test_mimalloc(self):
        self.loaded_late("libmimalloc.so.2", "mimalloc")

    def test_tcmalloc(self):
        self.loaded_late("libtcmalloc_minimal.so.4", "tcmalloc")

    def test_jemalloc(self):
        """Which can only be loaded with the program."""
        library = "libjemalloc.so.2"
        process, out, stream = self.start(library, **{"LD_PRELOAD": f"{LIBRARIES}/{library}"})
        stream.until(lambda refresh: self.is_probed(refresh, "jemalloc"), "jemalloc probed")
        process.send_signal(signal.SIGUSR1)  # ends both waits
        self.finish(process, out, stream)


class Rust(AllocatorTest):
    def test_nothing_below(self):
        """Rust's own functions are probed where no other allocator is."""
        refresh = self.refreshes("--heap", "exact", "-d", "0.5", "--", self.read_target("own_rust"))[-1]
        self.check(refresh, "rust", "own_rust", 3)
        self.assert_ledger(refresh, {"site_kept": support.Site(24000, 100, 24000, 100),
                                     "site_grown": support.Site(6400, 10, 7040, 20),
                                     "site_freed": support.Site(0, 0, 1600, 50)})

    def test_c_library_below(self):
        refresh, _truth = self.command("ledger_rs")
        self.assertEqual([allocator["name"] for allocator in refresh["heap"]["allocators"]],
                         ["glibc"])
