"""Each key of the table of keys, and the mouse, in a real terminal on a modelled process (tests/tools/replay)."""

import os
import re
import shlex
import tempfile
import unittest
from pathlib import Path

from terminal import Terminal, wait_until

REPLAY = Path(os.environ["RSPROF_TOP"]).parent / "tests" / "tools" / "replay"
SIZE = (120, 35)
HELP_SIZE = (120, 130)
WHEEL_DOWN = 65
READY = r"^ \? Help"
TMUX_NAMES = {"Esc": "Escape", "Backspace": "BSpace", "PgUp": "PPage", "PgDn": "NPage"}

FIRST, SECOND, LAST = r"^>  28\.7 +33\.6 ", r"^>  10\.5 +10\.5 ", r"^>   0\.9 +0\.9 "
MAIN, MAIN_CLOSED = r"^> +60\.2 .* - main ", r"^> +60\.2 .* \+ main "
CLONE, FLUSH = r"^> .*audit::Event::clone ", r"^> .*audit::flush "
NAMES_START, NAMES_MIDDLE, NAMES_END = r" <hashbrown::raw::", r" wn::raw::", r" g::String, .*>>::find ~inl "
PAUSED, HELP = r" PAUSED ", r"─ Help ─"
ALL_TITLE = r"^──\[CPU\] last 10s ─+ 1-15 of 22 ──$"

# Keys of help with one effect; the keys that come first; what is on the screen then, and was not before.
# With more keys behind it what is pressed after the key.
EFFECTS = (
    ("? h F1", (), HELP),
    ("Esc", ("?",), ALL_TITLE),
    ("Up k", ("Down", "Down"), SECOND),
    ("Down j", (), SECOND),
    ("PgUp ^B", ("End",), r"─ 7-21 of 22 ──$"),
    ("PgDn ^F", (), r"─ 2-16 of 22 ──$"),
    ("Home g", ("End",), FIRST),
    ("End G", (), LAST),
    ("Left", ("Right", "Right"), NAMES_MIDDLE),
    ("Right", (), NAMES_MIDDLE),
    ("0", ("Right",), NAMES_START),
    ("$", (), NAMES_END),
    ("/", (), r"^ Search "),
    ("n", ("/", *"audit", "Enter"), FLUSH),
    ("N", ("/", *"audit", "Enter", "n"), CLONE),
    ("#", ("Down", "Down", "Down"), r"^> +661\.8K .*audit::Event::clone ", "Tab", "n"),
    ("\\ F4 f", (), r"^ Filter "),
    ("Tab", (), r"^──\[HEAP\]"),
    ("s F6", (), r"─ Sort CPU by ─"),
    ("<", ("T",), r"SELF%▼"),
    (">", (), r"TOTAL%▼"),
    ("P", ("T",), r"SELF%▼"),
    ("T", (), r"TOTAL%▼"),
    ("M", ("Tab", ">"), r"LIVE▼"),
    ("R", (), r"SELF%▲"),
    ("p Space Z", (), PAUSED),
    ("F", (), r"keeps its line on the screen"),
    ("z", (), r"ALLOC and FREED for "),
    ("u", ("z",), r"HEAP  since attachment ─"),
    ("b", (), r"TOTAL% +\+/- "),
    ("B", ("b",), r"TOTAL% SHARE "),
    ("l", (), r"^──\[CPU\] by line, "),
    ("+ =", (), r"^──\[CPU\] since attachment "),
    ("-", (), r"^──\[CPU\] last 1s "),
    ("d", (), r"^ Seconds between refreshes:"),
    ("w", (), r"^ Write to the file: rsprof-top-4127-"),
    ("K", (), r"^──\[CPU\] last 10s, kernel unfolded "),
    ("1", ("2",), r"^── HEAP "),
    ("2", (), r"^──\[CPU\] last 10s ─+ 1-22 of 22 "),
    ("3", (), r"^──\[HEAP\] .* 1-14 of 14 "),
    ("4", (), r"^──\[LEAKS\]"),
    ("C", (), r"^──\[COMBINED\]"),
    ("5", (), r"^──\[FLAME\]"),
    ("t", (), r"^──\[TREE\] callees"),
    ("Enter", (), r"^──\[DETAIL\]"),
    ("a", ("Enter",), r"instructions with samples"),
    ("Backspace ^H", ("Enter",), ALL_TITLE),
    ("c", ("t",), r"^──\[TREE\] callers"),
    ("e", ("t",), MAIN_CLOSED),
    ("E", ("t",), r"^──\[TREE\] .* 1-22 of 22 "),
    ("6 H", (), r"^──\[THREADS\]"),
    ("7", (), r"^──\[MODULES\]"),
    ("8", (), r"^──\[HEALTH\]"),
    ("9", (), r"^──\[GROWTH\]"),
    ("F2", (), r"─ Colours, and columns of CPU ─"),
)
# These end or stop it, or draw the same again: each has a test of its own below.
ENDING, STOPPING, REDRAWING = "q ^C F10", "^Z", "^L"
# What they do is the session's: test_screen.py presses them on the program.
OF_SESSION = {"[": "test_sampling_interval_by_keys", "]": "test_sampling_interval_by_keys",
              "O": "test_budget_is_lifted_by_a_key"}


