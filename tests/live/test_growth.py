"""Growth by page faults: the bytes that named functions touch, whatever they allocate with."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import support
from support import LiveTest

SECONDS = 8
FILE_BYTES = 4 << 20
AGAIN_BYTES = 8 << 20
WITHIN = 0.25  # where there are 400 samples and more: five standard errors
GROWN = ("grow_malloc", "grow_mmap", "grow_brk", "grow_thread")
NOBODY = ("setpriv", f"--reuid={support.NOBODY}", f"--regid={support.NOBODY}", "--clear-groups")
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


def read_truth(path):
    """{function: bytes} as the target counted, or None while it is not done."""
    try:
        lines = Path(path).read_text().splitlines()
    except FileNotFoundError:
        return None
    if not lines or lines[-1] != "done":
        return None
    return {line.split()[0]: int(line.split()[1]) for line in lines[:-1]}


def by_function(refresh, key="bytes"):
    """{function: bytes} of the sites, by function."""
    sums = {}
    for site in refresh["growth"]["sites"]:
        sums[site["function"]] = sums.get(site["function"], 0) + site[key]
    return sums


class Growth(LiveTest):
    def setUp(self):
        super().setUp()
        self.place = self.folder()
        self.place.chmod(0o777)
        self.out = self.place / "out"
        self.file = self.place / "file"
        self.file.write_bytes(bytes(FILE_BYTES))
        self.file.chmod(0o644)

    def last_refresh(self, *options, target="grows", prefix=(), top=support.TOP, program=None):
        """What is known once the target, run from its first instruction, has touched all it will."""
        stream = self.stream("-d", "0.5", *options, "--", program or self.target(target), self.out, SECONDS,
                             self.file, prefix=prefix, program=top)
        stream.until(lambda refresh: read_truth(self.out), "the target's end")
        refresh = self.settled(stream, lambda refresh: not any(
            site["module"] == "grows" and re.search(support.NAMELESS, site["function"])
            for site in refresh["growth"]["sites"]))
        os.kill(refresh["target"]["pid"], 9)
        return refresh, read_truth(self.out)

    def settled(self, stream, is_known=lambda refresh: True):
        """A refresh in which nothing has come that the one before had not, and all is known."""
        before = stream.after_now()

        def is_settled(refresh):
            nonlocal before
            same = [before["growth"][key] == refresh["growth"][key] for key in ("bytes", "samples", "samples_lost")]
            before = refresh
            return all(same) and is_known(refresh)

        return stream.until(is_settled, "no more growth, and names")

    def check_truth(self, seen, samples, truth, growth):
        for name in GROWN:
            few = (400 / min(400, samples.get(name, 400))) ** 0.5
            self.assertAlmostEqual(
                seen.get(name, 0) / truth[name], 1, delta=WITHIN * few,
                msg=f"{name}: {seen.get(name, 0)} seen in {samples.get(name)} samples, truth {truth[name]}")
        total = sum(truth[name] for name in GROWN) + AGAIN_BYTES
        self.assertAlmostEqual(growth["bytes"] / total, 1, delta=0.15)
        # The estimates against what the process has grown to.
        self.assertAlmostEqual(growth["bytes"] / growth["anonymous_bytes"], 1, delta=0.15)

    def check_harmless(self, refresh, seen):
        """Pages that are touched again are no growth, and a file's pages neither."""
        self.assertLess(seen.get("touch_again", 0), 2 * AGAIN_BYTES)
        self.assertNotIn("touch_file", seen)
        self.assertGreater(refresh["growth"]["file_faults"], 100)
        rate = sum(site["bytes_per_s"] for site in refresh["growth"]["sites"]
                   if site["function"] == "touch_again")
        self.assertLess(rate, 1 << 20)

    def test_every_way_to_allocate(self):
        refresh, truth = self.last_refresh("--heap", "off")
        growth, seen = refresh["growth"], by_function(refresh)
        self.assertEqual((growth["state"], growth["event"]), ("on", "minor-faults"))
        self.check_truth(seen, by_function(refresh, "samples"), truth, growth)
        self.check_harmless(refresh, seen)
        self.assertGreater(growth["samples"], 200)
        self.assertGreaterEqual(growth["brk_bytes"], truth["grow_brk"] + truth["grow_malloc"])

    def test_stripped_static(self):
        """No names, and an allocator that nobody can find: functions by the addresses of a twin."""
        refresh, truth = self.last_refresh("--heap", "off", target="grows_stripped")
        ranges = {}
        symbols = subprocess.run(["nm", "-S", self.target("grows_static")], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        for match in re.finditer(r"^(\w+) (\w+) [tT] (grow_\w+)$", symbols, re.M):
            start = int(match[1], 16)
            ranges[match[3]] = range(start, start + int(match[2], 16))
        self.assertEqual(set(ranges), set(GROWN))
        seen, samples = dict.fromkeys(GROWN, 0), dict.fromkeys(GROWN, 0)
        for site in refresh["growth"]["sites"]:
            for stack in site["stacks"]:
                offsets = {int(frame["function"].rpartition("+")[2], 16)
                           for frame in stack["frames"] if "+0x" in frame["function"]}
                for name, place in ranges.items():
                    if any(offset in place for offset in offsets):
                        seen[name] += stack["bytes"]
                        samples[name] += stack["faults"] / refresh["growth"]["faults_per_sample"]
                        break
        self.check_truth(seen, samples, truth, refresh["growth"])

    def test_beside_the_heap(self):
        """Asked for, it is there beside the books; and these cover what malloc has, no more."""
        refresh, truth = self.last_refresh("--growth", "on", "--heap", "exact")
        seen = by_function(refresh)
        self.assertEqual((refresh["heap"]["state"], refresh["growth"]["state"]), ("on", "on"))
        for name in ("grow_mmap", "grow_thread"):
            self.assertAlmostEqual(seen[name] / truth[name], 1, delta=WITHIN, msg=name)
        resident = refresh["heap"]["resident_bytes"]
        self.assertAlmostEqual(
            resident, refresh["growth"]["anonymous_bytes"] + refresh["growth"]["swap_bytes"])
        self.assertAlmostEqual(refresh["heap"]["coverage_pct"],
                               100 * truth["grow_malloc"] / resident, delta=3)

    def test_automatic(self):
        """Where the heap is tracked it is off, with the reason; memory in all is there."""
        process = self.spawn(self.target("ledger_c"), "--out", self.out, "--seconds", 60)
        refresh = self.seen(lambda refresh: refresh["heap"]["allocators"], "the probes", process.pid)
        self.assertEqual((refresh["heap"]["state"], refresh["growth"]["state"]), ("on", "off"))
        self.assertIn("--growth on", refresh["growth"]["reason"])
        self.assertIsNone(refresh["growth"]["bytes"])
        self.assertGreater(refresh["growth"]["anonymous_bytes"], 0)
        self.assertEqual(refresh["growth"]["sites"], [])

    def test_no_allocator(self):
        """One that nobody can find: growth takes the heap's place."""
        process = self.spawn(self.target("grows_stripped"), self.out, 60)
        refresh, = self.refreshes("-n", "1", "-d", "1", process.pid)
        self.assertEqual(refresh["heap"]["allocators"], [])
        self.assertIn("no allocator", refresh["heap"]["reason"])
        self.assertEqual((refresh["growth"]["state"], refresh["growth"]["reason"]), ("on", None))

    def test_switched_off(self):
        process = self.spawn(self.target("shares_c"), 60)
        (refresh,) = self.refreshes("-n", "1", "--heap", "off", "--growth", "off", process.pid)
        self.assertEqual(refresh["growth"]["state"], "off")
        self.assertIn("--growth off", refresh["growth"]["reason"])
        self.assertIsNone(refresh["heap"]["coverage_pct"])

    def test_scripts_grow_too(self):
        """A program of another kind: its interpreter's arenas, by the interpreter's functions."""
        script = ("import time\n"
                  "kept = []\n"
                  "end = time.monotonic() + 60\n"
                  "while time.monotonic() < end:\n"
                  "    kept.append(list(range(20000)))\n"
                  "    time.sleep(0.01)\n")
        process = self.spawn(sys.executable, "-c", script)
        stream = self.stream("--heap", "off", "-d", "0.5", process.pid)
        first = stream.until(lambda refresh: refresh["growth"]["samples"] > 50, "samples")
        begin = first["growth"]
        last = stream.until(lambda refresh: refresh["elapsed_s"] > first["elapsed_s"] + 4, "4 s")
        growth = last["growth"]
        grown = growth["anonymous_bytes"] - begin["anonymous_bytes"]
        self.assertGreater(grown, 10 << 20)
        figures = [{key: refresh["growth"][key] for key in ("samples", "bytes", "anonymous_bytes")}
                   | refresh["overflow"] | {"elapsed_s": refresh["elapsed_s"]} for refresh in (first, last)]
        self.assertAlmostEqual((growth["bytes"] - begin["bytes"]) / grown, 1, delta=WITHIN, msg=figures)
        self.assertRegex(" ".join(site["module"] for site in growth["sites"]), "python")

    def test_burst(self):
        """All at once and then nothing more: far more than the ring has room for, and none missing."""
        script = ("import mmap, time\n"
                  "input()\n"
                  "memory = mmap.mmap(-1, 400 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
                  "memory[::4096] = bytes(len(memory) // 4096)\n"
                  "time.sleep(600)\n")
        process = self.spawn(sys.executable, "-c", script, stdin=subprocess.PIPE)
        stream = self.stream("--heap", "off", "-d", "0.5", process.pid)
        stream.until(lambda refresh: refresh["growth"]["state"] == "on", "growth")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        stream.until(lambda refresh: refresh["growth"]["anonymous_bytes"] > 400 << 20, "the burst")
        growth = self.settled(stream)["growth"]
        self.assertAlmostEqual(growth["bytes"] / (400 << 20), 1, delta=0.1)
        self.assertGreater(growth["samples_lost"], growth["samples"])

    def test_exec_begins_anew(self):
        """What the program before had touched is not the new one's."""
        script = ("import os; kept = bytearray(b'x') * (200 << 20);"
                  "os.execv('/bin/sleep', ['sleep', '60'])")
        stream = self.stream("--heap", "off", "-d", "0.3", "--", sys.executable, "-c", script)
        refresh = stream.until(lambda refresh: refresh["target"]["comm"] == "sleep", "exec")
        refresh = stream.after_now()
        self.assertLess(refresh["growth"]["bytes"], 20 << 20)
        self.assertEqual(refresh["growth"]["state"], "on")


class Mappings(LiveTest):
    """What mmap(), brk() and mremap() have mapped, by the functions that call them: to the byte."""

    # As many as a ring has room for, however late it is read.
    CALLS = 20

    def setUp(self):
        super().setUp()
        self.out = self.folder() / "out"

    def truth(self):
        """{function: (bytes, calls)} as the target counted, or None while it is not done."""
        if read_truth(self.out) is None:
            return None
        return {words[0]: (int(words[1]), int(words[2]))
                for words in (line.split() for line in self.out.read_text().splitlines()[:-1])}

    def mapped(self, refresh):
        """The same of the sites, of these functions and of those whose calls do not count."""
        sums = {}
        for site in refresh["growth"]["sites"]:
            if site["mappings"] and re.match("(map|shrink)_", site["function"] or ""):
                before = sums.get(site["function"], (0, 0))
                sums[site["function"]] = (before[0] + site["mapped_bytes"],
                                          before[1] + site["mappings"])
        return sums

    def check(self, stream):
        stream.until(lambda refresh: self.truth(), "the target's end")
        refresh = stream.until(lambda refresh: self.mapped(refresh) == self.truth(), "the truth")
        refresh = stream.after_now()
        growth = refresh["growth"]
        self.assertEqual(self.mapped(refresh), self.truth())
        self.assertIsNone(growth["mappings_reason"])
        self.assertEqual(growth["mappings_lost"], 0)
        self.assertEqual(growth["mapped_bytes"],
                         sum(site["mapped_bytes"] for site in growth["sites"]))
        self.assertEqual(growth["mappings"], sum(site["mappings"] for site in growth["sites"]))
        (channel,) = [channel for channel in refresh["ledger"]["channels"]
                      if channel["name"] == "system call rings"]
        self.assertEqual((channel["produced"], channel["lost"]), (channel["consumed"], 0))
        return refresh

    def begin(self, *how):
        """Attached to a target that waits, and then lets it begin."""
        process = self.spawn(self.target("maps"), self.out, *how)
        support.wait_until(lambda: support.process_state(process.pid) == "S", "the target waiting for a signal")
        stream = self.stream("--heap", "off", "--growth", "on", "-d", "0.3", process.pid)
        stream.next()
        os.kill(process.pid, signal.SIGUSR1)
        return stream

    def test_attached(self):
        self.check(self.begin(self.CALLS))

    def test_from_its_first_instruction(self):
        """A command: what was before exec does not count, and what comes right behind it does."""
        self.check(self.stream("--heap", "off", "--growth", "on", "-d", "0.3", "--",
                               self.target("maps"), self.out, self.CALLS, "now"))

    def test_more_than_there_is_room_for(self):
        """What is counted and what was lost are all that were."""
        stream = self.begin(20000, "storm")
        stream.until(lambda refresh: self.truth(), "the target's end")
        stream.after_now()
        stream.after_now()
        refresh = stream.until(lambda refresh: "map_mmap" in self.mapped(refresh) and not any(
            re.search(support.NAMELESS, site["function"]) for site in refresh["growth"]["sites"]
            if site["module"] == "maps"), "names")
        seen = self.mapped(refresh)["map_mmap"]
        truth = self.truth()["map_mmap"]
        self.assertEqual(seen[0] * truth[1], seen[1] * truth[0])
        self.assertGreater(refresh["growth"]["mappings_lost"], 0)
        self.assertEqual(seen[1] + refresh["growth"]["mappings_lost"], truth[1])

    def test_only_when_asked_for(self):
        """Not at the cost of all others: without --growth on it is unknown, with the reason."""
        process = self.spawn(self.target("maps"), self.out, 1)
        (refresh,) = self.refreshes("-n", "1", "--heap", "off", process.pid)
        self.assertEqual(refresh["growth"]["state"], "on")
        self.assertIn("--growth on", refresh["growth"]["mappings_reason"])
        self.assertIsNone(refresh["growth"]["mapped_bytes"])


class Unprivileged(Growth):
    """As an ordinary user, on own processes: all the tests of growth that need no probes."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        before = PARANOID.read_text()
        self.addCleanup(PARANOID.write_text, before)
        PARANOID.write_text("2")
        self.copies = self.folder()
        self.copies.chmod(0o755)
        self.top = self.copies / "rsprof-top"
        shutil.copy(support.TOP, self.top)

    def last_refresh(self, *options, target="grows", **unused):
        program = self.copies / target
        shutil.copy(self.target(target), program)
        return super().last_refresh(*options, target=target, prefix=NOBODY, top=self.top, program=program)

    def test_every_way_to_allocate(self):
        """Without having been asked for: the heap cannot be tracked, and the reason is there."""
        refresh, truth = self.last_refresh()
        growth, seen = refresh["growth"], by_function(refresh)
        self.assertEqual((refresh["heap"]["state"], growth["state"]), ("off", "on"))
        self.assertRegex(refresh["heap"]["reason"], r"\S")
        self.assertIn("user code only", growth["reason"])
        self.check_truth(seen, by_function(refresh, "samples"), truth, growth)
        self.check_harmless(refresh, seen)

    def test_mappings_are_unknown(self):
        """Page faults are there, system calls are not, and the reason is."""
        process = self.spawn(*NOBODY, self.copy("maps"), self.out, 1)
        support.wait_until(lambda: os.stat(f"/proc/{process.pid}").st_uid == support.NOBODY
                           and b"maps" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
                           .split(b"\0")[0], "exec")
        (refresh,) = self.refreshes("-n", "1", "--growth", "on", process.pid, prefix=NOBODY,
                                    program=self.top)
        growth = refresh["growth"]
        self.assertEqual(growth["state"], "on")
        self.assertIn("not permitted", growth["mappings_reason"])
        for key in ("mapped_bytes", "mappings", "mappings_lost"):
            self.assertIsNone(growth[key])
        for site in growth["sites"]:
            self.assertIsNone(site["mapped_bytes"])

    def test_not_permitted(self):
        """Asked for by name it is an error; else the figures of the process are left."""
        PARANOID.write_text("3")
        process = self.spawn(*NOBODY, self.copy("shares_c"), 60)
        support.wait_until(lambda: os.stat(f"/proc/{process.pid}").st_uid == support.NOBODY
                           and b"shares_c" in Path(f"/proc/{process.pid}/cmdline").read_bytes()
                           .split(b"\0")[0], "exec")
        done = self.run_top("-b", "-n", "1", "--growth", "on", process.pid, prefix=NOBODY,
                            program=self.top)
        if done.status == 0:
            # A kernel without Debian's level 3 permits what level 2 does.
            self.assertIn("growth: about", done.out)
        else:
            self.assert_message(done, 4, "page faults", "perf_event_paranoid")

    def copy(self, name):
        path = self.copies / name
        shutil.copy(self.target(name), path)
        return path

    test_beside_the_heap = test_automatic = test_no_allocator = test_switched_off = None
    test_scripts_grow_too = test_burst = test_exec_begins_anew = None


class BesideHeap(LiveTest):
    def test_within_a_call_whose_return_is_probed(self):
        """The heap's probes have taken a return address off the stacks of what malloc() itself touches."""
        stream = self.stream("-d", "0.5", "--heap", "exact", "--growth", "on", "--", "/usr/bin/python3",
                             "-c", "keep = [bytes(5000) for i in range(30000)]\nimport time\ntime.sleep(600)")
        seen = []

        def is_touched(refresh):
            growth = refresh["growth"]
            unknown = sum(site["bytes"] for site in growth["sites"] if site["module"] == "[unknown]")
            seen.append(growth["bytes"] or 0)
            return seen[-1] > 100 << 20 and seen[-1:] == seen[-2:-1] and unknown < 0.05 * growth["bytes"]

        refresh = stream.until(is_touched, "all of it touched, and 95 % of it known")
        growth = refresh["growth"]
        self.assertIn("python", growth["sites"][0]["module"])
        self.assertGreater(growth["sites"][0]["bytes"], 0.5 * growth["bytes"])
        os.kill(refresh["target"]["pid"], signal.SIGKILL)

    def test_mapped_within_a_call_whose_return_is_probed(self):
        """The stacks of what malloc() maps are complete, too."""
        stream = self.stream("-d", "0.5", "--heap", "exact", "--growth", "on", "--", "/usr/bin/python3", "-c",
                             "import time\ntime.sleep(1)\nkeep = []\nfor i in range(200):\n"
                             "    keep.append(bytes(200000))\n    time.sleep(0.005)\ntime.sleep(600)")
        refresh = stream.until(lambda refresh: (refresh["growth"]["mapped_bytes"] or 0) > 200 * 200000,
                               "200 mappings")
        ends = {}
        for site in refresh["growth"]["sites"]:
            for stack in site["stacks"]:
                name = stack["frames"][-1]["function"]
                ends[name] = ends.get(name, 0) + stack["mapped_bytes"]
        self.assertGreater(ends["_start"], 0.99 * sum(ends.values()), ends)
        os.kill(refresh["target"]["pid"], signal.SIGKILL)
