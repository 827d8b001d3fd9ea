/* SPDX-License-Identifier: MIT */
/* Attempts by the mapping, and by processes that have one for writing. */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/daemon/attempts.h"

#define PAGE 4096

/* Newer than the headers of Debian 12, or of Linux alone. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#define MADVISE_POPULATE_WRITE 23

/* --- the mapping */

static int try_mprotect(const Target *t) {
        return attempt_outcome(mprotect(t->at, t->size, PROT_READ | PROT_WRITE));
}

static int try_pkey_mprotect(const Target *t) {
        return attempt_outcome(pkey_mprotect(t->at, t->size, PROT_READ | PROT_WRITE, -1));
}

static int try_map_writable(const Target *t) {
        void *at = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);

        if (at == MAP_FAILED)
                return errno;
        memcpy(at, FORGERY, N_FORGERY);
        (void) munmap(at, t->size);
        return 0;
}

/* A second mapping of the same, made from the first: as little may be written to it. */
static int try_remap(const Target *t) {
        void *at = mremap(t->at, 0, t->size, MREMAP_MAYMOVE);
        int r;

        if (at == MAP_FAILED)
                return errno;
        r = attempt_outcome(mprotect(at, t->size, PROT_READ | PROT_WRITE));
        (void) munmap(at, t->size);
        return r;
}

/* One's own copy, which is nobody else's. */
static int try_private(const Target *t) {
        void *at = mmap(NULL, t->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, t->fd, 0);

        if (at == MAP_FAILED)
                return errno;
        memcpy(at, FORGERY, N_FORGERY);
        (void) munmap(at, t->size);
        return 0;
}

/* What the kernel writes for the asking goes through the same protection. */
static int try_read_into(const Target *t) {
        _cleanup_fd_ int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

        return fd < 0 ? errno : attempt_outcome(read(fd, t->at, 16));
}

static int try_vmsplice_into(const Target *t) {
        struct iovec part = { .iov_base = t->at, .iov_len = N_FORGERY };
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0 || write(fds[1], FORGERY, N_FORGERY) < 0)
                return errno;
        r = attempt_outcome(vmsplice(fds[0], &part, 1, 0));
        close(fds[0]);
        close(fds[1]);
        return r;
}

static int write_memory(pid_t pid, uintptr_t at) {
        _cleanup_fd_ int fd = -EBADF;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/mem", (int) pid);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? errno : attempt_outcome(pwrite(fd, FORGERY, N_FORGERY, (off_t) at));
}

/* A debugger may write to what is not writable; to private copies, that is, and not to this. */
static int try_own_memory(const Target *t) {
        return write_memory(getpid(), (uintptr_t) t->at);
}

/* To a private copy it may, without anybody seeing it. */
static int try_own_private_memory(const Target *t) {
        void *at = mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, t->fd, 0);
        int r;

        if (at == MAP_FAILED)
                return errno;
        r = write_memory(getpid(), (uintptr_t) at);
        (void) munmap(at, t->size);
        return r;
}

static int write_vm(pid_t pid, uintptr_t at) {
        char forgery[] = FORGERY;
        struct iovec local = { .iov_base = forgery, .iov_len = sizeof(forgery) };
        struct iovec remote = { .iov_base = (void *) at, .iov_len = sizeof(forgery) };

        return attempt_outcome(process_vm_writev(pid, &local, 1, &remote, 1, 0));
}

static int try_own_vm(const Target *t) {
        return write_vm(getpid(), (uintptr_t) t->at);
}

/* Of a child, which has inherited the mapping and lets itself be debugged. */
static int try_poke(const Target *t) {
        int status, r;
        pid_t pid;

        pid = fork();
        if (pid == 0) {
                (void) ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                (void) raise(SIGSTOP);
                _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
                return ATTEMPT_IMPOSSIBLE;
        r = attempt_outcome(ptrace(PTRACE_POKEDATA, pid, t->at, (void *) 0x66666666));
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, &status, 0);
        return r;
}

