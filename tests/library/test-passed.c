/* SPDX-License-Identifier: MIT */
/*
 * libshmbroker: segments of descriptors that were inherited or received, with and without a broker,
 * and of what "shmbrokerctl exec" passes on.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE ((size_t) 4096)

static void up(void) {
        fixture_up(NULL);
}

static struct shmbroker_options *options_new(void) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        return options;
}

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

SUITE("library-passed");
CASE("descriptors", .setup = unit_fds_begin, .teardown = unit_fds_end);

TEST(from_fd) {
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment = NULL, *reader = NULL;
        int fd = unit_memfd(5000), second = unit_reopen(fd, O_RDWR);
        int64_t id;

        ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
        ck_assert_int_eq(shmbroker_segment_from_fd(fd, NULL, &segment), 0);
        /* It is the segment's now. */
        ck_assert_int_eq(shmbroker_segment_fd(segment), fd);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 5000);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 2 * PAGE);
        ck_assert_int_eq(shmbroker_segment_access(segment), SHMBROKER_ACCESS_READ_WRITE);
        ck_assert_int_eq(shmbroker_segment_created(segment), 0);
        ck_assert_int_eq(shmbroker_segment_id(segment, &id), -ENODATA);
        ck_assert_int_eq(shmbroker_segment_attachment_id(segment, &id), -ENODATA);
        ck_assert_ptr_null(shmbroker_segment_name(segment));
        ck_assert_ptr_null(shmbroker_segment_info(segment));
        strcpy(shmbroker_segment_data(segment), "received");

        /* Less can be wanted than it was opened for, and less than there is. */
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        shmbroker_options_set_size(options, 100);
        ck_assert_int_eq(shmbroker_segment_from_fd(second, options, &reader), 0);
        ck_assert_int_eq(shmbroker_segment_access(reader), SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_uint_eq(shmbroker_segment_size(reader), 100);
        ck_assert_str_eq(shmbroker_segment_data(reader), "received");
        ck_assert_int_eq(shmbroker_segment_remap(reader, 5000), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(reader), 2 * PAGE);
        ck_assert_int_eq(shmbroker_segment_remap(reader, 5001), -EINVAL);
        shmbroker_release(segment);
        ck_assert(!is_open(fd));
        shmbroker_release(reader);
        ck_assert(!is_open(second));
        shmbroker_options_free(options);
}

static void assert_refused(int fd, const struct shmbroker_options *options, int expected) {
        struct shmbroker_segment *segment = NULL;
        int flags = fcntl(fd, F_GETFD);
        int r = shmbroker_segment_from_fd(fd, options, &segment);

        ck_assert_msg(r == expected, "%d instead of %d", r, expected);
        ck_assert_ptr_null(segment);
        /* It remains what it was. */
        ck_assert_int_eq(fcntl(fd, F_GETFD), flags);
}

TEST(wrong_fd) {
        struct shmbroker_options *options = options_new();
        int memory = unit_memfd(5000), read_only, write_only, path, device, directory, pair[2];

        read_only = unit_reopen(memory, O_RDONLY);
        write_only = unit_reopen(memory, O_WRONLY);
        path = unit_reopen(memory, O_PATH);
        device = open("/dev/null", O_RDWR | O_CLOEXEC);
        directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
        ck_assert_int_eq(fcntl(memory, F_SETFD, 0), 0);

        assert_refused(-1, NULL, -EBADF);
        assert_refused(999, NULL, -EBADF);
        assert_refused(path, NULL, -EBADF);
        assert_refused(device, NULL, -ENODEV);
        assert_refused(directory, NULL, -ENODEV);
        assert_refused(pair[0], NULL, -ENODEV);
        assert_refused(write_only, NULL, -EACCES);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_WRITE);
        assert_refused(read_only, options, -EACCES);
        shmbroker_options_set_access(options, 7);
        assert_refused(memory, options, -EINVAL);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        shmbroker_options_set_size(options, 5001);
        assert_refused(memory, options, -EINVAL);
        shmbroker_options_set_size(options, UINT64_MAX);
        assert_refused(memory, options, -EINVAL);
        shmbroker_options_set_size(options, 5000);
        shmbroker_options_set_window(options, 1, 0);
        assert_refused(memory, options, -EINVAL);
        shmbroker_options_set_window(options, PAGE, PAGE);
        assert_refused(memory, options, -EINVAL);
        shmbroker_options_set_window(options, 0, 0);
        /* For who wants to write there is nothing to map. */
        ck_assert_int_eq(fcntl(memory, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
        assert_refused(memory, NULL, -EOPNOTSUPP);
        fd_close(memory);
        fd_close(read_only);
        fd_close(write_only);
        fd_close(path);
        fd_close(device);
        fd_close(directory);
        fd_close(pair[0]);
        fd_close(pair[1]);
        shmbroker_options_free(options);
}

static void set_number(const char *name, int64_t value) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%lld", (long long) value);
        ck_assert_int_eq(setenv(name, text, true), 0);
}

