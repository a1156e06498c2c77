"""What must not be probed is left alone, with the reason; all else is."""

import subprocess
import sys

import support


class Preflight(support.LiveTest):
    def setUp(self):
        super().setUp()
        self.process = self.spawn(self.target("goes"))
        self.plain = self.spawn(self.target("storms"), "jumps")

    def heap(self, process, *options):
        """Once it has probes, or is off."""
        refresh = self.seen(lambda refresh: refresh["heap"]["state"] == "off" or refresh["heap"]["alloc_objects"],
                            "allocations, or the heap off", "-d", "0.2", *options, process.pid)
        self.assertEqual(refresh["cpu"]["state"], "on", "the profile goes on")
        return refresh["heap"]

    def assert_left_alone(self, process, word, *options, status):
        """In auto mode the heap is off with the reason; insisting on it is refused with it."""
        heap = self.heap(process, *options)
        self.assertEqual((heap["state"], heap["allocators"], heap["sites"]), ("off", [], []))
        self.assertIn(word, heap["reason"])
        self.assertIn("the heap is not tracked", heap["reason"])
        for mode in ("exact", "64K"):
            done = self.run_top("-b", "-n", "1", "--heap", mode, *options, process.pid)
            self.assert_message(done, status, word, "the heap is not tracked")

    def assert_tracked(self, process, *options):
        heap = self.heap(process, *options)
        self.assertEqual((heap["state"], heap["reason"]), ("on", None))
        self.assertTrue(heap["allocators"])

    def test_go(self):
        self.assert_left_alone(self.process, "Go code", status=1)

    def test_go_that_is_started(self):
        done = self.run_top("-b", "-n", "1", "--heap", "exact", "--", self.target("goes"))
        self.assert_message(done, 1, "Go code")

    def test_go_library_that_comes_later(self):
        """The probes are taken out of a target that was harmless until then."""
        process = self.spawn(sys.executable, "-c",
                             "import ctypes, sys\nsys.stdin.readline()\n"
                             f"ctypes.CDLL({self.target('libgoes.so')!r})\nsys.stdin.read()",
                             stdin=subprocess.PIPE)
        stream = self.stream("-d", "0.2", "--heap", "exact", process.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        refresh = stream.until(lambda refresh: refresh["heap"]["state"] == "off", "the heap off")
        self.assertIn("Go code", refresh["heap"]["reason"])
        refresh = stream.after_now()
        self.assertEqual((refresh["heap"]["state"], refresh["cpu"]["state"]), ("off", "on"))
        self.assertIsNone(process.poll())
        support.wait_until(lambda: not support.differences(process.pid), "code as in the files")

    def test_filter_on_this_kernel(self):
        """Whatever this kernel is: either it is right, and the target lives, or it is refused."""
        process = self.spawn(self.target("storms"), "filter")
        support.wait_until(lambda: "\nSeccomp:\t2\n" in support.status(process.pid), "the filter")
        heap = self.heap(process)
        if heap["state"] == "off":
            self.assertIn("under seccomp", heap["reason"])
        self.assertIsNone(process.poll(), "the target lives")

    def test_forced_filter(self):
        for kernel in ("6.11.5", "6.12.13", "6.13.2"):
            self.assert_left_alone(self.plain, f"on Linux {kernel} ",
                                   f"--force-facts=kernel={kernel},seccomp=2", status=5)

    def test_forced_strict(self):
        self.assert_left_alone(self.plain, "under seccomp",
                               "--force-facts=kernel=6.12.1,seccomp=1", status=5)

    def test_forced_kernels_that_are_right(self):
        for kernel in ("6.10.0", "6.12.14", "6.13.3", "6.14.0"):
            self.assert_tracked(self.plain, f"--force-facts=kernel={kernel},seccomp=2")

    def test_forced_filter_that_may_come(self):
        """A target that is not under seccomp yet: only who insists has it probed."""
        facts = "--force-facts=kernel=6.12.1"
        heap = self.heap(self.plain, facts)
        self.assertEqual(heap["state"], "off")
        self.assertIn("--heap exact", heap["reason"])
        self.assert_tracked(self.plain, facts, "--heap", "exact")
        done = self.run_top("-b", "-n", "1", "-d", "0.2", "--heap", "exact", facts, self.plain.pid)
        self.assertIn("puts itself under seccomp", done.out)

    def test_forced_shadow_stack(self):
        self.assert_left_alone(self.plain, "shadow stack",
                               "--force-facts=kernel=6.8.0,shadow-stack=1", status=5)
        self.assert_tracked(self.plain, "--force-facts=kernel=6.14.0,shadow-stack=1")

    def test_forced_runtimes(self):
        for runtime, word in (("go", "Go code"), ("split", "split stacks")):
            self.assert_left_alone(self.plain, word, f"--force-facts=runtime={runtime}", status=1)
        self.assert_tracked(self.process, "--force-facts=runtime=plain")

    def test_tracer(self):
        done = self.run_top("-b", "-n", "1", "-d", "0.2", "--force-facts=tracer=4242",
                            self.plain.pid)
        self.assertIn("process 4242 traces the target", done.out)
