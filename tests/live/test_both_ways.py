"""The two ways of a sample: walked and counted in the kernel, or copied and walked in the program."""

import subprocess

import support
from support import share


class Checked(support.LiveTest):
    """With --check-unwinding every sample goes both ways, and both must come to the same stack."""

    def check(self, *argv, options=("--heap", "off"), least=300):
        process = self.spawn(*argv, stderr=subprocess.DEVNULL)
        refresh = self.refreshes("--check-unwinding", "-F", "997", "-n", "3", *options,
                                 process.pid)[-1]
        both = refresh["cpu"]["unwind_check"]
        self.assertEqual(both["different"], 0)
        self.assertGreater(both["equal"], least)
        self.assert_complete(refresh)
        return refresh

    def test_deep_stacks(self):
        self.check(self.target("deep"), 60)

    def test_inlined_and_rust(self):
        self.check(self.target("shares_rs"), 60)

    def test_threads(self):
        self.check(self.target("shares_c"), 60, 3)

    def test_static(self):
        self.check(self.target("static_shares"), 60)

    def test_interpreter(self):
        self.check("python3", "-c", "import json\nwhile True: json.loads(json.dumps([1] * 1000))",
                   least=150)

    def test_in_the_kernel(self):
        """The user's registers are those saved on the way into the kernel."""
        self.check("dd", "if=/dev/zero", "of=/dev/null", "bs=64k")

    def test_under_probes(self):
        """A return address that is the kernel's trampoline is put back on both ways."""
        self.check(self.target("dies_soon"), 60000, options=("--heap", "exact"), least=150)


class Copies(support.LiveTest):
    def test_rules_are_learnt(self):
        """After a while next to nothing of a steady target is copied, and figures stay right."""
        process = self.spawn(self.target("shares_c"), 60)
        stream = self.stream("--heap", "off", "-F", "997", "-d", "1", process.pid)
        early = stream.until(lambda refresh: refresh["elapsed_s"] > 3, "3 s")
        late = stream.until(lambda refresh: refresh["elapsed_s"] > 8, "8 s")
        samples, copied = (late["cpu"][key] - early["cpu"][key]
                           for key in ("samples", "stacks_copied"))
        self.assertGreater(samples, 500)
        self.assertLess(copied, 0.01 * samples)
        self.assert_complete(late)
        self.assertGreater(late["cpu"]["unwind_ns_per_frame"], 0)
        self.assertLess(late["cpu"]["unwind_ns_per_frame"], 20000)
        self.assertAlmostEqual(share(late, "hot_sixty"), 60, delta=5)