static void set_inode(int fd) {
        struct stat st = {};
        char text[64];

        (void) fstat(fd, &st);
        (void) snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t) st.st_dev,
                        (uintmax_t) st.st_ino);
        ck_assert_int_eq(setenv("SHMBROKER_INODE", text, true), 0);
}

static void set_environment(int fd, int64_t size, int64_t id, const char *name,
                            const char *access) {
        set_number("SHMBROKER_FD", fd);
        set_inode(fd);
        set_number("SHMBROKER_SIZE", size);
        set_number("SHMBROKER_ID", id);
        ck_assert_int_eq(name ? setenv("SHMBROKER_NAME", name, true) : unsetenv("SHMBROKER_NAME"),
                         0);
        ck_assert_int_eq(setenv("SHMBROKER_ACCESS", access, true), 0);
}

static void clear_environment(void) {
        (void) unsetenv("SHMBROKER_FD");
        (void) unsetenv("SHMBROKER_INODE");
        (void) unsetenv("SHMBROKER_SIZE");
        (void) unsetenv("SHMBROKER_ID");
        (void) unsetenv("SHMBROKER_NAME");
        (void) unsetenv("SHMBROKER_ACCESS");
}

static void assert_environment(const struct shmbroker_options *options, int expected) {
        struct shmbroker_segment *segment = NULL;
        int r = shmbroker_segment_from_environment(NULL, options, &segment);

        ck_assert_msg(r == expected, "%d instead of %d", r, expected);
        ck_assert_ptr_null(segment);
}

TEST(wrong_environment) {
        static const struct {
                const char *name;
                const char *values[10];
        } rows[] = {
                { "SHMBROKER_FD", { "", "x", "-1", "7x", " 7", "99999999999999999999" } },
                { "SHMBROKER_SIZE", { "", "5001", "-5", "0x10", "9007199254740993" } },
                { "SHMBROKER_ID", { "", "-1", "1.5", "9223372036854775808" } },
                { "SHMBROKER_INODE", { "", "1", "1:", ":1", "1:2x", "-1:2", "1:2:3" } },
                { "SHMBROKER_ACCESS", { "", "readonly", "rw" } },
                { "SHMBROKER_NAME", { "", "a//b", "a b" } },
        };
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment = NULL;
        int fd = unit_memfd(5000), read_only;

        ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i) {
                for (size_t j = 0; rows[i].values[j]; ++j) {
                        set_environment(fd, 5000, 7, "a", "readWrite");
                        ck_assert_int_eq(setenv(rows[i].name, rows[i].values[j], true), 0);
                        assert_environment(NULL, -EINVAL);
                }
                set_environment(fd, 5000, 7, "a", "readWrite");
                ck_assert_int_eq(unsetenv(rows[i].name), 0);
                if (i > 0 && i < 5)
                        assert_environment(NULL, -EINVAL);
        }
        /* Missing is only the name of a private segment. */
        ck_assert_int_eq(shmbroker_segment_from_environment(NULL, NULL, &segment), 0);
        ck_assert_ptr_null(shmbroker_segment_name(segment));
        shmbroker_release(segment);
        set_environment(999, 5000, 7, "a", "readWrite");
        assert_environment(NULL, -EBADF);
        /* The descriptor was closed, and the number is another file's now. */
        fd = unit_memfd(5000);
        set_environment(fd, 5000, 7, "a", "readWrite");
        close(fd);
        ck_assert_int_eq(unit_memfd(5000), fd);
        ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
        assert_environment(NULL, -ESTALE);
        /* Another prefix is another segment. */
        ck_assert_int_eq(shmbroker_segment_from_environment("OTHER", NULL, &segment), -ENXIO);
        ck_assert_int_eq(setenv("OTHER_FD", "x", true), 0);
        ck_assert_int_eq(shmbroker_segment_from_environment("OTHER", NULL, &segment), -EINVAL);
        ck_assert_int_eq(unsetenv("OTHER_FD"), 0);
        close(fd);

        fd = unit_memfd(5000);
        read_only = unit_reopen(fd, O_RDONLY);
        ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
        ck_assert_int_eq(fcntl(read_only, F_SETFD, 0), 0);
        set_environment(read_only, 5000, 7, "a", "readWrite");
        assert_environment(NULL, -EACCES);
        set_environment(fd, 4000, 7, "a", "readOnly");
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_WRITE);
        assert_environment(options, -EACCES);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        /* There would be as much, but so much was not promised. */
        shmbroker_options_set_size(options, 4001);
        assert_environment(options, -EINVAL);
        shmbroker_options_set_size(options, 4000);
        ck_assert_int_eq(shmbroker_segment_from_environment(NULL, options, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_access(segment), SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 4000);
        shmbroker_release(segment);
        fd_close(read_only);
        /* One that has not grown yet has nothing. */
        fd = unit_memfd(5000);
        ck_assert_int_eq(fcntl(fd, F_SETFD, 0), 0);
        set_environment(fd, 0, 7, "a", "readWrite");
        ck_assert_int_eq(shmbroker_segment_from_environment(NULL, NULL, &segment), 0);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 0);
        ck_assert_ptr_null(shmbroker_segment_data(segment));
        ck_assert_int_eq(shmbroker_segment_remap(segment, 10), 0);
        ck_assert_ptr_nonnull(shmbroker_segment_data(segment));
        shmbroker_release(segment);
        clear_environment();
        shmbroker_options_free(options);
}

