/* SPDX-License-Identifier: MIT */
/* libshmbroker over a real daemon: what each function returns, on success and on failure. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/unit.h"

#define PAGE 4096
#define USEC_PER_SEC UINT64_C(1000000)

static void up(void) {
        fixture_up(NULL);
}

static void assert_no_connection(const char *address, int expected) {
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(shmbroker_connect(address, &connection), expected);
        ck_assert_ptr_null(connection);
}

static void assert_works(struct shmbroker *connection) {
        struct shmbroker_status *status = NULL;

        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_uint_eq(shmbroker_status_connection_count(status), 1);
        shmbroker_status_free(status);
        shmbroker_close(connection);
}

SUITE("library");
CASE("library", .setup = up, .teardown = fixture_down);

TEST(connect) {
        static const char *const invalid[] = {
                "", "unix:", "unix:socket", "/run/socket", "tcp:127.0.0.1:1", "unix:/a;mode=0600"
        };
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(shmbroker_connect(fixture_address(), &connection), 0);
        ck_assert_str_eq(shmbroker_get_address(connection), fixture_address());
        ck_assert_int_eq(shmbroker_error_code(shmbroker_get_error(connection)), 0);
        assert_works(connection);
        for (size_t i = 0; i < ARRAY_SIZE(invalid); ++i)
                assert_no_connection(invalid[i], -EINVAL);
        ck_assert_ptr_null(shmbroker_close(NULL));
}

TEST(connect_by_environment) {
        struct shmbroker *connection = NULL;

        ck_assert_int_eq(setenv("SHMBROKER_ADDRESS", fixture_address(), true), 0);
        ck_assert_int_eq(shmbroker_connect(NULL, &connection), 0);
        assert_works(connection);
        /* What is given counts more, and nothing else is tried if it does not answer. */
        assert_no_connection("unix:/nonexistent/socket", -ENOENT);
        ck_assert_int_eq(setenv("SHMBROKER_ADDRESS", "unix:/nonexistent/socket", true), 0);
        assert_no_connection(NULL, -ENOENT);
        ck_assert_int_eq(shmbroker_connect(fixture_address(), &connection), 0);
        assert_works(connection);
        ck_assert_int_eq(setenv("SHMBROKER_ADDRESS", "", true), 0);
        assert_no_connection(NULL, -EINVAL);
        ck_assert_int_eq(unsetenv("SHMBROKER_ADDRESS"), 0);
        /* Unless the machine has a broker, there is none at the system's address. */
        if (access("/run/shmbroker", F_OK) < 0)
                assert_no_connection(NULL, -ENOENT);
}

TEST(connect_user) {
        const char *saved = getenv("XDG_RUNTIME_DIR");
        _cleanup_(freep) char *before = saved ? strdup(saved) : NULL;
        struct shmbroker *connection = NULL;
        char path[128];

        /* The user's directory, in which the broker's is the same one. */
        (void) snprintf(path, sizeof(path), "%s/shmbroker", fixture_directory());
        ck_assert_int_eq(symlink(".", path), 0);
        ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", fixture_directory(), true), 0);
        ck_assert_int_eq(setenv("SHMBROKER_ADDRESS", "unix:/nonexistent/socket", true), 0);
        ck_assert_int_eq(shmbroker_connect("user:", &connection), 0);
        assert_works(connection);
        ck_assert_int_eq(shmbroker_new("user:", &connection), 0);
        assert_works(connection);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(shmbroker_connect("user:", &connection), -ENOENT);
        ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", "relative", true), 0);
        ck_assert_int_eq(shmbroker_connect("user:", &connection), -ENXIO);
        ck_assert_int_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
        ck_assert_int_eq(shmbroker_connect("user:", &connection), -ENXIO);
        ck_assert_int_eq(shmbroker_new("user:", &connection), -ENXIO);
        ck_assert_int_eq(unsetenv("SHMBROKER_ADDRESS"), 0);
        if (before)
                ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", before, true), 0);
}

/* A socket that nobody listens at, and one that may not be used. */
TEST(connect_refused) {
        struct sockaddr_un name = { .sun_family = AF_UNIX };
        char address[128];
        int fd;

        (void) snprintf(name.sun_path, sizeof(name.sun_path), "%s/dead", fixture_directory());
        (void) snprintf(address, sizeof(address), "unix:%s", name.sun_path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &name, sizeof(name)), 0);
        assert_no_connection(address, -ECONNREFUSED);
        if (geteuid() == 0) {
                ck_assert_int_eq(chmod(name.sun_path, 0), 0);
                ck_assert_int_eq(seteuid(NOBODY), 0);
                assert_no_connection(address, -EACCES);
                ck_assert_int_eq(seteuid(0), 0);
        }
        close(fd);
        ck_assert_int_eq(unlink(name.sun_path), 0);
}

