"""The screen in a real terminal (tmux): keys, sizes, and that the terminal comes back as it was."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from slow_file import SlowFile
from terminal import Terminal, wait_until

TOP = os.environ["RSPROF_TOP"]
TARGETS = Path(os.environ["RSPROF_TARGETS"])
SOURCES = Path(__file__).resolve().parents[1] / "targets"
TARGET_SECONDS = "600"


def cpu_seconds(pid):
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worker_of(pid):
    """The child that reads the files, or None."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == "rsprof-worker":
                return int(child)
    return None


class ScreenTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.target = None

    def open_terminal(self, cols=120, rows=35):
        terminal = Terminal(cols, rows, str(self.folder))
        self.addCleanup(terminal.close)
        terminal.wait_for(r"\S")
        return terminal

    def start_target(self, name="shares_c", *arguments):
        self.target = subprocess.Popen([TARGETS / name, TARGET_SECONDS, *arguments], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(self.stop_target)
        return self.target

    def stop_target(self):
        self.target.kill()
        self.target.wait()

    def start_top(self, terminal, name="shares_c"):
        """Starts a target and rsprof-top on it; returns the pid of rsprof-top."""
        target = self.start_target(name)
        pid_file = self.folder / "pid"
        inner = f"echo $$ > {pid_file}; exec {shlex.quote(TOP)} {target.pid}"
        terminal.run(f"sh -c {shlex.quote(inner)}; echo status=$?")
        terminal.wait_for(rf"\b{target.pid}\b.* watched ")
        return int(pid_file.read_text())

    def open_top(self, cols=120, rows=35, name="shares_c"):
        terminal = self.open_terminal(cols, rows)
        self.top_pid = self.start_top(terminal, name)
        return terminal

    def check_given_back(self, terminal, modes):
        """The program ended and left the terminal as it was."""
        terminal.wait_for(r"^status=\d+")
        self.assertFalse(terminal.in_alternate_screen())
        self.assertTrue(terminal.cursor_is_visible())
        self.assertEqual(terminal.file_of("stty -a"), modes)

    def target_cpu_seconds(self):
        fields = Path(f"/proc/{self.target.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for_target_to_run(self, seconds):
        start = self.target_cpu_seconds()
        wait_until(lambda: self.target_cpu_seconds() > start + seconds,
                   lambda: "the target uses the CPU")

    def test_budget_is_lifted_by_a_key(self):
        """What is live is given up on a target that allocates all the time; why, and how to have it, is said."""
        slots = self.folder / "slots"
        slots.write_bytes(struct.pack("64xQ56x", 3000))
        target = self.start_target("load", slots, "16")
        terminal = self.open_terminal(160)
        terminal.run(f"{shlex.quote(TOP)} {target.pid}")
        for _ in range(2):
            terminal.wait_for(r"HEAP .* live \? \(frees would cost \d+\.\d%; key O\)")
            terminal.wait_for(r"! live bytes unknown: .*the budget is 5%: O lifts it")
            terminal.press("O")
            terminal.wait_for(r"HEAP .* live ~?\d")
            terminal.wait_without("live bytes unknown")
            terminal.press("O")

    def test_first_screen_names_target_and_hot_function(self):
        terminal = self.open_top()
        self.assertTrue(terminal.in_alternate_screen())
        self.assertFalse(terminal.cursor_is_visible())
        terminal.wait_for(rf"^ rsprof-top +{self.target.pid} shares_c\b.* thr +CPU .*RSS \d")
        terminal.wait_for(r"^> +\d+(\.\d)? +\d+(\.\d)? .*\bhot_sixty\b")
        terminal.wait_for(r"\bhot_thirty\b")
        terminal.wait_for(r"^ LOST .*perf samples 0 ")
        self.assertRegex(terminal.lines()[-1], r"^ \? Help  q Quit")

    def test_question_about_a_sensitive_process(self):
        agent = self.folder / "ssh-agent"
        shutil.copy(TARGETS / "shares_c", agent)
        self.target = subprocess.Popen([agent, TARGET_SECONDS], start_new_session=True,
                                       stdout=subprocess.DEVNULL)
        self.addCleanup(self.stop_target)
        terminal = self.open_terminal()
        # The shell gives up the rest of a line that ^C has ended.
        for key in ("Enter", "C-c"):
            terminal.run(f"clear; {shlex.quote(TOP)} {self.target.pid}")
            terminal.wait_for(r"ssh-agent\).*\n.*Look into it\? \[y/N\]")
            self.assertFalse(terminal.in_alternate_screen())
            terminal.press(key)
            self.assertEqual(terminal.file_of("echo $?"), "4\n" if key == "Enter" else "130\n")
        terminal.run(f"clear; {shlex.quote(TOP)} {self.target.pid}; echo status=$?")
        terminal.wait_for(r"\[y/N\]")
        terminal.press("y", "Enter")
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.press("q")
        terminal.wait_for(r"^status=0")

    def test_names_come_from_the_next_worker(self):
        target = self.start_target("demo")
        terminal = self.open_terminal()
        terminal.run(f"{shlex.quote(TOP)} {target.pid} & echo $! > {self.folder}/pid; fg")
        pid = int(wait_until(lambda: (self.folder / "pid").exists()
                             and (self.folder / "pid").read_text(), lambda: "its pid"))
        first = wait_until(lambda: worker_of(pid), lambda: "a worker")
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: worker_of(pid) not in (None, first), lambda: "another worker")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.wait_for(r"\bdemo_leak_session\b")

    def test_both_panes_of_a_server_that_leaks(self):
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\[CPU\]")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.wait_for(r"\bdemo_leak_session\b")
        terminal.wait_for(r"^ HEAP .*live \d")

    def test_sort_keys_move_the_mark(self):
        terminal = self.open_top()
        terminal.wait_for(r"SELF%▼ +TOTAL% ")
        terminal.press(">")
        terminal.wait_for(r"SELF% +TOTAL%▼")
        terminal.press("R")
        terminal.wait_for(r"TOTAL%▲")
        terminal.press("<")
        terminal.wait_for(r"SELF%▼ +TOTAL% ")
        terminal.press("T")
        terminal.wait_for(r"TOTAL%▼")
        terminal.press("P")
        terminal.wait_for(r"SELF%▼")

    def test_tab_switches_the_pane(self):
        terminal = self.open_top()
        terminal.wait_for(r"\[CPU\]")
        terminal.press("Tab")
        terminal.wait_for(r"\[HEAP\]")
        terminal.wait_without(r"\[CPU\]")
        terminal.press("2")
        terminal.wait_without(r"── HEAP |\[HEAP\]")
        terminal.press("1")
        terminal.wait_for(r"── HEAP ")
        terminal.press("Tab", "Tab")
        terminal.wait_for(r"\[CPU\]")

    def test_leaks_have_a_view(self):
        terminal = self.open_top()
        terminal.wait_for(r"\[CPU\]")
        terminal.press("4")
        terminal.wait_for(r"\[LEAKS\]")
        terminal.wait_without(r"\[CPU\]")
        terminal.press("Tab")
        terminal.wait_for(r"\[GROWTH\]")

    def test_cpu_and_heap_of_a_function(self):
        """The one function of the target that both burns and holds, and one that only burns."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.press("C")
        terminal.wait_for(r"\[COMBINED\] since attachment")
        terminal.wait_for(r"^. +[1-9]\S* +\d\S* +0 .*\bdemo_hash_block\b")
        terminal.wait_for(r"^. +\d\S* +\d\S* +[1-9]\S* .*\bdemo_leak_session\b")

    def test_settings_are_remembered_and_broken_ones_are_said(self):
        file = self.folder / ".config" / "rsprof-top" / "config"
        terminal = self.open_top()
        terminal.press("2", "+", "T", "F2", "Right", "Down", "Space", "F2", "q")
        terminal.wait_for(r"^status=0")
        self.assertIn("\nview = cpu\nwindow = all\n", file.read_text())
        self.assertIn("\ntheme = dark\n", "\n" + file.read_text())
        self.assertIn("\nhide.cpu = SELF%\n", file.read_text())
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.stop_target()
        terminal.run("clear")
        self.start_top(terminal)
        terminal.wait_for(r"\[CPU\] since attachment")
        terminal.wait_for(r"^ +TOTAL%▼")
        terminal.press("q")
        terminal.wait_for(r"^status=0")
        self.stop_target()
        file.write_text("view = sideways\n")
        terminal.run("clear")
        self.start_top(terminal)
        terminal.wait_for("settings are not used: .*line 1 is not understood: view = sideways")
        terminal.press("3", "q")
        terminal.wait_for(r"^status=0")
        self.assertEqual(file.read_text(), "view = sideways\n", "not written over")

    def test_details(self):
        """The stacks of a function and of a site, and the way back."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"^. .*\bdemo_hash_block\b")
        terminal.press("/")
        terminal.press(*"hash_block", "Enter", "Enter")
        terminal.wait_for(r"\[DETAIL\] of a function")
        terminal.wait_for(r"^. +demo_hash_block +demo +\S*demo\.c:\d+")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* stack 1$\n^ +demo_hash_block +\S*demo\.c:\d+$\n"
                          r"^ +demo_hash_body .*$\n^ +demo_handle_request ")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* +\d+ +hash \^= ")
        terminal.press("a")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* +0x[0-9a-f]+  [a-z]+ .*%r")
        terminal.wait_without(r"hash \^= ")
        terminal.press("Escape")
        terminal.wait_for(r"\[CPU\]")
        terminal.press("3")
        terminal.wait_for(r"\bdemo_leak_session\b")
        terminal.press("/")
        terminal.press(*"leak_session", "Enter", "Enter")
        terminal.wait_for(r"^. +demo_leak_session +demo +\S*demo\.c:\d+")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* +from \d+s")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* stack 1, \d+ objects$")
        terminal.press("BSpace")
        terminal.wait_for(r"\[HEAP\]")

    def test_paused_from_all_sides(self):
        """What was not on the screen before the pause is shown of its moment."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"^. .*\bdemo_hash_block\b.*demo\.c:\d+")
        terminal.wait_for(r"^ HEAP +exact ")
        terminal.wait_for(r"^. +[1-9]\S* .*\+\S+ .*\bdemo_leak_session\b")
        terminal.press("p")
        terminal.wait_for(r" PAUSED ")
        terminal.press("t")
        samples = terminal.wait_for(r"\[TREE\] callees, (\d+) samples ")[1]
        terminal.wait_for(r"- demo_handle_request\b")
        time.sleep(1.5)
        terminal.press("c")
        terminal.wait_for(rf"\[TREE\] callers of each function, {samples} samples ")
        terminal.press("M")
        terminal.wait_for(r"\[TREE\] callers of each function, \S+ live")
        terminal.wait_for(r" demo_leak_session\b")
        terminal.press("c", "5", "P")
        terminal.wait_for(rf"\[FLAME\] from callers down to callees, {samples} samples ")
        terminal.press("C")
        terminal.wait_for(r"\[COMBINED\](.|\n)*\bdemo_hash_block\b")
        terminal.press("2", "/")
        terminal.press(*"hash_block", "Enter", "Enter")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* +\d+ +hash \^= ")
        terminal.press("Escape", "3", "/")
        terminal.press(*"leak_session", "Enter", "Enter")
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* stack 1, \d+ objects$")
        self.assertIn(" PAUSED ", terminal.text())

    def test_source_on_a_slow_disk(self):
        """The screen goes on while the file is waited for, and shows it when it is there."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"^. .*\bdemo_hash_block\b.*demo\.c:\d+")
        file = SlowFile(SOURCES / "demo.c", self.top_pid)
        self.addCleanup(file.release)
        terminal.press("/")
        terminal.press(*"hash_block", "Enter", "Enter")
        terminal.wait_for(r"the source is not shown: it is being read")
        self.assertTrue(file.held.is_set())
        terminal.press("Escape")
        terminal.wait_for(r"\[CPU\]")
        terminal.press("Enter")
        terminal.wait_for(r"it is being read")
        file.release()
        terminal.wait_for(r"^ +[1-9]\S* +[1-9]\S* +\d+ +hash \^= ")

    def test_threads(self):
        """What /proc has of each, and the samples by which they are counted in the kernel."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.press("6")
        terminal.wait_for(r"\[THREADS\] of demo\b")
        terminal.wait_for(rf"^. +0\.0 +\d\S* +\d+ +\S+ S +{self.target.pid} demo")
        terminal.wait_for(r"^. +[1-9]\S* +\S+ +[1-9]\S* +[1-9]\S* +[1-9]\S* [RSD] +\d+ \S+ +"
                          r"demo_hash_block")

    def test_functions_by_thread(self):
        """Each of two threads is only in its own function, and both count for the process."""
        terminal = self.open_top(name="apart")
        terminal.wait_for(r"\buse_the_cpu\b")
        terminal.press("2", "l", "l", "l", "T")
        terminal.wait_for(r"\[CPU\] by thread, ")
        for thread in ("left", "right"):
            terminal.wait_for(rf"^. +0\.0 +[1-9]\S* .*\b{thread}/\d+ +apart_{thread}\b")
        terminal.press("f", "left/", "Enter")
        terminal.wait_for(r"^. +[1-9]\S* +[1-9]\S* .*\bleft/\d+ +use_the_cpu\b")
        self.assertNotRegex(terminal.text(), r"right|apart_right| - +use_the_cpu")
        self.assertNotRegex(terminal.text(), r"\bleft/\d+ +apart_right")
        terminal.press("Escape", "l")
        terminal.wait_for(r"\[CPU\] last ")
        terminal.wait_for(r"^. +(9\d\.\d|100) +\S+ .*\buse_the_cpu\b")

    def test_sites_by_thread(self):
        """One function allocates in several threads; what another one frees is still of the one that has it."""
        terminal = self.open_terminal(200)
        target = self.start_target("hands")
        terminal.run(f"{shlex.quote(TOP)} --heap exact {target.pid}")
        terminal.wait_for(r"^ HEAP +exact +glibc ")
        terminal.press("3", "l", "l", "l")
        terminal.wait_for(r"\[HEAP\] by thread, ")
        time.sleep(1)  # the probes are in
        target.send_signal(signal.SIGUSR1)
        terminal.wait_for(r"^. +2\.4M .* 2\.5K .*\bleft/\d+ +hands_take\b")
        terminal.wait_for(r"^. +976\.6K .* 1\.0K .*\bright/\d+ +hands_take\b")
        # Of those that have ended nothing is live: they are not told apart for long.
        terminal.wait_for(r"^. +0 .* 1\.9M +1\.9M .* - +hands_take\b")
        terminal.wait_without(r"\?/\d+")
        terminal.press("Enter")
        terminal.wait_for(r"\[DETAIL\] of a site")
        terminal.wait_for(r"\b3\.3M\b")
        terminal.press("Escape", "l")
        terminal.wait_for(r"^. +3\.3M .* 3\.5K .*\bhands_take\b")
        self.assertNotIn("by thread", terminal.text())

    def test_tree_of_calls(self):
        """Callees, closed and expanded, and callers, of a program whose calls are known."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.press("t")
        terminal.wait_for(r"\[TREE\] callees, ")
        rows = terminal.wait_for(r"- demo_serve\b(.|\n)*- demo_handle_request\b(.|\n)*"
                                 r"^ +\d\S* +\d\S* +\S+ ( *)[-+ ] demo_hash_body\b")
        self.assertIsNotNone(rows)
        terminal.press("E", "E", "e")
        terminal.wait_for(r"^> +100 .*\+ \S*clone")
        terminal.wait_without(r"demo_serve")
        terminal.press("Enter", "c")
        terminal.wait_for(r"\[TREE\] callers ")
        terminal.wait_for(r"- demo_hash_block(.|\n)*- demo_hash_body(.|\n)* demo_handle_request")
        terminal.press("M", "c")
        terminal.wait_for(r"\[TREE\] callees, \S+ live")
        terminal.wait_for(r"^ .* demo_leak_session\b")

    def test_flame_graph(self):
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.press("5")
        terminal.wait_for(r"\[FLAME\] from callers")
        terminal.wait_for(r"^│demo_serve(.|\n)*^│demo_handle_request(.|\n)*│demo_hash_body")
        terminal.press("Down", "Down", "Down", "Down", "Down", "Enter")
        terminal.wait_for(r"^│demo_serve|^│demo_handle_request")
        terminal.wait_without(r"start_thread")
        terminal.press("BSpace", "Escape")
        terminal.wait_for(r"^│\[all\]")
        terminal.press("/")
        terminal.press(*"hash_block", "Enter")
        terminal.wait_for(r"  found [1-9]\S*%")
        terminal.press("M")
        terminal.wait_for(r"│demo_leak_session")

    def test_modules_and_health_have_views(self):
        """Of a program with debug information: its names, its probes and what they cost."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"\bdemo_hash_block\b")
        terminal.press("7")
        terminal.wait_for(r"\[MODULES\]")
        terminal.wait_for(r"\bdwarf +CFI\S* +ok +/\S*demo +[0-9a-f]{12}")
        terminal.wait_for(r"\bkallsyms\b")
        terminal.press("8")
        terminal.wait_for(r"\[HEALTH\]")
        terminal.wait_for(r"^.kernel +Linux .*" + re.escape(os.uname().release))
        terminal.wait_for(r"^ channel +heap ring buffer +\d")
        terminal.wait_for(r"^ map +live objects +\d")
        terminal.press("G")
        terminal.wait_for(r"^ probe +malloc +libc\S*\+0x[0-9a-f]+ +[1-9]\S* +[1-9]\S* +\d\S* +emulated")

    def test_kernel_unfolds_and_folds(self):
        terminal = self.open_top()
        terminal.wait_for(r"\[CPU\] last ")
        terminal.press("K")
        terminal.wait_for(r"kernel unfolded")
        terminal.press("K")
        terminal.wait_without(r"kernel unfolded")

    def test_sampling_interval_by_keys(self):
        """Half and twice the interval, of what comes from now on; what was exact stays so."""
        terminal = self.open_top(name="demo")
        terminal.wait_for(r"^ HEAP +exact ")
        terminal.press("]")
        terminal.wait_for(r"^ HEAP +sampled 1/4\.0K ")
        terminal.press("]")
        terminal.wait_for(r"^ HEAP +sampled 1/8\.0K ")
        terminal.press("[")
        terminal.wait_for(r"^ HEAP +sampled 1/4\.0K ")
        terminal.press("[")
        terminal.wait_for(r"^ HEAP +now exact ")

    def test_pause_freezes_the_screen(self):
        terminal = self.open_top()
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.press("p")
        terminal.wait_for(r"PAUSED")
        frozen = terminal.text()
        self.wait_for_target_to_run(3)
        self.assertEqual(terminal.text(), frozen)
        terminal.press("Space")
        terminal.wait_without(r"PAUSED")
        wait_until(lambda: terminal.lines()[1] != frozen.splitlines()[1],
                   lambda: "more samples after the pause")

    def test_other_views_while_paused(self):
        """What was not shown when the display was frozen is in what was frozen all the same."""
        terminal = self.open_top()
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.press("p")
        terminal.wait_for(r"PAUSED")
        for key, title in ("C", "COMBINED"), ("6", "THREADS"), ("t", "TREE"), ("5", "FLAME"):
            with self.subTest(title):
                terminal.press(key)
                terminal.wait_for(rf"\[{title}\]")
                terminal.wait_for(rf"\b{self.target.pid} +shares_c\b" if key == "6" else r"\bhot_sixty\b")
                self.assertNotIn("not in what was frozen", terminal.text())

    def test_selection_moves(self):
        terminal = self.open_top()
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.wait_for(r"\bhot_thirty\b")
        # The order of the first samples is chance: hold it.
        terminal.press("p")
        terminal.wait_for(r"PAUSED")
        rows = re.findall(r"^[> ] +\d+(?:\.\d)? +\d+(?:\.\d)? (\S.*?) *$", terminal.text(),
                          re.MULTILINE)
        self.assertGreater(len(rows), 1, terminal.text())
        first, second = (rf"^>.*{re.escape(row)}" for row in rows[:2])
        terminal.wait_for(first)
        terminal.press("Down")
        terminal.wait_for(second)
        terminal.press("k")
        terminal.wait_for(first)
        terminal.press("End")
        terminal.wait_without(first)
        terminal.press("Home")
        terminal.wait_for(first)

    def test_resize(self):
        terminal = self.open_top()
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.resize(80, 24)
        terminal.wait_for(r"^ LOST  perf 0 ")
        terminal.wait_for(r"^>.*\bhot_sixty\b")
        self.assertRegex(terminal.lines()[23], r"^ \? Help")
        terminal.resize(40, 10)
        terminal.wait_for(rf"^ {self.target.pid} shares_c .*lost 0")
        terminal.wait_for(r"^>.*\bhot_sixty\b")
        terminal.wait_without(r"HEAP")
        self.assertRegex(terminal.lines()[9], r"^ \? Help")
        terminal.resize(20, 5)
        terminal.wait_for(r"\Aterminal too small \(\n")
        terminal.resize(120, 35)
        terminal.wait_for(r"^ rsprof-top .* watched ")
        terminal.wait_for(r"^>.*\bhot_sixty\b")
        terminal.wait_for(r"── HEAP ")

    def test_too_small_still_quits(self):
        terminal = self.open_top()
        terminal.resize(20, 5)
        terminal.wait_for(r"terminal too small")
        terminal.press("q")
        terminal.wait_for(r"status=0")

    def test_help_opens_and_escape_only_closes_it(self):
        terminal = self.open_top()
        terminal.press("?")
        terminal.wait_for(r"Help ─")
        terminal.wait_for(r"q \^C F10 +quit")
        terminal.press("Escape")
        terminal.wait_without(r"Help ─")
        terminal.press("Escape", "Escape")
        terminal.press("F1")
        terminal.wait_for(r"Help ─")
        terminal.press("h")
        terminal.wait_without(r"Help ─")
        self.assertTrue(terminal.in_alternate_screen())

    def test_every_quit_key_gives_the_terminal_back(self):
        terminal = self.open_terminal()
        modes = terminal.file_of("stty -a")
        for key in ("q", "C-c", "F10"):
            with self.subTest(key=key):
                terminal.run("clear")
                self.start_top(terminal)
                terminal.press(key)
                self.check_given_back(terminal, modes)
                terminal.wait_for(r"^status=0")
                self.stop_target()

    def test_signal_gives_the_terminal_back(self):
        terminal = self.open_terminal()
        modes = terminal.file_of("stty -a")
        pid = self.start_top(terminal)
        os.kill(pid, signal.SIGTERM)
        self.check_given_back(terminal, modes)

    def test_hangup_ends_it(self):
        terminal = self.open_terminal()
        modes = terminal.file_of("stty -a")
        os.kill(self.start_top(terminal), signal.SIGHUP)
        self.check_given_back(terminal, modes)
        terminal.wait_for(r"^status=0")

    def test_crash_gives_the_terminal_back(self):
        terminal = self.open_terminal()
        modes = terminal.file_of("stty -a")
        for number in (signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(signal=number):
                terminal.run("clear")
                pid = self.start_top(terminal)
                os.kill(pid, number)
                self.check_given_back(terminal, modes)
                self.assertNotRegex(terminal.text(), r"^status=0$")
                self.stop_target()

    def test_suspend_and_resume(self):
        terminal = self.open_terminal()
        modes = terminal.file_of("stty -a")
        target = self.start_target()
        terminal.run(f"{shlex.quote(TOP)} {target.pid}; echo status=$?")
        terminal.wait_for(r"\bhot_sixty\b")
        terminal.press("C-z")
        terminal.wait_for(r"Stopped")
        self.assertFalse(terminal.in_alternate_screen())
        self.assertEqual(terminal.file_of("stty -a"), modes)
        terminal.run("fg")
        terminal.wait_for(r"\bhot_sixty\b")
        self.assertTrue(terminal.in_alternate_screen())
        terminal.press("?")
        terminal.wait_for(r"Help ─")
        terminal.press("q")
        wait_until(lambda: not terminal.in_alternate_screen(), lambda: "the end")
        self.assertEqual(terminal.file_of("stty -a"), modes)

    def test_exit_of_the_target_is_shown_and_figures_stay(self):
        terminal = self.open_top()
        terminal.wait_for(r"\bhot_sixty\b")
        self.target.kill()
        self.target.wait()
        terminal.wait_for(r"^.*\bEXITED \(")
        terminal.wait_for(r"^[> ] +\d.*\bhot_sixty\b")
        # The events of a target that is gone are hung up for good: nothing to be busy with.
        used = cpu_seconds(self.top_pid)
        time.sleep(1)
        self.assertLess(cpu_seconds(self.top_pid) - used, 0.5)
        terminal.press("q")
        terminal.wait_for(r"^status=\d")

    def check_refusal(self, setup, redirect, pattern):
        """rsprof-top says one line on standard error and ends with status 1."""
        terminal = self.open_terminal()
        target = self.start_target()
        errors = self.folder / "errors"
        status = terminal.file_of(f"({setup}{shlex.quote(TOP)} {target.pid} {redirect} "
                                  f"2> {errors}; echo $? > {errors}.status); "
                                  f"cat {errors}.status")
        self.assertEqual(status, "1\n", errors.read_text())
        lines = errors.read_text().splitlines()
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], pattern)
        self.assertIn("--batch", lines[0])
        self.assertFalse(terminal.in_alternate_screen())

    def test_term_unset(self):
        self.check_refusal("unset TERM; ", "> /dev/tty", r"TERM is not set")

    def test_term_unknown(self):
        self.check_refusal("export TERM=no-such-terminal; ", "> /dev/tty",
                           r"TERM is \"no-such-terminal\"")

    def test_input_is_no_terminal(self):
        self.check_refusal("", "< /dev/null > /dev/tty", r"standard input is not a terminal")

    def test_output_is_no_terminal(self):
        self.check_refusal("", "> /dev/null", r"standard output is not a terminal")


if __name__ == "__main__":
    unittest.main()