def tmux_name(key):
    return f"C-{key[1].lower()}" if re.fullmatch(r"\^[A-Z]", key) else TMUX_NAMES.get(key, key)


class KeysTest(unittest.TestCase):
    def open(self, size=SIZE, in_shell=False, term="tmux-256color"):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        command = f"TERM={term} exec {shlex.quote(str(REPLAY))} busy"
        if in_shell:
            terminal = Terminal(*size, folder.name)
            terminal.run(command.replace("exec ", "") + "; echo status=$?")
        else:
            terminal = Terminal(*size, folder.name, command)
        self.addCleanup(terminal.close)
        terminal.wait_for(READY)
        return terminal

    @staticmethod
    def press_in_turn(terminal, keys):
        """Each when the screen has answered the one before."""
        for key in keys:
            before = terminal.text()
            terminal.press(tmux_name(key))
            wait_until(lambda before=before: terminal.text() != before, lambda key=key: f"an answer to {key}")

    def test_effects(self):
        for names, first, pattern, *then in EFFECTS:
            for key in names.split():
                with self.subTest(key=key):
                    terminal = self.open()
                    self.press_in_turn(terminal, first)
                    self.assertNotRegex(terminal.text(), re.compile(pattern, re.MULTILINE))
                    terminal.press(tmux_name(key))
                    self.press_in_turn(terminal, then)
                    terminal.wait_for(pattern)
                    terminal.close()

    def test_ending(self):
        for key in ENDING.split():
            with self.subTest(key=key):
                terminal = self.open(in_shell=True)
                self.assertTrue(terminal.in_alternate_screen())
                terminal.press(tmux_name(key))
                terminal.wait_for("^status=0$")
                self.assertFalse(terminal.in_alternate_screen())
                terminal.close()

    def test_stopping(self):
        terminal = self.open(in_shell=True)
        terminal.press(tmux_name(STOPPING))
        terminal.wait_for("Stopped")
        terminal.run("fg; echo status=$?")
        terminal.wait_for(READY)
        terminal.press("q")
        terminal.wait_for("^status=0$")

    def test_redrawing(self):
        """What another program has written over the screen is gone."""
        terminal = self.open()
        tty = terminal.tmux("display-message", "-p", "#{pane_tty}").strip()
        Path(tty).write_text("\x1b[8;20Hdirt of another program", encoding="ascii")
        terminal.wait_for("dirt of another program")
        terminal.press(tmux_name(REDRAWING))
        terminal.wait_without("dirt of another program")
        terminal.wait_for(FIRST)

    def test_none_is_left_out(self):
        """Help has all keys of the table, and here is each."""
        terminal = self.open(HELP_SIZE)
        terminal.press("?")
        terminal.wait_for("Columns of CPU")
        help_lines = terminal.text().split("Columns of CPU")[0].splitlines()
        shown = [match[1] for line in help_lines if (match := re.search(r"│ (\S+(?: \S+)*?)  +\S.*│", line))]
        here = [effect[0] for effect in EFFECTS] + [ENDING, STOPPING, REDRAWING, *OF_SESSION]
        self.assertEqual(sorted(shown), sorted(here))

    @staticmethod
    def mouse(terminal, button, col, row):
        """As xterm-256color reports it."""
        terminal.tmux("send-keys", "-l", f"\x1b[<{button};{col};{row}M")

    def click(self, terminal, col, row):
        self.mouse(terminal, 0, col, row)
        terminal.tmux("send-keys", "-l", f"\x1b[<0;{col};{row}m")

    def test_mouse(self):
        """A click on a row, on the title of a column, and the wheel."""
        terminal = self.open(term="xterm-256color")
        lines = terminal.lines()
        title = next(row for row, line in enumerate(lines, 1) if "TOTAL%" in line)
        total = lines[title - 1].index("TOTAL%") + 1
        self.click(terminal, total, title + 2)
        terminal.wait_for(SECOND)
        self.click(terminal, total, title)
        terminal.wait_for("TOTAL%▼")
        shown = terminal.wait_for(r"─ (\d+-\d+ of 22) ──$")[1]
        for _ in range(20):
            self.mouse(terminal, WHEEL_DOWN, total, title + 2)
        terminal.wait_without(re.escape(shown))


if __name__ == "__main__":
    unittest.main()
