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

    def start(self, *argv):
        """The process that a program has become, and the stream of its profile."""
        process = self.spawn(*argv)
        support.wait_until(
            lambda: "shares" in Path(f"/proc/{process.pid}/comm").read_text(), "the target")
        return process, self.stream(*support.OFTEN, "-d", "0.5", process.pid)

    def assert_lines(self, refresh):
        for word in HOT:
            found = support.functions(refresh, rf"\b{word}\b")
            self.assertRegex(found[0]["file"], r"shares(_\w+)?\.(c|cc|h)$")
            self.assertGreater(found[0]["line"], 0)

    def expect_lines(self, *argv):
        process, stream = self.start(*argv)
        self.assert_lines(stream.until(lambda refresh: support.has_lines(refresh, HOT), "names and lines"))
        self.end(process)

    def expect_no_names(self, *argv):
        """Not even once it is known where the names of the program are."""
        process, stream = self.start(*argv)

        def is_searched(refresh):
            (file,) = [file for file in refresh["files"] if file["name"].startswith("shares") or
                       file["name"] == "static_shares"]
            return file["names"] and file["self_samples"] > 1000

        self.assert_no_names(stream.until(is_searched, "where its names are, and 1000 samples"))
        self.end(process)

    def assert_no_names(self, refresh):
        self.assertTrue(refresh["cpu"]["functions"])
        for word in HOT:
            self.assertEqual(support.functions(refresh, rf"\b{word}\b"), [])


class DebugFiles(StrippedTest):
    def test_by_build_id_in_the_root_of_the_target(self):
        root = self.folder()
        program, debug = self.stripped("static_shares", root)
        debug.rename(place_by_id(root, build_id(program)))
        self.expect_lines("chroot", root, "/static_shares", 600)

    def test_in_a_mount_namespace(self):
        folder = self.folder()
        program, debug = self.stripped("shares_c", folder)
        mount = folder / "private"
        mount.mkdir()
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        script = ('mount -t tmpfs none "$1" && mkdir "$1/.debug" && cp "$2" "$1" && '
                  'cp "$3" "$1/.debug" && exec "$1/shares_c" 600')
        self.expect_lines("unshare", "--mount", "sh", "-c", script, "sh", mount, program, debug)
        self.assertEqual(list(mount.iterdir()), [])

    def test_by_link(self):
        """Without a build-id it is the checksum that says whether the file is the right one."""
        folder = self.folder()
        program, debug = self.stripped("shares_c", folder,
                                       "--remove-section=.note.gnu.build-id")
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        self.expect_lines(program, 600)
        with debug.open("ab") as file:
            file.write(b"more")
        self.expect_no_names(program, 600)

    def test_of_another_program(self):
        root = self.folder()
        program, _ = self.stripped("static_shares", root)
        tool("objcopy", "--only-keep-debug", self.target("static_c"),
             place_by_id(root, build_id(program)))
        self.expect_no_names("chroot", root, "/static_shares", 600)

    def test_links_do_not_leave_the_root(self):
        """An absolute link in the target's root is followed there, as the target would."""
        root = self.folder()
        program, debug = self.stripped("static_shares", root)
        place_by_id(root, build_id(program)).symlink_to(debug)  # outside of the root
        self.expect_no_names("chroot", root, "/static_shares", 600)
        place_by_id(root, build_id(program)).unlink()
        place_by_id(root, build_id(program)).symlink_to("/static_shares.debug")
        self.expect_lines("chroot", root, "/static_shares", 600)

    def test_dwz(self):
        """What two debug files have in common, an inlined function's name among it, is in a third."""
        folder = self.folder()
        program, debug = self.stripped("shares_cc", folder)
        shutil.copy(debug, folder / "other.debug")
        common = folder / "common.debug"
        tool("dwz", "-m", common, "-M", common, debug, folder / "other.debug")
        tool("objcopy", f"--add-gnu-debuglink={debug}", program)
        process, stream = self.start(program, 600)

        def clock_samples(refresh):
            return sum(function["total_samples"] for function in support.functions(refresh, "^clock_ns$"))

        # Of as many samples as have 10 of them none has any once in 20 thousand times.
        refresh = stream.until(lambda refresh: support.has_lines(refresh, HOT) and clock_samples(refresh) > 10,
                               "an inlined function, names and lines")
        self.assert_lines(refresh)
        samples = refresh["cpu"]["samples"]
        common.rename(folder / "elsewhere")
        self.end(stream.process)
        stream = self.stream(*support.OFTEN, "-d", "0.5", process.pid)
        refresh = stream.until(lambda refresh: support.has_lines(refresh, HOT) and
                               refresh["cpu"]["samples"] > samples, "as many samples, names and lines")
        self.assert_lines(refresh)
        self.assertEqual(clock_samples(refresh), 0)

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
        process, stream = self.start(program, 600)
        stream.until(lambda refresh: all(support.functions(refresh, rf"\b{word}\b") for word in HOT), "names")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Servers(StrippedTest):
    def stream_with(self, url, pid):
        environment = dict(os.environ, DEBUGINFOD_URLS=url,
                           DEBUGINFOD_CACHE_PATH=str(self.folder() / "cache"))
        return self.stream(*support.OFTEN, "-d", "0.5", pid, env=environment)

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
        refresh = stream.until(lambda refresh: refresh["overflow"]["debug_files_missing"] and
                               refresh["cpu"]["functions"], "samples and a failure, as the server has nothing")
        self.assert_no_names(refresh)
        self.end(stream.process)
        identity = build_id(program)
        shutil.move(debug, served)
        address = self.serve(served)
        support.wait_until(lambda: self.has(address, identity), "the server to know the file")
        stream = self.stream_with(address, process.pid)
        self.assert_lines(stream.until(lambda refresh: support.has_lines(refresh, HOT),
                                       "names and lines from the server"))

    def test_no_server(self):
        program, _ = self.stripped("shares_c", self.folder())
        process = self.spawn(program, 600)
        stream = self.stream_with(f"http://127.0.0.1:{free_port()}", process.pid)
        refresh = stream.until(lambda refresh: refresh["overflow"]["debug_files_missing"] and
                               refresh["cpu"]["functions"], "samples and a failure")
        self.assert_no_names(refresh)
        self.assert_complete(stream.after_now())