static void send_fd(int socket, int fd) {
        char byte = '.', control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = {};
        struct iovec part = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };

        CMSG_FIRSTHDR(&message)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&message)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&message)->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof(int));
        ck_assert_int_eq(sendmsg(socket, &message, 0), 1);
}

static int receive_fd(int socket) {
        char byte, control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
        struct iovec part = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control,
                                  .msg_controllen = sizeof(control) };
        int fd = -1;

        if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message))
                memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
        return fd;
}

/* Another process, which got it from the first one, and knows no broker. */
static int use_received(void *userdata) {
        struct shmbroker_segment *segment = NULL;
        int fd = receive_fd(*(int *) userdata);

        if (shmbroker_segment_from_fd(fd, NULL, &segment) ||
            strcmp(shmbroker_segment_data(segment), "sent") != 0)
                return 1;
        strcpy(shmbroker_segment_data(segment), "seen");
        shmbroker_release(segment);
        return fcntl(fd, F_GETFD) >= 0;
}

CASE("broker", .setup = up, .teardown = fixture_down);

TEST(received) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, NULL, PAGE);
        struct shmbroker_info *info = NULL;
        int64_t id = 0;
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        strcpy(shmbroker_segment_data(segment), "sent");
        send_fd(pair[0], shmbroker_segment_fd(segment));
        ck_assert_int_eq(unit_fork(use_received, &pair[1]), 0);
        ck_assert_str_eq(shmbroker_segment_data(segment), "seen");
        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        ck_assert_int_eq(shmbroker_stat(connection, NULL, id, &info), 0);
        ck_assert_uint_eq(library_attach_count(info), 1);
        shmbroker_info_free(info);
        shmbroker_release(segment);
        close(pair[0]);
        close(pair[1]);
        shmbroker_close(connection);
}

TEST(environment) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 5000);
        struct shmbroker_segment *made = NULL, *segment = NULL;
        int64_t id = 0, told = 0;
        int fd;

        shmbroker_options_set_maximum(options, 3 * PAGE);
        ck_assert_int_eq(shmbroker_acquire(connection, "a/b", options, &made), 0);
        ck_assert_int_eq(shmbroker_segment_id(made, &id), 0);
        strcpy(shmbroker_segment_data(made), "passed on");
        fd = fcntl(shmbroker_segment_fd(made), F_DUPFD, 20);
        set_environment(fd, 5000, id, "a/b", "readWrite");
        ck_assert_int_eq(shmbroker_segment_from_environment(NULL, NULL, &segment), 0);
        ck_assert_str_eq(shmbroker_segment_data(segment), "passed on");
        /* The size that was promised, and not that of the object. */
        ck_assert_uint_eq(shmbroker_segment_size(segment), 5000);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 2 * PAGE);
        ck_assert_int_eq(shmbroker_segment_id(segment, &told), 0);
        ck_assert_int_eq(told, id);
        ck_assert_str_eq(shmbroker_segment_name(segment), "a/b");
        ck_assert_ptr_null(shmbroker_segment_info(segment));
        /* It is there once: the number is the segment's now. */
        made = shmbroker_release(made);
        assert_environment(NULL, -EBADF);
        /* The broker knows the rest. */
        ck_assert_int_eq(shmbroker_resize(connection, "a/b", 0, 3 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 3 * PAGE);
        ck_assert_uint_eq(library_attach_count(shmbroker_segment_info(segment)), 1);
        shmbroker_release(segment);
        ck_assert(!is_open(fd));
        assert_environment(NULL, -EBADF);
        clear_environment();
        assert_environment(NULL, -ENXIO);
        library_remove(connection, "a/b");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* Of a segment whose id is not known nothing can be asked. */
TEST(refresh_unknown) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_segment_from_fd(unit_memfd(1), NULL, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"), "id");
        shmbroker_release(segment);
        shmbroker_close(connection);
}
