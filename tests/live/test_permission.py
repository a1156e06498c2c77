"""
Who may look into which process, and with which capabilities: as real users, with real file capabilities.

The clauses that are named are those of the file SECURITY.
"""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import support
from support import LiveTest

USER = support.NOBODY
OTHER = 64999
THREE = "cap_perfmon,cap_bpf,cap_sys_ptrace"
CAPABILITIES = {"sys_ptrace": 19, "sys_admin": 21, "syslog": 34, "perfmon": 38, "bpf": 39}
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")


def as_user(user=USER, group=None):
    """setpriv keeps root's capabilities until it executes: what comes behind it begins without any."""
    return ("setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups", "env")


def permitted(pid):
    """The capabilities of a process's threads that are in CAPABILITIES, and how many others they have."""
    mask = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        mask |= int(re.search(r"^CapPrm:\s+(\w+)", status.read_text(), re.MULTILINE).group(1), 16)
    names = {name for name, number in CAPABILITIES.items() if mask >> number & 1}
    return names, mask.bit_count() - len(names)


class UserTest(LiveTest):
    """An ordinary user, for whom the program has file capabilities."""

    def setUp(self):
        super().setUp()
        self.place = self.folder()

    def copy(self, source, name, mode=0o755):
        path = self.place / name
        shutil.copy(source, path)
        os.chmod(path, mode)
        return path

    def top(self, capabilities=THREE):
        path = self.copy(support.TOP, f"top-{capabilities.replace(',', '-')}")
        if capabilities:
            subprocess.run(["setcap", f"{capabilities}=ep", path], check=True)
        return path

    def demo(self, name="demo", mode=0o755):
        return self.copy(self.target("demo"), name, mode)

    def start(self, program, *words, prefix=as_user()):
        process = self.spawn(*prefix, program, *words)
        self.started(process, program)
        return process

    def started(self, process, program):
        support.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(program)
                           and support.process_state(process.pid) in "SR", "exec")

    def run_user(self, program, *options, **run):
        # A program that may not look into itself cannot look for its leaks.
        run.setdefault("env", dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        return self.run_top(*options, prefix=as_user(), program=program, **run)

    def refresh(self, program, *options, until=lambda refresh: True):
        return self.seen(until, "what is waited for", "-d", "0.5", *options, prefix=as_user(), program=program,
                         env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))


class FileCapabilities(UserTest):
    """10.1.1: what works with which of the capabilities, and what is said of the rest."""

    def test_three_are_enough(self):
        target = self.start(self.demo())
        refresh = self.refresh(self.top(), "--heap", "exact", target.pid,
                               until=lambda refresh: refresh["heap"]["alloc_objects"])
        self.assertEqual((refresh["cpu"]["state"], refresh["cpu"]["reason"]), ("on", None))
        self.assertEqual((refresh["heap"]["state"], refresh["heap"]["reason"]), ("on", None))

    def test_without_bpf(self):
        target = self.start(self.demo())
        refresh = self.refresh(self.top("cap_perfmon,cap_sys_ptrace"), target.pid)
        self.assertEqual((refresh["cpu"]["state"], refresh["cpu"]["reason"]), ("on", None))
        self.assertEqual(refresh["heap"]["state"], "off")
        self.assertIn("CAP_BPF is missing", refresh["heap"]["reason"])
        self.assertIn(f"setcap {THREE}=ep {self.place}/top-", refresh["heap"]["reason"])
        self.assertEqual(refresh["growth"]["state"], "on")

    def test_without_perfmon(self):
        target = self.start(self.demo())
        top = self.top("cap_bpf,cap_sys_ptrace")
        value = PARANOID.read_text().strip()
        if int(value) > 2:
            done = self.run_user(top, "-b", "-n", "1", target.pid)
            self.assert_message(done, 4, f"perf_event_paranoid is {value}", "CAP_PERFMON", "setcap")
            return
        refresh = self.refresh(top, target.pid)
        self.assertEqual(refresh["heap"]["state"], "off")
        self.assertIn("CAP_PERFMON is missing", refresh["heap"]["reason"])
        self.assertEqual(refresh["cpu"]["state"], "on")

    def test_without_ptrace(self):
        """It is for processes that are not the user's own, and those are not looked into."""
        target = self.start(self.demo())
        refresh = self.refresh(self.top("cap_perfmon,cap_bpf"), "--heap", "exact", target.pid)
        self.assertEqual((refresh["cpu"]["state"], refresh["heap"]["state"]), ("on", "on"))

    def test_set_user_id(self):
        """10.1.3: set-user-ID is not the way to install it."""
        target = self.start(self.demo())
        self.assert_message(self.run_user(self.copy(support.TOP, "top", 0o4755), "-b", target.pid),
                            4, "set-user-ID", "setcap")


