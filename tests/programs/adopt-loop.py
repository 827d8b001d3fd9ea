# SPDX-License-Identifier: MIT
"""Adopts what a process and its children make, as long as another process runs:
adopt-loop.py stress-ng|PostgreSQL PID WHILE-PID NOTES. Prints how many of each kind it adopted, and
notes them in a file, each in a line with its kind.

System V segments that nobody has attached yet are left alone: stress-ng looks whether those are gone
when it has removed them, and the broker's attachment would keep them. Every other one of them is
adopted to be removed with its last detach, which stress-ng allows for: it takes EINVAL and EIDRM of
IPC_RMID.

Neither of the two takes ENOENT of shm_unlink(), so names they have to remove themselves, from outside:
stress-ng maps none of its objects, and PostgreSQL pins some which nobody maps for a time, and unmaps
others a moment before it removes them. They are adopted to go when they had nobody for a minute."""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support", "foreign"))
from varlink import Client, require

BROKER = "org.shmbroker.Broker."
EMPTY = "it is empty: give it a size first"
SHM_DEST = 0o1000


def family(root):
    """A process and its descendants, as far as they can be read while they come and go."""
    pids, todo = set(), [root]
    while todo:
        pid = todo.pop()
        pids.add(pid)
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    todo += map(int, file.read().split())
        except (FileNotFoundError, ProcessLookupError):
            pass
    return pids


def sysv_of(pids, n_attached):
    """With at least so many attachments."""
    with open("/proc/sysvipc/shm", encoding="ascii") as file:
        names, *rows = (line.split() for line in file)
    for row in rows:
        segment = dict(zip(names, row))
        if int(segment["cpid"]) in pids and int(segment["nattch"]) >= n_attached:
            if int(segment["perms"], 8) & SHM_DEST == 0:
                yield int(segment["shmid"])


def stress_ng_objects(pids):
    """They have the number of their process in their names."""
    for name in os.listdir("/dev/shm"):
        what, *numbers = name.rsplit("-", 3)
        if what == "stress-ng" and int(numbers[0]) in pids:
            yield name


def postgresql_objects(pids):
    """As far as they are mapped."""
    names = set()
    for pid in pids:
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
                names |= set(re.findall(r"/dev/shm/(PostgreSQL\.[0-9]+)$", file.read(), re.M))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return names


def is_read_only(kind, name):
    """stress-ng takes the right to write away, and then only a broker that is root can open it."""
    try:
        return kind == "posix" and os.stat("/dev/shm/" + name).st_mode & 0o200 == 0
    except FileNotFoundError:
        return True


OBJECTS = {"stress-ng": stress_ng_objects, "PostgreSQL": postgresql_objects}


class Loop:
    def __init__(self, client, program, root, notes):
        self.client, self.root, self.notes, self.pids = client, root, notes, set()
        self.objects_of = OBJECTS[program]
        self.seen, self.refused, self.n_adopted = set(), set(), {"sysv": 0, "posix": 0}
        self.ids = set()

    def call(self, method, **parameters):
        (reply,) = self.client.call(BROKER + method, parameters)
        return reply

    def adopt(self, kind, what, **parameters):
        """What the broker has it has."""
        if (kind, what) in self.seen:
            return
        reply = self.call("Adopt", **parameters)
        if reply.error is None:
            self.note(kind, what, reply.parameters["segment"])
            return
        # It has no size yet, or is gone already, or was adopted before this began.
        early = reply.parameters.get("reason") == EMPTY
        late = reply.error == BROKER + "NoSuchSegment"
        if not early and not late:
            known = reply.error == BROKER + "SegmentExists" and reply.parameters["id"] is not None
            denied = reply.error == "org.varlink.service.PermissionDenied" and is_read_only(kind, what)
            require(known or denied, kind, what, "is answered by", reply.error, reply.parameters)
            self.seen.add((kind, what))
        self.refused.add((kind, what))

    def note(self, kind, what, segment):
        require(segment["kind"] == kind and segment["adopted"], "adopted was", segment)
        print(kind, what, file=self.notes, flush=True)
        self.seen.add((kind, what))
        self.refused.discard((kind, what))
        self.ids.add(segment["id"])
        self.n_adopted[kind] += 1

    def look(self):
        """What was adopted is there until it was removed, and is adopted for good."""
        for number in list(self.ids):
            reply = self.call("Stat", id=number)
            if reply.error:
                require(reply.error == BROKER + "NoSuchSegment", "Stat says", reply.error)
                self.ids.remove(number)
                continue
            segment = reply.parameters["segment"]
            require(segment["adopted"] and segment["attachCount"] >= 0, "Stat says", segment)

    def turn(self):
        # A child that is gone may have left something.
        self.pids |= family(self.root)
        for shmid in sysv_of(self.pids, 1):
            self.adopt("sysv", shmid, shmid=shmid, removeOnLastDetach=shmid % 2 == 0)
        for name in self.objects_of(self.pids):
            self.adopt("posix", name, posixName="/" + name, lingerUSec=60 * 10**6)
        self.look()

    def sweep(self):
        """stress-ng kills its own children at the end, and knows nothing of what they made last. All of
        that is adopted that can be, and removed."""
        for shmid in sysv_of(self.pids, 0):
            self.adopt("sysv", shmid, shmid=shmid)
        for name in self.objects_of(self.pids):
            self.adopt("posix", name, posixName="/" + name)
        for number in self.ids:
            reply = self.call("Remove", id=number)
            require(reply.error in (None, BROKER + "NoSuchSegment"), "Remove says", reply.error)
        require(not list(sysv_of(self.pids, 0)), "a System V segment is left")
        for name in self.objects_of(self.pids):
            require(("posix", name) in self.refused, name, "is left")
            os.unlink("/dev/shm/" + name)


def main():
    program, root, other, notes = sys.argv[1:]
    # As the administrator: the objects are of other users.
    with Client(os.environ["SHMBROKER_ADDRESS"] + ".admin") as client, open(notes, "a", encoding="utf-8") as file:
        loop = Loop(client, program, int(root), file)
        # A process that has ended, and that nobody has waited for yet, has no executable any more.
        while os.path.exists(f"/proc/{other}/exe"):
            loop.turn()
        if other == root:
            loop.sweep()
    print(loop.n_adopted["sysv"], loop.n_adopted["posix"])


if __name__ == "__main__":
    main()
