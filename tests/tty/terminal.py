"""A real terminal (tmux) to run a program in."""

import itertools
import os
import re
import subprocess
import time
from pathlib import Path

DEADLINE_S = 60

numbers = itertools.count()


def wait_until(condition, what, seconds=DEADLINE_S):
    """The first true value of condition(); a failure that says what() when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what()}")
        time.sleep(0.02)


class Terminal:
    """A command, or a shell, in a terminal of its own tmux server."""

    def __init__(self, cols, rows, folder, command="bash --norc --noprofile", variables=None):
        self.socket = f"rsprof-test-{os.getpid()}-{next(numbers)}"
        self.folder = Path(folder)
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder,
               "HISTFILE": "/dev/null", "TMUX_TMPDIR": folder, **(variables or {})}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        self.env = env
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(cols), "-y", str(rows),
                  command)

    def tmux(self, *args):
        return subprocess.run(["tmux", "-u", "-L", self.socket, *args], env=self.env, check=True,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=DEADLINE_S).stdout

    def close(self):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], env=self.env, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def text(self):
        return self.tmux("capture-pane", "-p")

    def lines(self):
        return self.text().splitlines()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def run(self, command):
        self.tmux("send-keys", "-l", command)
        self.press("Enter")

    def resize(self, cols, rows):
        self.tmux("resize-window", "-x", str(cols), "-y", str(rows))

    def in_alternate_screen(self):
        return self.tmux("display-message", "-p", "#{alternate_on}").strip() == "1"

    def cursor_is_visible(self):
        return self.tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def wait_for(self, pattern):
        """The match of the regular expression, once it is on the screen."""
        return wait_until(lambda: re.search(pattern, self.text(), re.MULTILINE),
                          lambda: f"{pattern!r} on\n{self.text()}")

    def wait_without(self, pattern):
        wait_until(lambda: not re.search(pattern, self.text(), re.MULTILINE),
                   lambda: f"no {pattern!r} on\n{self.text()}")

    def file_of(self, command):
        """What the command, run in this terminal, prints."""
        done = self.folder / f"file-{next(numbers)}"
        self.run(f"{command} > {done}.new 2>&1; mv {done}.new {done}")
        wait_until(done.exists, lambda: f"the result of {command} on\n{self.text()}")
        return done.read_text()
