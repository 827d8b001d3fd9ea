# SPDX-License-Identifier: MIT
"""A program that makes and has shared memory without a broker.

native.py ACTION...: does these one after the other.

create-sysv, use-sysv=ID, attach, detach, remove: a System V segment; its number is printed when it
    is made
create=NAME, open=NAME, read=NAME, map, close, send: a POSIX object: made with a page, opened for
    writing or reading, mapped, its descriptor closed, or sent to a socket that nobody reads
fork: what follows does a child, whose parent ends
zombie: the next action does a child, which ends, and for which nobody waits
reopen=NAME: say "ready" and the number of the process, and open and close it until killed
user=UID: become that user
thread: another thread stays, the first one ends
stay: say "ready" and the number of the process, and wait to be killed
"""

import ctypes
import mmap
import os
import signal
import socket
import sys
import threading

IPC_RMID, IPC_CREAT = 0, 0o1000
PR_SET_DUMPABLE = 4
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = libc.mmap.restype = ctypes.c_void_p


def checked(result):
    if result in (None, -1, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def stay():
    print("ready", os.getpid(), flush=True)
    while True:
        signal.pause() if threading.current_thread() is threading.main_thread() else event.wait()


event = threading.Event()
actions = sys.argv[1:]
fd = shmid = at = None
child_ends = False
access = os.O_RDWR
for action in actions:
    action, _, value = action.partition("=")
    path = "/dev/shm/" + value
    if action == "create-sysv":
        shmid = checked(libc.shmget(0, 10000, IPC_CREAT | 0o600))
        print("shmid", shmid, flush=True)
    elif action == "use-sysv":
        shmid = int(value)
    elif action == "attach":
        at = checked(libc.shmat(shmid, None, 0))
    elif action == "detach":
        checked(libc.shmdt(ctypes.c_void_p(at)))
    elif action == "remove":
        checked(libc.shmctl(shmid, IPC_RMID, None))
    elif action == "create":
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, bytes(mmap.PAGESIZE))
    elif action in ("open", "read"):
        access = os.O_RDWR if action == "open" else os.O_RDONLY
        fd = os.open(path, access)
    elif action == "map":
        rights = mmap.PROT_READ | (mmap.PROT_WRITE if access == os.O_RDWR else 0)
        checked(libc.mmap(None, mmap.PAGESIZE, rights, mmap.MAP_SHARED, fd, 0))
    elif action == "close":
        os.close(fd)
    elif action == "send":
        pair = socket.socketpair()
        socket.send_fds(pair[0], [b"x"], [fd])
    elif action == "fork":
        if os.fork() > 0:
            os._exit(0)
    elif action == "zombie":
        child = os.fork()
        if child > 0:
            os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            os.execv(sys.executable, [sys.executable, __file__, "stay"])
        child_ends = True
        continue
    elif action == "reopen":
        print("ready", os.getpid(), flush=True)
        while True:
            os.close(os.open(path, os.O_RDWR))
    elif action == "user":
        os.setgroups([])
        os.setgid(int(value))
        os.setuid(int(value))
        # As if it had been started so: that user may look into it.
        libc.prctl(PR_SET_DUMPABLE, 1)
    elif action == "thread":
        threading.Thread(target=stay).start()
        libc.pthread_exit(None)
    elif action == "stay":
        stay()
    else:
        sys.exit(f"what is {action}?")
    if child_ends:
        os._exit(0)
