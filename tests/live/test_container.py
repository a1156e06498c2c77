"""
Containers, made of real namespaces and seccomp filters: a target in one, ourselves in one, and what
is forbidden there. Clause 10.2.3 of SECURITY.
"""

import ctypes
import os
import re
import struct
import subprocess

import support
from support import LiveTest

# linux/filter.h, linux/seccomp.h
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO_EPERM = 0x7FFF0000, 0x00050001
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
PERF_EVENT_OPEN, BPF = 298, 321  # of x86-64


def forbid(numbers):
    """In a child before exec: these system calls fail with EPERM, as in most containers."""
    support.die_with_parent()
    code = [(LOAD, 0, 0, 0)]
    code += [(JUMP_EQUAL, len(numbers) - i, 0, number) for i, number in enumerate(numbers)]
    code += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, ERRNO_EPERM)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(text))
    if (support.LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            or support.LIBC.prctl(PR_SET_SECCOMP, MODE_FILTER, program)):
        os._exit(99)


# In a shell script: until the demo $p has its threads.
AT_WORK = 'until [ "$(ls /proc/$p/task | wc -l)" = 4 ]; do sleep 0.1; done;'


class Container(LiveTest):
    def inside(self, script, *words, namespaces=("--pid", "--fork", "--mount-proc")):
        """Done of a shell script in namespaces of its own; $TOP and $DEMO are there."""
        process = self.spawn("unshare", *namespaces, "sh", "-c", script, "sh", *words,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=dict(os.environ, TOP=support.TOP, DEMO=self.target("demo")))
        out, err = process.communicate(timeout=support.DEADLINE_S)
        return support.Done(process.returncode, out.decode(), err.decode())

    def assert_heap(self, out):
        self.assertRegex(out, r"(?m)^heap: exact, glibc in ")
        self.assertRegex(out, r"(?m)^heap books: .* [1-9]\S* allocated")
        self.assertRegex(out, r"(?m)^cpu: .* [1-9]\d* samples")


class Target(Container):
    def start(self, *namespaces, setup=""):
        """A demo in namespaces of its own, as we see it."""
        outer = self.spawn("unshare", *namespaces, "--fork", "sh", "-c", f'{setup} "$@" & wait',
                           "sh", self.target("demo"))

        def find():
            done = subprocess.run(["pgrep", "-g", str(outer.pid), "-x", "demo"], check=False,
                                  stdout=subprocess.PIPE)
            return int(done.stdout.split()[0]) if done.stdout else None

        pid = support.wait_until(find, "the demo in its namespace")
        support.wait_until(lambda: len(os.listdir(f"/proc/{pid}/task")) == 4, "the demo's threads")
        return pid

    def test_in_pid_namespace(self):
        pid = self.start("--pid")
        self.assertEqual(len(re.search(r"NSpid:(.*)", support.status(pid)).group(1).split()), 2)
        done = self.run_top("-b", "-n", "3", "--heap", "exact", pid)
        self.assertEqual((done.status, done.err), (0, ""))
        self.assert_heap(done.out)
        done = self.run_top("--doctor", pid)
        self.assertEqual(done.status, 0, done.out + done.err)
        self.assertRegex(done.out, rf"(?m)^its container +other namespaces than here: PID; it is \d+ "
                                   rf"for itself; its files are read through /proc/{pid}/root")

    def test_its_own_files(self):
        """Names come from the files that it sees, which are not there under their names here."""
        folder = self.folder()
        subprocess.run(["cp", self.target("demo"), folder / "demo"], check=True)
        setup = f"mount -t tmpfs none /mnt && cp {folder}/demo /mnt/demo && set -- /mnt/demo &&"
        pid = self.start("--mount", "--pid", setup=setup)
        self.assertFalse(os.path.exists("/mnt/demo"))
        self.seen(lambda refresh: support.functions(refresh, "demo_hash_block"), "a name", "-d", "0.5", pid)


