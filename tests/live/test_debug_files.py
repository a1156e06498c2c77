"""Names from wherever they are: separate debug files, in the target's own root, and odd binaries."""

import os
import re
import shutil
import socket
import subprocess
import urllib.request
from pathlib import Path

import support

HOT = ("hot_sixty", "hot_thirty", "hot_ten")


def tool(*argv):
    subprocess.run([str(word) for word in argv], check=True, stdout=subprocess.DEVNULL)


def build_id(path):
    notes = subprocess.run(["readelf", "-n", str(path)], check=True, stdout=subprocess.PIPE)
    return re.search(rb"Build ID: ([0-9a-f]+)", notes.stdout).group(1).decode()


def place_by_id(root, identity):
    """Where a debug file with a build-id belongs, its folder made."""
    path = Path(f"{root}/usr/lib/debug/.build-id/{identity[:2]}/{identity[2:]}.debug")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class StrippedTest(support.LiveTest):
    """Helpers for programs whose names are elsewhere."""

    def stripped(self, name, folder, *options):
        """(stripped copy, its debug file) in the folder."""
        program, debug = folder / name, folder / f"{name}.debug"
        tool("objcopy", *options, self.target(name), program)
        tool("objcopy", "--only-keep-debug", program, debug)
        tool("strip", program)
        return program, debug

    def profile(self, *argv):
        process = self.spawn(*argv)
        support.wait_until(
            lambda: "shares" in Path(f"/proc/{process.pid}/comm").read_text(), "the target")
        return self.refreshes("--heap", "off", "-F", "499", "-d", "0.5", "-n", "4",
                              process.pid)[-1]

    def assert_names(self, refresh, lines=True):
        for word in HOT:
            found = support.functions(refresh, rf"\b{word}\b")
            self.assertTrue(found, [function["name"] for function in refresh["cpu"]["functions"]])
            if lines:
                self.assertRegex(found[0]["file"] or "", r"shares(_\w+)?\.(c|cc|h)$")
                self.assertGreater(found[0]["line"], 0)

    def assert_no_names(self, refresh):
        self.assertTrue(refresh["cpu"]["functions"])
        for word in HOT:
            self.assertEqual(support.functions(refresh, rf"\b{word}\b"), [])


