"""How soon big programs are seen, and named."""

import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import terminal
from measure import cpu_seconds, family, memory_mib, running

FIRST_ROWS_RUNS = 5
# The heading of a column: where no function is known yet, there is none.
ROWS_HEADING = b"FUNCTION"

UNNAMED = re.compile(r"(\S+)\+0x([0-9a-f]+)")


def big_programs(folder):
    """Names and commands of the biggest programs at hand, busy for long."""
    if shutil.which("clang"):
        source = folder / "big.c"
        source.write_text("".join(
            f"int f{i}(int *a, int n) {{ int s = {i}; for (int j = 0; j < n; j++) {{ s += a[j] * {i}; "
            f"if (s % {i + 3} == 0) s ^= a[n - j - 1]; switch (s & 7) {{ case 0: s += 3; break; "
            f"case 1: s *= 5; break; case 5: s <<= 2; }} }} return s; }}\n" for i in range(20000)))
        yield "clang", ("clang", "-O3", "-c", str(source), "-o", os.devnull)
    if shutil.which("node"):
        yield "node", ("node", "-e", "for (;;) JSON.parse(JSON.stringify([...Array(500)].map((x, i) "
                       "=> ({a: i, b: 'x'.repeat(i % 50)})))); ")


def busiest(pid):
    """The compiler proper is a child of its driver."""
    return max(family(pid), key=lambda each: cpu_seconds([each]))


def readelf(option, file):
    return [line.split() for line in subprocess.run(
        ["readelf", "-W", option, file], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False).stdout.splitlines()]


def functions(file):
    """(first address, first one behind) of every function in the file's symbol tables."""
    return [(int(words[1], 16), int(words[1], 16) + int(words[2], 0))
            for option in ("--syms", "--dyn-syms") for words in readelf(option, file)
            if len(words) > 7 and words[3] in ("FUNC", "IFUNC") and words[6] != "UND"]


def address_of(file, offset):
    for words in readelf("--program-headers", file):
        if words and words[0] == "LOAD":
            start, address, size = int(words[1], 16), int(words[2], 16), int(words[4], 16)
            if start <= offset < start + size:
                return address + offset - start
    return offset


def could_be_named(pid, rows):
    """How many of the rows have an address for which a symbol table has a function."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    files = {Path(line.split()[-1]).name: line.split()[-1] for line in lines if "/" in line}
    number, known = 0, {}
    for module, offset in (UNNAMED.search(row).groups() for row in rows):
        if module not in files:
            continue  # memory that the program filled itself
        file = files[module]
        known[file] = known.get(file) or functions(file)
        address = address_of(file, int(offset, 16))
        number += any(first <= address < end for first, end in known[file])
    return number


def bench(top):
    with tempfile.TemporaryDirectory() as folder:
        for name, argv in big_programs(Path(folder)):
            with running(*argv) as pid:
                time.sleep(2)
                busy = busiest(pid)
                first = [terminal.seconds_to(ROWS_HEADING, top, str(busy)) for _ in range(FIRST_ROWS_RUNS)]
                rows, seconds, memory = terminal.first_page(
                    (top, str(busy)), lambda pid: memory_mib(family(pid)))
                unnamed = [row for row in rows if UNNAMED.search(row)]
                late = could_be_named(busy, unnamed)
                for child in family(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
            print(f"first functions of {name:7} {1000 * statistics.median(first):.0f} ms after exec (median of "
                  f"{len(first)}, {1000 * min(first):.0f} to {1000 * max(first):.0f}; goal 200)", flush=True)
            print(f"first page of {name:12} {len(rows) - len(unnamed)} of {len(rows)} rows named after a second, "
                  f"of the others {late} have a symbol (goal 0); all named after "
                  f"{'never' if seconds is None else f'{seconds:.1f} s'}; {memory:.0f} MiB resident "
                  "after 15 s (goal 80)", flush=True)
