# SPDX-License-Identifier: MIT
"""Varlink by Python's standard library alone, made from varlink.org's text and not from this
project's code: a parser of interface descriptions, a checker of values against them, a client.

As a program it checks JSON of its standard input: varlink.py INTERFACE-FILE TYPE, where TYPE is
written as in an interface, such as "(segments: []SegmentInfo)"."""

import array
import json
import re
import socket
import sys

INT_MAX = 2**63 - 1
TOKEN = re.compile(r"\s+|#[^\n]*|(->|[()\[\]:,?]|[A-Za-z][A-Za-z0-9_.-]*)")
FIELD_NAME = re.compile(r"[A-Za-z](_?[A-Za-z0-9])*")
TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
INTERFACE_NAME = re.compile(r"[A-Za-z](-*[A-Za-z0-9])*(\.[A-Za-z0-9](-*[A-Za-z0-9])*)+")


class Broken(Exception):
    """Something is not as the interface or the protocol says."""


def require(condition, *what):
    if not condition:
        raise Broken(" ".join(str(w) for w in what))


class Interface:
    """types: name to type; methods: name to (in, out); errors: name to struct. A type is a list:
    ["bool"], ["struct", {field: type}], ["enum", [names]], ["name", N], ["?", t], ["[]", t],
    ["map", t]."""

    def __init__(self, text):
        self.types, self.methods, self.errors = {}, {}, {}
        self.tokens, at = [], 0
        while at < len(text):
            match = TOKEN.match(text, at)
            require(match, "not in the grammar:", repr(text[at : at + 20]))
            at = match.end()
            if match.group(1):
                self.tokens.append(match.group(1))
        self.take("interface")
        self.name = self.take(INTERFACE_NAME)
        while self.tokens:
            self.member()
        for kind in self.all_types():
            self.check_names(kind)

    def take(self, wanted):
        require(self.tokens, "the text ends where", wanted, "should be")
        token = self.tokens.pop(0)
        good = token == wanted if isinstance(wanted, str) else wanted.fullmatch(token)
        require(good, token, "where", wanted, "should be")
        return token

    def next_is(self, token):
        if not self.tokens or self.tokens[0] != token:
            return False
        self.tokens.pop(0)
        return True

    def member(self):
        what = self.take(re.compile("type|method|error"))
        name = self.take(TYPE_NAME)
        known = {**self.types, **self.methods, **self.errors}
        require(name not in known, name, "is there twice")
        if what == "type":
            self.types[name] = self.parenthesis()
        elif what == "error":
            self.errors[name] = self.parenthesis()
        else:
            parameters = self.parenthesis()
            self.take("->")
            self.methods[name] = (parameters, self.parenthesis())
        if what != "type":
            body = self.errors.get(name) or self.methods[name][0]
            require(body[0] == "struct", name, "has no fields but names")

    def parenthesis(self):
        """A structure or an enum; () is an empty structure."""
        self.take("(")
        fields, names = {}, []
        while not self.next_is(")"):
            if fields or names:
                self.take(",")
            name = self.take(FIELD_NAME)
            require(name not in fields and name not in names, name, "is there twice")
            if self.next_is(":"):
                require(not names, name, "has a type among names of an enum")
                fields[name] = self.type()
            else:
                require(not fields, name, "has no type")
                names.append(name)
        return ["enum", names] if names else ["struct", fields]

    def type(self):
        if self.next_is("?"):
            inner = self.type()
            require(inner[0] != "?", "two question marks")
            return ["?", inner]
        if self.next_is("["):
            is_map = self.next_is("string")
            self.take("]")
            return ["map" if is_map else "[]", self.type()]
        if self.tokens and self.tokens[0] == "(":
            return self.parenthesis()
        if self.tokens and self.tokens[0] in ("bool", "int", "float", "string", "object"):
            return [self.tokens.pop(0)]
        return ["name", self.take(TYPE_NAME)]

    def all_types(self):
        yield from self.types.values()
        yield from self.errors.values()
        for both in self.methods.values():
            yield from both

    def check_names(self, kind):
        if kind[0] == "name":
            require(kind[1] in self.types, "there is no type", kind[1])
        elif kind[0] == "struct":
            for inner in kind[1].values():
                self.check_names(inner)
        elif kind[0] in ("?", "[]", "map"):
            self.check_names(kind[1])

    def check(self, value, kind, where, whole=False):
        """Is the value of that type? With whole, fields that may be null have to be there, too."""
        what = kind[0]
        if what == "name":
            self.check(value, self.types[kind[1]], where, whole)
        elif what == "?":
            if value is not None:
                self.check(value, kind[1], where, whole)
        elif what == "bool":
            require(isinstance(value, bool), where, "is no bool:", value)
        elif what == "int":
            require(isinstance(value, int) and not isinstance(value, bool), where, "no int:", value)
            require(-INT_MAX - 1 <= value <= INT_MAX, where, "is out of range:", value)
        elif what == "string":
            require(isinstance(value, str), where, "is no string:", value)
        elif what == "enum":
            require(value in kind[1], where, "is none of", kind[1], ":", value)
        elif what == "[]":
            require(isinstance(value, list), where, "is no array:", value)
            for index, inner in enumerate(value):
                self.check(inner, kind[1], f"{where}[{index}]", whole)
        elif what == "map":
            require(isinstance(value, dict), where, "is no map:", value)
            for key, inner in value.items():
                self.check(inner, kind[1], f"{where}.{key}", whole)
        elif what == "struct":
            require(isinstance(value, dict), where, "is no object:", value)
            for key in value:
                require(key in kind[1], where, "has a field that is not its own:", key)
            for key, inner in kind[1].items():
                require(key in value or (inner[0] == "?" and not whole), where, "lacks", key)
                if key in value:
                    self.check(value[key], inner, f"{where}.{key}", whole)
        else:
            raise Broken(f"{where}: what is {what}?")


