"""Our unwinding against libdwfl's, gdb's, and the targets' own record of their calls.

tests/tools/stops stops each program at random instants and says how many stacks were walked to
their end, and where the three accounts part. UNWIND_STOPS=5000 in the environment makes it look
so many times at each program; without, as often as there is time for in a run of all tests. UNWIND_SHOW=FILE
adds to the file how many of each program's stacks are complete, and what keeps the others from it: so
UNWINDING was made.
"""

import collections
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import support
from support import TARGETS

ONCE = True
STOPS = int(os.environ.get("UNWIND_STOPS", "300"))
SHOW = os.environ.get("UNWIND_SHOW")
GDB_STOPS = int(os.environ.get("UNWIND_GDB_STOPS", "12"))
TOOLS = TARGETS.parent / "tools"
GDB_SCRIPT = Path(os.environ["RSPROF_SOURCE"]) / "tests" / "tools" / "gdb_frames.py"
SECONDS = 30 + STOPS // 10
GDB_SECONDS = 80 + GDB_STOPS
COMPLETE_PERCENT = 99.9
ALLOWED = 2  # stacks of a program, where 0.1 per cent is less

# Where a stack cannot be walked to its end: function, module, and why.
UNFINISHED = [
    (r"^(_start|_dl_start_user)$", r"^ld-linux", "the loader's first instructions have no CFI"),
    (r"^_Unwind_|^uw_|^$", r"^libgcc_s|^unwind_cc\.static$",
     "before an exception's end the registers that were saved are overwritten with the handler's"),
    (r"^(sha512_block_data_order.*)?$", r"^libcrypto\.so",
     "SHA-512 for AVX2 keeps its caller's rsp below its own, where no sample's copy reaches (the kernel's walk does)"),
    (r"^swapcontext$", r"^libc\.so|^unwind_c\.static$",
     "rsp is the other coroutine's already, whose return address is not there yet: the CFI does not tell"),
    (r"^(__clone|memset)$", r"^libc\.so$|^unwind_c\.musl-static$",  # the library has no name for clone()
     "where clone() comes back from the kernel, musl's code says the parent's caller: the thread has none"),
]

# Where libdwfl is wrong and the others agree with us.
THEIRS_WRONG = [
    (r"^_dl_runtime_resolve_", r"^ld-linux", "libdwfl 0.188 takes rbx, which has the CFA, for lost"),
    (r"^$", r"^libc\.so|^unwind_c\.",
     "it goes on below a coroutine's first function, by what happens to be on the stack"),
    (r"^$", r"^unwind_rs-",
     "the linker gives PLT stubs no CFI: it follows rbp there, past the function that called the stub"),
]

LANGUAGES = {"c": 13, "cc": 10, "rs": 4}


def percent(result):
    done = result["complete"] + result["deep"]
    return 100 * done / result["stops"] if result["stops"] else 0


def summary(name, result):
    """What UNWINDING says of a program."""
    remaining = collections.Counter()
    for item in result["classes"]:
        if item["kind"] in ("broken", "beyond_copy"):
            reasons = [why for function, module, why in UNFINISHED if is_match(item, function, module)]
            remaining[reasons[0] if reasons else f"{item['function']} {item['module']}"] += item["count"]
    return "".join([f"{name:24}{percent(result):7.2f} % of {result['stops']}\n"] +
                   [f"{'':8}{count:4} {reason}\n" for reason, count in remaining.items()])


def is_match(item, function, module):
    return re.search(function, item["function"]) and re.search(module, item["module"])


def is_known(item, table):
    return any(is_match(item, function, module) for function, module, _reason in table)


def known_failures(result, *kinds, table=UNFINISHED):
    return sum(item["count"] for item in result["classes"]
               if item["kind"] in kinds and is_known(item, table))


