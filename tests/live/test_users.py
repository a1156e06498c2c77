"""
Users that have accounts, made for the test and removed after it, and a program with file capabilities:
the owner of a process may look into it with all his groups, nobody else may.
"""

import os
import shutil
import subprocess

import support

ONCE = True
CAPABILITIES = "cap_perfmon,cap_bpf,cap_sys_ptrace=ep"


def account(*command):
    """Changes the accounts, once no other program does; whether that could be done."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if "cannot lock" in done.stdout:
        return False
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stdout}")
    return True


def change_accounts(*command):
    support.wait_until(lambda: account(*command), "the lock of the accounts")


class Users(support.LiveTest):
    def setUp(self):
        super().setUp()
        name = f"rsprof-{os.getpid()}"
        self.group, self.owner, self.other = f"{name}-g", f"{name}-a", f"{name}-b"
        change_accounts("groupadd", "--system", self.group)
        self.addCleanup(change_accounts, "groupdel", self.group)
        for user in (self.owner, self.other):
            change_accounts("useradd", "--system", "--user-group", "--groups", self.group,
                            "--no-create-home", "--shell", "/bin/sh", user)
            self.addCleanup(change_accounts, "userdel", user)
        place = self.folder()
        self.top = self.copy(support.TOP, place)
        self.program = self.copy(self.target("demo"), place)
        subprocess.run(["setcap", CAPABILITIES, self.top], check=True)

    @staticmethod
    def copy(source, place):
        copy = place / os.path.basename(source)
        shutil.copy(source, copy)
        copy.chmod(0o755)
        return copy

    def start(self, user):
        process = self.spawn("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", self.program)
        support.wait_until(lambda: os.readlink(f"/proc/{process.pid}/exe") == str(self.program), "exec")
        return process.pid

    def as_user(self, user):
        return {"program": self.top, "prefix": ("runuser", "-u", user, "--"),
                "env": dict(os.environ, ASAN_OPTIONS="detect_leaks=0")}

    def look(self, user, pid):
        return self.run_top("-b", "-n", "1", "-d", "0.5", pid, **self.as_user(user))

    def test_owner_and_others(self):
        target = self.start(self.owner)
        stream = self.stream("--heap", "exact", target, **self.as_user(self.owner))
        refresh = stream.until(lambda refresh: refresh["heap"]["alloc_objects"], "allocations")
        self.assertEqual((refresh["cpu"]["state"], refresh["heap"]["state"]), ("on", "on"))
        self.end(stream.process)
        support.wait_until(lambda: not support.differences(target), "code as in the files")
        done = self.look(self.other, target)
        self.assert_message(done, 4, str(target), "belongs to user")
        self.assertEqual(done.out, "")
        self.assertTrue(os.path.exists(f"/proc/{target}"))
        self.assertFalse(support.differences(target))

    def test_roots_is_refused(self):
        target = self.start("root")
        self.assert_message(self.look(self.other, target), 4, str(target), "belongs to user 0")