class Binaries(support.LiveTest):
    def run_copy(self):
        """(process of a program, path of the program)"""
        program = self.folder() / "shares_c"
        shutil.copy(self.target("shares_c"), program)
        return self.spawn(program, 600), program

    def state(self, refresh):
        return [(module["name"], module["state"]) for module in refresh["modules"]
                if module["name"].startswith("shares_c")]

    def test_replaced_while_it_runs(self):
        process, program = self.run_copy()
        stream = self.stream("--heap", "off", "-d", "0.3", process.pid)
        refresh = stream.until(lambda refresh: support.functions(refresh, "^hot_sixty$"), "a name")
        self.assertEqual(self.state(refresh), [])
        shutil.copy(self.target("shares_cc"), program.with_suffix(".new"))
        os.rename(program.with_suffix(".new"), program)
        refresh = stream.until(self.state, "a replaced module")
        self.assertEqual(self.state(refresh), [("shares_c", "replaced")])
        self.assertTrue(support.functions(refresh, "^hot_sixty$"))

    def with_a_name(self, process):
        return self.seen(lambda refresh: support.functions(refresh, "^hot_sixty$"), "a name",
                         "--heap", "off", process.pid)

    def test_replaced_before(self):
        process, program = self.run_copy()
        shutil.copy(self.target("shares_cc"), program.with_suffix(".new"))
        os.rename(program.with_suffix(".new"), program)
        self.assertEqual(self.state(self.with_a_name(process)), [("shares_c", "replaced")])

    def test_deleted(self):
        process, program = self.run_copy()
        program.unlink()
        self.assertEqual(self.state(self.with_a_name(process)), [])
