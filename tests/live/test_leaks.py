"""Leak suspects: programs that leak and programs that only look so, by name (tests/targets/leaks)."""

import concurrent.futures
import os
import subprocess
from pathlib import Path

import support

PROCESSES = 7  # with as many scenarios each; they mostly sleep
WATCHED_S = 70
SAMPLED = "4K"
LARGE = ("steady", "large", "matrix", "sizes", "error_path")  # a KiB a second and more
HIGH = "HIGH"
SUSPECT = ("HIGH", "MED")

ONCE = True


class Scenario:
    """What was said of one scenario's sites, refresh by refresh."""

    def __init__(self, name):
        self.name = name
        self.best = []  # of each refresh, the verdict on the site with the highest score

    def add(self, sites):
        verdicts = [site["leak"] for site in sites
                    if (site["function"] or "").startswith(self.name + "_")]
        if verdicts:
            self.best.append(max(verdicts, key=lambda leak: leak["score"]))

    @property
    def level(self):
        return self.best[-1]["level"] if self.best else None

    @property
    def score(self):
        return self.best[-1]["score"]

    @property
    def worst(self):
        """The highest level it ever had."""
        return max(self.best, key=lambda leak: leak["score"])["level"]

    def __str__(self):
        last = self.best[-1] if self.best else {"level": "-", "evidence": "no site"}
        return f"{self.name}: {last['level']}, {last['evidence']}"


def lines(scenarios):
    return "\n".join(map(str, scenarios))


class Ages(support.LiveTest):
    OBJECTS = 1000000

    def site(self, refresh):
        sites = [site for site in refresh["heap"]["sites"] if site["function"] == "hold_alloc"]
        return sites[0] if sites else None

    def test_a_million_objects(self):
        """All of their ages are read, and no refresh is late for it."""
        stream = self.stream("--heap", "exact", "--heap-entries", "2M", "-d", "0.5", "--",
                             self.target("leaks"), "--hold", self.OBJECTS)

        def aged(refresh):
            site = self.site(refresh)
            return site and site["ages"] and self.OBJECTS == sum(
                bucket["live_objects"] for bucket in site["ages"])

        refresh = stream.until(aged, "the ages of all objects")
        site = self.site(refresh)
        self.assertEqual(site["live_objects"], self.OBJECTS)
        self.assertEqual(sum(bucket["live_bytes"] for bucket in site["ages"]), 32 * self.OBJECTS)
        self.assertEqual(refresh["heap"]["ages_skipped_objects"], 0)
        self.assertGreater(site["oldest_s"], 0)
        self.assertLess(site["oldest_s"], refresh["elapsed_s"] + 1)
        pid, first = stream.process.pid, stream.after_now()
        before = support.cpu_seconds(pid)
        last = stream.until(
            lambda later: later["elapsed_s"] > first["elapsed_s"] + 10, "ten seconds more")
        seconds = last["elapsed_s"] - first["elapsed_s"]
        self.assertLess((support.cpu_seconds(pid) - before) / seconds, 0.1, "of a core")
        self.assertAlmostEqual(
            self.site(last)["oldest_s"] - self.site(first)["oldest_s"], seconds, delta=0.2)


class Leaks(support.LiveTest):
    def scenarios(self):
        out = subprocess.run([self.target("leaks"), "--list"], check=True, capture_output=True,
                             text=True).stdout
        kinds = {"leaking": [], "harmless": []}
        for line in out.splitlines():
            kind, name = line.split()
            kinds[kind].append(Scenario(name))
        return kinds["leaking"], kinds["harmless"]

    def watch(self, groups, modes):
        """Runs each group in a process of its own, all at a time; modes are those of --heap."""
        streams = []
        for group, mode in zip(groups, modes):
            process = self.spawn(self.target("leaks"), *(scenario.name for scenario in group))
            streams.append(self.stream("--heap", mode, "-d", "1", "-n", WATCHED_S, process.pid))
        with concurrent.futures.ThreadPoolExecutor(len(groups)) as readers:
            list(readers.map(self.read, groups, streams))

    def read(self, group, stream):
        while (refresh := stream.next()) is not None:
            for scenario in group:
                scenario.add(refresh["heap"]["sites"])

    def test_labelled_set(self):
        leaking, harmless = self.scenarios()
        self.assertGreaterEqual(len(leaking), 20)
        self.assertGreaterEqual(len(harmless), 20)
        both = leaking + harmless
        groups = [both[i::PROCESSES] for i in range(PROCESSES)]
        sampled_leaking, sampled_harmless = self.scenarios()
        self.watch(groups + [sampled_leaking + sampled_harmless],
                   ["exact"] * PROCESSES + [SAMPLED])
        if show := os.environ.get("LEAKS_SHOW"):
            Path(show).write_text(f"leaking\n{lines(leaking)}\nharmless\n{lines(harmless)}\n")
        missed = [scenario for scenario in leaking if scenario.level not in SUSPECT]
        self.assertLessEqual(len(missed), 0.05 * len(leaking), lines(missed))
        unsure = [scenario for scenario in leaking if scenario.level != HIGH]
        self.assertLessEqual(len(unsure), 0.25 * len(leaking), lines(unsure))
        self.assertEqual([scenario.name for scenario in harmless if not scenario.best], [])
        accused = [scenario for scenario in harmless if scenario.worst == HIGH]
        self.assertFalse(accused, lines(accused))
        suspected = [scenario for scenario in harmless if scenario.level in SUSPECT]
        self.assertLessEqual(len(suspected), 0.15 * len(harmless), lines(suspected))
        self.check_order(groups, leaking)
        self.check_sampled(sampled_leaking, sampled_harmless)

    def check_sampled(self, leaking, harmless):
        """Estimates show no leaks that are too small for them, and accuse nobody for their noise."""
        accused = [scenario for scenario in harmless if scenario.best and scenario.worst == HIGH]
        self.assertFalse(accused, lines(accused))
        large = [scenario for scenario in leaking if scenario.name in LARGE]
        self.assertEqual(len(large), len(LARGE))
        missed = [scenario for scenario in large if scenario.level not in SUSPECT]
        self.assertFalse(missed, lines(missed))

    def check_order(self, groups, leaking):
        """In each process true leaks come before all else; one in twenty may not."""
        wrong = []
        for group in groups:
            others = [scenario.score for scenario in group if scenario not in leaking]
            wrong += [scenario for scenario in group
                      if scenario in leaking and others and scenario.score < max(others)]
        self.assertLessEqual(len(wrong), 0.05 * len(leaking), lines(wrong))
