"""What the parts of the bench share: processes, and what they use."""

import contextlib
import subprocess
from pathlib import Path


@contextlib.contextmanager
def running(*argv, stdout=subprocess.DEVNULL):
    """The pid of a program that is killed at the end."""
    process = subprocess.Popen(argv, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def family(pid):
    """The process and all its descendants."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            yield from family(int(child))


def cpu_seconds(pids):
    """From the scheduler's own account, in nanoseconds: ticks would see half of what wakes briefly."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0])
               for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()) / 1e9


def memory_mib(pids, key="Pss"):
    """Of those that are still there: what measures traps does not stay. What is mapped twice, as a ring
    buffer is, or by both, counts once."""
    kib = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(key + ":"):
                    kib += int(line.split()[1])
    return kib / 1024
