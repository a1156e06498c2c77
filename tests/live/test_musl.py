"""Programs of a C library that has no call frame information."""

import support
from support import ENOUGH, is_named, share, user_samples

PARTS = {"part_sort": 40, "part_print": 30, "part_memory": 20, "part_signal": 10}


class Musl(support.LiveTest):
    def profile_of(self, target, threads, is_stripped=False):
        process = self.spawn(self.target(target), 600, threads)
        refresh = self.seen(
            lambda refresh: user_samples(refresh) >= ENOUGH and (is_stripped or is_named(refresh, target)),
            f"{ENOUGH} samples and names", *support.OFTEN, process.pid)
        cpu = refresh["cpu"]
        print(f"{target}, threads {threads}: {cpu['stacks_complete']} of {cpu['samples']} stacks "
              "are complete")
        self.assert_complete(refresh)
        return refresh

    def check(self, target, threads):
        refresh = self.profile_of(target, threads)
        shares = {word: share(refresh, word, "total_pct") for word in PARTS}
        for word, percent in PARTS.items():
            self.assertAlmostEqual(shares[word], percent, delta=5, msg=f"{word} of {shares}")
        for word in ("run", "level_a", "level_b"):
            self.assertGreaterEqual(share(refresh, word, "total_pct"), 99, word)
        self.assertGreater(share(refresh, "on_timer", "total_pct"), 0)
        self.assertGreater(share(refresh, "on_raise", "total_pct"), 5)
        return refresh

    def test_shared(self):
        refresh = self.check("musl_c", 1)
        self.assertGreater(share(refresh, r"_*qsort_r", "total_pct"), 20)
        self.assertGreaterEqual(share(refresh, "main", "total_pct"), 99)

    def test_static(self):
        refresh = self.check("musl_static", 1)
        self.assertGreater(share(refresh, r"_*qsort_r", "total_pct"), 20)
        self.assertGreaterEqual(share(refresh, "main", "total_pct"), 99)

    def test_threads(self):
        for target in ("musl_c", "musl_static"):
            refresh = self.check(target, 3)
            self.assertGreater(share(refresh, "thread_main", "total_pct"), 50)

    def test_stripped(self):
        for threads in (1, 3):
            self.profile_of("musl_stripped", threads, is_stripped=True)
