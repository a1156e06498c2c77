"""rsprof-top --probes: what it lists is true, and it sets none."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import support
from support import LiveTest

LINE = re.compile(r"(?P<allocator>\S+) +(?P<function>\S.*?)  +(?P<module>\S+) +"
                  r"0x(?P<offset>[0-9a-f]+) +"
                  r"\+(?P<delta>\d+)  (?P<instruction>\S.*?)  +(?P<how>emulated|stepped) +"
                  r"(?P<ns>[\d-]+) +(?P<with_return>[\d-]+)  (?P<why>.+)")


class Probes(LiveTest):
    def probes(self, pid, *options):
        done = self.run_top("--probes", *options, pid)
        self.assertEqual((done.status, done.err), (0, ""))
        title, *lines, last = done.out.splitlines()
        self.assertRegex(last, r"\Acosts were measured in [\d.]+ ms; for that the kernel took [\d.]+ ms to set probes\Z")
        self.assertRegex(title, r"\AALLOCATOR +FUNCTION +MODULE +OFFSET ")
        matches = [LINE.fullmatch(line) for line in lines]
        self.assertTrue(all(matches), done.out)
        return [match.groupdict() for match in matches]

    def code(self, pid, module):
        """(address, file offset, bytes) of the code of a library in a process."""
        maps = Path(f"/proc/{pid}/maps").read_text()
        (start, end, offset) = re.search(
            rf"^(\w+)-(\w+) r-xp (\w+) .*/{re.escape(module)}$", maps, re.M).groups()
        with open(f"/proc/{pid}/mem", "rb") as memory:
            memory.seek(int(start, 16))
            return int(offset, 16), memory.read(int(end, 16) - int(start, 16))

    def test_glibc(self):
        process = self.spawn(self.target("ledger_c"), "--wait", stdin=subprocess.PIPE)
        support.wait_until(lambda: support.process_state(process.pid) == "S", "the target waiting")
        before = self.code(process.pid, "libc.so.6")
        probes = {probe["function"]: probe for probe in self.probes(process.pid)}
        offset, code = self.code(process.pid, "libc.so.6")
        self.assertEqual((offset, code), before)
        self.assertLessEqual({"malloc", "calloc", "realloc", "posix_memalign", "free"},
                             probes.keys())
        self.assertNotIn("mmap", probes)
        with_mmap = {probe["function"] for probe in self.probes(process.pid, "--heap-mmap")}
        self.assertEqual(with_mmap - probes.keys(), {"mmap", "mremap", "munmap"})
        for name, probe in probes.items():
            self.assertEqual((probe["allocator"], probe["module"]), ("glibc", "libc.so.6"), name)
            self.assertGreater(int(probe["ns"]), 0, name)
            at = int(probe["offset"], 16) + int(probe["delta"]) - offset
            opcode = code[at + (code[at] == 0x41)]
            push_or_jump = opcode & 0xf8 == 0x50 or opcode & 0xf0 == 0x70 or opcode in (
                0x0f, 0x90, 0xe8, 0xe9, 0xeb)
            self.assertEqual(push_or_jump, probe["how"] == "emulated", name)
            self.assertEqual(probe["why"] == "first emulated instruction",
                             probe["how"] == "emulated", name)
        self.assertEqual(probes["free"]["with_return"], "-")
        self.assertGreater(int(probes["malloc"]["with_return"]), int(probes["malloc"]["ns"]))
        self.assertEqual([name for name in ("malloc", "free", "calloc", "realloc")
                          if probes[name]["how"] != "emulated"], [])

    def test_two_allocators(self):
        process = self.spawn(self.target("ledger_c._rjem_"), "--wait",
                             stdin=subprocess.PIPE)
        support.wait_until(lambda: support.process_state(process.pid) == "S", "the target waiting")
        found = {(probe["allocator"], probe["function"]) for probe in self.probes(process.pid)}
        self.assertLessEqual({("jemalloc", "_rjem_malloc"), ("jemalloc", "_rjem_free"),
                              ("glibc", "malloc"), ("glibc", "free")}, found)

    def test_errors(self):
        ended = self.spawn("true")
        support.wait_until(lambda: support.process_state(ended.pid) == "Z", "a zombie")
        self.assert_message(self.run_top("--probes", ended.pid), 3, str(ended.pid))
        self.assert_message(self.run_top("--probes", "--", "true"), 2, "PID")


class OrdinaryUser(LiveTest):
    NOBODY = ("setpriv", f"--reuid={support.NOBODY}", f"--regid={support.NOBODY}",
              "--clear-groups")

    def setUp(self):
        super().setUp()
        self.assertEqual(os.geteuid(), 0, "only root can become another user")
        self.top = self.folder() / "rsprof-top"
        shutil.copy(support.TOP, self.top)

    def probes(self, process):
        return self.run_top("--probes", process.pid, prefix=self.NOBODY, program=self.top)

    def test_process_of_another_user(self):
        process = self.spawn("sleep", 60)
        self.assert_message(self.probes(process), 4, str(process.pid))

    def test_own_process(self):
        """All but the costs."""
        process = self.spawn(*self.NOBODY, "sleep", 60)
        comm = Path(f"/proc/{process.pid}/comm")
        support.wait_until(lambda: comm.read_text() == "sleep\n", "the program executed")
        done = self.probes(process)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assertRegex(done.out, r"(?m)^glibc +free .* emulated +- +-  ")
        self.assertRegex(done.out, r"(?m)^costs are not known: .*CAP_BPF")
