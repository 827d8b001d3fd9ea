# SPDX-License-Identifier: MIT
"""Two processes share memory, by the text of the interface and Python's standard library alone."""

import array, json, mmap, os, socket, sys

path = os.environ["SHMBROKER_ADDRESS"].removeprefix("unix:")
name = sys.argv[1]


def call(method, **parameters):
    with socket.socket(socket.AF_UNIX) as broker:
        broker.connect(path)
        message = {"method": "org.shmbroker.Broker." + method, "parameters": parameters}
        broker.sendall(json.dumps(message).encode() + b"\0")
        text, fds = b"", array.array("i")
        while not text.endswith(b"\0"):
            chunk, controls, _, _ = broker.recvmsg(4096, socket.CMSG_SPACE(4))
            if not chunk:
                sys.exit(f"{method}: the broker hung up")
            text += chunk
            for _, _, data in controls:
                fds.frombytes(data)
    reply = json.loads(text[:-1])
    if "error" in reply:
        sys.exit(f"{method}: {reply}")
    return reply["parameters"], fds


reply, fds = call("Acquire", name=name, create="new", sizeBytes=8192)
memory = mmap.mmap(fds[reply["fileDescriptorIndex"]], reply["segment"]["sizeBytes"])
child = os.fork()
if child == 0:
    reply, fds = call("Acquire", name=name)
    mmap.mmap(fds[reply["fileDescriptorIndex"]], 8192)[5000:5005] = b"hello"
    assert call("Stat", name=name)[0]["segment"]["attachCount"] == 2
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert memory[5000:5005] == b"hello"
assert call("Stat", name=name)[0]["segment"]["attachCount"] == 1
removed = call("Remove", name=name)[0]
assert not removed["destroyed"] and removed["attachCount"] == 1 and removed["segment"]["removed"]
print("two processes shared", len(memory), "bytes")
