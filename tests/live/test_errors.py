"""Bad input: each case is one clear line, the exit status that the manual says, and no hang."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import support
from support import LiveTest

PF_KTHREAD = 0x00200000
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


def free_pid():
    """A PID that no process has."""
    pid = int(Path("/proc/sys/kernel/pid_max").read_text()) - 1
    while Path(f"/proc/{pid}").exists():
        pid -= 1
    return pid


def kernel_thread():
    """A kernel thread's PID, or None where none can be seen (in a container)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[6]) & PF_KTHREAD:
            return int(path.parent.name)
    return None


class Usage(LiveTest):
    def check(self, *options):
        done = self.run_top(*options)
        self.assert_message(done, 2)
        self.assertEqual(done.out, "")

    def test_bad_options(self):
        pid = str(os.getpid())
        for options in (
                [], ["-b"], ["abc"], ["12x"], ["-b", "0"], ["-b", "--", ], ["-b", "-5"],
                ["--no-such-option", pid], ["-b", "-d", "0", pid], ["-b", "-d", "-1", pid],
                ["-b", "-d", "x", pid], ["-b", "-d", "nan", pid], ["-b", "-F", "0", pid],
                ["-b", "-F", "x", pid], ["-b", "-n", "-1", pid], ["-b", "-n", "x", pid],
                ["-b", "--heap", "some", pid], ["-b", "--heap", "", pid], ["--json", pid],
                ["-b", pid, pid], ["-b", "99999999999999999999"], ["-b", pid, "--", "true"],
                ["-b", "-d"]):
            with self.subTest(options=options):
                self.check(*options)

    def test_help_and_version(self):
        for option in ("-h", "--help"):
            done = self.run_top(option)
            self.assertEqual((done.status, done.err), (0, ""))
            for word in ("--delay", "--frequency", "--heap", "--batch", "--iterations", "--json",
                         "--help", "--version"):
                self.assertIn(word, done.out)
        for option in ("-V", "--version"):
            done = self.run_top(option)
            self.assertEqual((done.status, done.err), (0, ""))
            self.assertRegex(done.out, r"\Arsprof-top \d+\.\d+\S*\n")


class Targets(LiveTest):
    def test_no_such_process(self):
        pid = free_pid()
        self.assert_message(self.run_top("-b", "-n", "1", pid), 3, str(pid))

    def test_zombie(self):
        zombie = self.spawn("true")
        support.wait_until(lambda: support.process_state(zombie.pid) == "Z", "a zombie")
        self.assert_message(self.run_top("-b", "-n", "1", zombie.pid), 3, str(zombie.pid))

    def test_kernel_thread(self):
        pid = kernel_thread()
        if pid is None:
            self.skipTest("no kernel thread can be seen here")
        self.assert_message(self.run_top("-b", "-n", "1", pid), 1, str(pid), "kernel")

    def test_32_bit(self):
        process = self.spawn(self.target("spin32"))
        self.assert_message(self.run_top("-b", "-n", "1", process.pid), 1, "32-bit")

    def test_dies_while_attaching(self):
        """At whatever moment it goes: a last refresh or "no such process", and always an end."""
        for milliseconds in list(range(0, 60, 4)) + list(range(60, 400, 40)):
            with self.subTest(milliseconds=milliseconds):
                process = self.spawn(self.target("dies_soon"), milliseconds)
                pid = process.pid
                done = self.run_top("-b", "-n", "2", "-d", "0.1", pid)
                if done.status == 3:
                    self.assert_message(done, 3, str(pid))
                else:
                    self.assertEqual((done.status, done.err), (0, ""))
                process.wait()

    def test_exit_while_watched(self):
        process = self.spawn(self.target("dies_soon"), 4000, 7)
        refreshes = self.refreshes("--heap", "off", "-d", "0.4", process.pid)
        self.assertEqual(refreshes[-1]["target"]["state"], "exited")
        self.assertEqual([refresh["target"]["state"] for refresh in refreshes[:-1]],
                         ["running"] * (len(refreshes) - 1))
        self.assertGreaterEqual(len(refreshes), 2)
        self.assertGreater(support.share(refreshes[-1], "brief_work", "total_pct"), 90)

    def test_killed_while_watched(self):
        process = self.spawn(self.target("shares_c"), 60)
        stream = self.stream("-d", "0.3", process.pid)
        stream.until(lambda refresh: refresh["cpu"]["samples"] > 20, "samples")
        process.send_signal(signal.SIGKILL)
        process.wait()
        last = stream.until(lambda refresh: refresh["target"]["state"] == "exited", "the exit")
        self.assertGreater(last["cpu"]["samples"], 20)
        self.assertIsNone(stream.next())
        self.assertEqual(stream.process.wait(support.DEADLINE_S), 0)


