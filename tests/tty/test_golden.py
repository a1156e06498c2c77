"""Screens of a modelled process (tests/tools/replay), compared letter by letter with goldens.

GOLDEN_WRITE=1 writes them anew: look at what git then says has changed.
"""

import difflib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from terminal import DEADLINE_S, Terminal

REPLAY = Path(os.environ["RSPROF_TOP"]).parent / "tests" / "tools" / "replay"
GOLDEN = Path(os.environ["RSPROF_SOURCE"]) / "tests" / "tty" / "golden"
WRITE = bool(os.environ.get("GOLDEN_WRITE"))
STEADY_S = 0.5

SIZES = ((40, 10), (80, 24), (120, 35), (250, 60))
ASCII = {"LC_ALL": "C"}

# Every view by the keys that show it, from any other.
VIEWS = {
    "leaks": ("4",),
    "combined": ("C",),
    "tree": ("t", "P"),
    "tree-heap": ("t", "M"),
    "flame": ("5", "P"),
    "flame-heap": ("5", "M"),
    "threads": ("6",),
    "modules": ("7",),
    "health": ("8",),
    "function": ("2", "Home", "Enter"),
    "site": ("3", "Home", "Enter"),
}


class GoldenTest(unittest.TestCase):
    def open_replay(self, size, scene, term="tmux-256color", variables=None):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        command = f"TERM={term} exec {shlex.quote(str(REPLAY))} {scene}"
        terminal = Terminal(*size, folder.name, command, {"TZ": "UTC", **(variables or {})})
        self.addCleanup(terminal.close)
        return terminal

    @staticmethod
    def capture(terminal, styled):
        text = terminal.tmux("capture-pane", "-p", *(["-e"] if styled else []))
        return "".join(line.rstrip() + "\n" for line in text.replace("\x1b", "\\e").splitlines())

    def steady(self, terminal, styled):
        """The screen once it has stayed the same for a while."""
        before, since = None, time.monotonic()
        while time.monotonic() - since < STEADY_S or not before.strip():
            now = self.capture(terminal, styled)
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.02)
        return before

    def check(self, name, terminal, styled=False):
        """The screen becomes that of the file; colours are compared only where they are the point."""
        file = GOLDEN / f"{name}.txt"
        if WRITE:
            file.write_text(self.steady(terminal, styled))
            return
        golden = file.read_text()
        end = time.monotonic() + DEADLINE_S / 4
        while (text := self.capture(terminal, styled)) != golden:
            if time.monotonic() > end:
                self.fail(f"{file.name} is another screen:\n" + "".join(difflib.unified_diff(
                    golden.splitlines(True), text.splitlines(True), "golden", "screen")))
            time.sleep(0.02)

    def test_sizes(self):
        for cols, rows in SIZES:
            with self.subTest(cols=cols, rows=rows):
                self.check(f"busy-{cols}x{rows}", self.open_replay((cols, rows), "busy"))

    def test_narrow_and_low(self):
        """Each size at which something is left out."""
        terminal = self.open_replay((120, 35), "busy")
        for cols, rows in ((100, 24), (70, 24), (60, 24), (60, 15), (50, 20), (50, 16), (80, 19),
                           (80, 14), (180, 22), (30, 6), (29, 6)):
            with self.subTest(cols=cols, rows=rows):
                terminal.resize(cols, rows)
                self.check(f"busy-{cols}x{rows}", terminal)

    def test_hostile_names(self):
        for cols, rows in SIZES:
            with self.subTest(cols=cols, rows=rows):
                self.check(f"hostile-{cols}x{rows}", self.open_replay((cols, rows), "hostile"))

    def check_views(self, terminal, scene, size):
        for name, keys in VIEWS.items():
            with self.subTest(name=name, size=size):
                terminal.press(*keys)
                self.check(f"{name}-{scene}-{size[0]}x{size[1]}", terminal)

    def test_views(self):
        terminal = self.open_replay((250, 60), "busy")
        terminal.wait_for(r"^ \? Help")
        for size in SIZES:
            terminal.resize(*size)
            self.check_views(terminal, "busy", size)

    def test_views_of_hostile_names(self):
        terminal = self.open_replay((80, 24), "hostile")
        terminal.wait_for(r"^ \? Help")
        self.check_views(terminal, "hostile", (80, 24))

    def test_losses(self):
        terminal = self.open_replay((120, 35), "lossy")
        self.check("lossy-120x35", terminal)
        for cols, rows in ((80, 24), (40, 10)):
            with self.subTest(cols=cols, rows=rows):
                terminal.resize(cols, rows)
                self.check(f"lossy-{cols}x{rows}", terminal)

    def test_what_is_off_says_why(self):
        self.check("bare-80x24", self.open_replay((80, 24), "bare"))

    def test_exit(self):
        self.check("exited-80x24", self.open_replay((80, 24), "exited"))

    def test_what_keys_open(self):
        for name, keys in (("help", ("?",)), ("sort", ("Tab", "s", "Down")),
                           ("filter", ("f", "!^orders", "Enter")), ("typing", ("/", "audit")),
                           ("setup", ("F2", "Down", "Down", "Space"))):
            with self.subTest(name=name):
                terminal = self.open_replay((80, 24), "busy")
                terminal.wait_for(r"^ \? Help")
                terminal.press(*keys)
                self.check(f"keys-{name}", terminal)

    def test_windows_groups_and_marks(self):
        terminal = self.open_replay((120, 35), "busy")
        terminal.wait_for(r"^ \? Help")
        pid = int(terminal.tmux("display-message", "-p", "#{pane_pid}"))
        terminal.press("b", "z")
        terminal.wait_for(r"\+/- ")
        for second in range(1, 4):
            os.kill(pid, signal.SIGUSR1)
            terminal.wait_for(rf" watched {30 + second}s")
        self.check("marks-recent-120x35", terminal)
        terminal.press("+")
        self.check("marks-all-120x35", terminal)
        terminal.press("u", "B")
        self.check("marks-undone-120x35", terminal)
        terminal.press("l", "l", "-", "-")
        self.check("modules-latest-120x35", terminal)
        terminal.press("l")
        self.check("by-thread-120x35", terminal)

    def test_selected_row_keeps_its_line(self):
        """For three seconds after a key, though others come before it; then it moves with its order."""
        terminal = self.open_replay((120, 35), "busy")
        terminal.wait_for(r"^ \? Help")
        pid = int(terminal.tmux("display-message", "-p", "#{pane_pid}"))
        terminal.press("-", "End", "Up", "Up", "Up", "Up")
        self.check("chosen-120x35", terminal)
        for second, name in ((2, "held-120x35"), (5, "let-go-120x35")):
            while second > int(terminal.wait_for(r" watched (\d+)s")[1]) - 30:
                before = terminal.text()
                os.kill(pid, signal.SIGUSR1)
                terminal.wait_without(re.escape(before))
            self.check(name, terminal)
        chosen, held, let_go = ((GOLDEN / f"{name}-120x35.txt").read_text().splitlines()
                                for name in ("chosen", "held", "let-go"))
        line = next(index for index, text in enumerate(chosen) if text.startswith(">"))
        self.assertTrue(held[line].startswith(">") and chosen[4] != held[4], "scrolled, and at its line")
        self.assertFalse(let_go[line].startswith(">"))

    def test_ascii_locale(self):
        self.check("ascii-80x24", self.open_replay((80, 24), "busy", variables=ASCII))
        self.check("ascii-hostile-80x24",
                   self.open_replay((80, 24), "hostile", variables=ASCII))

    def test_colours(self):
        for term in ("tmux-256color", "screen", "linux", "vt100"):
            with self.subTest(term=term):
                self.check(f"colours-{term}", self.open_replay((80, 24), "lossy", term), True)

    def test_sixteen_colours(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        source = Path(folder.name) / "source"
        source.write_text("sixteen|tmux with 16 colours,\n\tcolors#16, pairs#256, "
                          "use=tmux-256color,\n")
        subprocess.run(["tic", "-x", "-o", folder.name, source], check=True)
        self.check("colours-16", self.open_replay((80, 24), "lossy", "sixteen",
                                                  {"TERMINFO": folder.name}), True)

    def test_light_theme(self):
        for term in ("tmux-256color", "screen"):
            with self.subTest(term=term):
                self.check(f"light-{term}", self.open_replay(
                    (80, 24), "lossy", term, {"COLORFGBG": "0;15"}), True)

    def test_no_color(self):
        self.check("colours-none", self.open_replay((80, 24), "lossy",
                                                    variables={"NO_COLOR": "1"}), True)


if __name__ == "__main__":
    unittest.main()