class Ourselves(Container):
    def test_in_pid_namespace(self):
        """Where PIDs are others than the kernel's own, and that of the target is ours."""
        done = self.inside(f'"$DEMO" >/dev/null & p=$!; {AT_WORK}'
                           '"$TOP" -b -n 3 --heap exact $p; s=$?; "$TOP" --doctor; kill $p; exit $s')
        self.assertEqual((done.status, done.err), (0, ""))
        self.assert_heap(done.out)
        self.assertRegex(done.out, r"(?m)^container +.*a PID namespace of its own")

    def test_target_in_a_namespace_within(self):
        """The kernel's programs cannot tell it: the heap is off with the reason, the CPU is right."""
        done = self.inside(
            f'unshare --pid --fork "$DEMO" >/dev/null & until p=$(pgrep -x demo); do sleep 0.1; done; {AT_WORK}'
            '"$TOP" -b -n 3 $p; s=$?; "$TOP" --doctor $p; echo doctor $?; kill $p; exit $s')
        self.assertEqual((done.status, done.err.count("\n")), (0, 1))
        self.assertRegex(done.out, r"(?m)^cpu: .* [1-9]\d* samples")
        self.assertRegex(done.out, r"(?m)^heap: off: this is a container")
        self.assertIn("demo_hash_block", done.out)
        self.assertIn("doctor 5", done.out)

    def test_outside_is_hidden(self):
        process = self.spawn(self.target("demo"))
        done = self.inside('exec "$TOP" -b -n 1 "$1"', str(process.pid))
        self.assertIn(done.status, (3, 4))

    def test_without_capabilities(self):
        """Root of a user namespace is no root of the machine."""
        done = self.inside(f'"$DEMO" >/dev/null & p=$!; {AT_WORK} "$TOP" --doctor $p; s=$?; kill $p; exit $s',
                           namespaces=("--user", "--map-root-user", "--pid", "--fork", "--mount-proc"))
        self.assertEqual(done.status, 4, done.out + done.err)
        self.assertRegex(done.out, r"(?m)^container +.*user namespace of its own")
        self.assertRegex(done.out, r"(?m)^heap +no: ")

    def test_label(self):
        """A confining label is named, whichever security module it is of; it is put there, as this
        kernel may have none."""
        label = self.folder() / "label"
        script = 'mount --bind "$1" /proc/$$/attr/current && exec "$TOP" --doctor'
        for text, named in (("docker-default (enforce)", "confined as docker-default (enforce)"),
                            ("system_u:system_r:container_t:s0:c1", "confined as system_u:system_r:container_t"),
                            ("unconfined", None), ("unconfined_u:unconfined_r:unconfined_t:s0", None)):
            with self.subTest(text):
                label.write_text(text + "\n")
                done = self.inside(script, str(label), namespaces=("--mount",))
                self.assertRegex(done.out, r"(?m)^container +")
                if named:
                    self.assertRegex(done.out, rf"(?m)^container +{re.escape(named)}")
                    self.assertRegex(done.out, r"BPF, perf events and tracing may be forbidden")
                else:
                    self.assertNotIn("confined as", done.out)

    def test_seccomp(self):
        """A filter's EPERM is told from a missing capability."""
        process = self.spawn(self.target("demo"))
        done = self.run_top("-b", "-n", "3", process.pid)
        self.assert_heap(done.out)
        top = subprocess.run([support.TOP, "-b", "-n", "1", str(process.pid)], check=False,
                             preexec_fn=lambda: forbid([BPF, PERF_EVENT_OPEN]), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.DEADLINE_S)
        self.assertEqual(top.returncode, 4, top.stderr)
        self.assertIn("seccomp filter", top.stderr)
        top = subprocess.run([support.TOP, "--doctor"], check=False,
                             preexec_fn=lambda: forbid([BPF]), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=support.DEADLINE_S)
        self.assertEqual(top.returncode, 4)
        self.assertRegex(top.stdout, r"(?m)^container +.*a seccomp filter")
        self.assertRegex(top.stdout, r"(?m)^heap +no: .*although CAP_BPF and CAP_PERFMON are there")
        self.assertRegex(top.stdout, r"(?m)^CPU, growth +yes")


class Doctor(LiveTest):
    def test_root(self):
        process = self.spawn(self.target("demo"))
        done = self.run_top("--doctor", process.pid)
        self.assertEqual((done.status, done.err), (0, ""))
        for line in (r"kernel +Linux \d", r"BTF +", r"perf events +", r"tracing +", r"BPF +", r"lockdown +",
                     r"user +0, root", r"capabilities +cap_.*; of those advised missing: none",
                     r"container +", r"CPU, growth +yes, with kernel time", r"heap +yes, with ",
                     rf"process +{process.pid} \(demo\)", r"may look +yes", r"may probe +yes"):
            self.assertRegex(done.out, rf"(?m)^{line}")

    def test_nothing_is_attached(self):
        process = self.spawn(self.target("demo"))
        self.assertEqual(self.run_top("--doctor", process.pid).status, 0)
        self.assertFalse(support.differences(process.pid))

    def test_no_such_process(self):
        process = self.spawn("true")
        process.wait()
        self.assertEqual(self.run_top("--doctor", process.pid).status, 3)
