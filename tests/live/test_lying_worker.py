"""
A worker that was taken over can lie about names and rules, and nothing else. Here it is replaced by
one that sends garbage, floods, spins, or lies in well-formed answers (tests/tools/lying_worker.c).
Clause 10.6.1 of SECURITY.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import support

ONCE = True

# What no liar can make of us, together with its worker.
MEMORY_MAX = 600 << 20


class LyingWorker(support.LiveTest):
    def stream_of(self, how, *options):
        source = Path(support.TOP).parent / "tests" / "tools" / "lying_top"
        program = self.folder() / f"lying_top.{how}"
        shutil.copy(source, program)
        return self.stream("-F", "499", "-d", "0.5", *options, program=program)

    def watch(self, how, *options, seconds=1, samples=20, until=lambda refresh: True):
        """The refresh after some seconds, and at the condition; the target and we are both well then."""
        target = self.spawn(self.target("demo"), stdout=subprocess.DEVNULL)
        stream = self.stream_of(how, *options, target.pid)
        stream.until(lambda refresh: refresh["cpu"]["samples"] >= samples, "samples")
        refresh = stream.until(lambda refresh: refresh["elapsed_s"] > seconds and until(refresh),
                               "more time, and the lies")
        self.assertIsNone(target.poll(), "the target has ended")
        self.assertEqual(refresh["target"]["state"], "running")
        self.assertLess(refresh["overhead"]["self_rss_bytes"], MEMORY_MAX)
        status = Path(f"/proc/{target.pid}/status").read_text()
        self.assertNotIn("T (stopped)", status)
        stream.process.send_signal(signal.SIGINT)
        self.assertEqual(stream.process.wait(support.DEADLINE_S), 0)
        self.assertIsNone(target.poll(), "the target has ended with us")
        return refresh

    def assert_no_names(self, refresh):
        for function in refresh["cpu"]["functions"]:
            if function["module"] not in ("[kernel]", "[unknown]"):
                self.assertRegex(function["name"], r"\+0x|^\[")

    def test_garbage(self):
        self.assert_no_names(self.watch("garbage"))

    def test_flood(self):
        self.assert_no_names(self.watch("floods"))

    def test_spins(self):
        self.assert_no_names(self.watch("spins", seconds=0, samples=0))

    def test_lies(self):
        """No probe is set where a liar wants it, no file given to it, no escape printed."""
        refresh = self.watch("lies", "--heap", "exact", until=lambda refresh: support.functions(refresh, "owned")
                             and refresh["overflow"]["probes_refused"] > 20)
        self.assertEqual(refresh["ledger"]["probes"], [])

    def test_waits_for_a_disk(self):
        """That is no fault of the file's: the same worker answers later, and no file is given up."""
        target = self.spawn(self.target("demo"), stdout=subprocess.DEVNULL)
        start = time.monotonic()
        stream = self.stream_of("waits", "--heap", "exact", target.pid)
        refresh = stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        self.assertGreater(time.monotonic() - start, 5)
        self.assertEqual(refresh["modules"], [])
        self.assertEqual(refresh["ledger"]["worker_restarts"], 0)

    def test_command_is_held_for_a_disk(self):
        """Its books are complete then, as far as it is held; what goes on without probes says so."""
        stream = self.stream_of("waits", "--", "/bin/sleep", "60")
        refresh = stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        self.assertIsNone(refresh["heap"]["reason"])
        stream = self.stream_of("waits_long", "--", "/bin/sleep", "60")
        refresh = stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        self.assertIn("before its allocators were found", refresh["heap"]["reason"])

    def test_lies_are_harmless_text(self):
        target = self.spawn(self.target("demo"), stdout=subprocess.DEVNULL)
        source = Path(support.TOP).parent / "tests" / "tools" / "lying_top"
        program = self.folder() / "lying_top.lies"
        shutil.copy(source, program)
        done = subprocess.run(
            [program, "-b", "-n", "3", "-d", "0.5", "-F", "499", str(target.pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.DEADLINE_S,
            check=True)
        self.assertIn(b"owned", done.stdout)
        for byte in (b"\x1b", b"\a", b"\xff"):
            self.assertNotIn(byte, done.stdout)
        self.assertNotIn(b"LEAKED", done.stderr)


class TrueWorker(support.LiveTest):
    def test_is_confined(self):
        """What the kernel says of the worker in a run."""
        process = self.spawn(self.target("shares_c"), 600)
        stream = self.stream("-d", "0.5", "--heap", "off", process.pid)
        stream.until(lambda refresh: support.functions(refresh, r"\bhot_"), "names")
        children = Path(f"/proc/{stream.process.pid}/task/{stream.process.pid}/children")
        worker = [child for child in children.read_text().split()
                  if Path(f"/proc/{child}/comm").read_text().strip() == "rsprof-worker"][0]
        status = dict(line.split(":\t", 1) for line in
                      Path(f"/proc/{worker}/status").read_text().splitlines() if ":\t" in line)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        if os.geteuid() == 0:
            self.assertNotIn(0, map(int, status["Uid"].split()))
            self.assertNotIn(0, map(int, status["Gid"].split()))
            self.assertEqual(status["Groups"].strip(), "")
        self.assertEqual(Path(f"/proc/{worker}/environ").read_bytes(), b"")
        self.assertEqual(Path(f"/proc/{worker}/fd/0").resolve(), Path("/dev/null"))
        self.assertEqual(Path(f"/proc/{worker}/fd/1").resolve(), Path("/dev/null"))
        sockets = [link for link in Path(f"/proc/{worker}/fd").iterdir()
                   if os.readlink(link).startswith("socket:")]
        self.assertEqual([link.name for link in sockets], ["3"])
