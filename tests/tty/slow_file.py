"""A file that cannot be opened for a while, as if its disk did not answer."""

import ctypes
import os
import select
import struct
import threading

FAN_CLOEXEC, FAN_CLASS_CONTENT = 0x1, 0x4
FAN_MARK_ADD, FAN_OPEN_PERM, FAN_ALLOW = 0x1, 0x10000, 0x1
AT_FDCWD = -100
EVENT, ANSWER = struct.Struct("=IBBHQii"), struct.Struct("=iI")

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


class SlowFile:
    """A process that opens the file waits for release(); others are let through."""

    def __init__(self, path, pid):
        self.pid = pid
        self.held = threading.Event()
        self.ended = threading.Event()
        self.group = checked(libc.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY))
        checked(libc.fanotify_mark(self.group, FAN_MARK_ADD, ctypes.c_uint64(FAN_OPEN_PERM), AT_FDCWD,
                                   os.fsencode(path)))
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()

    def answer(self):
        while not self.ended.is_set():
            if not select.select([self.group], [], [], 0.05)[0]:
                continue
            event = EVENT.unpack(os.read(self.group, EVENT.size))
            opened, pid = event[5:]
            if pid == self.pid:
                self.held.set()
            else:
                os.write(self.group, ANSWER.pack(opened, FAN_ALLOW))
            os.close(opened)

    def release(self):
        """Closing the descriptor lets everybody through. May be called again."""
        if self.ended.is_set():
            return
        self.ended.set()
        self.thread.join()
        os.close(self.group)
