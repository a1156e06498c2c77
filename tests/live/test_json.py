"""The JSON of --json: every key of schema 1, the types, the order, and what is unknown."""

import datetime
import json
import os
import signal
import subprocess

import support
from ledger import LedgerTest

NUMBER = (int, float)
NAMED = {"module": (str, None), "file": (str, None), "line": (int, None)}

FRAME = {"function": (str, None), **NAMED, "inlined": bool}
STACK = {"live_bytes": (int, None), "live_objects": (int, None), "frames": [FRAME]}
SITE = {
    "function": (str, None), **NAMED, "live_bytes": (int, None), "live_ci_bytes": (NUMBER, None),
    "live_objects": (int, None),
    "alloc_bytes": int, "alloc_objects": int, "freed_bytes": (int, None), "freed_objects": (int, None),
    "peak_bytes": (int, None),
    "growth_bytes_per_s": (NUMBER, None), "oldest_s": (NUMBER, None),
    "alloc_bytes_per_s": (NUMBER, None), "alloc_objects_per_s": (NUMBER, None),
    "freed_bytes_per_s": (NUMBER, None), "freed_objects_per_s": (NUMBER, None),
    "leak": {"level": str, "score": NUMBER, "evidence": (str, None),
             "slope_bytes_per_s": (NUMBER, None), "slope_ci_bytes_per_s": (NUMBER, None),
             "windows_grown": int, "windows": int},
    "ages": (list, None), "sizes": (list, None), "stacks": [STACK],
}
GROWTH_SITE = {
    "function": (str, None), **NAMED, "samples": int, "faults": int, "bytes": int,
    "bytes_per_s": (NUMBER, None), "mapped_bytes": (int, None), "mappings": (int, None),
    "stacks": [{"faults": int, "bytes": int, "mapped_bytes": (int, None), "frames": [FRAME]}],
}
FUNCTION = {
    "name": str, **NAMED, "self_samples": int, "total_samples": int, "self_pct": NUMBER,
    "total_pct": NUMBER,
}
SCHEMA = {
    "schema": int, "version": str, "time": str, "elapsed_s": NUMBER,
    "target": {"pid": int, "comm": (str, None), "exe": (str, None), "state": str,
               "threads": (int, None)},
    "cpu": {"state": str, "reason": (str, None), "event": (str, None),
            "frequency_hz": (int, None), "samples": int, "stacks_complete": int,
            "stacks_guessed": int, "stacks_copied": int, "unwind_ns_per_frame": (NUMBER, None),
            "unwind_check": (dict, None), "functions": [FUNCTION]},
    "heap": {"state": str, "reason": (str, None), "mode": (str, None),
             "interval_bytes": (int, None),
             "allocators": [{"name": str, "module": (str, None), "probes": int}],
             "live_bytes": (int, None), "live_ci_bytes": (NUMBER, None), "live_objects": (int, None), "alloc_bytes": (int, None),
             "alloc_objects": (int, None), "freed_bytes": (int, None),
             "freed_objects": (int, None), "untracked_frees": (int, None),
             "rss_bytes": (int, None), "resident_bytes": (int, None),
             "coverage_pct": (NUMBER, None),
             "ages_skipped_objects": int, "sites": [SITE]},
    "growth": {"state": str, "reason": (str, None), "event": (str, None),
               "faults_per_sample": (int, None), "samples": (int, None),
               "samples_pending": (int, None),
               "samples_lost": (int, None), "faults": (int, None), "bytes": (int, None),
               "bytes_per_s": (NUMBER, None), "file_faults": (int, None),
               "unknown_faults": (int, None), "mapped_bytes": (int, None),
               "mappings": (int, None), "mappings_lost": (int, None),
               "mappings_reason": (str, None), "rss_bytes": (int, None),
               "anonymous_bytes": (int, None), "swap_bytes": (int, None),
               "brk_bytes": (int, None), "anonymous_bytes_per_s": (NUMBER, None),
               "cgroup_limit_bytes": (int, None), "cgroup_used_bytes": (int, None),
               "seconds_to_limit": (NUMBER, None), "sites": [GROWTH_SITE]},
    "modules": [{"name": str, "path": str, "state": str}],
    "files": [{"name": str, "path": str, "state": str, "build_id": (str, None),
               "names": (str, None), "unwinding": (str, None), "self_samples": int,
               "self_pct": (NUMBER, None), "broken_stacks": int}],
    "threads": [{"tid": int, "name": str, "state": str, "cpu_pct": (NUMBER, None),
                 "samples": (int, None), "function": (str, None),
                 "alloc_bytes": (int, None), "alloc_bytes_per_s": (NUMBER, None)}],
    "ledger": {"channels": [{"name": str, "produced": int, "consumed": int, "lost": int,
                             "capacity_bytes": int, "used_bytes": int}],
               "maps": [{"name": str, "capacity": int, "used": (NUMBER, None),
                         "refused": (int, None), "memory_bytes": (int, None)}],
               "maps_memory_bytes": (int, None),
               "probes": [{"function": str, "module": str, "offset": int, "emulated": bool, "hits": int,
                           "hits_per_s": (NUMBER, None), "ns_per_hit": (NUMBER, None)}],
               "tracked_allocations": int, "tracked_frees": int, "failed_allocations": int,
               "replaced": int, "lost_returns": int, "stacks_copied": int,
               "stacks_unlearnt": int, "worker_restarts": int},
    "overflow": {"perf_lost": (int, None), "perf_throttled": (int, None),
                 "ringbuf_dropped": (int, None), "live_map_full": (int, None),
                 "site_map_full": (int, None), "debug_files_missing": int,
                 "probes_refused": int},
    "overhead": {"target_pct": (NUMBER, None), "heap_pct": (NUMBER, None),
                 "cpu_pct": (NUMBER, None), "trap_factor": NUMBER, "self_cpu_pct": (NUMBER, None),
                 "self_rss_bytes": (int, None)},
    "governor": {"budget_pct": NUMBER, "level": str, "reason": (str, None),
                 "interval_least_bytes": int, "sample_weight": int, "heap_share": NUMBER, "heap_out": bool,
                  "steps": int},
    "attach": {"probes_s": NUMBER, "longest_s": NUMBER, "sampler_s": NUMBER, "calibrated_s": (NUMBER, None)},
}


