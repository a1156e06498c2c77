"""The two ways of a sample: walked and counted in the kernel, or copied and walked in the program."""

import subprocess

import support
from support import ENOUGH, is_named, user_samples


class Checked(support.LiveTest):
    """With --check-unwinding every sample goes both ways, and both must come to the same stack."""

    def check(self, *argv, options=("--heap", "off"), least=2500):
        process = self.spawn(*argv, stderr=subprocess.DEVNULL)
        refresh = self.seen(
            lambda refresh: sum(refresh["cpu"]["unwind_check"][key] for key in ("equal", "different")) > least,
            f"{least} samples both ways", "--check-unwinding", "-F", "997", *options, process.pid)
        self.assertEqual(refresh["cpu"]["unwind_check"]["different"], 0)
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
                   least=1000)

    def test_in_the_kernel(self):
        """The user's registers are those saved on the way into the kernel."""
        self.check("dd", "if=/dev/zero", "of=/dev/null", "bs=64k")

    def test_under_probes(self):
        """A return address that is the kernel's trampoline is put back on both ways."""
        self.check(self.target("dies_soon"), 60000, options=("--heap", "exact"), least=1000)


class Copies(support.LiveTest):
    def test_rules_are_learnt(self):
        """After a while next to nothing of a steady target is copied, and figures stay right."""
        process = self.spawn(self.target("shares_c"), 600)
        stream = self.stream(*support.OFTEN, "-d", "0.5", process.pid)
        # Samples count once their rules have come.
        early = stream.until(lambda refresh: refresh["cpu"]["samples"] > 1000, "1000 samples")
        late = stream.until(lambda refresh: user_samples(refresh) > 1000 + ENOUGH
                            and is_named(refresh, "shares_c"), "more of them, with names")
        samples, copied = (late["cpu"][key] - early["cpu"][key]
                           for key in ("samples", "stacks_copied"))
        self.assertLess(copied, 0.01 * samples)
        self.assert_complete(late)
        self.assertGreater(late["cpu"]["unwind_ns_per_frame"], 0)
        self.assertLess(late["cpu"]["unwind_ns_per_frame"], 20000)
        self.assert_shares(late, {"hot_sixty": 60})