TEST(create_modes) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_OPEN, 5000);
        struct shmbroker_segment *one = NULL, *other = NULL;

        /* What is to be written on success is left alone otherwise. */
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &one), -ENOENT);
        ck_assert_ptr_null(one);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_ANY);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &one), 0);
        ck_assert_int_eq(shmbroker_segment_created(one), 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &other), 0);
        ck_assert_int_eq(shmbroker_segment_created(other), 0);
        other = shmbroker_release(other);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &other), -EEXIST);
        ck_assert_int_eq(shmbroker_acquire(connection, "b", options, &other), 0);
        ck_assert_int_eq(shmbroker_segment_created(other), 1);
        shmbroker_release(other);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        ck_assert_int_eq(shmbroker_acquire(connection, "b", options, &other), 0);
        ck_assert_int_eq(shmbroker_segment_created(other), 0);
        shmbroker_release(other);
        /* Without options it is opened, to be read and written, and mapped. */
        ck_assert_int_eq(shmbroker_acquire(connection, "a", NULL, &other), 0);
        strcpy(shmbroker_segment_data(other), "said");
        ck_assert_str_eq(shmbroker_segment_data(one), "said");
        shmbroker_release(other);
        shmbroker_release(one);
        library_remove(connection, "a");
        library_remove(connection, "b");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(private) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 100);
        struct shmbroker_options *by_id = NULL;
        struct shmbroker_segment *segment = NULL, *again = NULL;
        struct shmbroker_info *left = NULL;
        int64_t id;

        ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), 0);
        id = shmbroker_info_id(shmbroker_segment_info(segment));
        ck_assert_ptr_null(shmbroker_info_name(shmbroker_segment_info(segment)));
        ck_assert_int_eq(shmbroker_options_new(&by_id), 0);
        ck_assert_int_eq(shmbroker_acquire_id(connection, id, by_id, &again), 0);
        ck_assert_int_eq(shmbroker_info_id(shmbroker_segment_info(again)), id);
        memset(shmbroker_segment_data(segment), 'x', 100);
        ck_assert_int_eq(((char *) shmbroker_segment_data(again))[99], 'x');
        shmbroker_release(segment);
        shmbroker_release(again);
        ck_assert_int_eq(shmbroker_remove(connection, NULL, id, 0, &left), 0);
        ck_assert_ptr_null(left);
        ck_assert_int_eq(shmbroker_acquire_id(connection, id, NULL, &again), -ENOENT);
        shmbroker_options_free(by_id);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* Beyond the size there is memory up to the end of its page, and the kernel keeps to the access. */
