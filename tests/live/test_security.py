"""SECURITY's table of clauses: what it names is there, and tests of each clause name it."""

import os
import re
import unittest
from pathlib import Path

ONCE = True
SOURCE = Path(os.environ["RSPROF_SOURCE"])
CLAUSE = re.compile(r"^  (10\.\d\.\d)  ", re.M)
TEST = re.compile(r"\b((?:live|unit|tty|fuzz)/\w+\.(?:py|c))\b")
PLACE = re.compile(r"\b((?:src|ui|bpf)/[\w/]+\.[ch])\b")


class Table(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (SOURCE / "SECURITY").read_text().rpartition("\nClauses\n")[2]
        parts = CLAUSE.split(text)
        cls.clauses = dict(zip(parts[1::2], parts[2::2]))

    def test_is_whole(self):
        """All of the specification's clauses."""
        counts = {"1": 3, "2": 3, "3": 3, "4": 3, "5": 3, "6": 3}
        self.assertEqual(sorted(self.clauses), [f"10.{part}.{number}" for part, count in counts.items()
                                                for number in range(1, count + 1)])

    def test_what_it_names_is_there(self):
        for clause, text in self.clauses.items():
            for place in PLACE.findall(text):
                self.assertTrue((SOURCE / place).exists(), f"{clause}: {place}")
            for test in TEST.findall(text):
                self.assertTrue((SOURCE / "tests" / test).exists(), f"{clause}: {test}")

    def test_tests_name_the_clause(self):
        for clause, text in self.clauses.items():
            tests = [(SOURCE / "tests" / test).read_text() for test in TEST.findall(text)]
            self.assertTrue(any(clause in test for test in tests), f"{clause}: no test names it")


if __name__ == "__main__":
    unittest.main()
