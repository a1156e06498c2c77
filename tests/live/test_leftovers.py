"""What the run itself looks for at its end is found when it is there, and only if it is this run's."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import support

sys.path.insert(0, os.path.join(os.environ["RSPROF_SOURCE"], "tests"))
from leftovers import MARK, Leftovers  # noqa: E402
sys.path.pop(0)

ONCE = True


class Left(support.LiveTest):
    def setUp(self):
        super().setUp()
        before = os.environ.get(MARK)
        self.addCleanup(lambda: os.environ.pop(MARK) if before is None
                        else os.environ.__setitem__(MARK, before))

    def daemon(self):
        """A process that has left its parent and its session, as a forgotten server."""
        script = "setsid sleep 300 >/dev/null 2>&1 & echo $!"
        pid = int(subprocess.run(["sh", "-c", script], check=True, stdout=subprocess.PIPE).stdout)
        self.addCleanup(self.stop, pid)
        support.wait_until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x00300\x00", "exec")
        return pid

    @staticmethod
    def stop(pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def test_process(self):
        ours = Leftovers([])
        pid = self.daemon()
        self.assertEqual([line for line in ours.find(1) if line.startswith("process")],
                         [f"process {pid}: sleep 300"])
        Leftovers([])
        other = self.daemon()
        self.assertNotIn(("process", other), ours.look(), "it has another run's mark")
        self.stop(pid)
        support.wait_until(lambda: ("process", pid) not in ours.look(), "its end")

    def test_process_without_a_mark(self):
        """As the worker, which gets no environment."""
        ours = Leftovers([os.path.dirname(self.target("demo"))])
        process = self.spawn("env", "-i", self.target("demo"))
        support.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == self.target("demo"), "exec")
        self.assertTrue(ours.is_ours(process.pid))

    def test_folder(self):
        folder = self.folder()
        self.assertIn(("folder", folder), Leftovers([]).look())