class Commands(LiveTest):
    def test_no_such_command(self):
        self.assert_message(self.run_top("-b", "--", "/nonexistent/program"), 1,
                            "/nonexistent/program")

    def test_not_executable(self):
        path = self.folder() / "text"
        path.write_text("hello\n")
        self.assert_message(self.run_top("-b", "--", path), 1, str(path))

    def test_its_status_is_not_ours(self):
        done = self.run_top("-b", "-d", "0.2", "--", self.target("dies_soon"), 300, 7)
        self.assertEqual((done.status, done.err), (0, ""))

    def test_found_in_path(self):
        refreshes = self.refreshes("--heap", "off", "-d", "0.3", "--", "sleep", "1")
        self.assertEqual(refreshes[-1]["target"]["comm"], "sleep")

    def test_command_is_not_left_stopped(self):
        """Interrupted, the program leaves its command running or takes it along."""
        path = self.folder() / "pid"
        top = self.spawn(support.TOP, "-b", "--heap", "off", "--", "sh", "-c",
                         f"echo $$ >{path}; exec sleep 600")
        pid = int(support.wait_until(
            lambda: path.exists() and path.read_text().strip(), "the command's pid"))
        os.kill(top.pid, signal.SIGINT)
        self.assertEqual(top.wait(support.DEADLINE_S), 0)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            self.assertNotIn(support.process_state(pid), ("t", "T"))
            self.assertIn("TracerPid:\t0\n", support.status(pid))


class Permissions(LiveTest):
    """As an ordinary user, who may read the program and the targets."""

    NOBODY = ("setpriv", f"--reuid={support.NOBODY}", f"--regid={support.NOBODY}",
              "--clear-groups")

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        self.place = self.folder()
        self.top = self.place / "rsprof-top"
        shutil.copy(support.TOP, self.top)
        self.shares = self.place / "shares_c"
        shutil.copy(self.target("shares_c"), self.shares)

    def run_as_nobody(self, *options):
        return self.run_top(*options, prefix=self.NOBODY, program=self.top)

    def start_as_nobody(self):
        process = self.spawn(*self.NOBODY, self.shares, 600)
        support.wait_until(lambda: os.stat(f"/proc/{process.pid}").st_uid == support.NOBODY
                           and os.readlink(f"/proc/{process.pid}/exe") == str(self.shares), "exec")
        return process

    def test_process_of_another_user(self):
        process = self.spawn(self.shares, 60)
        self.assert_message(self.run_as_nobody("-b", "-n", "1", process.pid), 4)

    def test_own_process(self):
        """CPU by user functions alone, and the reason why the heap is off; or, where the system
        forbids even that, what to do about it."""
        process = self.start_as_nobody()
        if int(PARANOID.read_text()) > 2:
            self.assert_message(self.run_as_nobody("-b", "-n", "1", process.pid), 4, "perf_event_paranoid")
            return
        refresh = self.profile(process, "shares_c", "-F", "997", prefix=self.NOBODY, program=self.top)
        self.assertEqual(refresh["cpu"]["state"], "on")
        self.assert_shares(refresh, {"hot_sixty": 60, "hot_thirty": 30, "hot_ten": 10})
        self.assert_complete(refresh)
        # Every sample's stack is copied, into the small ring that an ordinary user may lock.
        self.assertLess(refresh["overflow"]["perf_lost"], refresh["cpu"]["samples"] / 4)
        self.assertEqual(refresh["heap"]["state"], "off")
        self.assertRegex(refresh["heap"]["reason"], r"\S")
        self.assertEqual(refresh["heap"]["sites"], [])

    def test_heap_by_force(self):
        """Heap tracking that was asked for by name and cannot be is an error, not a silent off."""
        process = self.start_as_nobody()
        done = self.run_as_nobody("-b", "-n", "1", "--heap", "exact", process.pid)
        self.assert_message(done, 4)


