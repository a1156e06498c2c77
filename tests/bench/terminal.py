"""rsprof-top and others on a real terminal."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

ROWS, COLUMNS = 40, 120
PAGE_DEADLINE_S = 15
FIRST_SCREEN_DEADLINE_S = 30
UNNAMED = re.compile(r"\S\+0x[0-9a-f]+")
# Whose settings are not to be used, whoever has some.
SETTINGS = ("HOME", "XDG_CONFIG_HOME")


class Terminal:
    """A program on a pseudo terminal. `started` is the monotonic time just before exec."""

    def __init__(self, *argv):
        self.started = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            for name in SETTINGS:
                os.environ.pop(name, None)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvp(argv[0], list(argv))

    def read(self, seconds):
        """What is printed within so many seconds at most, or b"" ; None when the program ended."""
        if not select.select([self.fd], [], [], max(0, seconds))[0]:
            return b""
        try:
            return os.read(self.fd, 1 << 16) or None
        except OSError:
            return None

    def drain(self, seconds):
        """Reads along as a terminal does, for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self.read(left) is None:
                sys.exit("bench: the program on the terminal ended")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        while self.read(5):
            pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def seconds_to(text, *argv):
    """Runs the program until the text (bytes) is on its screen; the seconds since exec."""
    screen = Terminal(*argv)
    seen = b""
    while text not in seen:
        if time.monotonic() - screen.started > FIRST_SCREEN_DEADLINE_S:
            sys.exit(f"bench: no {text} within {FIRST_SCREEN_DEADLINE_S} s")
        data = screen.read(1)
        if data is None:
            sys.exit(f"bench: rsprof-top ended: {seen[-500:].decode(errors='replace')}")
        seen += data
    seconds = time.monotonic() - screen.started
    screen.close()
    return seconds


def page_rows(text):
    """The rows of the first table: between its headings and the next pane."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if "FUNCTION" in line), len(lines))
    rows = []
    for line in lines[start + 1:]:
        if not re.match(r"[ >]*\d+\.\d", line):
            break
        rows.append(line)
    return rows


def first_page(argv, measure):
    """
    Runs the program in tmux. (rows of the first page after a second, seconds until all are named or None,
    measure(its pid) after PAGE_DEADLINE_S).
    """
    socket = f"rsprof-bench-{os.getpid()}"

    def tmux(*words):
        return subprocess.run(["tmux", "-L", socket, "-f", os.devnull, *words], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    started = time.monotonic()
    tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "env", *(f"--unset={name}" for name in SETTINGS),
         *argv)
    try:
        pid = int(tmux("display-message", "-p", "#{pane_pid}"))
        time.sleep(max(0, started + 1 - time.monotonic()))
        first = page_rows(tmux("capture-pane", "-p"))
        complete = None
        while time.monotonic() < started + PAGE_DEADLINE_S:
            rows = page_rows(tmux("capture-pane", "-p"))
            if complete is None and rows and not any(UNNAMED.search(row) for row in rows):
                complete = time.monotonic() - started
            time.sleep(0.05)
        return first, complete, measure(pid)
    finally:
        tmux("kill-server")
