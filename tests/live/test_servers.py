"""Real programs of Debian, which were not made for us."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import support


class Redis(support.LiveTest):
    """A server under load with an allocator of its own: the CPU side."""

    def test_cpu(self):
        folder = self.folder()
        path = folder / "redis.sock"
        server = self.spawn("redis-server", "--port", 0, "--unixsocket", path, "--save", "",
                            "--appendonly", "no", "--dir", folder)
        support.wait_until(path.exists, "redis-server's socket")
        self.spawn("redis-benchmark", "-s", path, "-q", "-l", "-P", "16", "-t",
                   "set,get,lpush,hset")

        def named(refresh):
            return [function for function in refresh["cpu"]["functions"]
                    if "+0x" not in function["name"] and "kernel" not in (function["module"] or "")]

        refresh = self.seen(lambda refresh: refresh["cpu"]["samples"] > 1000 and len(named(refresh)) >= 5,
                            "1000 samples, and names", "--heap", "off", "-F", "499", server.pid)
        self.assert_complete(refresh)
        self.assertRegex(refresh["target"]["exe"], r"/redis-(server|check-rdb)$")
        own = [function for function in refresh["cpu"]["functions"]
               if (function["module"] or "").startswith("redis-")]
        self.assertTrue(own)
        main = max(function["total_pct"] for function in own)
        self.assertGreaterEqual(main, 90, "the server's main loop is in nearly every stack")


    def test_memory(self):
        """Filled and flushed: what is tracked follows what the server itself says it uses."""
        folder = self.folder()
        path = folder / "redis.sock"
        stream = self.stream("--heap", "exact", "-d", "0.5", "--", "redis-server", "--port", 0,
                             "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir",
                             folder, "--logfile", folder / "log")
        support.wait_until(path.exists, "redis-server's socket")

        def ask(*words):
            return subprocess.run(["redis-cli", "-s", path, *words], check=True,
                                  stdout=subprocess.PIPE, text=True).stdout

        def used():
            return int(re.search(r"^used_memory:(\d+)", ask("INFO", "memory"), re.M).group(1))

        def fill(requests):
            # Values that fill their size class: the server counts what its allocator rounds up to.
            subprocess.run(["redis-benchmark", "-s", path, "-q", "-t", "set", "-n", str(requests), "-r",
                            "8000", "-d", "4080", "-P", "16"], check=True, stdout=subprocess.DEVNULL)

        # A build with sanitizers learns the rules of the stacks so slowly that the whole load would be over
        # before, and each of its allocations have a site of its own: more than there is room for.
        fill(100)
        stream.after_now()
        fill(10000)
        full, tracked_full = used(), stream.after_now()["heap"]
        self.assertGreater(full, 15 << 20)
        self.assertAlmostEqual(tracked_full["live_bytes"], full, delta=0.05 * full)
        self.assertIn("jemalloc", [one["name"] for one in tracked_full["allocators"]])
        ask("FLUSHALL", "SYNC")
        empty, tracked_empty = used(), stream.after_now()["heap"]
        self.assertLess(empty, 0.1 * full)
        self.assertAlmostEqual(full - empty, tracked_full["live_bytes"] - tracked_empty["live_bytes"],
                               delta=0.05 * full)
        ask("SHUTDOWN", "NOSAVE")
        last = stream.until(lambda refresh: refresh["target"]["state"] == "exited", "the exit")
        self.assertEqual([last["overflow"][key] for key in ("live_map_full", "site_map_full")],
                         [0, 0])


class Memcached(support.LiveTest):
    """A server without symbols: its sites are module and offset."""

    def test_heap(self):
        path = self.folder() / "memcached.sock"
        user = ["-u", "root"] if os.geteuid() == 0 else []
        server = self.spawn("memcached", "-s", path, "-m", "256", *user)
        support.wait_until(path.exists, "memcached's socket")
        stream = self.stream("--heap", "exact", "-d", "0.5", server.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            answers = client.makefile("rb")
            for number in range(300):
                client.sendall(b"set key%d 0 0 100000\r\n%s\r\n" % (number, b"x" * 100000))
                self.assertEqual(answers.readline(), b"STORED\r\n")
            refresh = stream.sites_now()
            answers.close()
        sites = [site for site in refresh["heap"]["sites"] if site["module"] == "memcached"]
        # Its slabs are pages of 1 MiB from malloc.
        self.assertGreater(sum(site["live_bytes"] for site in sites), 25 << 20)
        self.assertTrue(all(site["function"] for site in sites))


class Sqlite(support.LiveTest):
    """A program that allocates in a library: the library's functions are the sites."""

    def test_heap(self):
        rows = 20000
        # The command shares our output: what it printed could stand in the middle of a line.
        script = (".output /dev/null\ncreate table t(a integer, b text);\n"
                  f"with recursive n(i) as (select 1 union all select i+1 from n where i<{rows}) "
                  "insert into t select i, hex(randomblob(100)) from n;\n"
                  "select count(*) from t;\n.shell sleep 600\n")
        path = self.folder() / "script.sql"
        path.write_text(script)
        stream = self.stream("--heap", "exact", "-d", "0.5", "--", "sqlite3", "-init", path, ":memory:", ".quit")

        def has_rows(refresh):
            sites = [site for site in refresh["heap"]["sites"] if "sqlite3" in (site["module"] or "")]
            names = [frame["function"] or "" for site in sites for stack in site["stacks"]
                     for frame in stack["frames"]]
            return sum(site["live_bytes"] for site in sites) > rows * 200 and any(
                name.startswith("sqlite3_") for name in names)

        stream.until(has_rows, "the rows, held by the library's functions")


class Python(support.LiveTest):
    """An interpreter: what a script keeps is held by a named function of it."""

    def test_heap(self):
        python = "/usr/bin/python3"
        if not os.path.exists(python):
            python = shutil.which("python3")
        Path(python).read_bytes()  # how fast a disk is, is not what is tested
        count, size = 300, 100000
        process = self.spawn(
            python, "-c",
            "import sys\nsys.stdin.readline()\n"
            f"keep = [bytes({size}) for i in range({count})]\nprint('kept', flush=True)\n"
            "sys.stdin.readline()",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        stream = self.stream("--heap", "exact", "-d", "0.5", process.pid)
        stream.until(lambda refresh: refresh["heap"]["allocators"], "the probes")
        process.stdin.write(b"go\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), b"kept\n")
        refresh = stream.sites_now()
        site = refresh["heap"]["sites"][0]
        self.assertAlmostEqual(site["live_bytes"], count * size, delta=0.02 * count * size)
        self.assertGreaterEqual(site["live_objects"], count)
        self.assertIn("python", site["module"])
        self.assertTrue(site["function"])
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(b"end\n")
            process.stdin.flush()
