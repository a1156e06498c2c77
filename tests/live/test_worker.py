"""The symbol worker is stopped, killed and killed again: names and counts go on."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import support


def worker_of(pid):
    """The process that parses files, or None while it is being replaced."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in map(int, children):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/comm").read_text().strip() == "rsprof-worker":
                return child
    return None


class Worker(support.LiveTest):
    def started(self, target, *options):
        process = self.spawn(self.target(target), 600)
        stream = self.stream("-d", "0.5", "--heap", "off", *options, process.pid)
        stream.until(lambda refresh: support.functions(refresh, r"\bhot_"), "names")
        return stream

    def other_worker(self, stream, than):
        """Reads along meanwhile: rsprof-top waits where nobody takes what it prints."""
        found = None

        def is_there(_refresh):
            nonlocal found
            found = worker_of(stream.process.pid)
            return found not in (None, than)

        stream.until(is_there, "another worker")
        return found

    def assert_names(self, stream):
        stream.after_now()
        return stream.until(lambda refresh: support.functions(refresh, r"\bhot_"), "names")

    def test_stopped_with_questions(self):
        """A worker that does not answer is replaced, and its successor answers."""
        process = self.spawn(self.target("shares_c"), 600)
        stream = self.stream("-d", "0.2", "--heap", "off", process.pid)
        first = support.wait_until(lambda: worker_of(stream.process.pid), "a worker")
        os.kill(first, signal.SIGSTOP)
        self.other_worker(stream, first)
        stream.until(lambda refresh: support.functions(refresh, r"\bhot_"), "names")
        support.wait_until(lambda: not Path(f"/proc/{first}").exists(), "the end of the first")

    def test_killed_repeatedly(self):
        stream = self.started("shares_c")
        worker = worker_of(stream.process.pid)
        for _ in range(8):
            os.kill(worker, signal.SIGKILL)
            worker = self.other_worker(stream, worker)
        refresh = self.assert_names(stream)
        before = refresh["cpu"]["samples"]
        later = stream.until(lambda refresh: refresh["cpu"]["samples"] > before + 20, "samples")
        self.assert_complete(later)

    def test_debug_information_that_is_too_large(self):
        """A section of zeros, small in the file and large in memory: names stay, lines go."""
        folder = self.folder()
        program, strings = folder / "shares_c", folder / "strings"
        shutil.copy(self.target("shares_c"), program)
        subprocess.run(["objcopy", f"--dump-section=.debug_str={strings}", program], check=True)
        os.truncate(strings, 300 << 20)
        subprocess.run(["objcopy", f"--update-section=.debug_str={strings}", program], check=True)
        subprocess.run(["objcopy", "--compress-debug-sections=zlib", program], check=True)
        self.assertLess(program.stat().st_size, 4 << 20)
        process = self.spawn(program, 600)
        stream = self.stream("-d", "0.5", "--heap", "off", process.pid)
        refresh = stream.until(lambda refresh: refresh["modules"], "a module that is not ok")
        self.assertEqual([(module["name"], module["state"]) for module in refresh["modules"]],
                         [("shares_c", "degraded")])
        refresh = self.assert_names(stream)
        self.assert_complete(refresh)
        self.assertLess(refresh["overhead"]["self_rss_bytes"], 100 << 20)

    def test_nothing_wrong_says_nothing(self):
        stream = self.started("shares_cc")
        self.assertEqual(stream.after_now()["modules"], [])
