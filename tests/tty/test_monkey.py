"""Random keys, mouse events and sizes on the screen of a modelled process: it must bear all of them.

RSPROF_MONKEY_KEYS=20000 and RSPROF_MONKEY_SIZES=500 look longer, RSPROF_MONKEY_SEED repeats a run.
"""

import fcntl
import os
import pty
import random
import select
import signal
import struct
import termios
import time
import unittest
from pathlib import Path

REPLAY = Path(os.environ["RSPROF_TOP"]).parent / "tests" / "tools" / "replay"
KEYS = int(os.environ.get("RSPROF_MONKEY_KEYS", "3000"))
SIZES = int(os.environ.get("RSPROF_MONKEY_SIZES", "100"))
SEED = int(os.environ.get("RSPROF_MONKEY_SEED", "1"))
DEADLINE_S = 60
QUIET_S = 0.004
QUITS = {3, 26}  # ^C quits, ^Z stops
ENDINGS = (b"\x1b", b"\x1b", b"q")

SPECIAL = (b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[5~", b"\x1b[6~", b"\x1bOH", b"\x1bOF",
           b"\x1bOP", b"\x1bOS", b"\x1b[17~", b"\x1b", b"\r", b"\x7f", b"\t", b"\x1b[<",
           "é漢\u202e".encode(), b"\xff\xfe", b"!(", b"!.*", b"orders")


class Monkey:
    """replay on a pseudo terminal."""

    def __init__(self, scene, term):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM=term, LC_ALL="C.UTF-8", TZ="UTC")
            os.execv(REPLAY, [str(REPLAY), scene])
        self.output = b""
        self.screens = 0
        self.resize(24, 80)
        end = time.monotonic() + DEADLINE_S
        while b"Help" not in self.output and self.read(0.1) and time.monotonic() < end:
            pass

    def resize(self, rows, cols):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def step(self):
        os.kill(self.pid, signal.SIGUSR1)

    def read(self, seconds):
        """Reads what there is; False at the end."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:  # the terminal of a process that has ended
            return False
        self.output = (self.output + data)[-4000:]
        return bool(data)

    def press(self, keys):
        """Types, and reads all the while, for a terminal holds only so much of both."""
        while keys:
            _, writable, _ = select.select([], [self.fd], [], 0)
            if writable:
                try:
                    keys = keys[os.write(self.fd, keys):]
                except OSError:
                    return False
            if not self.read(0 if writable else 0.01):
                return False
        return True

    def settle(self):
        """Waits until what was typed has been drawn: keys that come at once are answered by one screen."""
        before = self.output
        while self.read(QUIET_S):
            if select.select([self.fd], [], [], 0)[0]:
                continue
            state = Path(f"/proc/{self.pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()[0]
            if state != "R":
                break
        self.screens += self.output is not before

    def end(self):
        """The wait status after q."""
        end = time.monotonic() + DEADLINE_S
        for keys in ENDINGS:
            self.press(keys)
            pause = time.monotonic() + 0.1  # so that an Esc is one
            while time.monotonic() < pause:
                self.read(0.02)
        while time.monotonic() < end:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return status
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None


class MonkeyTest(unittest.TestCase):
    @staticmethod
    def size(chance):
        """Rows and columns: mostly of a screen that shows something."""
        if chance.random() < 0.3:
            return chance.choice((1, 2, 5, 6, 10)), chance.choice((1, 10, 29, 30, 40))
        return (chance.choice((10, 24, 35, chance.randrange(10, 80))),
                chance.choice((40, 80, 120, chance.randrange(40, 300))))

    def run_monkey(self, scene, term, seed):
        chance = random.Random(seed)
        monkey = Monkey(scene, term)
        self.addCleanup(os.close, monkey.fd)
        for number in range(KEYS):
            if number % max(1, KEYS // SIZES) == 0:
                monkey.resize(*self.size(chance))
            if chance.random() < 0.05:
                monkey.step()
            if chance.random() < 0.1:
                keys = (f"\x1b[<{chance.choice((0, 3, 64, 65))};{chance.randrange(1, 300)};"
                        f"{chance.randrange(1, 80)}M").encode()
            elif chance.random() < 0.3:
                keys = chance.choice(SPECIAL)
            else:
                keys = bytes((chance.choice([key for key in range(1, 127)
                                             if key not in QUITS and key != ord("q")]),))
            pressed = monkey.press(keys)
            if chance.random() < 0.8:
                monkey.settle()
            if not pressed:
                self.fail(f"seed {seed}: it ended at key {number}, {keys}, so: {monkey.end()}\n"
                          f"{monkey.output.decode(errors='replace')}")
        self.assertGreater(monkey.screens, KEYS / 16, f"seed {seed}: keys that were seen to do something")
        status = monkey.end()
        self.assertEqual(status, 0, f"seed {seed}: it ended so:\n"
                                    f"{monkey.output.decode(errors='replace')}")

    def test_usual_names(self):
        self.run_monkey("busy", "xterm-256color", SEED)

    def test_hostile_names(self):
        self.run_monkey("hostile", "screen", SEED + 1)


if __name__ == "__main__":
    unittest.main()
