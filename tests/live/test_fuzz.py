"""Every fuzzer for a moment, from its seeds: it builds, and finds nothing. `make fuzz` looks longer."""

import os
import re
import subprocess
from pathlib import Path

import support

ONCE = True
SECONDS = os.environ.get("RSPROF_FUZZ_SECONDS", "1")


class Fuzz(support.LiveTest):
    def test_finds_nothing(self):
        build = Path(support.TOP).parent
        source = Path(os.environ["RSPROF_SOURCE"]) / "tests" / "fuzz"
        names = [path.stem for path in source.glob("fuzz_*.c")]
        done = subprocess.run(
            ["make", "-C", build, "-s", f"-j{os.cpu_count()}", "fuzz", f"FUZZ_SECONDS={SECONDS}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        runs = re.findall(r"number_of_executed_units: (\d+)", done.stdout)
        self.assertEqual(len(runs), len(names), done.stdout[-4000:])
        for name in names:
            self.assertTrue(any((source / "corpus" / name.removeprefix("fuzz_")).iterdir()), name)
        for count in runs:
            self.assertGreater(int(count), 10)