TEST(memory) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *writer = library_create(connection, "a", 5000), *reader = NULL;
        struct shmbroker_options *options = NULL;
        const char *bytes;
        int fd;

        ck_assert_uint_eq(shmbroker_segment_size(writer), 5000);
        ck_assert_uint_eq(shmbroker_segment_mapped(writer), 2 * PAGE);
        ck_assert_int_eq(shmbroker_segment_access(writer), SHMBROKER_ACCESS_READ_WRITE);
        ck_assert_uint_eq((uintptr_t) shmbroker_segment_data(writer) % PAGE, 0);
        fd = shmbroker_segment_fd(writer);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &reader), 0);
        ck_assert_int_eq(shmbroker_segment_access(reader), SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(fcntl(shmbroker_segment_fd(reader), F_GETFL) & O_ACCMODE, O_RDONLY);
        ck_assert_int_lt(mprotect(shmbroker_segment_data(reader), PAGE, PROT_READ | PROT_WRITE), 0);
        ck_assert_int_eq(errno, EACCES);
        bytes = shmbroker_segment_data(reader);
        for (int i = 0; i < 2 * PAGE; ++i)
                ck_assert_int_eq(bytes[i], 0);
        memset(shmbroker_segment_data(writer), 'x', 5000);
        ck_assert_int_eq(bytes[4999], 'x');
        ck_assert_int_eq(bytes[5000], 0);
        shmbroker_release(writer);
        shmbroker_release(reader);
        shmbroker_options_free(options);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

TEST(sizes) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_OPEN, 5000);
        struct shmbroker_segment *segment = NULL;

        shmbroker_release(library_create(connection, "a", 5000));
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        shmbroker_release(segment);
        shmbroker_options_set_size(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 5000);
        shmbroker_release(segment);
        shmbroker_options_set_size(options, 5001);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EINVAL);
        library_remove(connection, "a");
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        /* Nobody has so much, and more than can be said is as wrong. */
        shmbroker_options_set_size(options, UINT64_MAX);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EINVAL);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(mode_and_life) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 1);
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_info *info;
        struct shmbroker_info *gone = NULL;
        mode_t mask = umask(077);
        uint64_t usec = 1;

        shmbroker_options_set_mode(options, 0647);
        shmbroker_options_set_kind(options, SHMBROKER_KIND_MEMFD);
        shmbroker_options_set_linger(options, 0);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        umask(mask);
        info = shmbroker_segment_info(segment);
        ck_assert_uint_eq(shmbroker_info_mode(info), 0647);
        ck_assert_int_eq(shmbroker_info_kind(info), SHMBROKER_KIND_MEMFD);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 1);
        ck_assert_int_eq(shmbroker_info_linger(info, &usec), 0);
        ck_assert_uint_eq(usec, 0);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &gone), -ENOENT);

        /* Options can be used again, and each can be taken back. */
        shmbroker_options_set_remove_on_last_detach(options, 0);
        shmbroker_options_set_linger(options, 3600 * USEC_PER_SEC);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        info = shmbroker_segment_info(segment);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 0);
        ck_assert_int_eq(shmbroker_info_linger(info, &usec), 0);
        ck_assert_uint_eq(usec, 3600 * USEC_PER_SEC);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(no_map) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 5000);
        struct shmbroker_segment *segment = NULL;
        struct stat st;

        shmbroker_options_set_map(options, 0);
        shmbroker_options_set_populate(options, 1);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_ptr_null(shmbroker_segment_data(segment));
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 0);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 5000);
        ck_assert_int_eq(fstat(shmbroker_segment_fd(segment), &st), 0);
        ck_assert_int_eq(st.st_size, 5000);
        ck_assert_int_eq(st.st_blocks, 0);
        shmbroker_release(segment);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(populate) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 10 * PAGE);
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_info *info = NULL;
        uint64_t allocated = 0;

        shmbroker_options_set_populate(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        ck_assert_int_eq(shmbroker_info_allocated(info, &allocated), 0);
        ck_assert_uint_eq(allocated, 10 * PAGE);
        shmbroker_info_free(info);
        shmbroker_release(segment);
        library_remove(connection, "a");

        shmbroker_release(library_create(connection, "a", 10 * PAGE));
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_ptr_nonnull(shmbroker_segment_data(segment));
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(wait) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = NULL;
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        shmbroker_options_set_wait(options, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -ENOENT);
        shmbroker_options_set_wait(options, 1000);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -ENOENT);
        shmbroker_release(library_create(connection, "a", 1));
        shmbroker_options_set_wait(options, SHMBROKER_FOREVER);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(trusted) {
        const uid_t self = getuid(), others[] = { getuid() + 1, getuid() + 2 };
        uid_t many[SHMBROKER_TRUSTED_UIDS_MAX + 1];
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = NULL;
        struct shmbroker_segment *segment = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(many); ++i)
                many[i] = (uid_t) (getuid() + SHMBROKER_TRUSTED_UIDS_MAX - 1 - i);
        shmbroker_release(library_create(connection, "a", 1));
        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        ck_assert_int_eq(shmbroker_options_set_trusted_uids(options, others, 2), 0);
        ck_assert_int_eq(shmbroker_options_set_trusted_uids(options, &self, 0), -EINVAL);
        ck_assert_int_eq(shmbroker_options_set_trusted_uids(options, many, ARRAY_SIZE(many)),
                         -EINVAL);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EPERM);
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_get_error(connection)),
                         SHMBROKER_ERROR_REPLIED);
        /* The last of as many as there may be. */
        ck_assert_int_eq(
                shmbroker_options_set_trusted_uids(options, many, SHMBROKER_TRUSTED_UIDS_MAX), 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_options_set_trusted_uids(options, others, 1), 0);
        ck_assert_int_eq(shmbroker_options_set_trusted_uids(options, NULL, 0), 0);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* A segment needs no connection once it is there. */
