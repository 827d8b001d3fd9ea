# SPDX-License-Identifier: MIT
"""What a process in a container does that is a tenant and means no good: tenant.py ADDRESS DIRECTORY
ANOTHER-SOCKET... It reads the exported pool, and tries everything else against it, the host and
other tenants. It says "ready" when it has a segment of its own and the pool, waits for a line, tries,
says "done", and waits to be killed with all that it has."""

import mmap
import os
import socket
import sys

from varlink import Broken, Client, require

BROKER = "org.shmbroker.Broker"
N_IDS = 60


def ask(client, method, parameters=None, **flags):
    """The one reply, as (error without its interface or None, parameters, descriptors)."""
    (reply,) = client.call(f"{BROKER}.{method}", parameters, **flags)
    return (reply.error or "").rpartition(".")[2] or None, reply.parameters, reply.fds


def refused(what, error, *errors):
    require(error in errors, what, "is", error, "and not", " or ".join(errors))


def fails(what, function):
    try:
        function()
    except (OSError, ValueError, PermissionError):
        return
    raise Broken(f"{what} works")


def read_only(fd):
    """No way leads to writing."""
    for flags in (os.O_RDWR, os.O_WRONLY, os.O_WRONLY | os.O_TRUNC):
        fails(f"opening anew with {flags:#o}", lambda: os.open(f"/proc/self/fd/{fd}", flags))
    fails("writing", lambda: os.pwrite(fd, b"x", 0))
    fails("truncating", lambda: os.ftruncate(fd, 0))
    fails("truncating by path", lambda: os.truncate(f"/proc/self/fd/{fd}", 0))
    fails("mapping to write", lambda: mmap.mmap(fd, 4096, prot=mmap.PROT_WRITE))
    fails("punching", lambda: os.posix_fallocate(fd, 0, 1 << 20))


def attack_pool(client, pool):
    error, reply, fds = ask(client, "Acquire", {"name": "frames/pool", "access": "readOnly"})
    require(error is None, "the pool is", error)
    (fd,) = fds
    require(os.pread(fd, 5, 0) == b"frame", "the pool has", os.pread(fd, 5, 0))
    read_only(fd)
    os.close(fd)
    for reference in ({"name": "frames/pool"}, {"id": pool}):
        error, _, _ = ask(client, "Acquire", {**reference, "access": "readWrite"})
        refused("writing to the pool", error, "PermissionDenied")
        error, _, _ = ask(client, "Remove", reference)
        refused("removing the pool", error, "PermissionDenied")
        for change in ({"mode": 0o666}, {"ownerUid": 0}, {"locked": True}, {"lingerUSec": 0}):
            error, _, _ = ask(client, "SetAttributes", {**reference, **change})
            refused("changing the pool", error, "PermissionDenied")
        error, _, _ = ask(client, "Resize", {**reference, "sizeBytes": 1 << 20})
        refused("growing the pool", error, "PermissionDenied")
    error, _, _ = ask(client, "Acquire", {"name": "frames/new", "create": "new", "sizeBytes": 1})
    refused("creating under an exported name", error, "PermissionDenied")


def attack_others(client, own):
    """Whatever there is besides: neither numbers nor names lead to it."""
    for number in range(1, N_IDS):
        if number in own:
            continue
        for method in ("Stat", "Remove", "Acquire"):
            error, _, _ = ask(client, method, {"id": number})
            refused(f"{method} of segment {number}", error, "NoSuchSegment")
        error, _, _ = ask(client, "SetAttributes", {"id": number, "mode": 0o666})
        refused(f"changing segment {number}", error, "NoSuchSegment")
        replies = list(client.call(f"{BROKER}.ListAttachments", {"id": number}, more=True))
        refused("its attachments", replies[0].error, f"{BROKER}.NoSuchSegment")
    for name in ("secret", "host-file"):
        error, _, _ = ask(client, "Stat", {"name": name})
        refused(name, error, "NoSuchSegment")
    error, _, _ = ask(client, "Adopt", {"posixName": "/host-object"})
    refused("adopting of the host", error, "NotSupported")
    listed = [r.parameters["segment"]["id"] for r in client.call(f"{BROKER}.List", {}, more=True)]
    require(set(listed) == own, "it sees", listed, "and has", own)
    error, status, _ = ask(client, "GetStatus")
    require(status["segmentCount"] == 1 and not status["counters"], "it is told", status)
    require(not status["caller"]["privileged"], "it is the administrator")


def exhaust(address):
    """Until its limits, and no further."""
    clients, held, errors = [], [], set()
    while len(clients) < 100:
        client = Client(address)
        clients.append(client)
        try:
            error, _, fds = ask(client, "Acquire", {"sizeBytes": 1 << 20})
        except (Broken, OSError, AttributeError):
            error = "Closed"
        else:
            held += fds
        if error:
            errors.add(error)
            if "LimitReached" in errors and len(clients) > 20:
                break
    require("LimitReached" in errors, "there is no limit:", errors)
    for client in clients:
        client.close()
    for fd in held:
        os.close(fd)


def main():
    address, directory, *others = sys.argv[1:]
    with Client(address) as client:
        error, made, fds = ask(
            client, "Acquire", {"name": "mine", "create": "new", "sizeBytes": 4096}
        )
        require(error is None, "it cannot create:", error)
        _, pool, more = ask(client, "Acquire", {"name": "frames/pool", "access": "readOnly"})
        print("ready", flush=True)
        sys.stdin.readline()
        for other in others:
            fails("connecting to " + other, lambda: socket.socket(socket.AF_UNIX).connect(other))
        fails("the directory of the broker", lambda: os.listdir(directory))
        attack_pool(client, pool["segment"]["id"])
        attack_others(client, {made["segment"]["id"], pool["segment"]["id"]})
        exhaust(address)
        print("done", flush=True)
        sys.stdin.readline()
        require(fds and more, "nothing is held")


if __name__ == "__main__":
    try:
        main()
    except Broken as error:
        sys.exit(f"FAILED: {error}")
