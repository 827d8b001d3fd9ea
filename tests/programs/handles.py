# SPDX-License-Identifier: MIT
"""Names of PostgreSQL's own shared memory objects, of one instance: handles.py CONTROL. CONTROL is the
name of its control segment, in which the numbers that the names of the others end with are. Whoever
else runs PostgreSQL on this machine has names that look the same."""

import array
import os
import sys

PREFIX = "PostgreSQL."
with open(f"/dev/shm/{sys.argv[1]}", "rb") as file:
    content = file.read()
numbers = array.array("I", content[: len(content) // 4 * 4])
for name in os.listdir("/dev/shm"):
    if name == sys.argv[1] or (name.startswith(PREFIX) and int(name[len(PREFIX) :]) in numbers):
        print(name)