TEST(outlives_connection) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE);
        Wire wire;

        shmbroker_close(connection);
        wire_open(&wire);
        memset(shmbroker_segment_data(segment), 'x', PAGE);
        ck_assert_str_eq(shmbroker_info_name(shmbroker_segment_info(segment)), "a");
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 1);
        errno = ERANGE;
        ck_assert_ptr_null(shmbroker_release(segment));
        ck_assert_int_eq(errno, ERANGE);
        ck_assert_int_eq(wire_attach_count(&wire, "a"), 0);
        ck_assert_int_eq(wire_remove(&wire, "a", NULL), FAULT_NONE);
        wire_close(&wire);
        ck_assert_ptr_null(shmbroker_release(NULL));
}

TEST(info) {
        uint64_t before = library_now(), attached = 0, number = 0;
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a/b", 5000);
        struct shmbroker_info *info = NULL;
        char device[32];
        struct stat st;
        pid_t pid = 0;
        uint32_t key;
        int flag;

        ck_assert_int_eq(shmbroker_stat(connection, "a/b", 0, &info), 0);
        ck_assert_int_eq(shmbroker_info_id(info),
                         shmbroker_info_id(shmbroker_segment_info(segment)));
        ck_assert_str_eq(shmbroker_info_name(info), "a/b");
        ck_assert_int_eq(shmbroker_info_kind(info), SHMBROKER_KIND_MEMFD);
        ck_assert_str_eq(shmbroker_info_kind_name(info), "memfd");
        ck_assert_uint_eq(shmbroker_info_size(info), 5000);
        ck_assert_int_eq(shmbroker_info_maximum(info, &number), -ENODATA);
        ck_assert_int_eq(shmbroker_info_allocated(info, &number), 0);
        ck_assert_uint_eq(number, 0);
        ck_assert_uint_eq(shmbroker_info_page_size(info), PAGE);
        ck_assert_uint_eq(shmbroker_info_owner_uid(info), getuid());
        ck_assert_uint_eq(shmbroker_info_owner_gid(info), getgid());
        ck_assert_uint_eq(shmbroker_info_creator_uid(info), getuid());
        ck_assert_uint_eq(shmbroker_info_creator_gid(info), getgid());
        ck_assert_uint_eq(shmbroker_info_mode(info), 0600);
        ck_assert_int_eq(shmbroker_info_attach_time(info, &attached), 0);
        ck_assert(attached >= before && attached <= library_now());
        ck_assert_int_eq(shmbroker_info_detach_time(info, &number), -ENODATA);
        ck_assert(shmbroker_info_change_time(info) >= before);
        ck_assert(shmbroker_info_change_time(info) <= attached);
        ck_assert_int_eq(shmbroker_info_creator_pid(info, &pid), 0);
        ck_assert_int_eq(pid, getpid());
        pid = 0;
        ck_assert_int_eq(shmbroker_info_last_pid(info, &pid), 0);
        ck_assert_int_eq(pid, getpid());
        ck_assert_uint_eq(library_attach_count(info), 1);
        ck_assert_int_eq(shmbroker_info_removed(info), 0);
        ck_assert_int_eq(shmbroker_info_remove_on_last_detach(info), 0);
        ck_assert_int_eq(shmbroker_info_linger(info, &number), -ENODATA);
        ck_assert_int_eq(shmbroker_info_locked(info), 0);
        ck_assert_uint_eq(shmbroker_info_seals(info) & ~(unsigned int) SHMBROKER_SEAL_EXEC,
                          SHMBROKER_SEAL_SHRINK | SHMBROKER_SEAL_GROW | SHMBROKER_SEAL_SEAL);
        ck_assert_int_eq(shmbroker_info_adopted(info), 0);
        ck_assert_ptr_null(shmbroker_info_unavailable(info));
        ck_assert_int_eq(shmbroker_info_key(info, &key), -ENODATA);
        ck_assert_int_eq(shmbroker_info_shmid(info, &flag), -ENODATA);
        ck_assert_ptr_null(shmbroker_info_posix_name(info));
        ck_assert_ptr_null(shmbroker_info_file_path(info));
        ck_assert_int_eq(fstat(shmbroker_segment_fd(segment), &st), 0);
        (void) snprintf(device, sizeof(device), "%u:%u", major(st.st_dev), minor(st.st_dev));
        ck_assert_str_eq(shmbroker_info_device(info), device);
        ck_assert_int_eq(shmbroker_info_inode(info, &number), 0);
        ck_assert_uint_eq(number, st.st_ino);
        ck_assert_ptr_nonnull(strstr(shmbroker_info_json(info), "\"name\":\"a/b\""));
        ck_assert_int_eq(shmbroker_info_json(info)[strlen(shmbroker_info_json(info)) - 1], '}');
        ck_assert_ptr_null(shmbroker_info_free(info));

        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_stat(connection, "a/b", 0, &info), 0);
        ck_assert_int_eq(shmbroker_info_detach_time(info, &number), 0);
        ck_assert(number >= attached && number <= library_now());
        ck_assert_int_eq(shmbroker_info_other_holders(info, &flag), 0);
        ck_assert_int_eq(flag, 0);
        ck_assert_uint_eq(library_attach_count(info), 0);
        shmbroker_info_free(info);
        library_remove(connection, "a/b");
        shmbroker_close(connection);
        ck_assert_ptr_null(shmbroker_info_free(NULL));
}

