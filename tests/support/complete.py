# SPDX-License-Identifier: MIT
"""What an interactive shell makes of a line and a key that inserts all candidates.

complete.py bash|zsh SCRIPT: reads lines "LINE<tab>EXPECTED" from standard input, and says where
the candidates, sorted, are not those expected; "..." at the end of them stands for more."""

import os
import pty
import re
import select
import sys
import time

START = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        r"""PS1='READY> '; source {script}; bind 'set bell-style none'
bind -x '"\C-t": printf "<<%s>>\n" "$READLINE_LINE"'
bind '"\C-o": insert-completions'
""",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        r"""PS1='READY> '; unsetopt beep zle_bracketed_paste prompt_cr prompt_sp; fpath=({folder} $fpath)
autoload -Uz compinit; compinit -u -D
zle -C all-matches complete-word _generic; bindkey '^O' all-matches
zstyle ':completion:all-matches:*' completer _all_matches _complete
zstyle ':completion:all-matches:*' insert true
show() {{ print -r -- "<<$BUFFER>>" }}; zle -N show; bindkey '^T' show
""",
    ),
}
# Keys: insert all candidates; print the line
INSERT, SHOW, ERASE = "\x0f", "\x14", "\x15\x0b"


class Terminal:
    def __init__(self, shell, script):
        self.n_lines = 0
        arguments, start = START[shell]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", HISTFILE="/dev/null", INPUTRC="/dev/null")
            os.execvp(arguments[0], arguments)
        start = start.format(script=script, folder=os.path.dirname(script))
        self.send(start + "echo BEG''UN\n")
        self.wait_for("BEGUN\r")

    def send(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, pattern, seconds):
        text, end = "", time.monotonic() + seconds
        while not (found := re.search(pattern, text, re.S)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                break
            text += os.read(self.fd, 65536).decode(errors="replace")
        return found, text

    def wait_for(self, pattern):
        found, text = self.read_until(pattern, 20)
        if not found:
            sys.exit(f"no {pattern!r} in {text!r}")
        return found

    def line(self, text):
        """The whole line, with all candidates in place of its last word"""
        self.send(text + INSERT)
        # Keys that come while candidates are asked for may be lost with the terminal's settings.
        for _ in range(20):
            self.send(SHOW)
            found, _ = self.read_until(r"<<([^>]*)>>", 1)
            if found:
                break
        else:
            sys.exit(f"no line comes of {text!r}")
        self.n_lines += 1
        self.send(f"{ERASE}echo LI''NE{self.n_lines}.\n")
        self.wait_for(f"LINE{self.n_lines}\\.")
        return found.group(1)


def main():
    shell, script = sys.argv[1:]
    terminal = Terminal(shell, os.path.abspath(script))
    wrong = 0
    for case in sys.stdin.read().splitlines():
        line, expected = case.split("\t")
        before = line.rsplit(" ", 1)[0] + " "
        found = terminal.line(line)
        got = sorted(found[len(before) :].replace("\\", "").split())
        # Without any, the word stays.
        wanted = expected.split() or line[len(before) :].split()
        more = bool(wanted) and wanted[-1] == "..."
        if more:
            wanted.pop()
        if not set(wanted) <= set(got) or (not more and sorted(wanted) != got):
            print(f"{shell}: '{line}': {got} in place of {expected}")
            wrong += 1
    os.close(terminal.fd)
    os.waitpid(terminal.pid, 0)
    sys.exit(wrong > 0)


main()
