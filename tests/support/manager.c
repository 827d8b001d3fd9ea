/* SPDX-License-Identifier: MIT */
#include "tests/support/manager.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/support/unit.h"

/* LeakSanitizer's, where there is one. */
extern __attribute__((__weak__)) int __lsan_do_recoverable_leak_check(void);

void manager_begin(Manager *manager, size_t max) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        memset(manager, 0, sizeof(*manager));
        manager->max = max;
        manager->directory = unit_directory();
        manager->address = unit_path(manager->directory, "notify");
        (void) chmod(manager->directory, 0711);
        manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(manager->fd, 0);
        ck_assert_uint_lt(strlen(manager->address), sizeof(address.sun_path));
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", manager->address);
        ck_assert_int_eq(bind(manager->fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(chmod(manager->address, 0777), 0);
}

void manager_forget(Manager *manager) {
        while (manager->n_stored > 0)
                close(manager->stored[--manager->n_stored].fd);
}

void manager_end(Manager *manager) {
        manager_forget(manager);
        ck_assert_uint_eq(manager->n_held, 0);
        close(manager->fd);
        (void) unlink(manager->address);
        (void) rmdir(manager->directory);
        free(manager->address);
        free(manager->directory);
}

/* --- what is stored */

static bool same_file(int a, int b) {
        long r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);
        struct stat st_a, st_b;

        if (r >= 0)
                return r == 0;
        return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev &&
               st_a.st_ino == st_b.st_ino;
}

void manager_add(Manager *manager, const char *name, int fd) {
        ManagerStored *stored;

        for (size_t i = 0; i < manager->n_stored; ++i)
                if (same_file(manager->stored[i].fd, fd)) {
                        close(fd);
                        return;
                }
        if (manager->n_stored >= manager->max) {
                ++manager->n_refused;
                close(fd);
                return;
        }
        ck_assert_uint_lt(manager->n_stored, MANAGER_FDS_MAX);
        stored = &manager->stored[manager->n_stored++];
        (void) snprintf(stored->name, sizeof(stored->name), "%s", name);
        stored->fd = fd;
}

void manager_remove(Manager *manager, const char *name) {
        size_t n = 0;

        for (size_t i = 0; i < manager->n_stored; ++i)
                if (strcmp(manager->stored[i].name, name) == 0)
                        close(manager->stored[i].fd);
                else
                        manager->stored[n++] = manager->stored[i];
        manager->n_stored = n;
}

ManagerStored *manager_find(Manager *manager, const char *part_of_name) {
        for (size_t i = 0; i < manager->n_stored; ++i)
                if (strstr(manager->stored[i].name, part_of_name))
                        return &manager->stored[i];
        return NULL;
}

/* --- what is told */

/* Takes effect: lines of KEY=VALUE. */
static void hear(Manager *manager, ManagerMessage *message) {
        const char *name = strstr(message->text, "FDNAME=");
        char copy[256] = "";

        ck_assert_ptr_nonnull(name);
        (void) snprintf(copy, sizeof(copy), "%s", name + strlen("FDNAME="));
        copy[strcspn(copy, "\n")] = '\0';
        if (strstr(message->text, "FDSTORE=1")) {
                /* Else PID 1 would watch it for a hang-up. */
                ck_assert_ptr_nonnull(strstr(message->text, "FDPOLL=0"));
                ck_assert_int_ge(message->fd, 0);
                manager_add(manager, copy, message->fd);
        } else {
                ck_assert_ptr_nonnull(strstr(message->text, "FDSTOREREMOVE=1"));
                ck_assert_int_lt(message->fd, 0);
                manager_remove(manager, copy);
                ++manager->n_removed;
        }
}

/* The first @n of those that were held back take effect; the rest is forgotten. */
static void settle(Manager *manager, size_t n) {
        for (size_t i = 0; i < manager->n_held; ++i)
                if (i < n)
                        hear(manager, &manager->held[i]);
                else if (manager->held[i].fd >= 0)
                        close(manager->held[i].fd);
        manager->n_held = 0;
}