static int try_own_map_files(const Target *t) {
        return attempt_open(O_RDWR, "/proc/self/map_files/%lx-%lx", (unsigned long) t->at,
                            (unsigned long) t->at + t->size);
}

static int try_remove_pages(const Target *t) {
        return attempt_outcome(madvise(t->at, t->size, MADV_REMOVE));
}

static int try_populate(const Target *t) {
        return attempt_outcome(madvise(t->at, t->size, MADVISE_POPULATE_WRITE));
}

static int try_free_pages(const Target *t) {
        return attempt_outcome(madvise(t->at, t->size, MADV_FREE));
}

/* The memory would be unusable for everybody from then on. */
static int try_poison(const Target *t) {
        return attempt_outcome(madvise(t->at, PAGE, MADV_HWPOISON));
}

/* Only this process lets go of the pages, and finds them again. */
static int try_forget_pages(const Target *t) {
        return attempt_outcome(madvise(t->at, t->size, MADV_DONTNEED));
}

/* Whoever handles a fault may say what is on the page: not of what one may not write. */
static int try_userfault(const Target *t) {
        struct uffdio_api api = { .api = UFFD_API };
        struct uffdio_register range = {
                .range = { .start = (uintptr_t) t->at, .len = t->size },
                .mode = UFFDIO_REGISTER_MODE_MISSING,
        };
        int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), r;

        /* EPERM or EINVAL: nothing for users, or not for their own memory alone. */
        if (fd < 0)
                return ATTEMPT_IMPOSSIBLE;
        r = attempt_outcome(ioctl(fd, UFFDIO_API, &api));
        if (r == 0)
                r = attempt_outcome(ioctl(fd, UFFDIO_REGISTER, &range));
        close(fd);
        return r;
}

/* Registered buffers are pinned once, and written to without looking at their mapping again. */
static int try_io_uring(const Target *t) {
        struct iovec part = { .iov_base = t->at, .iov_len = PAGE };
        struct io_uring_params params = {};
        int fd = (int) syscall(SYS_io_uring_setup, 1, &params), r;

        /* EPERM: kernel.io_uring_disabled */
        if (fd < 0)
                return ATTEMPT_IMPOSSIBLE;
        r = attempt_outcome(syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, &part, 1));
        close(fd);
        return r;
}

/* --- those who may write */

static int try_writer_fd(const Target *t) {
        return attempt_open(O_RDWR, "/proc/%d/fd/%d", (int) t->writer, t->writer_fd);
}

/* Whatever the numbers are: the broker has not many descriptors, and what cannot be looked up in
 * its directory is EACCES, be it there or not. */
static int try_broker_fds(const Target *t) {
        int r = 0;

        for (int fd = 3; fd < 64; ++fd) {
                r = attempt_open(O_RDWR, "/proc/%d/fd/%d", (int) t->broker, fd);
                if (r != EACCES)
                        return r;
        }
        return r;
}

static int try_writer_map_files(const Target *t) {
        return attempt_open(O_RDWR, "/proc/%d/map_files/%lx-%lx", (int) t->writer,
                            (unsigned long) t->writer_at, (unsigned long) t->writer_at + t->size);
}

static int try_writer_memory(const Target *t) {
        return write_memory(t->writer, t->writer_at);
}

static int try_broker_memory(const Target *t) {
        return write_memory(t->broker, t->writer_at);
}

static int try_writer_vm(const Target *t) {
        return write_vm(t->writer, t->writer_at);
}

static int get_fd(pid_t pid, int number) {
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, pid, 0);

        if (pidfd < 0)
                return attempt_outcome(-1);
        return attempt_outcome_fd((int) syscall(SYS_pidfd_getfd, pidfd, number, 0));
}

static int try_writer_getfd(const Target *t) {
        return get_fd(t->writer, t->writer_fd);
}

static int try_broker_getfd(const Target *t) {
        int r = 0;

        for (int fd = 3; fd < 64; ++fd) {
                r = get_fd(t->broker, fd);
                if (r != EPERM)
                        return r;
        }
        return r;
}

