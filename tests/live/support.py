"""Helpers of the live tests: targets, runs of rsprof-top, and waits with a deadline.

Everything a test starts is in a session of its own and killed, with all its children, when the test
ends; if the runner itself dies, the kernel kills it.
"""

import collections
import contextlib
import ctypes
import datetime
import functools
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

TOP = os.environ["RSPROF_TOP"]
TARGETS = Path(os.environ["RSPROF_TARGETS"])
DEADLINE_S = 90
NOBODY = 65534
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


def user_share(refresh, pattern):
    """Per cent of the samples in user code: on a busy machine interrupts take a part of the others."""
    user = sum(function["self_pct"] for function in refresh["cpu"]["functions"]
               if function["module"] != "[kernel]")
    return 100 * sum(function["self_pct"] for function in functions(refresh, pattern)) / user


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


def time_of(refresh):
    """The time of a refresh, which is RFC 3339 and says its offset."""
    time_text = refresh["time"]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", time_text):
        raise AssertionError(f"not RFC 3339: {time_text!r}")
    whole = re.sub(r"\.\d+", "", time_text).replace("Z", "+00:00")
    fraction = re.search(r"\.\d+", time_text)
    return (datetime.datetime.fromisoformat(whole)
            + datetime.timedelta(seconds=float(fraction.group(0)) if fraction else 0))


class Stream:
    """A running rsprof-top whose JSON is read line by line."""

    def __init__(self, process):
        self.process = process
        self.pending = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(process.stdout, selectors.EVENT_READ)

    def close(self):
        self.selector.close()

    def next_line(self, seconds=DEADLINE_S):
        """A line, or None at the end of the output."""
        end = time.monotonic() + seconds
        while b"\n" not in self.pending:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise AssertionError(f"rsprof-top printed nothing for {seconds} s")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                return None
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def next(self, seconds=DEADLINE_S):
        """The next refresh, or None at the end of the output."""
        while (line := self.next_line(seconds)) is not None:
            if line.startswith("{"):
                return json.loads(line)
            print(line)  # a message: the runner shows it if the test fails
        return None

    def until(self, condition, what, seconds=DEADLINE_S):
        """The first refresh for which condition(refresh) is true."""
        end = time.monotonic() + seconds
        while (refresh := self.next(seconds)) is not None:
            if condition(refresh):
                return refresh
            if time.monotonic() > end:
                break
        raise AssertionError(f"no refresh with {what}; rsprof-top ended" if refresh is None
                             else f"no refresh with {what} within {seconds} s")

    def after_now(self, seconds=DEADLINE_S):
        """The first refresh that was made after this call began."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return self.until(lambda refresh: time_of(refresh) > now + datetime.timedelta(seconds=0.1),
                          "a later time", seconds)

    def sites_now(self, seconds=DEADLINE_S):
        """The same, of which no site is of stacks that are still to be learnt: the rules of a large
        program may come off a slow disk."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return self.until(lambda refresh: time_of(refresh) > now + datetime.timedelta(seconds=0.1) and
                          not any(site["module"] == "[unknown]" for site in refresh["heap"]["sites"]),
                          "all sites known", seconds)


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
        lines = [line for line in done.out.splitlines() if line.startswith("{")]
        self.assertTrue(lines, f"no refresh in the output: {done.out!r}")
        return [json.loads(line) for line in lines]

    def stream(self, *options):
        """Starts `rsprof-top -b --json` to be read refresh by refresh."""
        stream = Stream(self.spawn(TOP, "-b", "--json", *options, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT))
        self.addCleanup(stream.close)
        return stream

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

    def assert_shares(self, refresh, expected, within=5):
        for word, percent in expected.items():
            self.assertAlmostEqual(
                share(refresh, word), percent, delta=within,
                msg=f"{word}; all: " + ", ".join(
                    f"{function['name']} {function['self_pct']}"
                    for function in refresh["cpu"]["functions"][:10]))

    def assert_ledger(self, refresh, truth):
        """The named sites are the truth to the byte; a site that never got memory may be absent."""
        seen = named_sites(refresh)
        none = Site(0, 0, 0, 0)
        wrong = [f"{name}: {seen.get(name, none)}, truth {site}"
                 for name, site in sorted(truth.items()) if seen.get(name, none) != site]
        wrong += [f"{name}: {seen[name]}, not in the truth" for name in seen.keys() - truth.keys()]
        # With sanitizers rules are learnt so slowly that too many stacks wait for one. Their allocations are
        # booked without a named site, and counted.
        if wrong and is_sanitized() and refresh["ledger"]["stacks_unlearnt"]:
            missing = [site.alloc_objects - seen.get(name, none).alloc_objects
                       for name, site in truth.items()]
            self.assertGreaterEqual(min(missing), 0, wrong)
            self.assertLessEqual(sum(missing), refresh["ledger"]["stacks_unlearnt"], wrong)
        elif wrong:
            more = f"\nand {len(wrong) - 10} more" if len(wrong) > 10 else ""
            self.fail("\n".join(wrong[:10]) + more + f"\noverflow: {refresh['overflow']}")
