"""Code without a file: its names come from a perf map, its stacks by frame pointers."""

import signal
from pathlib import Path

import support
from support import functions, share, user_share

OFTEN = ("--heap", "off", "-F", "997")
MADE = {"made_hot": 75, "made_loop": 25}
NAMELESS = r"\A\[anon\]\+0x[0-9a-f]+\Z"

SCRIPT = """
function hotLoop(n) { let x = 1; for (let i = 0; i < n; i++) x = (x * 31 + i) % 1000003; return x }
function coldLoop(n) { let x = 1; for (let i = 0; i < n; i++) x = (x * 37 + i) % 1000003; return x }
function runAll() { for (;;) { hotLoop(300000); coldLoop(100000) } }
runAll();
"""


def self_samples(refresh, pattern):
    return sum(function["self_samples"] for function in functions(refresh, pattern))


class Made(support.LiveTest):
    """A process that writes machine code, and its map when it is told to."""

    def start(self):
        process = self.spawn(self.target("jit"), 60)
        self.addCleanup(Path(f"/tmp/perf-{process.pid}.map").unlink, missing_ok=True)
        return process, self.stream(*OFTEN, "-d", "0.5", process.pid)

    def check_stacks(self, refresh):
        self.assert_complete(refresh)
        self.assertGreaterEqual(refresh["cpu"]["stacks_guessed"], 0.9 * refresh["cpu"]["samples"])
        self.assertGreaterEqual(share(refresh, "main", "total_pct"), 97)
        self.assertGreaterEqual(share(refresh, "run_until", "total_pct"), 97)

    def test_names_come_late(self):
        process, stream = self.start()
        first = stream.until(lambda refresh: functions(refresh, NAMELESS), "samples in made code")
        self.assertFalse(functions(first, "made_"))
        anonymous = functions(first, NAMELESS)
        self.assertEqual({function["module"] for function in anonymous}, {"[anon]"})
        process.send_signal(signal.SIGUSR1)
        refresh = stream.until(
            lambda refresh: refresh["cpu"]["samples"] >= 3000 and not self_samples(refresh, NAMELESS),
            "3000 samples, all of them with names")
        for word, percent in MADE.items():
            self.assertAlmostEqual(user_share(refresh, word), percent, delta=5, msg=word)
        self.assertEqual(functions(refresh, "made_loop")[0]["name"], "made_loop in two words")
        self.assertEqual(functions(refresh, "made_hot")[0]["module"], "[jit]")
        self.assertGreaterEqual(share(refresh, "made_loop", "total_pct"), 97)
        self.check_stacks(refresh)

    def test_without_a_map(self):
        _, stream = self.start()
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] >= 1500, "1500 samples")
        self.check_stacks(refresh)
        self.assertGreaterEqual(user_share(refresh, NAMELESS), 97)


class Runtimes(support.LiveTest):
    def test_node(self):
        script = self.folder() / "hot.js"
        script.write_text(SCRIPT)
        process = self.spawn(self.need("node", "nodejs"), "--perf-basic-prof", script,
                             cwd=self.folder())  # where it leaves a log
        self.addCleanup(Path(f"/tmp/perf-{process.pid}.map").unlink, missing_ok=True)
        stream = self.stream(*OFTEN, "-d", "1", process.pid)
        # Until both are compiled, which another thread does when it comes to it, their shares are others.
        before = stream.until(lambda refresh: refresh["cpu"]["samples"] >= 2000, "2000 samples")
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] >= 5000, "5000 samples")
        hot, cold = (self_samples(refresh, name) - self_samples(before, name)
                     for name in ("hotLoop", "coldLoop"))
        self.assertGreater(hot + cold, 1500)
        self.assertAlmostEqual(100 * hot / (hot + cold), 75, delta=7)
        for name in ("hotLoop", "coldLoop"):
            (function,) = functions(refresh, name)
            self.assertEqual((function["name"], function["module"], function["file"]),
                             (name, "[jit]", str(script)))
            self.assertGreater(function["line"], 0)
        # runAll itself is interpreted: its frames are the interpreter's. The rest is node's own threads.
        self.assertGreaterEqual(share(refresh, "Builtins_InterpreterEntryTrampoline",
                                      "total_pct"), 94)
        self.assertGreaterEqual(share(refresh, "node::Start", "total_pct"), 94)
        self.assert_complete(refresh)

    def test_luajit(self):
        """No map, and rbp is no frame pointer there: the time is in nameless memory."""
        process = self.spawn(self.need("luajit", "luajit"), "-e", "local x = 1; while true do "
                                             "x = (x * 31 + 7) % 1000003 end")
        stream = self.stream(*OFTEN, "-d", "1", process.pid)
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] >= 1500, "1500 samples")
        self.assertGreaterEqual(user_share(refresh, NAMELESS), 95)
        self.assertLessEqual(refresh["cpu"]["stacks_complete"], refresh["cpu"]["samples"])
