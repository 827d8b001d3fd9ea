/* SPDX-License-Identifier: MIT */
#include "daemon/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "proto/fd.h"

/* Of pidfds, from Linux 6.9 on; linux/magic.h has it since. */
#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif

/* From Linux 6.5 on */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
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

/* The inode of a pidfd is a number of that process alone where pidfds have a file system of their
 * own; before, all of them have the same one. 0 if it cannot be told. */
static uint64_t pidfd_inode(int fd) {
        struct statfs fs;
        struct stat st;

        if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != PID_FS_MAGIC || fstat(fd, &st) < 0)
                return 0;
        return st.st_ino;
}

/* pidfd_open(2) needs no access to the process. 0 also if it has ended. */
static uint64_t process_inode(pid_t pid) {
        struct pollfd poller = { .events = POLLIN };
        _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        uint64_t inode = pidfd_inode(fd);

        poller.fd = fd;
        return inode > 0 && poll(&poller, 1, 0) == 0 ? inode : 0;
}

/* unix(7): of the very process that connected, whoever has its number by now. Kernels that number
 * pidfds have the option as well. */
static uint64_t peer_inode(int socket_fd) {
        _cleanup_fd_ int fd = -EBADF;
        socklen_t n = sizeof(fd);

        if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &n) < 0)
                return 0;
        return pidfd_inode(fd);
}

/**
 * process_identify() - note which process it is
 * @process:    the object
 * @pid:        its number
 * @socket_fd:  the socket that it is the peer of, or a negative number: then it is the process that
 *              has the number now
 */
void process_identify(Process *process, pid_t pid, int socket_fd) {
        *process = (Process){ .pid = pid };
        if (pid <= 0)
                return;
        process->start = process_start(pid);
        process->inode = socket_fd >= 0 ? peer_inode(socket_fd) : process_inode(pid);
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
        /* With ProtectProc= the broker sees nothing of other users' processes in /proc. */
        if (process->inode > 0)
                return process_inode(process->pid) == process->inode;
        return kill(process->pid, 0) == 0 || errno == EPERM;
}