class Kernel(LiveTest):
    """10.3.3: what the kernel lacks. Its BTF is hidden in a mount namespace of the test's own."""

    HIDDEN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh")

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can hide the kernel's BTF")
        self.process = self.spawn(self.target("shares_c"), 60)

    def test_no_btf(self):
        done = self.run_top("-b", "-n", "1", "--heap", "exact", self.process.pid, prefix=self.HIDDEN)
        self.assert_message(done, 5, "BTF", "--heap off")

    def test_no_btf_leaves_the_cpu(self):
        done = self.run_top("-b", "--json", "-n", "1", self.process.pid, prefix=self.HIDDEN)
        self.assertEqual((done.status, done.err), (0, ""))
        refresh = support.json.loads(done.out.splitlines()[-1])
        self.assertEqual((refresh["cpu"]["state"], refresh["heap"]["state"]), ("on", "off"))
        self.assertIn("BTF", refresh["heap"]["reason"])


class Output(LiveTest):
    def shell(self, script, *arguments):
        """Done of a bash script whose $TOP is the program."""
        process = self.spawn("bash", "-c", script, "bash", *arguments, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=dict(os.environ, TOP=support.TOP))
        try:
            out, err = process.communicate(timeout=support.DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.fail(f"no end: {script}")
        return support.Done(process.returncode, out.decode(), err.decode())

    def test_reader_goes_away(self):
        process = self.spawn(self.target("shares_c"), 120)
        for json in ("", "--json"):
            with self.subTest(json=json):
                done = self.shell(f'"$TOP" -b {json} -d 0.2 "$1" | head -n 1; '
                                  'exit "${PIPESTATUS[0]}"', process.pid)
                self.assertEqual(done.err, "")
                self.assertIn(done.status, (0, 128 + signal.SIGPIPE))
                self.assertEqual(len(done.out.splitlines()), 1)

    def test_stdout_closed(self):
        process = self.spawn(self.target("shares_c"), 120)
        done = self.shell('"$TOP" -b -d 0.2 -n 3 "$1" >&-', process.pid)
        self.assert_message(done, 1)

    def test_disk_full(self):
        process = self.spawn(self.target("shares_c"), 120)
        done = self.shell('"$TOP" -b -d 0.2 -n 3 "$1" >/dev/full', process.pid)
        self.assert_message(done, 1)

    def test_screen_needs_a_terminal(self):
        process = self.spawn(self.target("shares_c"), 120)
        self.assert_message(self.run_top(process.pid), 1)

    def test_interrupt(self):
        """^C in batch mode is an end like any other."""
        target = self.spawn(self.target("shares_c"), 120)
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                stream = self.stream("-d", "0.2", target.pid)
                self.assertIsNotNone(stream.next())
                stream.process.send_signal(number)
                self.assertEqual(stream.process.wait(support.DEADLINE_S), 0)
        self.assertIsNone(target.poll(), "the target goes on")

    def test_table(self):
        process = self.spawn(self.target("demo"))
        self.seen(lambda refresh: support.functions(refresh, "demo_hash_block")
                  and any(site["function"] == "demo_leak_session" for site in refresh["heap"]["sites"]),
                  "names, which another run has then at once", process.pid)
        done = self.run_top("-b", "-d", "1", "-n", "2", process.pid)
        self.assertEqual((done.status, done.err), (0, ""))
        for word in ("demo_hash_block", "demo_leak_session", str(process.pid)):
            self.assertGreaterEqual(done.out.count(word), 2 if word != "demo_leak_session" else 1)
        for heading in ("SELF", "TOTAL", "FUNCTION", "LIVE", "SITE"):
            self.assertGreaterEqual(done.out.upper().count(heading), 2, heading)
        self.assertNotIn("\x1b", done.out)
