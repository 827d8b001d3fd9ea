# SPDX-License-Identifier: MIT
"""Whether what lsipc, ipcs and the broker say of one System V segment is the same:
agree.py DIRECTORY SHMID [creator] [last] [changed]. In the directory is what they printed."""

import datetime
import json
import re
import shlex
import sys

directory, shmid, asked = sys.argv[1], sys.argv[2], set(sys.argv[3:])
wrong = 0


def printed(name):
    with open(f"{directory}/{name}", encoding="utf-8") as file:
        return file.read()


def same(what, *values):
    global wrong
    if len(set(values)) != 1:
        print(f"{what}: {', '.join(map(str, values))}", file=sys.stderr)
        wrong = 1


def by_id(text, column):
    """Of a table with headings, the row of the segment."""
    headings, *rows = (line.split() for line in text.splitlines() if line.strip() and line[0] != "-")
    (row,) = (dict(zip(headings, row)) for row in rows if row[headings.index(column)] == shmid)
    return row


def seconds(text):
    return int(datetime.datetime.fromisoformat(text).timestamp()) if text else None


def set_seconds(text):
    """As ipcs -i has it; "Not set" is None."""
    if text.startswith("Not set"):
        return None
    time = datetime.datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %Y")
    return int(time.replace(tzinfo=datetime.timezone.utc).timestamp())


def broker_seconds(usec):
    return None if usec is None else usec // 1000000


segment = json.loads(printed("show"))["segment"]
permissions = segment["permissions"]
lsipc = dict(field.split("=", 1) for field in shlex.split(printed("lsipc")))
ipcs = dict(re.findall(r"(\w+)=([^\t\n]*?)\s*(?=\t|\n|\w+=|$)", printed("ipcs")))
table = by_id(printed("table"), "shmid")
listed = by_id(printed("list"), "SHMID")

same("shmid", int(shmid), segment["shmid"], int(lsipc["ID"]), int(listed["SHMID"]))
key = int(listed["KEY"], 0) if listed["KEY"] != "-" else 0
same("key", segment["key"], int(lsipc["KEY"], 16), int(table["key"], 16), key)
same("uid", permissions["ownerUid"], *(int(u) for u in (lsipc["UID"], ipcs["uid"], listed["UID"])))
same("gid", permissions["ownerGid"], *(int(g) for g in (lsipc["GID"], ipcs["gid"], listed["GID"])))
modes = [int(m, 8) for m in (lsipc["PERMS"], ipcs["access_perms"], table["perms"], listed["MODE"])]
same("mode", permissions["mode"], *modes)
sizes = [int(s) for s in (lsipc["SIZE"], ipcs["bytes"], table["bytes"], listed["SIZE"])]
same("size", segment["sizeBytes"], *sizes)
# The broker itself has it attached once, and does not count that.
natives = [int(n) - 1 for n in (lsipc["NATTCH"], ipcs["nattch"], table["nattch"])]
same("nattch", segment["attachCount"], int(listed["NATTCH"]), *natives)
for word, field, flag in (("dest", "removed", "removed"), ("locked", "locked", "locked")):
    kernel = (word in lsipc["STATUS"], word in table.get("status", ""))
    same(word, segment[field], flag in listed["STATUS"].split(","), *kernel)

if "creator" in asked:
    for name, field in (("cuid", "creatorUid"), ("cgid", "creatorGid")):
        column = name.upper()
        same(name, permissions[field], *(int(v[k]) for v, k in
             ((lsipc, column), (ipcs, name), (listed, column))))
    same("cpid", segment["creatorPid"], int(lsipc["CPID"]), int(ipcs["cpid"]), int(listed["CPID"]))
if "last" in asked:
    same("lpid", segment["lastPid"], int(lsipc["LPID"]), int(ipcs["lpid"]), int(listed["LPID"]))
    for name, column, field in (("att_time", "ATTACH", "attachTimeUSec"),
                                ("det_time", "DETACH", "detachTimeUSec")):
        times = seconds(lsipc[column]), set_seconds(ipcs[name])
        same(name, broker_seconds(segment[field]), *times)
if "changed" in asked:
    times = seconds(lsipc["CTIME"]), set_seconds(ipcs["change_time"])
    same("ctime", broker_seconds(segment["changeTimeUSec"]), *times)
sys.exit(wrong)