TEST(remove) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", PAGE);
        int64_t id = shmbroker_info_id(shmbroker_segment_info(segment));
        struct shmbroker_info *info = NULL;

        ck_assert_int_eq(shmbroker_remove(connection, "a", 0, 1, &info), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "flags");
        ck_assert_int_eq(shmbroker_error_kind(shmbroker_get_error(connection)),
                         SHMBROKER_ERROR_LOCAL);
        ck_assert_int_eq(shmbroker_remove(connection, "a", 0, 0, &info), 0);
        ck_assert_uint_eq(library_attach_count(info), 1);
        ck_assert_int_eq(shmbroker_info_removed(info), 1);
        ck_assert_ptr_null(shmbroker_info_name(info));
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), -ENOENT);
        ck_assert_int_eq(shmbroker_stat(connection, NULL, id, &info), 0);
        ck_assert_int_eq(shmbroker_info_removed(info), 1);
        ck_assert_ptr_null(shmbroker_info_name(info));
        shmbroker_info_free(info);
        memset(shmbroker_segment_data(segment), 'x', PAGE);
        shmbroker_release(segment);
        ck_assert_int_eq(shmbroker_remove(connection, NULL, id, 0, NULL), -ENOENT);
        shmbroker_release(library_create(connection, "a", PAGE));
        ck_assert_int_eq(shmbroker_remove(connection, "a", 0, 0, &info), 0);
        ck_assert_ptr_null(info);
        shmbroker_close(connection);
}

typedef int Getter(const struct shmbroker_status *status, size_t index, const char **ret_name,
                   int64_t *ret_value);

static int64_t status_value(const struct shmbroker_status *status, Getter *get, const char *name) {
        const char *found;
        int64_t value;
        size_t i = 0;

        for (; get(status, i, &found, &value) == 0; ++i)
                if (strcmp(found, name) == 0)
                        return value;
        ck_assert_int_eq(get(status, i, &found, &value), -ENODATA);
        ck_assert_int_eq(get(status, SIZE_MAX, &found, &value), -ENODATA);
        ck_abort_msg("there is no %s", name);
}

TEST(status) {
        struct shmbroker *connection = library_connect(), *other = library_connect();
        struct shmbroker_segment *segment = library_create(connection, "a", 2 * PAGE);
        struct shmbroker_status *status = NULL;
        uint64_t start;

        ((char *) shmbroker_segment_data(segment))[0] = 'x';
        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_str_eq(shmbroker_status_version(status), PACKAGE_VERSION);
        start = shmbroker_status_start_time(status);
        ck_assert(start <= library_now() && start > library_now() - 600 * USEC_PER_SEC);
        ck_assert_uint_eq(shmbroker_status_generation(status), 0);
        ck_assert_uint_eq(shmbroker_status_segment_count(status), 1);
        ck_assert_uint_eq(shmbroker_status_attachment_count(status), 1);
        ck_assert_uint_eq(shmbroker_status_total_bytes(status), 2 * PAGE);
        ck_assert_uint_eq(shmbroker_status_allocated_bytes(status), PAGE);
        ck_assert_int_gt(status_value(status, shmbroker_status_limit, "bytesPerUser"), 0);
        ck_assert_int_eq(status_value(status, shmbroker_status_counter, "segmentsCreated"), 1);
        ck_assert_ptr_nonnull(strstr(shmbroker_status_json(status), "\"counters\":{"));
        ck_assert_ptr_null(shmbroker_status_free(status));
        ck_assert_ptr_null(shmbroker_status_free(NULL));
        shmbroker_release(segment);
        library_remove(connection, "a");
        shmbroker_close(other);
        shmbroker_close(connection);
}
