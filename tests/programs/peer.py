# SPDX-License-Identifier: MIT
"""Python's own shared memory, told by lines what to do: create NAME SIZE, attach NAME, forget,
read OFFSET LENGTH, write OFFSET TEXT, fork, close, unlink, quit. Each is answered by a line.

Python's resource tracker is a process that multiprocessing starts beside this one. What this one has
created, and before Python 3.13 always also what it has only attached, the tracker takes for this
process's own: when this one ends, in whatever way, it unlinks the name. forget keeps it from that, as
every program has to that attaches what is somebody else's."""

import os
import sys
import time
from multiprocessing import resource_tracker, shared_memory

memory = None


def fork():
    """A child that has the mapping, and nothing to say; it ends when it is killed."""
    child = os.fork()
    if child == 0:
        os.close(0)
        os.close(1)
        while True:
            time.sleep(60)
    return child


def forget():
    resource_tracker.unregister("/" + memory.name, "shared_memory")


def do(what, *arguments):
    global memory
    if what == "create":
        memory = shared_memory.SharedMemory(arguments[0], create=True, size=int(arguments[1]))
        return memory.name
    if what == "attach":
        memory = shared_memory.SharedMemory(arguments[0])
        return memory.size
    if what == "read":
        offset, length = map(int, arguments)
        return bytes(memory.buf[offset : offset + length]).decode()
    if what == "write":
        text = " ".join(arguments[1:]).encode()
        memory.buf[int(arguments[0]) : int(arguments[0]) + len(text)] = text
        return len(text)
    if what == "quit":
        memory = None
        sys.exit()
    return {"fork": fork, "forget": forget, "close": memory.close, "unlink": memory.unlink}[what]()


for line in sys.stdin:
    try:
        print(do(*line.split()), flush=True)
    except (OSError, ValueError) as error:
        print("error", error, flush=True)
