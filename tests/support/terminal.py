# SPDX-License-Identifier: MIT
"""Runs a command on a terminal of its own, and answers its question.

terminal.py QUESTION ANSWER MEANWHILE COMMAND...: when QUESTION is on the screen, the shell runs
MEANWHILE, and then ANSWER is typed; nothing of both if there is no such question. What is on the
screen is printed, and the exit code is the command's."""

import os
import pty
import subprocess
import sys

question, answer, meanwhile, *command = sys.argv[1:]
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(command[0], command)
screen, asked = b"", False
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        part = b""
    if not part:
        break
    screen += part
    if not asked and question.encode() in screen:
        asked = True
        subprocess.run(meanwhile, shell=True, check=True, stdin=subprocess.DEVNULL)
        os.write(fd, answer.encode())
sys.stdout.write(screen.decode(errors="replace").replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