def mismatches(value, schema, where="$"):
    """Yields a line for each place where the value is not what the schema says."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            yield f"{where}: not an object"
            return
        for key in schema.keys() - value.keys():
            yield f"{where}.{key}: missing"
        for key in value.keys() & schema.keys():
            yield from mismatches(value[key], schema[key], f"{where}.{key}")
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f"{where}: not an array"
            return
        for i, item in enumerate(value):
            yield from mismatches(item, schema[0], f"{where}[{i}]")
    else:
        kinds, unknown_allowed = schema, False
        if isinstance(schema, tuple) and schema[-1] is None:
            kinds, unknown_allowed = schema[0], True
        if value is None and unknown_allowed:
            return
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            yield f"{where}: {value!r} is not {kinds}"


class Json(LedgerTest):
    def check(self, refresh):
        self.assertEqual(list(mismatches(refresh, SCHEMA)), [])
        self.assertEqual(refresh["schema"], 1)
        self.assertIn(refresh["target"]["state"], ("running", "exited"))
        self.assertIn(refresh["cpu"]["state"], ("on", "off"))
        self.assertIn(refresh["heap"]["state"], ("on", "off"))
        self.assertIn(refresh["growth"]["state"], ("on", "off"))
        for part in ("cpu", "heap", "growth"):
            if refresh[part]["state"] == "off":
                self.assertTrue(refresh[part]["reason"], part)
        functions, sites = refresh["cpu"]["functions"], refresh["heap"]["sites"]
        self.assertEqual([function["self_samples"] for function in functions],
                         sorted((function["self_samples"] for function in functions),
                                reverse=True))
        self.assertEqual([site["live_bytes"] for site in sites],
                         sorted((site["live_bytes"] for site in sites), reverse=True))
        for function in functions:
            for kind in ("self", "total"):
                self.assertAlmostEqual(
                    function[f"{kind}_pct"],
                    100 * function[f"{kind}_samples"] / refresh["cpu"]["samples"], delta=0.1)
        self.assertLessEqual(sum(function["self_samples"] for function in functions),
                             refresh["cpu"]["samples"])

    def test_schema_with_everything(self):
        process = self.spawn(self.target("demo"))
        support.wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) == 4, "the demo's threads")
        before = datetime.datetime.now(datetime.timezone.utc)
        stream = self.stream("--heap", "exact", "-d", "1", process.pid)
        # A refresh waits a moment for names: those of which the times are looked at have them.
        refreshes = [stream.until(lambda refresh: support.is_named(refresh, "demo") and refresh["heap"]["sites"],
                                  "names and sites"), stream.next(), stream.next(), stream.next()]
        stream.finish()
        for refresh in refreshes:
            self.check(refresh)
            self.assertEqual(refresh["target"]["pid"], process.pid)
            self.assertEqual(refresh["target"]["comm"], "demo")
            self.assertRegex(refresh["target"]["exe"], r"/targets/demo$")
            self.assertEqual(refresh["target"]["state"], "running")
            self.assertEqual(refresh["target"]["threads"], 4)
            self.assertEqual(refresh["cpu"]["frequency_hz"], 99)
            self.assertEqual(refresh["heap"]["mode"], "exact")
            self.assertAlmostEqual((support.time_of(refresh) - before).total_seconds(),
                                   refresh["elapsed_s"], delta=5)
        elapsed = [refresh["elapsed_s"] for refresh in refreshes]
        self.assertAlmostEqual(elapsed[2] - elapsed[1], 1, delta=0.5)
        self.assertAlmostEqual(elapsed[3] - elapsed[2], 1, delta=0.5)
        last = refreshes[-1]
        self.assertGreater(last["overhead"]["self_rss_bytes"], 1 << 20)
        self.assertLess(last["overhead"]["self_rss_bytes"], 1 << 30)
        self.assertGreater(last["heap"]["rss_bytes"], last["heap"]["live_bytes"] / 2)

    def test_schema_without_heap(self):
        process = self.spawn(self.target("shares_c"), 60)
        (refresh,) = self.refreshes("--heap", "off", "-n", "1", process.pid)
        self.check(refresh)
        self.assertEqual(refresh["heap"]["state"], "off")

    def test_threads_allocate_what_sites_have(self):
        """While the target stands still both sums are of the same allocations."""
        process = self.spawn(self.target("demo"))
        top = self.spawn(support.TOP, "-b", "--json", "--heap", "exact", "-d", "0.5", "-n", "60", "--max-overhead", "0",
                         process.pid, stdout=subprocess.PIPE, text=True)
        stopped, last = False, None
        for line in top.stdout:
            refresh = json.loads(line)
            threads = [thread["alloc_bytes"] for thread in refresh["threads"]]
            last = sum(threads), refresh["heap"]["alloc_bytes"]
            if stopped and last[0] == last[1]:
                break
            if not stopped and sum(size > 0 for size in threads) > 1:
                os.kill(process.pid, signal.SIGSTOP)
                stopped = True
        self.assertTrue(stopped, "only one thread has allocated")
        self.assertEqual(last[0], last[1])
        self.assertGreater(last[0], 0)

    def test_frames_go_outwards(self):
        refresh = self.reported("ledger_c").sites_now("ledger_c")
        self.check(refresh)
        stacks = [stack for site in refresh["heap"]["sites"] for stack in site["stacks"]
                  if site["function"] == "site_realloc_seed"]
        self.assertTrue(stacks)
        for stack in stacks:
            names = [frame["function"] for frame in stack["frames"]]
            order = [names.index(name) for name in ("site_realloc_seed", "site_keep_realloc",
                                                    "main")]
            self.assertEqual(order, sorted(order), names)

    def test_first_delay_is_the_first_refresh(self):
        """-d counts from the start: five refreshes of 0.2 s take about one second."""
        process = self.spawn(self.target("shares_c"), 600)
        # A refresh waits a moment for names: another run has seen to it that they come at once.
        self.profile(process, "shares_c", "--heap", "off", samples=1)
        refreshes = self.refreshes("--heap", "off", "-d", "0.2", "-n", "5", process.pid)
        self.assertEqual(len(refreshes), 5)
        self.assertAlmostEqual(refreshes[-1]["elapsed_s"] - refreshes[0]["elapsed_s"], 0.8,
                               delta=0.4)

    def test_names_are_valid_text(self):
        """A process name that is no UTF-8 does not break the JSON."""
        name = self.folder() / "x"
        odd = str(name).encode() + b"\xff\"\\\x01"
        subprocess.run(["cp", self.target("shares_c"), odd], check=True)
        process = self.spawn("bash", "-c", 'exec "$0"* 60', str(name))
        support.wait_until(
            lambda: open(f"/proc/{process.pid}/comm", "rb").read().startswith(b"x\xff"), "exec")
        (refresh,) = self.refreshes("--heap", "off", "-n", "1", process.pid)
        self.check(refresh)
        self.assertTrue(refresh["target"]["comm"].startswith("x"))
        json.dumps(refresh).encode()
