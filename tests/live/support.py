"""Helpers of the live tests: targets, runs of rsprof-top, and waits with a deadline.

Everything a test starts is in a session of its own and killed, with all its children, when the test
ends; if the runner itself dies, the kernel kills it.
"""

import collections
import contextlib
import ctypes
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from stream import DEADLINE_S, NAMELESS, Stream, outline, stacks_missed, time_of

TOP = os.environ["RSPROF_TOP"]
TARGETS = Path(os.environ["RSPROF_TARGETS"])
NOBODY = 65534
# Of so many samples a share is within 5 points in five standard errors, whatever it is.
ENOUGH = 2500
OFTEN = ("--heap", "off", "-F", "997")
PR_SET_PDEATHSIG = 1

LIBC = ctypes.CDLL(None, use_errno=True)

Done = collections.namedtuple("Done", "status out err")


class Site(collections.namedtuple("Site", "live_bytes live_objects alloc_bytes alloc_objects")):
    """What a site function allocated and still holds."""

    def __str__(self):
        return (f"{self.live_bytes} bytes live in {self.live_objects}, "
                f"{self.alloc_bytes} allocated in {self.alloc_objects}")


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_until(condition, what, seconds=DEADLINE_S):
    """The first true value of condition(); a failure that says `what` when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def cpu_seconds(pid):
    """User and system time of a process, ended threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(pid):
    return Path(f"/proc/{pid}/status").read_text()


def process_state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def read_mapped(pid, memory, line, start, size):
    """What is mapped by a line of the process's maps; None if it has been unmapped since."""
    for _ in range(50):
        try:
            memory.seek(start)
            return memory.read(size)
        except OSError as error:
            failure = error
            if line not in Path(f"/proc/{pid}/maps").read_text().splitlines():
                return None
    raise failure  # not even once, though a library may come and go in between


def differences(pid):
    """Where the code that a process has mapped is not what is in its files: (path, offset in it)."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            fields = line.split(maxsplit=5)
            if "x" not in fields[1] or len(fields) < 6 or not fields[5].startswith("/"):
                continue
            start, end = (int(word, 16) for word in fields[0].split("-"))
            with open(f"/proc/{pid}/root{fields[5]}", "rb") as file:
                file.seek(int(fields[2], 16))
                ours = file.read(end - start)
            theirs = read_mapped(pid, memory, line, start, len(ours))
            if theirs is not None and ours != theirs:
                found += [(fields[5], int(fields[2], 16) + i)
                          for i, (a, b) in enumerate(zip(ours, theirs)) if a != b]
    return found


def functions(refresh, pattern):
    """The functions of a refresh whose name matches the pattern."""
    return [function for function in refresh["cpu"]["functions"]
            if re.search(pattern, function["name"])]


def user_samples(refresh):
    """How many were taken in user code, which each counts as often as it became rarer."""
    samples = sum(function["self_samples"] for function in refresh["cpu"]["functions"]
                  if function["module"] != "[kernel]")
    return samples / refresh["governor"]["sample_weight"]


def user_share(refresh, pattern):
    """Per cent of the samples in user code: on a busy machine interrupts take a part of the others."""
    user = sum(function["self_pct"] for function in refresh["cpu"]["functions"]
               if function["module"] != "[kernel]")
    return 100 * sum(function["self_pct"] for function in functions(refresh, pattern)) / user


def is_named(refresh, module):
    """Whether the module is in stacks, and its functions have their names, which come late; but for one in
    200 samples: some code has no symbol."""
    total = [function["total_pct"] for function in refresh["cpu"]["functions"] if function["module"] == module]
    nameless = [function["total_pct"] for function in functions(refresh, NAMELESS)
                if function["module"] == module]
    return total and sum(nameless) < 0.5


def has_lines(refresh, words):
    """Whether all functions with such a word in their name are there with file and line, which come later."""
    found = [functions(refresh, rf"\b{word}\b") for word in words]
    return all(found) and all(function["file"] for same in found for function in same)


def share(refresh, word, key="self_pct"):
    """
    Sum over the functions that have `word` as a word in their name; of their own samples, in per cent
    of those in user code.
    """
    if key == "self_pct":
        return user_share(refresh, rf"\b{word}\b")
    return sum(function[key] for function in functions(refresh, rf"\b{word}\b"))


def site_word(name):
    """The site_* in a function's full name, or None."""
    match = re.search(r"\bsite_\w+", name or "")
    return match.group(0) if match else None


@functools.cache
def is_sanitized():
    return b"__asan_init" in Path(TOP).read_bytes()


def named_sites(refresh):
    """{site function: Site}, summed over the sites that are in the same function."""
    sums = {}
    for site in refresh["heap"]["sites"]:
        word = site_word(site["function"])
        if word:
            old = sums.get(word, Site(0, 0, 0, 0))
            sums[word] = Site(*(a + site[key] for a, key in zip(old, Site._fields)))
    return sums


def read_ledger(path):
    """{site function: Site} as the target itself counted, or None while it is not done."""
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or lines[-1] != "done":
        return None
    return {line.split()[1]: Site(*map(int, line.split()[2:])) for line in lines[:-1]}


