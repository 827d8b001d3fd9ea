#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/fd.h"

/* The start is 22nd; the command, 2nd and in parentheses, may hold anything, so it is cut away. */
#define FIELDS_BEHIND_COMMAND 19

/* proc(5): the time a process started, 0 if there is no such process, or only its remains. */
static uint64_t process_start(pid_t pid) {
        char path[sizeof("/proc//stat") + 12], text[1024], *at;
        _cleanup_fd_ int fd = -EBADF;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return 0;
        n = read(fd, text, sizeof(text) - 1);
        if (n <= 0)
                return 0;
        text[n] = '\0';
        at = strrchr(text, ')');
        if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X')
                return 0;
        ++at;
        for (int i = 0; i < FIELDS_BEHIND_COMMAND && at; ++i)
                at = strchr(at + 1, ' ');
        return at ? strtoull(at, NULL, 10) : 0;
}

/* process_identify() - note which process has the number @pid now */
void process_identify(Process *process, pid_t pid) {
        process->pid = pid;
        process->start = pid > 0 ? process_start(pid) : 0;
}

/**
 * process_alive() - is that very process still there?
 * @process:    as process_identify() noted it
 *
 * A zombie is not: it holds nothing any more. Where /proc does not tell (hidepid), whoever has the
 * number counts.
 */
bool process_alive(const Process *process) {
        if (process->pid <= 0)
                return false;
        if (process->start > 0)
                return process_start(process->pid) == process->start;
        return kill(process->pid, 0) == 0 || errno == EPERM;
}
