# SPDX-License-Identifier: MIT
"""Asks a broker by Varlink for its interfaces, and checks every kind of reply of every method that
they describe against what they say: conform.py ADDRESS INTERFACE-FILE"""

import contextlib
import mmap
import os
import sys

from varlink import Broken, Client, Interface, require

SERVICE = "org.varlink.service"
BROKER = "org.shmbroker.Broker"


class Conformity:
    def __init__(self, address, file):
        self.address = address
        self.seen_errors, self.seen_methods, self.n_replies = set(), set(), 0
        self.interfaces = {}
        with Client(address) as client:
            for name in (SERVICE, BROKER):
                call = client.call(f"{SERVICE}.GetInterfaceDescription", {"interface": name})
                (reply,) = call
                require(reply.error is None, name, "is not described:", reply.error)
                self.interfaces[name] = Interface(reply.parameters["description"])
                require(self.interfaces[name].name == name, "it describes another interface")
        with open(file, encoding="utf-8") as text:
            require(text.read() == reply.parameters["description"], "it is not the text of", file)

    def check(self, method, reply):
        """One reply against the interface of the method, or of the error."""
        interface, name = method.rsplit(".", 1)
        self.n_replies += 1
        if reply.error is None:
            where, kind = method, self.interfaces[interface].methods[name][1]
            self.seen_methods.add(method)
        else:
            interface, name = reply.error.rsplit(".", 1)
            require(interface in self.interfaces, "an error of another interface:", reply.error)
            require(name in self.interfaces[interface].errors, "an unknown error:", reply.error)
            where, kind = reply.error, self.interfaces[interface].errors[name]
            self.seen_errors.add(name)
        # A stream with nothing in it is one reply without parameters; else nothing is left out.
        whole = reply.error is None and bool(reply.parameters)
        self.interfaces[interface].check(reply.parameters, kind, where, whole)
        index = reply.parameters.get("fileDescriptorIndex")
        require(len(reply.fds) == (0 if index is None else 1), method, "has", len(reply.fds), "fds")
        require(index in (None, 0), "fileDescriptorIndex is", index)

    def call(self, client, method, parameters=None, **flags):
        """All replies, each checked; descriptors are closed."""
        method = method if "." in method else f"{BROKER}.{method}"
        replies = []
        for reply in client.call(method, parameters, **flags):
            self.check(method, reply)
            replies.append(reply)
        return replies

    def expect(self, client, error, method, parameters=None, **flags):
        """One reply, which is that error; returns its parameters."""
        (reply,) = self.call(client, method, parameters, **flags)
        for fd in reply.fds:
            os.close(fd)
        got = reply.error and reply.error.rsplit(".", 1)[1]
        require(got == error, method, parameters, flags, "is", got, "where it should be", error)
        return reply.parameters

    @contextlib.contextmanager
    def segment(self, client, name, /, **parameters):
        """A segment that is acquired; gives the parameters of the reply and the descriptor."""
        wanted = {"create": "new", "sizeBytes": 5000, **parameters}
        if name:
            wanted["name"] = name
        (reply,) = self.call(client, "Acquire", wanted)
        require(reply.error is None, "Acquire", wanted, "is", reply.error, reply.parameters)
        try:
            yield reply.parameters, reply.fds[0]
        finally:
            os.close(reply.fds[0])

    def info(self):
        with Client(self.address) as client:
            (reply,) = self.call(client, f"{SERVICE}.GetInfo")
            require(set(reply.parameters["interfaces"]) == {SERVICE, BROKER}, reply.parameters)
            for name in self.interfaces:
                self.expect(client, None, f"{SERVICE}.GetInterfaceDescription", {"interface": name})
            wrong = self.expect(
                client, "InterfaceNotFound", f"{SERVICE}.GetInterfaceDescription", {"interface": "a.b"}
            )
            require(wrong["interface"] == "a.b", wrong)
        self.not_found("org.shmbroker.Broker.Bogus", "MethodNotFound")
        self.not_found("com.example.Bogus", "InterfaceNotFound")

    def not_found(self, method, error):
        with Client(self.address) as client:
            client.send({"method": method})
            reply = client.receive()
            require(reply.error == f"{SERVICE}.{error}", method, "is", reply.error)
            self.interfaces[SERVICE].check(
                reply.parameters, self.interfaces[SERVICE].errors[error], method, True
            )
            self.n_replies += 1

    def wrong_parameters(self):
        """For each method of the interface what it does not take: unknown fields, other types."""
        for interface in self.interfaces.values():
            for name, (parameters, _) in interface.methods.items():
                with Client(self.address) as client:
                    self.wrong_parameters_of(client, f"{interface.name}.{name}", parameters[1])

    def wrong_parameters_of(self, client, method, fields):
        name = method.rsplit(".", 1)[1]
        more = {"more": True} if name.startswith("List") or name == "Watch" else {}
        wrong = self.expect(client, "InvalidParameter", method, {"unknownField": 1}, **more)
        require(wrong["parameter"] == "unknownField", method, wrong)
        for field, kind in fields.items():
            kind = kind[1] if kind[0] == "?" else kind
            for value in (True, 1, 1.5, "x", [], {}, 2**63):
                good = {"bool": bool, "int": int, "string": str}.get(kind[0], ())
                if good and isinstance(value, good) and (value is True) == (kind[0] == "bool"):
                    if value != 2**63:
                        continue
                # Nobody is trusted then.
                if field == "trustedUids" and value == []:
                    continue
                wrong = self.expect(client, "InvalidParameter", method, {field: value}, **more)
                require(wrong["parameter"] == field, method, field, "=", value, wrong)
        if more:
            self.expect(client, "ExpectedMore", method, {})

    def absent(self):
        """Absent, null and {} are one, and so are a nullable and its null."""
        with Client(self.address) as client:
            for parameters in (None, {}):
                self.expect(client, None, "GetStatus", parameters)
            client.send({"method": f"{BROKER}.GetStatus", "parameters": None})
            self.check(f"{BROKER}.GetStatus", client.receive())
            fields = self.interfaces[BROKER].methods["Acquire"][0][1]
            nulls = {field: None for field in fields}
            with self.segment(client, None, **{**nulls, "create": "new", "sizeBytes": 1}) as (got, _):
                require(got["segment"]["name"] is None and got["created"], got)
                self.expect(client, None, "Remove", {"id": got["segment"]["id"]})

    def acquire(self):
        with Client(self.address) as client:
            with self.segment(client, "a/b") as (made, fd):
                require(made["created"] and made["access"] == "readWrite", made)
                require(os.fstat(fd).st_size == 5000, "the size is another one")
                for parameters in ({"access": "readOnly"}, {"create": "any"}, {"create": "open"}):
                    wanted = {"create": None, "sizeBytes": 5000, **parameters}
                    with self.segment(client, "a/b", **wanted) as (got, _):
                        require(not got["created"], got)
                        require(got["segment"]["id"] == made["segment"]["id"], got)
                exists = self.expect(
                    client, "SegmentExists", "Acquire", {"name": "a/b", "create": "new", "sizeBytes": 1}
                )
                require(exists["id"] == made["segment"]["id"], exists)
                size = self.expect(
                    client, "WrongSize", "Acquire", {"name": "a/b", "sizeBytes": 5001}
                )
                require(size["sizeBytes"] == 5000, size)
                (reply,) = self.call(client, "Stat", {"name": "a/b"})
                require(reply.parameters["segment"]["attachCount"] == 1, reply.parameters)
                gone = self.expect(client, None, "Remove", {"name": "a/b"})
                require((gone["destroyed"], gone["attachCount"], gone["segment"]["removed"]) == (False, 1, True), gone)
                (reply,) = self.call(client, "Stat", {"id": made["segment"]["id"]})
                require(reply.parameters["segment"]["removed"], reply.parameters)
            self.expect(client, "NoSuchSegment", "Stat", {"id": made["segment"]["id"]})
            self.expect(client, "NoSuchSegment", "Acquire", {"name": "a/b"})
            self.expect(client, "NoSuchSegment", "Remove", {"name": "a/b"})
            self.expect(
                client, "WrongSize", "Acquire", {"name": "c", "create": "new", "sizeBytes": 0}
            )
            huge = {"name": "c", "create": "new", "sizeBytes": 2**53}
            limit = self.expect(client, "LimitReached", "Acquire", huge)
            (status,) = self.call(client, "GetStatus")
            require(status.parameters["limits"][limit["limit"]] == limit["maximum"], limit)
            require(limit["used"] + limit["requested"] > limit["maximum"], limit)
            wrong = self.expect(client, "InvalidParameter", "Acquire", {"name": "a"}, more=True)
            require(wrong["parameter"] == "more", wrong)

    def streams(self):
        """List and ListAttachments with none, one and many; continues is where more follows."""
        with Client(self.address) as client, contextlib.ExitStack() as stack:
            for method, parameters in (("List", None), ("List", {"matchName": "nothing*"})):
                (reply,) = self.call(client, method, parameters, more=True)
                require(reply.parameters == {} and not reply.continues, "an empty stream has more")
            life = {"removeOnLastDetach": True, "lingerUSec": 0}
            many = [stack.enter_context(self.segment(client, f"s/{i}", **life)) for i in range(200)]
            replies = self.call(client, "List", {"matchName": "s/*", "kind": "memfd"}, more=True)
            require(len(replies) == 200, len(replies), "are listed")
            ids = [reply.parameters["segment"]["id"] for reply in replies]
            require(ids == sorted(made["segment"]["id"] for made, _ in many), "others are listed")
            require([r.continues for r in replies] == [True] * 199 + [False], "continues is wrong")
            (reply,) = self.call(client, "ListAttachments", {"name": "s/7"}, more=True)
            require(reply.parameters["attachment"]["id"] == many[7][0]["attachmentId"], "another id")
            for _ in range(20):
                wanted = {"create": "open", "access": "readOnly"}
                stack.enter_context(self.segment(client, "s/7", **wanted))
            replies = self.call(client, "ListAttachments", {"name": "s/7"}, more=True)
            require(len(replies) == 21, len(replies), "attachments")
            self.expect(client, "NoSuchSegment", "ListAttachments", {"name": "no"}, more=True)
        with Client(self.address) as client:
            with self.segment(client, "idle"):
                pass
            (reply,) = self.call(client, "ListAttachments", {"name": "idle"}, more=True)
            require(reply.parameters == {}, "nobody is an attachment")
            self.expect(client, None, "Remove", {"name": "idle"})

    def changes(self):
        """SetAttributes, Resize, Seal and Publish, and what each refuses."""
        with Client(self.address) as client:
            room = {"maximumBytes": 100000, "sealable": True}
            with self.segment(client, None, **room) as (made, fd):
                segment = {"id": made["segment"]["id"]}
                require(made["segment"]["maximumBytes"] == 100000, made)
                require(os.fstat(fd).st_size == 100000, "the memory is not all there")
                got = self.expect(client, None, "Resize", {**segment, "sizeBytes": 9000})
                require(got["segment"]["sizeBytes"] == 9000, got)
                size = self.expect(client, "WrongSize", "Resize", {**segment, "sizeBytes": 8999})
                require((size["minimumBytes"], size["maximumBytes"]) == (9000, 100000), size)
                got = self.expect(client, None, "SetAttributes", {**segment, "mode": 0o640})
                require(got["segment"]["permissions"]["mode"] == 0o640, got)
                got = self.expect(client, None, "Seal", {**segment, "seals": ["futureWrite"]})
                require("futureWrite" in got["segment"]["seals"], got)
                got = self.expect(client, None, "Publish", {**segment, "name": "published"})
                require(got["segment"]["name"] == "published" and got["replacedId"] is None, got)
                refused = self.expect(client, "NotSupported", "Publish", {**segment, "name": "again"})
                require(refused["cause"] == "named", refused)
                refused = self.expect(client, "NotSupported", "Acquire", {"name": "published"})
                require(refused["cause"] == "sealed", refused)
                with self.segment(client, None) as (other, _):
                    wanted = {"id": other["segment"]["id"], "name": "published"}
                    exists = self.expect(client, "SegmentExists", "Publish", wanted)
                    require(exists["id"] == segment["id"], exists)
                    got = self.expect(client, None, "Publish", {**wanted, "replace": True})
                    require(got["replacedId"] == segment["id"], got)
                    wanted = {"id": other["segment"]["id"], "seals": ["write"]}
                    refused = self.expect(client, "NotSupported", "Seal", wanted)
                    require(refused["cause"] == "notSealable", refused)
                    self.expect(client, None, "Remove", {"name": "published"})
            with self.segment(client, "mapped", sealable=True, removeOnLastDetach=True) as (_, fd):
                with mmap.mmap(fd, 5000):
                    wanted = {"name": "mapped", "seals": ["write"]}
                    busy = self.expect(client, "SegmentBusy", "Seal", wanted)
                    require(busy["attachCount"] == 1, busy)
                got = self.expect(client, None, "Seal", wanted)
                require("write" in got["segment"]["seals"], got)

    def adopt(self):
        """Adopt of a descriptor that comes with the call, and of none, the wrong one and two."""
        with Client(self.address) as client:
            index = {"fileDescriptorIndex": 0}
            self.expect(client, "NoDescriptor", "Adopt", index)
            fd = os.memfd_create("adopted")
            try:
                refused = self.expect(client, "NotSupported", "Adopt", index, fds=[fd])
                require(refused["cause"] == "notAdoptable", refused)
                os.ftruncate(fd, 5000)
                self.expect(client, "NoDescriptor", "Adopt", index, fds=[fd, fd])
                self.expect(client, "NoDescriptor", "Adopt", {"fileDescriptorIndex": 1}, fds=[fd])
                # What came with a call that takes none is not there for the next one.
                self.expect(client, None, "GetStatus", fds=[fd])
                self.expect(client, "NoDescriptor", "Adopt", index)
                os.pwrite(fd, b"shared", 0)
                got = self.expect(client, None, "Adopt", {**index, "name": "adopted"}, fds=[fd])
                require(got["segment"]["adopted"] and got["segment"]["sizeBytes"] == 5000, got)
                again = self.expect(client, "SegmentExists", "Adopt", index, fds=[fd])
                require(again["id"] == got["segment"]["id"], again)
                with self.segment(client, "adopted", create="open") as (_, other):
                    require(os.pread(other, 6, 0) == b"shared", "it is a copy")
                self.expect(client, None, "Remove", {"name": "adopted"})
            finally:
                os.close(fd)
            self.expect(client, "NoSuchSegment", "Adopt", {"posixName": f"/no.{os.getpid()}"})
            for wrong in ({}, {"shmid": 1, "key": 1}, {"posixName": "x"}, {"shmid": -1}):
                self.expect(client, "InvalidParameter", "Adopt", wrong)

    def users(self):
        """At least one of those that have something, and it is this one."""
        with Client(self.address) as client:
            with self.segment(client, "mine", removeOnLastDetach=True):
                users = [r.parameters["user"] for r in self.call(client, "ListUsers", more=True)]
        (me,) = [user for user in users if user["uid"] == os.getuid()]
        require(me["segmentCount"] >= 1 and me["chargedBytes"] >= 5000, me)

    def tenants(self):
        """There is none, which one empty reply says."""
        with Client(self.address) as client:
            (reply,) = self.call(client, "ListTenants", more=True)
        require(not reply.parameters, reply.parameters)

    def watch(self):
        """A watch tells what exists, that this was all, and what happens."""
        with Client(self.address) as client, Client(self.address) as watcher:
            with self.segment(client, "w/1", removeOnLastDetach=True) as (made, _):
                watcher.send({"method": f"{BROKER}.Watch", "parameters": {"matchName": "w/*"}, "more": True})
                events = [watcher.receive() for _ in range(2)]
                self.expect(client, None, "SetAttributes", {"name": "w/1", "mode": 0o600})
            self.expect(client, "NoSuchSegment", "Stat", {"name": "w/1"})
            events += [watcher.receive() for _ in range(3)]
            for event in events:
                self.check(f"{BROKER}.Watch", event)
                require(event.continues, "a watch does not end by itself")
            told = [event.parameters["event"] for event in events]
            require(told == ["existing", "synchronized", "changed", "detached", "destroyed"], told)
            require([e.parameters["sequence"] for e in events] == list(range(5)), "sequence")
            require(events[3].parameters["attachment"]["id"] == made["attachmentId"], events[3].parameters)
            require(events[4].parameters["cause"] == "lastDetach", events[4].parameters)
            ids = {e.parameters["segment"]["id"] for e in events if e.parameters["segment"]}
            require(ids == {made["segment"]["id"]}, ids)

    def pipelined(self):
        """Calls one behind the other: replies come in order, oneway has none."""
        with Client(self.address) as client:
            for i in range(1, 6):
                client.send({"method": f"{BROKER}.Stat", "parameters": {"id": 10**9 + i}})
                client.send({"method": f"{BROKER}.GetStatus", "oneway": True})
                client.send({"method": f"{BROKER}.GetStatus"})
            for i in range(1, 6):
                self.check(f"{BROKER}.Stat", client.receive())
                reply = client.receive()
                require(reply.error is None, "the reply of another call")
                self.check(f"{BROKER}.GetStatus", reply)

    def broken(self):
        """What is no call closes the connection, without an answer and after the answers before."""
        good = b'{"method":"org.shmbroker.Broker.GetStatus"}\0'
        for text in (
            b"\0", b"{\0", b"[]\0", b"{} x\0", b'{"method":1}\0', b'{"method":"a","method":"a"}\0',
            b'{"method":"a.B","more":1}\0', b'{"method":"a.B","more":true,"oneway":true}\0',
            b'{"method":"a.B","unknown":1}\0', b'{"method":"\xff"}\0', b"{'method':'a.B'}\0",
            b'{"method":"a.B","parameters":{"x":NaN}}\0', b'{"method":"a.B\\u0000"}\0',
        ):  # fmt: skip
            with Client(self.address) as client:
                client.socket.sendall(good + text + good)
                self.check(f"{BROKER}.GetStatus", client.receive())
                require(client.receive() is None, text, "is answered")

    def all_seen(self):
        """That every method was answered, so that nothing is good for want of being asked."""
        wanted = {
            f"{interface.name}.{name}"
            for interface in self.interfaces.values()
            for name in interface.methods
        }
        require(self.seen_methods == wanted, "never answered:", wanted - self.seen_methods)
        wanted = {
            "NoSuchSegment", "SegmentExists", "WrongSize", "LimitReached", "InvalidParameter",
            "ExpectedMore", "InterfaceNotFound", "NotSupported", "SegmentBusy", "NoDescriptor",
        }  # fmt: skip
        require(wanted <= self.seen_errors, "never seen:", wanted - self.seen_errors)


def main():
    conformity = Conformity(sys.argv[1], sys.argv[2])
    for part in (
        "info", "wrong_parameters", "absent", "acquire", "streams", "changes", "users", "tenants", "watch", "adopt",
        "pipelined", "broken",
    ):
        getattr(conformity, part)()
        print(f"ok: {part}")
    conformity.all_seen()
    print(f"ok: {conformity.n_replies} replies are as the interfaces say")


if __name__ == "__main__":
    try:
        main()
    except Broken as error:
        sys.exit(f"FAILED: {error}")
