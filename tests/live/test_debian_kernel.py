"""
Debian 12's kernel, 6.1, in a virtual machine without KVM: that the verifier passes every program,
which links there are, and what Yama, paranoid, lockdown and a missing BTF do, none of which the machine
of the tests need have.

The kernel is that of the package linux-image-amd64, of which ./quickstart check unpacks the image
only. The machine has no disk: everything that it needs is in its initial RAM file system. It is booted
once, and its script takes all steps; the tests look at what was printed.

One thread emulates both CPUs. With a thread for each, QEMU 7.2 at times goes on with the breakpoint of a jump
label that the kernel has replaced meanwhile, here that of the page fault events: both CPUs hang.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import support
from support import TARGETS, TOP

ONCE = True
# Emulated, it takes a minute where nothing else runs, and on a busy host several times that.
MACHINE_TIMEOUT_S = 900
USER = "/bin/setpriv --reuid=1000 --regid=1000 --clear-groups env"

# Each step: its name and a command. The targets have the machine when nobody else wants it.
# A sampling limit that the kernel lowers by itself on so slow a machine would be none of ours.
SCRIPT = f"""#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t securityfs none /sys/kernel/security
mkdir /caps && mount -t tmpfs none /caps
cp /bin/rsprof-top /caps/three && setcap cap_perfmon,cap_bpf,cap_sys_ptrace=ep /caps/three
cp /bin/rsprof-top /caps/four && setcap cap_perfmon,cap_bpf,cap_sys_ptrace,cap_sys_admin=ep /caps/four
step() {{ echo "=== $1"; shift; "$@" 2>&1; S=$?; read -r up _ </proc/uptime; echo "=== status $S $up"; }}
write() {{ echo "$1" >"/proc/sys/kernel/$2"; }}
scope() {{ write "$1" yama/ptrace_scope; }}
uname -r
write 1000 perf_event_max_sample_rate
write 0 perf_cpu_time_max_percent
renice 19 $$
demo >/dev/null & P=$!
{USER} demo >/dev/null & U=$!
renice 0 $$
step doctor rsprof-top --doctor $P
step root rsprof-top -b --json -n 3 --heap exact $P
step frequency rsprof-top -b -n 1 --heap off -F 5000 $P
step paranoid-3 {USER} rsprof-top -b -n 1 $U
step paranoid-3-doctor {USER} rsprof-top --doctor $U
step paranoid-3-capabilities {USER} /caps/three -b -n 1 $U
write 2 perf_event_paranoid
step paranoid-2 {USER} rsprof-top -b -n 1 $U
step three {USER} /caps/three -b -n 1 $U
step three-insists {USER} /caps/three -b -n 1 --heap exact $U
step another {USER} /caps/three -b -n 1 $P
step scope-0 {USER} /caps/four -b --json -n 3 --heap exact $U
scope 1
step scope-1 {USER} /caps/four -b -n 1 $U
step scope-1-insists {USER} /caps/four -b -n 1 --heap exact $U
step scope-1-command {USER} /caps/four -b --json -n 3 --heap exact -- /bin/demo
scope 2
step scope-2 {USER} /caps/four -b -n 1 --heap exact $U
step scope-2-command {USER} rsprof-top -b -n 1 -- /bin/demo
scope 3
step scope-3 {USER} /caps/four -b -n 1 --heap exact $U
step scope-3-root rsprof-top -b --json -n 3 --heap exact --uprobe-link session $P
step scope-3-command rsprof-top -b -n 1 -- /bin/demo
mount -t tmpfs none /sys/kernel/btf
step no-btf rsprof-top -b -n 1 --heap exact $P
step no-btf-doctor rsprof-top --doctor
umount /sys/kernel/btf
echo confidentiality >/sys/kernel/security/lockdown
step lockdown rsprof-top -b -n 1 $P
step lockdown-doctor rsprof-top --doctor
echo "=== end"
poweroff -f
"""


def put(archive, name, mode, data=b""):
    """Appends an entry to a cpio archive of the kind that the kernel reads ("newc")."""
    name = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
    archive += b"070701" + b"".join(b"%08x" % field for field in fields) + name
    archive += b"\0" * (-len(archive) % 4) + data
    archive += b"\0" * (-len(archive) % 4)


def libraries(program):
    """The files that the loader needs for a program; none for a static one, which ldd refuses."""
    listed = subprocess.run(["ldd", program], check=False, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL).stdout
    return re.findall(r"(/\S+) \(0x", listed)


def initial_files(programs):
    """The file system as an archive: programs with their libraries, busybox, and the script."""
    files = {f"bin/{Path(path).name}": Path(path).read_bytes() for path in programs}
    files["init"] = SCRIPT.encode()
    for path in programs:
        for library in libraries(path):
            files[library.lstrip("/")] = Path(library).read_bytes()
    folders = {"proc", "sys", "dev", "tmp"}
    for name in files:
        folders.update(str(folder) for folder in Path(name).parents if str(folder) != ".")
    archive = bytearray()
    for folder in sorted(folders):
        put(archive, folder, stat.S_IFDIR | (0o1777 if folder == "tmp" else 0o755))
    for name, data in files.items():
        put(archive, name, stat.S_IFREG | 0o755, data)
    for word in ("sh", "mount", "umount", "mkdir", "cp", "sleep", "uname", "poweroff", "env",
                 "renice"):
        put(archive, f"bin/{word}", stat.S_IFLNK | 0o777, b"busybox")
    put(archive, "TRAILER!!!", 0)
    return bytes(archive)


def run_machine(command):
    """What it printed until it ended, or until its time was over."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          preexec_fn=support.die_with_parent) as machine:
        try:
            printed, _ = machine.communicate(timeout=MACHINE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            machine.kill()
            printed, _ = machine.communicate()
    return printed.decode(errors="replace").replace("\r", "")


class DebianKernel(unittest.TestCase):
    """One boot; each test looks at some of its steps."""

    @classmethod
    def setUpClass(cls):
        kernel = Path(os.environ["RSPROF_BUILD"]) / "kernel" / "vmlinuz"
        if not kernel.exists():
            raise AssertionError(f"{kernel} is missing: ./quickstart check fetches it")
        paths = [shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
                 for name in ("busybox", "setpriv", "setcap", "qemu-system-x86_64")]
        if None in paths:
            raise AssertionError("install the packages busybox-static, util-linux, libcap2-bin and "
                                 "qemu-system-x86")
        *programs, qemu = paths
        with tempfile.TemporaryDirectory() as folder:
            initrd = Path(folder) / "initrd"
            initrd.write_bytes(initial_files([TOP, TARGETS / "demo", *programs]))
            started = time.monotonic()
            cls.console = run_machine(
                [qemu, "-accel", "tcg,thread=single", "-cpu", "max,la57=off", "-smp", "2", "-m", "1024",
                 "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
                 "-kernel", kernel, "-initrd", initrd,
                 "-append", "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off"])
        cls.seconds = time.monotonic() - started
        cls.steps = {name: (text, int(status)) for name, text, status in re.findall(
            r"^=== (\S+)\n(.*?)^=== status (\d+) ", cls.console, re.MULTILINE | re.DOTALL)}

    def step(self, name, status):
        """What a step printed; it ended with the status."""
        self.assertIn(name, self.steps, f"after {self.seconds:.0f} s: {self.console[-3000:]}")
        text, ended = self.steps[name]
        self.assertEqual(ended, status, f"{name}:\n{text}")
        return text

    def assert_line(self, text, line):
        """`line` is a pattern for the beginning of one."""
        self.assertRegex(text, f"(?m)^{line}")

    def assert_all(self, name):
        """CPU and heap are there, and walked in the kernel."""
        printed = self.step(name, 0)
        *_, refresh = (json.loads(line) for line in printed.splitlines() if line.startswith("{"))
        self.assertEqual((refresh["cpu"]["state"], refresh["heap"]["state"]), ("on", "on"), refresh)
        self.assertIsNone(refresh["heap"]["reason"])
        self.assertGreater(refresh["cpu"]["samples"], 0)
        self.assertGreater(refresh["heap"]["alloc_objects"], 0)
        self.assertEqual([allocator["name"] for allocator in refresh["heap"]["allocators"]], ["glibc"])
        ledger = refresh["ledger"]
        self.assertLessEqual({"CPU ring buffer", "heap ring buffer"},
                             {channel["name"] for channel in ledger["channels"]})
        self.assertTrue(any(probe["hits"] for probe in ledger["probes"]), ledger)

    def test_all_steps(self):
        self.assertIn("=== end", self.console, self.console[-3000:])
        self.assert_line(self.console, r"6\.1\.\d")

    def test_verifier_and_links(self):
        """10.3.1: every program is loaded, and attached by the links that this kernel has."""
        self.assert_all("root")
        text = self.step("doctor", 0)
        self.assert_line(text, "heap +yes, with perf links")
        self.assert_line(text, "BTF .* is there$")
        self.assert_line(text, "lockdown +none$")

    def test_frequency(self):
        """10.5.1: not above what the kernel allows, which is said."""
        self.assertIn("5000 Hz is above the kernel's limit: sampling at 1000 Hz",
                      self.step("frequency", 0))

    def test_paranoid(self):
        """10.1.1: as Debian is set up an ordinary user may sample nothing; root may."""
        self.assertIn("kernel.perf_event_paranoid is 3 and CAP_PERFMON is missing",
                      self.step("paranoid-3", 4))
        text = self.step("paranoid-3-doctor", 4)
        self.assert_line(text, "CPU, growth +no: .*paranoid is 3")
        self.assert_line(text, "heap +no: .*CAP_BPF and CAP_PERFMON are missing")
        self.assert_line(text, "may look +yes")
        self.assertIn("want CAP_SYS_ADMIN", self.step("paranoid-3-capabilities", 4))
        text = self.step("paranoid-2", 0)
        self.assert_line(text, "cpu: cpu-clock at 99 Hz, .* kernel not sampled")
        self.assert_line(text, "heap: off: .*CAP_BPF")

    def test_file_capabilities(self):
        """10.1.1, 10.2.1: of this kernel the three get the CPU only; and of own processes only."""
        text = self.step("three", 0)
        self.assert_line(text, "cpu: cpu-clock at 99 Hz, .* in the kernel")
        self.assert_line(text, "heap: off: .*kernel wants CAP_SYS_ADMIN")
        self.assertIn("kernel wants CAP_SYS_ADMIN", self.step("three-insists", 4))
        self.assertIn("belongs to user 0", self.step("another", 4))

    def test_scope_0(self):
        self.assert_all("scope-0")

    def test_scope_1(self):
        """10.2.2: own processes' CPU, but probes only in what was started here."""
        text = self.step("scope-1", 0)
        self.assert_line(text, "cpu: cpu-clock at 99 Hz")
        self.assert_line(text, "heap: off: .*ptrace_scope is 1, only a parent")
        self.assertIn("ptrace_scope is 1", self.step("scope-1-insists", 4))
        self.assert_all("scope-1-command")

    def test_scope_2(self):
        self.assertIn("ptrace_scope is 2, only administrators", self.step("scope-2", 4))
        self.assertIn("ptrace_scope is 2", self.step("scope-2-command", 4))

    def test_scope_3(self):
        """Nobody may trace; root's probes are no tracing."""
        self.assertIn("ptrace_scope is 3, nobody", self.step("scope-3", 4))
        self.assert_all("scope-3-root")
        self.assertIn("ptrace_scope is 3", self.step("scope-3-command", 4))

    def test_no_btf(self):
        """10.3.3: a clear error, and nothing is loaded."""
        self.assertIn("/sys/kernel/btf/vmlinux", self.step("no-btf", 5))
        self.assert_line(self.step("no-btf-doctor", 5), "heap +no: .*BTF")

    def test_lockdown(self):
        """10.3.3: what it forbids is named; the CPU remains."""
        text = self.step("lockdown", 0)
        self.assert_line(text, "cpu: cpu-clock at 99 Hz")
        self.assert_line(text, "heap: off: .*locked down")
        self.assert_line(self.step("lockdown-doctor", 4), "lockdown +confidentiality")