class LiveTest(unittest.TestCase):
    """A test case that starts processes and never leaves one behind."""

    def setUp(self):
        self.assertTrue(os.access(TOP, os.X_OK), f"{TOP} is not built")

    def folder(self):
        """A new folder that everybody may read, gone at the end of the test."""
        path = tempfile.mkdtemp(prefix=f"rsprof-test-{os.getpid()}-")
        os.chmod(path, 0o755)
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return Path(path)

    def need(self, program, package):
        """The path of a program that the test cannot do without."""
        path = shutil.which(program)
        self.assertIsNotNone(path, f"{program} is missing: install the package {package}")
        return path

    def target(self, name):
        path = TARGETS / name
        self.assertTrue(path.exists(), f"{path} is not built: make targets")
        return str(path)

    def read_target(self, name):
        """The same, for a command that allocates at once: its file has been read, as a command is let go when
        what is asked for its probes has not come off the disk in ten seconds."""
        path = self.target(name)
        Path(path).read_bytes()
        return path

    def spawn(self, *argv, **options):
        """Starts a process; argv and options as for Popen. Killed at the end of the test."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.DEVNULL)
        process = subprocess.Popen(
            [str(word) for word in argv], start_new_session=True, preexec_fn=die_with_parent,
            **options)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def run_top(self, *options, seconds=DEADLINE_S, prefix=(), program=TOP, **popen):
        """Runs rsprof-top to its end. Done(status, out, err) with the texts as str."""
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        process = self.spawn(*prefix, program, *options, **popen)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            self.fail(f"rsprof-top {' '.join(map(str, options))} did not end within {seconds} s\n"
                      f"{(err or b'').decode(errors='replace')}")
        return Done(process.returncode, (out or b"").decode(errors="replace"),
                    (err or b"").decode(errors="replace"))

    def refreshes(self, *options, **run):
        """All refreshes of a `-b --json` run that has to end well and say nothing else."""
        done = self.run_top("-b", "--json", *options, **run)
        self.assertEqual(done.err, "")
        self.assertEqual(done.status, 0)
        refreshes = [json.loads(line) for line in done.out.splitlines() if line.startswith("{")]
        self.assertTrue(refreshes, f"no refresh in the output: {done.out!r}")
        print(outline(refreshes[-1]))
        return refreshes

    def stream(self, *options, prefix=(), program=TOP, **popen):
        """Starts `rsprof-top -b --json` to be read refresh by refresh."""
        popen.setdefault("stderr", subprocess.STDOUT)
        process = self.spawn(*prefix, program, "-b", "--json", *options, stdout=subprocess.PIPE, **popen)
        stream = Stream(process, is_sanitized())
        self.addCleanup(stream.close)
        return stream

    def seen(self, condition, what, *options, **stream):
        """The first refresh of a run for which condition(refresh) is true. The run has to end well and say
        nothing else. Stacks that find no room while they wait for rules off a slow disk are cut, and counted:
        after such a run, which has read the files, it is another one's refresh."""
        for _ in range(2):
            running = self.stream(*options, **stream)
            refresh = running.until(condition, what)
            running.finish()
            if not refresh["ledger"]["stacks_unlearnt"]:
                break
        return refresh

    def profile(self, process, module, *options, samples=ENOUGH, lines=(), **stream):
        """The same, with so many samples in user code, the names of the module, and the lines of functions."""
        return self.seen(lambda refresh: user_samples(refresh) >= samples and is_named(refresh, module)
                         and has_lines(refresh, lines),
                         f"{samples} samples, names in {module} and lines of {lines}",
                         *(options or OFTEN), process.pid, **stream)

    def assert_message(self, done, status, *words):
        """Exactly one line on standard error, `rsprof-top: ...`, with the words, and the status."""
        self.assertRegex(done.err, r"\Arsprof-top: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, done.err)
        self.assertEqual(done.status, status, done.err)

    def assert_complete(self, refresh):
        """At least 99 per cent of the stacks reach their end; the last few may be under way."""
        samples, complete = refresh["cpu"]["samples"], refresh["cpu"]["stacks_complete"]
        self.assertGreaterEqual(complete, 0.99 * samples - 3,
                                f"{complete} of {samples} stacks are complete")
        self.assertLessEqual(complete, samples)

    def assert_shares(self, refresh, expected):
        """Within the five standard errors that the number of samples allows at most."""
        samples = user_samples(refresh)
        self.assertGreaterEqual(samples, 900)
        for word, percent in expected.items():
            self.assertAlmostEqual(share(refresh, word), percent, delta=5 * (ENOUGH / samples) ** 0.5, msg=word)

    def assert_ledger(self, refresh, truth):
        """The named sites are the truth to the byte; a site that never got memory may be absent."""
        seen = named_sites(refresh)
        none = Site(0, 0, 0, 0)
        wrong = [f"{name}: {seen.get(name, none)}, truth {site}"
                 for name, site in sorted(truth.items()) if seen.get(name, none) != site]
        wrong += [f"{name}: {seen[name]}, not in the truth" for name in seen.keys() - truth.keys()]
        nameless = stacks_missed(refresh)
        if wrong and is_sanitized() and nameless:
            missing = [site.alloc_objects - seen.get(name, none).alloc_objects
                       for name, site in truth.items()]
            self.assertGreaterEqual(min(missing), 0, wrong)
            self.assertLessEqual(sum(missing), nameless, wrong)
        elif wrong:
            more = f"\nand {len(wrong) - 10} more" if len(wrong) > 10 else ""
            self.fail("\n".join(wrong[:10]) + more + f"\noverflow: {refresh['overflow']}")