def unique(pairs):
    require(len(dict(pairs)) == len(pairs), "a key is there twice:", pairs)
    return dict(pairs)


def no_constant(text):
    raise Broken(f"{text} is not JSON")


def parse_json(text):
    return json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)


class Reply:
    """A reply as it came: its parameters, error and continues, its length and descriptors."""

    def __init__(self, text, fds):
        message = parse_json(text.decode("utf-8", "strict"))
        self.length, self.fds = len(text), fds
        require(isinstance(message, dict), "a reply is no object:", message)
        for key, value in message.items():
            require(key in ("parameters", "error", "continues"), "a reply has a", key)
            require(value is not None, "a reply has a null at top level:", key)
        self.error = message.get("error")
        self.parameters = message.get("parameters", {})
        self.continues = message.get("continues", False)
        require(isinstance(self.parameters, dict), "parameters are no object")
        require("parameters" not in message or self.parameters, "empty parameters are not left out")
        require("continues" not in message or self.continues is True, "continues is not true")
        require(self.error is None or isinstance(self.error, str), "an error is no string")


class Client:
    def __init__(self, address):
        require(address.startswith("unix:/"), "not an address:", address)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(address[len("unix:") :])
        self.bytes, self.fds = b"", []

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def send(self, message, fds=()):
        socket.send_fds(self.socket, [json.dumps(message).encode() + b"\0"], fds)

    def receive(self):
        """The next reply, or None at the end of the connection. A descriptor has to come with the
        first byte of its reply, so nothing of a reply may be there before one comes."""
        while b"\0" not in self.bytes:
            space = socket.CMSG_SPACE(16 * 4)
            chunk, controls, flags, _ = self.socket.recvmsg(65536, space, socket.MSG_CMSG_CLOEXEC)
            require(not flags & socket.MSG_CTRUNC, "descriptors were lost")
            for level, kind, data in controls:
                require((level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS), "odd control data")
                require(not self.bytes, "a descriptor came in the middle of a reply")
                fds = array.array("i")
                fds.frombytes(data)
                self.fds += fds
            if not chunk:
                require(not self.bytes, "the connection ends within a reply")
                return None
            self.bytes += chunk
        text, self.bytes = self.bytes.split(b"\0", 1)
        fds, self.fds = self.fds, []
        return Reply(text, fds)

    def call(self, method, parameters=None, fds=(), **flags):
        """Yields the replies; how they hang together is checked, not what is in them."""
        message = {"method": method, **flags}
        if parameters is not None:
            message["parameters"] = parameters
        self.send(message, fds)
        while True:
            reply = self.receive()
            require(reply, "the connection was closed in place of a reply")
            require(not reply.continues or flags.get("more"), "continues without more")
            require(not (reply.continues and reply.fds), "a descriptor with continues")
            require(not reply.fds or reply.length < 4096, "a descriptor with", reply.length, "bytes")
            yield reply
            if not reply.continues:
                return


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        interface = Interface(f"{file.read()}\nerror TheseAreChecked{sys.argv[2]}\n")
    interface.check(parse_json(sys.stdin.read()), interface.errors["TheseAreChecked"], "JSON", True)


if __name__ == "__main__":
    try:
        main()
    except (Broken, ValueError) as error:
        sys.exit(f"varlink.py: {error}")