class Unwind(support.LiveTest):
    def run_stops(self, argv, *options):
        tool = TOOLS / "stops"
        self.assertTrue(tool.exists(), f"{tool} is not built: make units")
        process = self.spawn(tool, "--stops", STOPS, *options, *argv, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, err.decode(errors="replace"))
        # The program's own output may stand before the line.
        return json.loads(out.decode(errors="replace").rstrip("\n").rpartition("\n")[2])

    def compare(self, programs):
        """{name: result} of {name: (argv, options)}, two at a time."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            running = {name: pool.submit(self.run_stops, argv, *options)
                       for name, (argv, options) in programs.items()}
        return {name: future.result() for name, future in running.items()}

    def explain(self, name, result):
        return f"{name}: {percent(result):.2f} % of {result['stops']} complete\n" + "\n".join(
            f"  {item['kind']} {item['count']} x {item['function']} {item['module']}+"
            f"{item['address']}: {item['example']}" for item in result["classes"])

    def check(self, name, result, fewest=STOPS):
        text = self.explain(name, result)
        print(text)
        if SHOW:
            with open(SHOW, "a", encoding="utf-8") as file:
                file.write(summary(name, result))
        self.assertGreaterEqual(result["stops"], fewest, text)
        finished = result["complete"] + result["deep"] + known_failures(
            result, "broken", "beyond_copy")
        missing = result["stops"] - finished
        self.assertLessEqual(missing, max(ALLOWED, (100 - COMPLETE_PERCENT) / 100 * result["stops"]),
                             text)
        self.assertEqual(result["differs"],
                         known_failures(result, "differs", table=THEIRS_WRONG + UNFINISHED), text)
        self.assertEqual(result["shadow_differs"], known_failures(result, "shadow"), text)
        self.assertEqual(result["other_classes"], 0, text)

    def check_builds(self, pattern, count):
        names = sorted(path.name for path in TARGETS.glob(pattern)
                       if "musl" not in path.name and os.access(path, os.X_OK))
        self.assertEqual(len(names), count, f"{names}: make targets")
        results = self.compare({name: ([TARGETS / name], ()) for name in names})
        for name, result in results.items():
            with self.subTest(name):
                self.check(name, result)
                self.assertGreater(result["shadow_equal"], 0.4 * STOPS, "the record was not read")

    def test_c(self):
        self.check_builds("unwind_c.*", LANGUAGES["c"])

    def test_cc(self):
        self.check_builds("unwind_cc.*", LANGUAGES["cc"])

    def test_rust(self):
        self.check_builds("unwind_rs-*", LANGUAGES["rs"])

    def test_deeper_than_the_limit(self):
        result = self.run_stops([self.target("unwind_c.gcc-O2"), "cut"], "--skip", "3")
        self.check("cut", result)
        self.assertGreater(result["deep"], 0)

    def test_handler_on_a_stack_apart(self):
        """The copy holds only the handler's stack: cut there, and said to be cut."""
        result = self.run_stops([self.target("unwind_c.gcc-O2"), "altstack"], "--skip", "3")
        text = self.explain("altstack", result)
        self.assertGreater(result["beyond_copy"], 0, text)
        self.assertEqual(result["differs"] + result["shadow_differs"], 0, text)

    def test_musl(self):
        """musl has no CFI: it is unwound by what its code does."""
        programs = {name: ([self.target(name)], ("--skip", "3"))
                    for name in ("unwind_c.musl", "unwind_c.musl-static")}
        for name, result in self.compare(programs).items():
            with self.subTest(name):
                self.check(name, result)

    def test_openssl(self):
        for cipher in (["aes-256-cbc"], ["sha512"], ["-evp", "chacha20-poly1305"], ["rsa2048"]):
            with self.subTest(cipher):
                self.check(f"openssl {cipher[-1]}", self.run_stops(
                    [self.need("openssl", "openssl"), "speed", "-seconds", "10", *cipher], "--skip", "20"))

    def test_programs(self):
        folder = self.folder()
        database = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                    "SELECT count(*) FROM n ORDER BY hex(i);")
        source = folder / "source.c"
        source.write_text("".join(f"long f{i}(long x) {{ return x * {i} + (x >> 3); }}\n"
                                  for i in range(30000)))
        python = os.path.realpath(sys.executable)
        programs = {
            "python3": [python, "-c", "import json\nwhile True:\n    "
                        "sorted(json.loads(json.dumps(list(range(200)))), key=lambda x: -x)"],
            "sqlite3": [self.need("sqlite3", "sqlite3"), ":memory:", database],
            "clang": [self.need("clang", "clang"), "-O2", "-c", "-o",
                      "/dev/null", source],
            "redis-server": [self.need("redis-server", "redis-server"), "--port", "0", "--unixsocket",
                             folder / "redis", "--save", "", "--hz", "500"],
        }
        results = self.compare({name: (argv, ()) for name, argv in programs.items()})
        for name, result in results.items():
            with self.subTest(name):
                self.check(name, result, fewest=STOPS // 4)

    def run_gdb(self, name):
        script_environment = dict(os.environ, STOPS=str(TOOLS / "stops"),
                                  STOPS_COUNT=str(GDB_STOPS), STOPS_SEED="1")
        process = self.spawn(self.need("gdb", "gdb"), "-batch", "-nx", "-x", GDB_SCRIPT,
                             "--args", self.target(name), env=script_environment,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        out = process.communicate(timeout=GDB_SECONDS)[0].decode(errors="replace")
        # gdb's own words may stand before it in the line.
        found = re.findall(r'\{"stops".*\}', out)
        self.assertTrue(found, out[-2000:])
        return json.loads(found[-1])

    def test_gdb(self):
        for name in ("unwind_c.gcc-O2", "unwind_cc.clang-O2", "unwind_rs-O2"):
            with self.subTest(name):
                result = self.run_gdb(name)
                print(name, result)
                self.assertEqual(result["stops"], GDB_STOPS)
                self.assertGreaterEqual(result["complete"], GDB_STOPS - ALLOWED, result)
                self.assertGreaterEqual(result["equal"] + result["shorter"],
                                        GDB_STOPS - ALLOWED, result)


if __name__ == "__main__":
    unittest.main()