static int trace(pid_t pid) {
        int r = attempt_outcome(ptrace(PTRACE_SEIZE, pid, NULL, NULL));

        if (r == 0)
                (void) ptrace(PTRACE_DETACH, pid, NULL, NULL);
        return r;
}

static int try_trace_writer(const Target *t) {
        return trace(t->writer);
}

static int try_trace_broker(const Target *t) {
        return trace(t->broker);
}

static int try_advise_writer(const Target *t) {
        struct iovec part = { .iov_base = (void *) t->writer_at, .iov_len = t->size };
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, t->writer, 0);

        if (pidfd < 0)
                return attempt_outcome(-1);
        return attempt_outcome(syscall(SYS_process_madvise, pidfd, &part, 1, MADV_COLD, 0));
}

/* Into the namespaces of the broker, where its user is somebody. */
static int try_enter(const Target *t) {
        _cleanup_fd_ int pidfd = (int) syscall(SYS_pidfd_open, t->broker, 0);

        return pidfd < 0 ? attempt_outcome(-1) : attempt_outcome(setns(pidfd, CLONE_NEWNS));
}

const Attempt memory_attempts[] = {
        /* A shared mapping of what was opened for reading never becomes writable. */
        { "mprotect", try_mprotect, EACCES, 0 },
        { "pkey_mprotect", try_pkey_mprotect, EACCES, 0 },
        { "mmap for writing", try_map_writable, EACCES, 0 },
        { "mremap, then mprotect", try_remap, EACCES, 0 },
        { "a private mapping", try_private, 0, 0 },
        { "read into it", try_read_into, EFAULT, 0 },
        { "vmsplice into it", try_vmsplice_into, EFAULT, 0 },
        { "/proc/self/mem", try_own_memory, EIO, 0 },
        { "/proc/self/mem, of a private mapping", try_own_private_memory, 0, EIO },
        { "process_vm_writev to oneself", try_own_vm, EFAULT, 0 },
        { "PTRACE_POKEDATA in a child", try_poke, EIO, EFAULT },
        /* Takes CAP_CHECKPOINT_RESTORE, and that in the first namespace. */
        { "/proc/self/map_files", try_own_map_files, EPERM, 0 },
        { "MADV_REMOVE", try_remove_pages, EACCES, 0 },
        { "MADV_POPULATE_WRITE", try_populate, EINVAL, EFAULT },
        { "MADV_FREE", try_free_pages, EINVAL, 0 },
        { "MADV_HWPOISON", try_poison, EPERM, EINVAL },
        { "MADV_DONTNEED", try_forget_pages, 0, 0 },
        { "userfaultfd", try_userfault, EPERM, 0 },
        { "io_uring, with registered buffers", try_io_uring, EFAULT, 0 },

        /* Processes of other users. */
        { "/proc/PID/fd of the writer", try_writer_fd, EACCES, 0 },
        { "/proc/PID/fd of the broker", try_broker_fds, EACCES, 0 },
        { "/proc/PID/map_files of the writer", try_writer_map_files, EACCES, 0 },
        { "/proc/PID/mem of the writer", try_writer_memory, EACCES, 0 },
        { "/proc/PID/mem of the broker", try_broker_memory, EACCES, 0 },
        { "process_vm_writev to the writer", try_writer_vm, EPERM, 0 },
        { "pidfd_getfd from the writer", try_writer_getfd, EPERM, 0 },
        { "pidfd_getfd from the broker", try_broker_getfd, EPERM, 0 },
        { "ptrace of the writer", try_trace_writer, EPERM, 0 },
        { "ptrace of the broker", try_trace_broker, EPERM, 0 },
        { "process_madvise to the writer", try_advise_writer, EACCES, EPERM },
        { "setns to the broker", try_enter, EPERM, 0 },
};
const size_t n_memory_attempts = ARRAY_SIZE(memory_attempts);