class DebugFiles(StrippedTest):
    def test_by_build_id_in_the_root_of_the_target(self):
        root = self.folder()
        program, debug = self.stripped("static_shares", root)
        debug.rename(place_by_id(root, build_id(program)))
        self.assert_names(self.profile("chroot", root, "/static_shares", 60))

    def test_in_a_mount_namespace(self):
        folder = self.folder()
        program, debug = self.stripped("shares_c", folder)
        mount = folder / "private"
        mount.mkdir()
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        script = ('mount -t tmpfs none "$1" && mkdir "$1/.debug" && cp "$2" "$1" && '
                  'cp "$3" "$1/.debug" && exec "$1/shares_c" 60')
        refresh = self.profile("unshare", "--mount", "sh", "-c", script, "sh", mount, program,
                               debug)
        self.assertEqual(list(mount.iterdir()), [])
        self.assert_names(refresh)

    def test_by_link(self):
        """Without a build-id it is the checksum that says whether the file is the right one."""
        folder = self.folder()
        program, debug = self.stripped("shares_c", folder,
                                       "--remove-section=.note.gnu.build-id")
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        self.assert_names(self.profile(program, 60))
        with debug.open("ab") as file:
            file.write(b"more")
        self.assert_no_names(self.profile(program, 60))

    def test_of_another_program(self):
        root = self.folder()
        program, _ = self.stripped("static_shares", root)
        tool("objcopy", "--only-keep-debug", self.target("static_c"),
             place_by_id(root, build_id(program)))
        self.assert_no_names(self.profile("chroot", root, "/static_shares", 60))

    def test_links_do_not_leave_the_root(self):
        """An absolute link in the target's root is followed there, as the target would."""
        root = self.folder()
        program, debug = self.stripped("static_shares", root)
        place_by_id(root, build_id(program)).symlink_to(debug)  # outside of the root
        self.assert_no_names(self.profile("chroot", root, "/static_shares", 60))
        place_by_id(root, build_id(program)).unlink()
        place_by_id(root, build_id(program)).symlink_to("/static_shares.debug")
        self.assert_names(self.profile("chroot", root, "/static_shares", 60))

    def test_dwz(self):
        """What two debug files have in common, an inlined function's name among it, is in a third."""
        folder = self.folder()
        program, debug = self.stripped("shares_cc", folder)
        shutil.copy(debug, folder / "other.debug")
        common = folder / "common.debug"
        tool("dwz", "-m", common, "-M", common, debug, folder / "other.debug")
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        process = self.spawn(program, 60)
        stream = self.stream("--heap", "off", "-F", "997", "-d", "0.5", process.pid)
        refresh = stream.until(lambda refresh: support.functions(refresh, "^clock_ns$"),
                               "an inlined function")
        self.assert_names(refresh)
        samples = refresh["cpu"]["samples"]
        common.rename(folder / "elsewhere")
        stream = self.stream("--heap", "off", "-F", "997", "-d", "0.5", process.pid)
        refresh = stream.until(lambda refresh: refresh["cpu"]["samples"] > 2 * samples, "samples")
        self.assert_names(refresh)
        self.assertEqual(support.functions(refresh, "^clock_ns$"), [])

    def test_mini_debuginfo(self):
        """The symbols of a stripped file in its .gnu_debugdata, made as gdb's manual says."""
        folder = self.folder()
        program, debug = folder / "shares_c", folder / "mini"
        tool("cp", self.target("shares_c"), program)
        tool("objcopy", "--only-keep-debug", program, debug)
        tool("strip", "--strip-debug", debug)
        tool("strip", program)
        tool("xz", "--keep", debug)
        tool("objcopy", f"--add-section=.gnu_debugdata={debug}.xz", program)
        self.assert_names(self.profile(program, 60), lines=False)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Servers(StrippedTest):
    def stream_with(self, url, pid):
        environment = dict(os.environ, DEBUGINFOD_URLS=url,
                           DEBUGINFOD_CACHE_PATH=str(self.folder() / "cache"))
        stream = support.Stream(self.spawn(
            support.TOP, "-b", "--json", "--heap", "off", "-F", "499", "-d", "0.5", pid,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment))
        self.addCleanup(stream.close)
        return stream

    def serve(self, folder):
        """The address of a debuginfod server that knows the files in a folder."""
        address = f"http://127.0.0.1:{free_port()}"
        self.spawn("debuginfod", "-F", "-d", ":memory:", "-p", address.rpartition(":")[2], folder,
                   stderr=subprocess.DEVNULL)
        return address

    def has(self, address, identity):
        try:
            with urllib.request.urlopen(f"{address}/buildid/{identity}/debuginfo") as answer:
                return answer.status == 200
        except OSError:
            return False

    def test_from_a_server(self):
        folder, served = self.folder(), self.folder()
        program, debug = self.stripped("shares_c", folder)
        address = self.serve(served)
        process = self.spawn(program, 600)
        stream = self.stream_with(address, process.pid)
        refresh = stream.until(lambda refresh: refresh["overflow"]["debug_files_missing"],
                               "a failure, as the server has nothing")
        self.assert_no_names(refresh)
        self.end(stream.process)
        identity = build_id(program)
        shutil.move(debug, served)
        address = self.serve(served)
        support.wait_until(lambda: self.has(address, identity), "the server to know the file")
        stream = self.stream_with(address, process.pid)
        refresh = stream.until(
            lambda refresh: all(support.functions(refresh, rf"\b{word}\b") and
                                support.functions(refresh, rf"\b{word}\b")[0]["file"]
                                for word in HOT), "names and lines from the server")
        self.assert_names(refresh)

    def test_no_server(self):
        program, _ = self.stripped("shares_c", self.folder())
        process = self.spawn(program, 600)
        stream = self.stream_with(f"http://127.0.0.1:{free_port()}", process.pid)
        refresh = stream.until(lambda refresh: refresh["overflow"]["debug_files_missing"],
                               "a failure")
        self.assert_no_names(refresh)
        self.assert_complete(stream.after_now())


class Binaries(support.LiveTest):
    def run_copy(self):
        """(stream of a program that runs, path of the program)"""
        program = self.folder() / "shares_c"
        shutil.copy(self.target("shares_c"), program)
        process = self.spawn(program, 60)
        support.wait_until(
            lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == "shares_c", "exec")
        return process, program

    def state(self, refresh):
        return [(module["name"], module["state"]) for module in refresh["modules"]
                if module["name"].startswith("shares_c")]

    def test_replaced_while_it_runs(self):
        process, program = self.run_copy()
        stream = self.stream("--heap", "off", "-d", "0.3", process.pid)
        refresh = stream.until(lambda refresh: support.functions(refresh, "hot_sixty"), "a name")
        self.assertEqual(self.state(refresh), [])
        shutil.copy(self.target("shares_cc"), program.with_suffix(".new"))
        os.rename(program.with_suffix(".new"), program)
        refresh = stream.until(self.state, "a replaced module")
        self.assertEqual(self.state(refresh), [("shares_c", "replaced")])
        self.assertTrue(support.functions(refresh, "^hot_sixty$"))

    def test_replaced_before(self):
        process, program = self.run_copy()
        shutil.copy(self.target("shares_cc"), program.with_suffix(".new"))
        os.rename(program.with_suffix(".new"), program)
        (refresh,) = self.refreshes("--heap", "off", "-d", "1", "-n", "1", process.pid)
        self.assertEqual(self.state(refresh), [("shares_c", "replaced")])
        self.assertTrue(support.functions(refresh, "^hot_sixty$"))

    def test_deleted(self):
        process, program = self.run_copy()
        program.unlink()
        (refresh,) = self.refreshes("--heap", "off", "-d", "1", "-n", "1", process.pid)
        self.assertEqual(self.state(refresh), [])
        self.assertTrue(support.functions(refresh, "^hot_sixty$"))