class Dropped(UserTest):
    """10.1.2: what is not needed is given up, at the start and once all is attached."""

    def held(self, *options, prefix=(), program=support.TOP):
        """The capabilities of a program that has printed once, and who owns what is in its /proc."""
        target = self.start(self.demo(f"demo-{len(options)}"), prefix=prefix)
        stream = self.stream("-d", "0.2", *options, target.pid, prefix=prefix, program=program)
        refresh = stream.until(lambda refresh: "off" in options or refresh["heap"]["allocators"], "all attached")
        self.assertEqual(refresh["cpu"]["state"], "on")
        pid = stream.process.pid
        return permitted(pid), os.stat(f"/proc/{pid}/environ").st_uid

    def test_root(self):
        (names, _others), _owner = self.held("--heap", "exact")
        self.assertEqual(names, {"sys_ptrace", "perfmon", "bpf"})

    def test_root_without_heap(self):
        (names, _others), _owner = self.held("--heap", "off", "--growth", "off")
        self.assertEqual(names, {"sys_ptrace", "bpf"})

    def test_root_with_a_frequency_to_lower(self):
        """The events are opened anew to keep a budget."""
        (names, _others), _owner = self.held("--heap", "off", "-F", "999", "--max-overhead", "3")
        self.assertEqual(names, {"sys_ptrace", "perfmon", "bpf"})

    def test_user(self):
        """And nobody may look into a process that has capabilities: 10.4.1."""
        (names, others), owner = self.held(prefix=as_user(), program=self.top())
        self.assertEqual((names, others), ({"sys_ptrace", "perfmon", "bpf"}, 0))
        self.assertEqual(owner, 0, "not dumpable")

    def test_user_without_heap(self):
        (names, others), _owner = self.held("--heap", "off", prefix=as_user(), program=self.top())
        self.assertEqual((names, others), ({"sys_ptrace", "bpf"}, 0))


class Whose(UserTest):
    """10.2.1, 10.4.3: the real user decides, whatever the program may do."""

    def refused(self, target, *words):
        top = self.top()
        for options in (("-b", "-n", "1"), ("--probes",)):
            with self.subTest(options=options):
                done = self.run_user(top, *options, target.pid)
                self.assert_message(done, 4, str(target.pid), *words)
                self.assertEqual(done.out, "")

    def test_roots(self):
        self.refused(self.start(self.demo(), prefix=()), "belongs to user 0", f"user {USER}")

    def test_another_users(self):
        self.refused(self.start(self.demo(), prefix=as_user(OTHER)), f"belongs to user {OTHER}")

    def test_another_group(self):
        self.refused(self.start(self.demo(), prefix=as_user(USER, OTHER)), "group")

    def test_set_user_id_program(self):
        self.refused(self.start(self.demo(mode=0o4755)), "set-user-ID")

    def test_not_dumpable(self):
        """What may be executed and not be read is closed by the kernel."""
        self.refused(self.start(self.demo(mode=0o711)), "not dumpable")

    def test_has_capabilities(self):
        program = self.demo()
        subprocess.run(["setcap", "cap_net_raw=ep", program], check=True)
        self.refused(self.start(program), "has capabilities")

    def test_becomes_another(self):
        """It may be looked into until it executes what may not."""
        secret = self.demo("secret", 0o4755)
        gate = self.place / "gate"
        target = self.spawn(*as_user(), "sh", "-c",
                            f"while [ ! -e {gate} ]; do sleep 0.05; done; exec {secret}")
        support.wait_until(lambda: os.stat(f"/proc/{target.pid}").st_uid == USER, "the user")
        stream = self.stream("-d", "0.1", target.pid, prefix=as_user(), program=self.top(),
                             stderr=subprocess.PIPE)
        top = stream.process
        stream.next()
        gate.touch()
        self.started(target, secret)
        _out, err = top.communicate(timeout=support.DEADLINE_S)
        self.assertIn("set-user-ID", err.decode())
        self.assertEqual(top.returncode, 4)

    def test_command_gets_no_rights(self):
        """A set-user-ID program that is started here runs as its user, as under any tracer."""
        program = self.copy(shutil.which("id"), "id", 0o4755)
        done = self.run_user(self.top(), "-b", "--heap", "off", "--", program, "-u")
        self.assertIn(f"{USER}\n", done.out.splitlines(keepends=True))
        self.assertNotIn("0\n", done.out.splitlines(keepends=True))
        done = subprocess.run([*as_user(), program, "-u"], check=True, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout, b"0\n", "that it is set-user-ID has no effect here")


