/* SPDX-License-Identifier: MIT */
#include "tests/support/fake.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define PAGE 4096

/* For how long a fake that should not be asked any more waits to be. */
#define ASKED_AGAIN_MSEC 20

Fake fake;

void fake_begin(void) {
        _cleanup_(freep) char *directory = unit_directory();

        fake.n_fds = count_fds(getpid());
        (void) snprintf(fake.directory, sizeof(fake.directory), "%s", directory);
        (void) snprintf(fake.path, sizeof(fake.path), "%s/socket", fake.directory);
        (void) snprintf(fake.address, sizeof(fake.address), "unix:%s", fake.path);
}

void fake_end(void) {
        ck_assert_int_eq(rmdir(fake.directory), 0);
        ck_assert_uint_eq(count_fds(getpid()), fake.n_fds);
}

static int one_fd(bool is_pipe) {
        int pair[2], fd;

        if (is_pipe)
                return pipe2(pair, O_CLOEXEC) < 0 ? -1 : pair[0];
        fd = memfd_create("fake", MFD_CLOEXEC);
        return fd < 0 || ftruncate(fd, PAGE) < 0 ? -1 : fd;
}

static void send_fds(int fd, const Answer *answer, const char *text, size_t n_text) {
        struct iovec part = { .iov_base = (void *) (uintptr_t) text, .iov_len = n_text };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
        union {
                char bytes[CMSG_SPACE(8 * sizeof(int))];
                struct cmsghdr align;
        } control = {};
        int fds[8];

        for (unsigned int i = 0; i < answer->n_fds; ++i)
                fds[i] = one_fd(answer->pipes);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(answer->n_fds * sizeof(int));
        CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(answer->n_fds * sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), fds, answer->n_fds * sizeof(int));
        if (sendmsg(fd, &message, MSG_NOSIGNAL) != (ssize_t) n_text)
                _exit(2);
        for (unsigned int i = 0; i < answer->n_fds; ++i)
                close(fds[i]);
}

/* The end of the call is its NUL, and nothing can follow it. */
static bool read_call(int fd, const char *expects) {
        char text[8192];
        size_t n_text = 0;
        ssize_t n;

        do {
                n = recv(fd, text + n_text, sizeof(text) - n_text, 0);
                if (n <= 0)
                        return false;
                n_text += (size_t) n;
        } while (text[n_text - 1]);
        if (expects && !strstr(text, expects)) {
                (void) dprintf(STDERR_FILENO, "'%s' has no '%s'\n", text, expects);
                _exit(5);
        }
        return true;
}

static void serve(int fd, const Answer *answer) {
        size_t n_text = answer->n_text;
        char byte;

        if (n_text == 0 && answer->text)
                n_text = strlen(answer->text) + !answer->cut;
        if (!answer->deaf && !read_call(fd, answer->expects))
                return;
        for (size_t i = 0; answer->texts && answer->texts[i]; ++i)
                if (send(fd, answer->texts[i], strlen(answer->texts[i]) + 1, MSG_NOSIGNAL) < 0)
                        return;
        do {
                if (answer->n_fds > 0)
                        send_fds(fd, answer, answer->text, n_text);
                else if (n_text > 0 && send(fd, answer->text, n_text, MSG_NOSIGNAL) < 0)
                        return;
        } while (answer->forever);
        if (answer->silent || answer->n_fds > 0)
                (void) recv(fd, &byte, 1, 0);
}

/* One answer for each connection; ends badly if there are more or fewer of them. */
static void fake_run(int listen_fd, int gone_fd, const Answer *answers, size_t n_answers) {
        struct pollfd poller = { .fd = listen_fd, .events = POLLIN };

        alarm(20);
        for (size_t i = 0; i < n_answers; ++i) {
                int fd;

                if (poll(&poller, 1, 5000) != 1)
                        _exit(3);
                fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
                serve(fd, &answers[i]);
                close(fd);
                if (answers[i].deaf && write(gone_fd, "", 1) != 1)
                        _exit(6);
        }
        _exit(poll(&poller, 1, ASKED_AGAIN_MSEC) == 0 ? 0 : 4);
}

void fake_start(const Answer *answers, size_t n_answers) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), gone_fds[2];

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s", fake.path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        ck_assert_int_eq(listen(fd, 8), 0);
        ck_assert_int_eq(pipe2(gone_fds, O_CLOEXEC), 0);
        fake.pid = fork();
        ck_assert_int_ge(fake.pid, 0);
        if (fake.pid == 0)
                fake_run(fd, gone_fds[1], answers, n_answers);
        close(fd);
        close(gone_fds[1]);
        fake.gone_fd = gone_fds[0];
}

void fake_wait_gone(void) {
        char byte;

        ck_assert_int_eq(read(fake.gone_fd, &byte, 1), 1);
}

void fake_stop(void) {
        int status = 0;

        close(fake.gone_fd);
        ck_assert_int_eq(waitpid(fake.pid, &status, 0), fake.pid);
        ck_assert_msg(status == 0, "the fake broker ended with status %#x", status);
        ck_assert_int_eq(unlink(fake.path), 0);
}

struct shmbroker *fake_connect(const Answer *answers, size_t n_answers) {
        struct shmbroker *connection = NULL;

        fake_start(answers, n_answers);
        ck_assert_int_eq(shmbroker_connect(fake.address, &connection), 0);
        return connection;
}

int fake_close(struct shmbroker *connection, int result) {
        int code = shmbroker_error_code(shmbroker_get_error(connection));

        ck_assert_int_eq(code, result);
        if (result)
                ck_assert_uint_gt(strlen(shmbroker_error_message(shmbroker_get_error(connection))),
                                  10);
        shmbroker_close(connection);
        fake_stop();
        return result;
}
