"""
What a run of the tests leaves behind: processes, BPF programs, probes, accounts, folders, sysctls.

Others may use the machine at the same time, other runs of these tests, too. A process is of this run if it,
or one that it descends from, has the run's mark in its environment; one without any mark if its file is in
one of the run's builds and no process from before the run has started it. BPF programs that a process holds
are that process's; what nobody holds must be gone after a moment, as must probes that were not there before.
What is there only for a moment is another run's. A sysctl must have the value of the start again, if another
run takes no longer to give it back.
"""

import contextlib
import json
import os
import pwd
import re
import subprocess
import tempfile
import time
from pathlib import Path

MARK = "RSPROF_TEST_RUN"
WAIT_S = 15
PROGRAMS = re.compile(r"heap_|cpu_sample")
PROBES = Path("/sys/kernel/tracing/uprobe_events")
SYSCTLS = ("kernel/perf_event_paranoid", "kernel/kptr_restrict", "kernel/yama/ptrace_scope",
           "kernel/unprivileged_bpf_disabled", "kernel/bpf_stats_enabled", "kernel/randomize_va_space",
           "kernel/perf_event_mlock_kb", "kernel/perf_cpu_time_max_percent")


def text_of(path):
    """A file's text, "" where there is none to be read."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def mark_of(pid):
    """The mark in a process's environment, or None."""
    for entry in text_of(f"/proc/{pid}/environ").split("\0"):
        if entry.startswith(f"{MARK}="):
            return entry.partition("=")[2]
    return None


def parent_of(pid):
    """0 where there is none."""
    fields = text_of(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else 0


def pids():
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}


def programs():
    """Ids of the BPF programs that have our names and that no process holds."""
    if os.geteuid() != 0:
        return set()
    try:
        done = subprocess.run(["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
        known = {program["id"] for program in json.loads(done.stdout or "[]")
                 if PROGRAMS.match(program.get("name", ""))}
    except (OSError, ValueError):
        return set()
    if known:
        for pid in pids():
            with contextlib.suppress(OSError):
                for number in os.listdir(f"/proc/{pid}/fdinfo"):
                    text = text_of(f"/proc/{pid}/fdinfo/{number}")
                    known.difference_update(map(int, re.findall(r"^prog_id:\s*(\d+)", text, re.M)))
    return known


def sysctls():
    return {name: text_of(f"/proc/sys/{name}").strip() for name in SYSCTLS}


class Leftovers:
    """Made before anything is started, as children have its mark from then on."""

    def __init__(self, builds):
        self.builds = [f"{build}/" for build in builds]
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        os.environ[MARK] = self.mark
        self.pids = pids()
        self.programs = programs()
        self.probes = set(text_of(PROBES).splitlines())
        self.sysctls = sysctls()

    def is_ours(self, pid):
        try:
            is_built = os.readlink(f"/proc/{pid}/exe").startswith(tuple(self.builds))
        except OSError:
            is_built = False
        while pid > 1 and pid != os.getpid():
            mark = mark_of(pid)
            if mark or pid in self.pids:
                return mark == self.mark
            pid = parent_of(pid)
        return is_built

    def look(self):
        """What is there now that was not at the start: a line for each thing, by what it is."""
        left = {}
        for pid in pids() - self.pids - {os.getpid()}:
            command = text_of(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
            if command and self.is_ours(pid):
                left["process", pid] = f"process {pid}: {command[:200]}"
        for number in programs() - self.programs:
            left["program", number] = f"BPF program {number}"
        for line in set(text_of(PROBES).splitlines()) - self.probes:
            left["probe", line] = f"probe {line}"
        for user in pwd.getpwall():
            if user.pw_name.startswith(f"rsprof-{os.getpid()}-"):
                left["account", user.pw_name] = f"account {user.pw_name}"
        for path in Path(tempfile.gettempdir()).glob(f"rsprof-test-{os.getpid()}-*"):
            left["folder", path] = f"folder {path}"
        for name, value in sysctls().items():
            if value != self.sysctls[name]:
                left["sysctl", name] = f"sysctl {name}: {value}, was {self.sysctls[name]}"
        return left

    def find(self, seconds=WAIT_S):
        """The lines of what stays all the while that is given to it to go."""
        end = time.monotonic() + seconds
        stays = self.look()
        while stays and time.monotonic() < end:
            time.sleep(0.2)
            now = self.look()
            stays = {key: now[key] for key in stays if key in now}
        return sorted(stays.values())
