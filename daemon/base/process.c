/* SPDX-License-Identifier: MIT */
#include "daemon/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proto/fd.h"

/* Of pidfds, from Linux 6.9 on; linux/magic.h has it since. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

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

/*
 * pidfd_open(2) needs no access to the process. Its inode is a number of that process alone where
 * pidfds have a file system of their own; before, all of them have the same one. 0 if it cannot be
 * told, or the process has ended.
 */
static uint64_t process_inode(pid_t pid) {
        struct pollfd poller = { .events = POLLIN };
        _cleanup_fd_ int fd = -EBADF;
        struct statfs fs;
        struct stat st;

        fd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != PID_FS_MAGIC || fstat(fd, &st) < 0)
                return 0;
        poller.fd = fd;
        return poll(&poller, 1, 0) == 0 ? st.st_ino : 0;
}

/* process_identify() - note which process has the number @pid now */
void process_identify(Process *process, pid_t pid) {
        *process = (Process){ .pid = pid };
        if (pid > 0)
                process->start = process_start(pid);
        /* With ProtectProc= the broker sees nothing of other users' processes in /proc. */
        if (pid > 0 && process->start == 0)
                process->inode = process_inode(pid);
}

/**
 * process_alive() - is that very process still there?
 * @process:    as process_identify() noted it
 *
 * A zombie is not: it holds nothing any more. Where neither /proc (hidepid) nor the kernel
 * tells, whoever has the number counts.
 */
bool process_alive(const Process *process) {
        if (process->pid <= 0)
                return false;
        if (process->start > 0)
                return process_start(process->pid) == process->start;
        if (process->inode > 0)
                return process_inode(process->pid) == process->inode;
        return kill(process->pid, 0) == 0 || errno == EPERM;
}