class Sensitive(UserTest):
    """10.1.2: a process that keeps keys or passwords is not looked into by mistake."""

    target_of_list = None

    def test_by_name(self):
        target = self.start(self.demo("ssh-agent"), prefix=())
        self.assert_message(self.run_top("-b", "-n", "1", target.pid), 4, "ssh-agent", "--yes")
        self.assert_message(self.run_top("--probes", target.pid), 4, "ssh-agent", "--yes")
        done = self.run_top("-b", "-n", "1", "--yes", target.pid)
        self.assertEqual((done.status, done.err), (0, ""))

    def test_init(self):
        """Whatever has PID 1."""
        done = self.run_top(
            "-b", "-n", "1", "1",
            prefix=("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c",
                    '"$@" & wait $!', "sh"))
        self.assertIn("init", done.err)

    def listed(self, mode, *options):
        """Runs it where the administrator's list has the demo."""
        if not self.target_of_list:
            self.target_of_list = self.start(self.demo("demo-keys"), prefix=())
        target = self.target_of_list
        script = ('file=$1; shift; mkdir -p "$(dirname "$(dirname "$file")")" &&'
                  'mount -t tmpfs none "$(dirname "$(dirname "$file")")" && mkdir "$(dirname "$file")" &&'
                  f'printf "# ours\\n\\ndemo-keys # one\\n" >"$file" && chmod {mode} "$file" && exec "$@"')
        return self.run_top("-b", "-n", "1", *options, target.pid,
                            prefix=("unshare", "--mount", "sh", "-c", script, "sh",
                                    "/usr/local/etc/rsprof-top/sensitive"))

    def test_listed(self):
        self.assert_message(self.listed("644"), 4, "demo-keys", "--yes")
        self.assertEqual(self.listed("644", "--yes").status, 0)

    def test_list_of_others(self):
        self.assert_message(self.listed("666"), 4, "/sensitive", "chmod")


class Environment(UserTest):
    """10.4: with capabilities the environment is not trusted."""

    def asks(self, prefix, program, target):
        """Whether debug files are asked for at the server that the environment names, until the program's own
        file is known to have no names and for two seconds more."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            stream = self.stream("-d", "0.5", target.pid, prefix=prefix, program=program,
                                 env=dict(os.environ, DEBUGINFOD_URLS=url, DEBUGINFOD_TIMEOUT="1",
                                          HOME=str(self.place), ASAN_OPTIONS="detect_leaks=0"))
            known = stream.until(lambda refresh: any(file["name"] == "demo" and file["names"]
                                                     for file in refresh["files"]), "what names the file has")
            stream.until(lambda refresh: refresh["elapsed_s"] > known["elapsed_s"] + 2, "two seconds more")
            stream.finish()
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

    def test_servers(self):
        program = self.demo()
        subprocess.run(["objcopy", "--strip-all", program], check=True)
        target = self.start(program)
        self.assertTrue(self.asks((), support.TOP, target), "root's environment is root's")
        self.assertFalse(self.asks(as_user(), self.top(), target))

    def opens(self, prefix, program, target, **environment):
        """Whether the screen opens on a terminal; False: it says that the terminal is unknown."""
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        top = self.spawn(*prefix, program, "--heap", "off", target.pid, stdin=slave, stdout=slave,
                         stderr=subprocess.PIPE,
                         env={**os.environ, "HOME": str(self.place), "ASAN_OPTIONS": "detect_leaks=0",
                              **environment})
        os.close(slave)
        ready, _, _ = select.select([master, top.stderr], [], [], support.DEADLINE_S)
        self.assertTrue(ready, "neither a screen nor a message")
        if top.stderr not in ready:
            top.kill()
            return True
        self.assertIn("rsprof-own", top.stderr.read().decode())
        return False

    def test_descriptions_of_terminals(self):
        """TERMINFO names a file: a user's description is read for root, and not with file capabilities."""
        described = subprocess.run(["infocmp", "xterm"], check=True, stdout=subprocess.PIPE,
                                   text=True).stdout.replace("xterm|", "rsprof-own|", 1)
        folder = self.place / "terminfo"
        folder.mkdir(mode=0o755)
        subprocess.run(["tic", "-o", folder, "-"], input=described, check=True, text=True,
                       stderr=subprocess.DEVNULL)
        own = {"TERM": "rsprof-own", "TERMINFO": str(folder)}
        target = self.start(self.demo())
        self.assertTrue(self.opens((), support.TOP, target, **own), "root's environment is root's")
        program = self.top()
        self.assertTrue(self.opens(as_user(), program, target, TERM="xterm"))
        self.assertFalse(self.opens(as_user(), program, target, **own))

    def test_of_the_command(self):
        """The command has the user's own."""
        done = self.run_user(self.top(), "-b", "--heap", "off", "--", "sh", "-c",
                             'echo "<$TERMINFO $OWN>"',
                             env=dict(os.environ, TERMINFO="/nowhere", OWN="kept",
                                      ASAN_OPTIONS="detect_leaks=0"))
        self.assertIn("</nowhere kept>", done.out)


class Kill(UserTest):
    def test_users_target_goes_on(self):
        """10.5.2: after kill -9 nothing is left in it."""
        target = self.start(self.demo())
        stream = self.stream("-d", "0.1", "--heap", "exact", target.pid, prefix=as_user(), program=self.top())
        stream.until(lambda refresh: refresh["heap"]["alloc_objects"], "allocations")
        self.assertTrue(support.differences(target.pid))
        stream.process.kill()
        stream.process.wait()
        support.wait_until(lambda: not support.differences(target.pid), "code as in the files")
        self.assertIsNone(target.poll())
