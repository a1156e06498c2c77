"""Heap books that are known to the byte: what the tests of them share."""

import subprocess

import support
from support import read_ledger


class LedgerTest(support.LiveTest):
    """Runs of the ledger_* programs, with the books compared to the byte."""

    def check_books(self, refresh):
        """What has to hold whatever the target does."""
        heap = refresh["heap"]
        self.assertEqual((heap["state"], heap["mode"]), ("on", "exact"))
        for key in ("live_bytes", "live_objects", "alloc_bytes", "alloc_objects", "freed_bytes",
                    "freed_objects"):
            self.assertEqual(sum(site[key] for site in heap["sites"]), heap[key], key)
        for books in [heap] + heap["sites"]:
            self.assertEqual(books["alloc_bytes"] - books["freed_bytes"], books["live_bytes"])
            self.assertEqual(books["alloc_objects"] - books["freed_objects"],
                             books["live_objects"])
        for site in heap["sites"]:
            self.assertGreaterEqual(site["peak_bytes"], site["live_bytes"])
            for key in ("live_bytes", "live_objects"):
                self.assertEqual(sum(stack[key] for stack in site["stacks"]), site[key], key)
        # A dropped announcement is repeated; only a full map would make the books wrong.
        self.assertEqual([refresh["overflow"][key] for key in ("live_map_full", "site_map_full")],
                         [0, 0])

    def reported(self, target, *options):
        """The stream of a command that is followed from its first instruction, once it has reported."""
        out = self.folder() / "truth"
        stream = self.stream("--heap", "exact", "-d", "0.5", *options, "--", self.read_target(target),
                             "--out", out, "--seconds", 300)
        stream.until(lambda refresh: read_ledger(out), "the target's report")
        return stream

    def command(self, target, *options, work=("--threads", 4), env=None, seconds=support.DEADLINE_S):
        """From the first instruction to the exit: the last refresh and the target's truth."""
        out = self.folder() / "truth"
        stream = self.stream(*options, "--heap", "exact", "-d", "0.5", "--", self.read_target(target),
                             "--out", out, *work, "--seconds", 300, env=env)
        stream.until(lambda refresh: read_ledger(out), "the target's report", seconds)
        truth = read_ledger(out)
        self.check_until_exit(target, stream, truth, out.unlink)
        return stream.last, truth

    def check_until_exit(self, target, stream, truth, end):
        """The books once the target has reported, and when it has ended because of end()."""
        refresh = stream.sites_now(target)
        self.check_books(refresh)
        self.assert_ledger(refresh, truth)
        end()
        while stream.next() is not None:
            pass
        self.assertEqual(stream.process.wait(support.DEADLINE_S), 0)
        self.assertEqual(stream.messages, [])
        self.assertEqual(stream.last["target"]["state"], "exited")
        self.check_books(stream.last)
        self.assert_ledger(stream.last, truth)

    def attached(self, target, *options, env=None):
        """Attached to a process that runs already and begins only then."""
        out = self.folder() / "truth"
        process = self.spawn(self.target(target), "--wait", "--out", out, "--seconds", 300,
                             stdin=subprocess.PIPE, env=env)
        stream = self.stream(*options, "--heap", "exact", "-d", "0.5", process.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        truth = support.wait_until(lambda: read_ledger(out), "the target's report")
        self.check_until_exit(target, stream, truth, process.terminate)
