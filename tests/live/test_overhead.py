"""What watching costs is shown, and kept within the budget; what is shown meanwhile stays right."""

import os
import struct

import support

ONCE = True
SHARES = {"hot_sixty": 60, "hot_thirty": 30, "hot_ten": 10}


class Overhead(support.LiveTest):
    def start_load(self, work_ns):
        """The target that allocates with so much work between, and its two counters."""
        slots = self.folder() / "slots"
        slots.write_bytes(bytes(128))
        self.set_work(slots, work_ns)
        return self.spawn(self.target("load"), "600", slots, "16"), slots

    def set_work(self, slots, work_ns):
        file = os.open(slots, os.O_RDWR)
        os.pwrite(file, struct.pack("Q", work_ns), 64)
        os.close(file)

    def test_shown(self):
        """A target that does nothing but allocate loses most of its time; without probes nearly none."""
        process, _slots = self.start_load(0)
        stream = self.stream("-d", "0.5", "--heap", "exact", process.pid)
        refresh = stream.until(lambda refresh: refresh["overhead"]["target_pct"], "the cost")
        refresh = stream.after_now()
        overhead = refresh["overhead"]
        print(overhead)
        self.assertGreater(overhead["heap_pct"], 40)
        self.assertLessEqual(overhead["target_pct"], 101)
        self.assertAlmostEqual(overhead["target_pct"], overhead["heap_pct"] + overhead["cpu_pct"], 3)
        self.assertEqual(refresh["governor"]["level"], "none", "exact was asked for by name")
        self.end(stream.process)
        stream = self.stream("-d", "0.5", "--heap", "off", process.pid)
        refresh = stream.until(lambda refresh: refresh["overhead"]["target_pct"], "the cost")
        self.assertEqual(refresh["overhead"]["heap_pct"], 0)
        self.assertGreater(refresh["overhead"]["cpu_pct"], 0)
        self.assertLess(refresh["overhead"]["cpu_pct"], 10)

    def test_probes_are_taken_out_and_put_back(self):
        process, slots = self.start_load(0)
        stream = self.stream("-d", "0.5", process.pid)
        refresh = stream.until(lambda refresh: refresh["governor"]["heap_out"], "the probes taken out")
        self.assertEqual(refresh["governor"]["level"], "out")
        self.assertIn("--max-overhead 5", refresh["governor"]["reason"])
        self.assertEqual(refresh["heap"]["state"], "off")
        self.assertEqual(refresh["growth"]["state"], "on")
        self.set_work(slots, 1000000)
        refresh = stream.until(lambda refresh: refresh["heap"]["alloc_objects"], "the heap again")
        self.assertEqual((refresh["heap"]["state"], refresh["growth"]["state"]), ("on", "off"))
        self.assertFalse(refresh["governor"]["heap_out"])
        # Each object is freed before the next one is allocated.
        refresh = stream.after_now()
        self.assertLessEqual(refresh["heap"]["live_objects"], 1)
        self.assertLessEqual(refresh["heap"]["alloc_objects"] - refresh["heap"]["freed_objects"], 1)

    def test_no_limit(self):
        process, _slots = self.start_load(0)
        refreshes = self.refreshes("-d", "0.5", "-n", "3", "--max-overhead", "0", process.pid)
        self.assertEqual(refreshes[-1]["governor"]["budget_pct"], 0)
        self.assertEqual(refreshes[-1]["governor"]["level"], "none")
        self.assertEqual(refreshes[-1]["heap"]["state"], "on")

    def test_shares_stay_right_at_another_frequency(self):
        """Samples that are rarer count more often: shares and the sum are as before."""
        process = self.spawn(self.target("shares_c"), "600")
        stream = self.stream("-d", "0.5", "--heap", "off", "-F", "9999", "--max-overhead", "2",
                             process.pid)
        refresh = stream.until(lambda refresh: refresh["governor"]["sample_weight"] > 1, "rarer samples")
        self.assertEqual(refresh["governor"]["level"], "frequency")
        self.assertLess(refresh["cpu"]["frequency_hz"], 9999)
        first, used = refresh["cpu"]["samples"], support.cpu_seconds(process.pid)
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] > first + 15000, "samples")
        used = support.cpu_seconds(process.pid) - used
        rate = (refresh["cpu"]["samples"] - first) / used
        print(refresh["governor"], f"{rate:.0f} samples in a second of CPU time")
        self.assertAlmostEqual(rate / 9999, 1, delta=0.25)
        self.assert_shares(refresh, SHARES)
