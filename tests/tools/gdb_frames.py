"""Run inside gdb: compares its frames with those of tests/tools/stops at random instants.

    gdb -batch -x gdb_frames.py --args PROGRAM [ARG...]

with STOPS (path of the tool), STOPS_COUNT and STOPS_SEED in the environment. Ends with one line of
JSON: {"stops", "complete", "equal", "shorter", "classes": {...}}. `shorter`: gdb gave up earlier than
we did, with the same frames up to there.
"""

import json
import os
import random
import subprocess

import gdb  # pylint: disable=import-error

REGISTERS = ["rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"]
COMPLETE = (0, 4)  # enum stack_state: COMPLETE, GUESSED
FRAMES_MAX = 127
SETTINGS = ["pagination off", "confirm off", "backtrace past-main on", "backtrace past-entry on",
            f"backtrace limit {FRAMES_MAX + 10}", "disable-randomization off",
            "debuginfod enabled off", "print inferior-events off", "startup-with-shell off"]


def registers():
    frame = gdb.newest_frame()
    return [int(frame.read_register(name)) & (1 << 64) - 1 for name in REGISTERS]


def gdb_frames():
    """
    Lookup addresses and names, innermost first; functions inlined or left by a jump have no frame.
    Nothing called _start, but gdb goes on behind the dynamic linker's, to what exec put on the stack.
    """
    found = []
    frame = gdb.newest_frame()
    is_exact = True  # not behind a call
    while frame is not None and len(found) < FRAMES_MAX and not (found and found[-1][1] == "_start"):
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            is_trampoline = frame.type() == gdb.SIGTRAMP_FRAME
            exact = is_exact or is_trampoline
            found.append((frame.pc() - (0 if exact else 1), frame.name()))
            is_exact = is_trampoline
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


def ask(tool):
    tool.stdin.write(" ".join(f"{value:x}" for value in registers()) + "\n")
    tool.stdin.flush()
    state, *frames = tool.stdout.readline().split()
    return int(state), [int(frame, 16) for frame in frames]


def tell_apart(ours, theirs, names):
    """None when equal, else "shorter" or the function at whose caller the two part."""
    if ours == theirs:
        return None
    if ours[:len(theirs)] == theirs:
        return "shorter"
    common = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), len(ours))
    return f"{names[common - 1] if common else '?'} at frame {common}"


def look(tool, result):
    state, ours = ask(tool)
    frames = gdb_frames()
    different = tell_apart(ours, [pc for pc, _name in frames], [name for _pc, name in frames])
    result["stops"] += 1
    result["complete"] += state in COMPLETE
    if different is None:
        result["equal"] += 1
    elif different == "shorter":
        result["shorter"] += 1
    else:
        result["classes"][different] = result["classes"].get(different, 0) + 1


def run():
    result = {"stops": 0, "complete": 0, "equal": 0, "shorter": 0, "classes": {}}
    chance = random.Random(int(os.environ["STOPS_SEED"]))
    for setting in SETTINGS:
        gdb.execute(f"set {setting}", to_string=True)
    gdb.execute("handle all nostop noprint pass", to_string=True)
    gdb.execute("handle SIGPWR stop print nopass", to_string=True)
    gdb.execute("starti", to_string=True)
    pid = gdb.selected_inferior().pid
    with subprocess.Popen([os.environ["STOPS"], "--serve", str(pid)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as tool:
        while result["stops"] < int(os.environ["STOPS_COUNT"]):
            tool.stdin.write(f"interrupt {chance.randrange(500, 6000)}\n")
            tool.stdin.flush()
            try:
                gdb.execute("continue", to_string=True)
                gdb.execute(f"stepi {chance.randrange(1, 30)}", to_string=True)
                look(tool, result)
            except gdb.error as error:  # the thread that gdb has selected has ended
                print(error)
            if not gdb.selected_inferior().pid:
                break
        tool.stdin.close()
    if gdb.selected_inferior().pid:
        gdb.execute("kill", to_string=True)
    print(json.dumps(result))


run()
