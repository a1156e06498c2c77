"""rsprof-top's JSON as it comes, and what it says in short form."""

import datetime
import json
import os
import re
import selectors
import signal
import time

DEADLINE_S = 90
NAMELESS = r"\+0x[0-9a-f]+\Z"


def time_of(refresh):
    """The time of a refresh, which is RFC 3339 and says its offset."""
    time_text = refresh["time"]
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", time_text):
        raise AssertionError(f"not RFC 3339: {time_text!r}")
    whole = re.sub(r"\.\d+", "", time_text).replace("Z", "+00:00")
    fraction = re.search(r"\.\d+", time_text)
    return (datetime.datetime.fromisoformat(whole)
            + datetime.timedelta(seconds=float(fraction.group(0)) if fraction else 0))


def outline(refresh, most=8):
    """A refresh in short form, for who has to find out why a test failed."""
    cpu, heap, growth = refresh["cpu"], refresh["heap"], refresh["growth"]
    hot = [f"{function['name']} {function['self_pct']:.2f}/{function['total_pct']:.2f}"
           for function in cpu["functions"]]
    held = [f"{site['function'] or site['module']} {site['live_bytes']}/{site['live_objects']}"
            for site in heap["sites"]]
    grown = [f"{site['function'] or site['module']} {site['bytes']}/{site['samples']}"
             for site in growth["sites"]]
    lost = {key: count for key, count in refresh["overflow"].items() if count}
    return "\n".join((
        f"at {refresh['elapsed_s']:.1f} s: {refresh['target']['state']}, level {refresh['governor']['level']}, "
        f"lost {lost}, modules {refresh['modules'][:most]}",
        f"  cpu {cpu['samples']} samples, {cpu['stacks_complete']} complete, "
        f"{len(hot)} functions: {', '.join(hot[:most])}",
        f"  heap {heap['state']} {heap['mode']} ({heap['reason']}), {len(heap['allocators'])} allocators, "
        f"{len(held)} sites: {', '.join(held[:most])}",
        f"  growth {growth['state']} ({growth['reason']}), {growth['bytes']} bytes in {growth['samples']}, "
        f"{len(grown)} sites: {', '.join(grown[:most])}"))


def stacks_missed(refresh):
    """Allocations whose stack waited too long for a rule, or was not read in time. They are booked without
    a named site, for good."""
    return refresh["ledger"]["stacks_unlearnt"] + refresh["overflow"]["ringbuf_dropped"]


class Stream:
    """A running rsprof-top whose JSON is read line by line. One with sanitizers learns rules so slowly that
    it may miss stacks."""

    def __init__(self, process, is_sanitized=False):
        self.process = process
        self.is_sanitized = is_sanitized
        self.last = None
        self.messages = []
        self.pending = b""
        self.selector = selectors.DefaultSelector()
        self.selector.register(process.stdout, selectors.EVENT_READ)

    def close(self):
        """Prints what was read last, which the runner shows if the test fails."""
        self.selector.close()
        print(outline(self.last) if self.last else "no refresh")

    def next_line(self, seconds=DEADLINE_S):
        """A line, or None at the end of the output."""
        end = time.monotonic() + seconds
        while b"\n" not in self.pending:
            if not self.selector.select(max(0, end - time.monotonic())):
                raise AssertionError(f"rsprof-top printed nothing for {seconds} s")
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                return None
            self.pending += data
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode()

    def next(self, seconds=DEADLINE_S):
        """The next refresh, or None at the end of the output."""
        while (line := self.next_line(seconds)) is not None:
            if line.startswith("{"):
                self.last = json.loads(line)
                return self.last
            self.messages.append(line)
            print(line)
        return None

    def until(self, condition, what, seconds=DEADLINE_S):
        """The first refresh for which condition(refresh) is true."""
        end = time.monotonic() + seconds
        while (refresh := self.next(seconds)) is not None:
            if condition(refresh):
                return refresh
            if time.monotonic() > end:
                break
        raise AssertionError(f"no refresh with {what}; rsprof-top ended" if refresh is None
                             else f"no refresh with {what} within {seconds} s")

    def after_now(self, seconds=DEADLINE_S):
        """The first refresh that was made after this call began."""
        now = datetime.datetime.now(datetime.timezone.utc)
        return self.until(lambda refresh: time_of(refresh) > now + datetime.timedelta(seconds=0.1),
                          "a later time", seconds)

    def sites_now(self, module=None, seconds=DEADLINE_S):
        """The same, of which no site is of stacks that are still to be learnt, nor in the module an address
        whose name is to come: rules and names of a large program may come off a slow disk."""
        now = datetime.datetime.now(datetime.timezone.utc)

        def is_known(site, refresh):
            if site["module"] == "[unknown]":
                return self.is_sanitized and site["alloc_objects"] <= stacks_missed(refresh)
            return site["module"] != module or not re.search(NAMELESS, site["function"] or "")

        return self.until(lambda refresh: time_of(refresh) > now + datetime.timedelta(seconds=0.1) and
                          all(is_known(site, refresh) for site in refresh["heap"]["sites"]),
                          "all sites known", seconds)

    def finish(self, number=signal.SIGINT):
        """Ends it; it must end well, and have said nothing else. The last refresh."""
        self.process.send_signal(number)
        while self.next() is not None:
            pass
        status = self.process.wait(DEADLINE_S)
        if status or self.messages:
            raise AssertionError(f"rsprof-top ended with {status} and said {self.messages}")
        return self.last