static bool read_message(Manager *manager, ManagerMessage *message) {
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control;
        struct iovec part = { .iov_base = message->text, .iov_len = sizeof(message->text) - 1 };
        struct msghdr header = {
                .msg_iov = &part,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n = recvmsg(manager->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0)
                return false;
        message->text[n] = '\0';
        message->fd = -1;
        if (CMSG_FIRSTHDR(&header) && CMSG_FIRSTHDR(&header)->cmsg_type == SCM_RIGHTS)
                memcpy(&message->fd, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof(int));
        return true;
}

static void read_messages(Manager *manager) {
        ManagerMessage message;

        while (read_message(manager, &message)) {
                if (strcmp(message.text, "BARRIER=1") == 0) {
                        ck_assert_int_ge(message.fd, 0);
                        settle(manager, manager->n_held);
                        close(message.fd);
                } else if (strstr(message.text, "FDNAME=")) {
                        ck_assert_uint_lt(manager->n_held, MANAGER_FDS_MAX);
                        manager->held[manager->n_held++] = message;
                } else if (message.fd >= 0) {
                        close(message.fd);
                }
                if (manager->trust == MANAGER_TRUST_ALL)
                        settle(manager, manager->n_held);
        }
}

/* Also the last barrier, if that was not read. */
static void forget_messages(Manager *manager) {
        ManagerMessage message;

        while (read_message(manager, &message))
                if (message.fd >= 0)
                        close(message.fd);
        settle(manager, 0);
}

/* --- the process */

/* Descriptors from 3 on, and nothing else. sd_listen_fds(3) */
static void pass_all(Manager *manager) {
        int n = (int) manager->n_stored, high[MANAGER_FDS_MAX];
        _cleanup_(freep) char *names =
                calloc(manager->n_stored + 1, sizeof(manager->stored[0].name));
        char number[16];

        for (int i = 0; i < n; ++i) {
                high[i] = fcntl(manager->stored[i].fd, F_DUPFD, 3 + n);
                (void) sprintf(names + strlen(names), "%s%s", i > 0 ? ":" : "",
                               manager->stored[i].name);
        }
        for (int i = 0; i < n; ++i)
                (void) dup2(high[i], 3 + i);
        (void) syscall(SYS_close_range, 3 + n, ~0U, 0);
        if (n > 0) {
                (void) snprintf(number, sizeof(number), "%d", getpid());
                (void) setenv("LISTEN_PID", number, true);
                (void) snprintf(number, sizeof(number), "%d", n);
                (void) setenv("LISTEN_FDS", number, true);
                (void) setenv("LISTEN_FDNAMES", names, true);
        }
        (void) setenv("NOTIFY_SOCKET", manager->address, true);
        (void) snprintf(number, sizeof(number), "%zu", manager->max);
        (void) setenv("FDSTORE", manager->told_max ? manager->told_max : number, true);
}

static void run_child(Manager *manager, void (*child)(void *userdata), void *userdata) {
        pass_all(manager);
        child(userdata);
        if (!manager->leaks_unasked && __lsan_do_recoverable_leak_check &&
            __lsan_do_recoverable_leak_check())
                unit_exit(99);
        unit_exit(0);
}

static void attend(Manager *manager, pid_t pid) {
        int pid_fd = (int) syscall(SYS_pidfd_open, pid, 0);
        bool ended = false;

        ck_assert_int_ge(pid_fd, 0);
        while (!ended) {
                bool hangs = manager->hangs && *manager->hangs;
                struct pollfd pollers[] = {
                        { .fd = pid_fd, .events = POLLIN },
                        { .fd = hangs ? -1 : manager->fd, .events = POLLIN },
                };

                (void) poll(pollers, ARRAY_SIZE(pollers), hangs ? 10 : -1);
                /* Who goes on without waiting for an answer has time to be killed. */
                if (manager->trust != MANAGER_TRUST_ALL)
                        (void) ppoll(pollers, 1, &(struct timespec){ .tv_nsec = 300000 }, NULL);
                ended = pollers[0].revents != 0;
                if (!hangs && !ended)
                        read_messages(manager);
        }
        close(pid_fd);
}

int manager_run(Manager *manager, void (*child)(void *userdata), void *userdata) {
        ManagerTrust trust;
        int status;
        pid_t pid;

        fflush(NULL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                run_child(manager, child, userdata);
        attend(manager, pid);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        trust = WIFEXITED(status) ? MANAGER_TRUST_ALL : manager->trust;
        if (trust == MANAGER_TRUST_NONE)
                forget_messages(manager);
        else
                read_messages(manager);
        settle(manager, trust == MANAGER_TRUST_HALF ? (manager->n_held + 1) / 2 : manager->n_held);
        return status;
}
