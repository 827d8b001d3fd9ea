/* SPDX-License-Identifier: MIT */
/* libshmbroker: every way to map a segment, follow it when it grows, and make one of a descriptor.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fake.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define PAGE ((size_t) 4096)

/* What calls of the library fail with from now on, 0 for nothing; and a kernel before 4.17. */
static struct {
        int mlock_errno;
        int mremap_errno;
        bool no_fixed_noreplace;
} broken;

int __real_mlock(const void *address, size_t length);
int __wrap_mlock(const void *address, size_t length);
void *__real_mremap(void *address, size_t length, size_t new_length, int flags);
void *__wrap_mremap(void *address, size_t length, size_t new_length, int flags);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

int __wrap_mlock(const void *address, size_t length) {
        if (broken.mlock_errno == 0)
                return __real_mlock(address, length);
        errno = broken.mlock_errno;
        return -1;
}

void *__wrap_mremap(void *address, size_t length, size_t new_length, int flags) {
        if (broken.mremap_errno == 0)
                return __real_mremap(address, length, new_length, flags);
        errno = broken.mremap_errno;
        return MAP_FAILED;
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
        if (broken.no_fixed_noreplace)
                flags &= ~MAP_FIXED_NOREPLACE;
        return __real_mmap(address, length, protection, flags, fd, offset);
}

static void up(void) {
        fixture_up(NULL);
        memset(&broken, 0, sizeof(broken));
}

static struct shmbroker_options *options_new(void) {
        struct shmbroker_options *options = NULL;

        ck_assert_int_eq(shmbroker_options_new(&options), 0);
        return options;
}

/* A segment "a" of three pages that can grow to ten, each page full of its number. */
static void create(struct shmbroker *connection) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 3 * PAGE);
        struct shmbroker_segment *segment = NULL;

        shmbroker_options_set_maximum(options, 10 * PAGE);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        for (size_t i = 0; i < 3; ++i)
                memset((char *) shmbroker_segment_data(segment) + i * PAGE, (int) i, PAGE);
        shmbroker_release(segment);
        shmbroker_options_free(options);
}

static struct shmbroker_segment *acquire(struct shmbroker *connection,
                                         struct shmbroker_options *options) {
        struct shmbroker_segment *segment = NULL;
        int r = shmbroker_acquire(connection, "a", options, &segment);

        ck_assert_msg(r == 0, "%d: %s", r,
                      shmbroker_error_message(shmbroker_get_error(connection)));
        return segment;
}

static void fails(struct shmbroker *connection, struct shmbroker_options *options, int expected,
                  const char *parameter, const char *words) {
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), expected);
        ck_assert_ptr_null(segment);
        ck_assert_int_eq(shmbroker_error_code(error), expected);
        ck_assert_ptr_null(shmbroker_error_name(error));
        if (parameter)
                ck_assert_str_eq(shmbroker_error_text(error, "parameter"), parameter);
        else
                ck_assert_ptr_null(shmbroker_error_text(error, "parameter"));
        ck_assert_msg(strstr(shmbroker_error_message(error), words), "'%s' has no '%s'",
                      shmbroker_error_message(error), words);
}

static void end(struct shmbroker *connection, struct shmbroker_options *options) {
        shmbroker_options_free(options);
        library_remove(connection, "a");
        shmbroker_close(connection);
}

static char *bytes(const struct shmbroker_segment *segment) {
        return shmbroker_segment_data(segment);
}

SUITE("library-map");
CASE("map", .setup = up, .teardown = fixture_down);

TEST(window) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment;

        create(connection);
        shmbroker_options_set_window(options, PAGE, 100);
        segment = acquire(connection, options);
        ck_assert_int_eq(bytes(segment)[0], 1);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), PAGE);
        ck_assert_uint_eq(shmbroker_segment_offset(segment), PAGE);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 3 * PAGE);
        /* It can slide; without a length it goes up to the end. */
        shmbroker_options_set_window(options, 2 * PAGE, 0);
        ck_assert_int_eq(shmbroker_segment_map(segment, options), 0);
        ck_assert_int_eq(bytes(segment)[0], 2);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), PAGE);
        /* What is not possible leaves it as it was. */
        shmbroker_options_set_window(options, 2 * PAGE, PAGE + 1);
        ck_assert_int_eq(shmbroker_segment_map(segment, options), -EINVAL);
        ck_assert_int_eq(bytes(segment)[0], 2);
        ck_assert_uint_eq(shmbroker_segment_offset(segment), 2 * PAGE);
        shmbroker_options_set_window(options, 0, 3 * PAGE);
        ck_assert_int_eq(shmbroker_segment_map(segment, options), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 3 * PAGE);
        /* The very end is a window, of nothing. */
        shmbroker_options_set_window(options, 3 * PAGE, 0);
        ck_assert_int_eq(shmbroker_segment_map(segment, options), 0);
        ck_assert_ptr_null(shmbroker_segment_data(segment));
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 0);
        shmbroker_release(segment);
        end(connection, options);
}

TEST(wrong_window) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();

        create(connection);
        shmbroker_options_set_window(options, 1, 0);
        fails(connection, options, -EINVAL, "offset", "begin at a page");
        shmbroker_options_set_window(options, 4 * PAGE, 0);
        fails(connection, options, -EINVAL, "offset", "begin at a page of the segment");
        shmbroker_options_set_window(options, UINT64_MAX - PAGE + 1, PAGE);
        fails(connection, options, -EINVAL, "offset", "begin at a page");
        shmbroker_options_set_window(options, 2 * PAGE, PAGE + 1);
        fails(connection, options, -EINVAL, "length", "longer than");
        shmbroker_options_set_window(options, PAGE, UINT64_MAX);
        fails(connection, options, -EINVAL, "length", "longer than");
        /* Room to grow is only there for who reserves it. */
        shmbroker_options_set_window(options, 0, 4 * PAGE);
        fails(connection, options, -EINVAL, "length", "longer than");
        shmbroker_options_set_reserve(options, 1);
        shmbroker_release(acquire(connection, options));
        shmbroker_options_set_window(options, 0, 10 * PAGE + 1);
        fails(connection, options, -EINVAL, "length", "longer than");
        end(connection, options);
}

/* A private segment whose mapping fails is gone again; nothing is created if it cannot be meant. */
TEST(wrong_window_creates_nothing) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, PAGE);
        struct shmbroker_status *status = NULL;
        struct shmbroker_segment *segment = NULL;
        int64_t n_created = -1;

        shmbroker_options_set_window(options, 2 * PAGE, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), -EINVAL);
        shmbroker_options_set_window(options, 5, 0);
        ck_assert_int_eq(shmbroker_acquire(connection, NULL, options, &segment), -EINVAL);
        ck_assert_int_eq(shmbroker_get_status(connection, &status), 0);
        ck_assert_uint_eq(shmbroker_status_segment_count(status), 0);
        ck_assert_int_eq(shmbroker_status_counter_by_name(status, "segmentsCreated", &n_created),
                         0);
        ck_assert_int_eq(n_created, 1);
        shmbroker_status_free(status);
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

TEST(private_copy) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *copy, *shared;
        struct shmbroker_info *info = NULL;

        create(connection);
        shared = acquire(connection, NULL);
        shmbroker_options_set_private_copy(options, 1);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        copy = acquire(connection, options);
        ck_assert_int_eq(shmbroker_segment_access(copy), SHMBROKER_ACCESS_READ_ONLY);
        memset(bytes(copy), 'x', PAGE);
        ck_assert_int_eq(bytes(shared)[0], 0);
        memset(bytes(shared), 'y', PAGE);
        ck_assert_int_eq(bytes(copy)[0], 'x');
        /* It is an attachment, too. */
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        ck_assert_uint_eq(library_attach_count(info), 2);
        shmbroker_info_free(info);
        /* When it grows, what was written stays. */
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 10 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(copy, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(copy), 10 * PAGE);
        ck_assert_int_eq(bytes(copy)[PAGE - 1], 'x');
        ck_assert_int_eq(bytes(copy)[2 * PAGE], 2);
        ck_assert_int_eq(bytes(copy)[10 * PAGE - 1], 0);
        shmbroker_options_set_populate(options, 1);
        shmbroker_release(acquire(connection, options));
        shmbroker_release(copy);
        shmbroker_release(shared);
        end(connection, options);
}

TEST(reserve) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment, *other;
        struct shmbroker_info *info = NULL;
        uint64_t allocated = 0;
        char *before;

        create(connection);
        shmbroker_options_set_reserve(options, 1);
        /* Only what it has now is populated and locked. */
        shmbroker_options_set_populate(options, 1);
        shmbroker_options_set_mlock(options, 1);
        segment = acquire(connection, options);
        before = bytes(segment);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 10 * PAGE);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 3 * PAGE);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        ck_assert_int_eq(shmbroker_info_allocated(info, &allocated), 0);
        ck_assert_uint_eq(allocated, 3 * PAGE);
        shmbroker_info_free(info);
        other = acquire(connection, NULL);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 8 * PAGE, &info), 0);
        shmbroker_info_free(info);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_ptr_eq(bytes(segment), before);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 8 * PAGE);
        ck_assert_int_eq(shmbroker_stat(connection, "a", 0, &info), 0);
        ck_assert_int_eq(shmbroker_info_allocated(info, &allocated), 0);
        ck_assert_uint_eq(allocated, 8 * PAGE);
        shmbroker_info_free(info);
        bytes(segment)[8 * PAGE - 1] = 'x';
        /* Who did not reserve maps again, by what it was told. */
        ck_assert_int_eq(shmbroker_segment_remap(other, 8 * PAGE), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(other), 8 * PAGE);
        ck_assert_int_eq(bytes(other)[8 * PAGE - 1], 'x');
        ck_assert_int_eq(bytes(other)[2 * PAGE], 2);
        shmbroker_release(segment);
        shmbroker_release(other);
        /* Where there is no room to grow, it is as without. */
        library_remove(connection, "a");
        shmbroker_release(library_create(connection, "a", PAGE));
        segment = acquire(connection, options);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), PAGE);
        shmbroker_release(segment);
        end(connection, options);
}

TEST(begins_with_nothing) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 0);
        struct shmbroker_segment *segment;

        shmbroker_options_set_maximum(options, 2 * PAGE);
        segment = acquire(connection, options);
        ck_assert_ptr_null(shmbroker_segment_data(segment));
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 10, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), PAGE);
        strcpy(bytes(segment), "grown");
        shmbroker_release(segment);
        end(connection, options);
}

TEST(remap) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment, *bare, *window;
        const struct shmbroker_info *info;

        create(connection);
        segment = acquire(connection, NULL);
        shmbroker_options_set_map(options, 0);
        bare = acquire(connection, options);
        shmbroker_options_set_map(options, 1);
        shmbroker_options_set_window(options, PAGE, PAGE);
        window = acquire(connection, options);
        /* The same, and less, is nothing; more than the object has is not possible. */
        ck_assert_int_eq(shmbroker_segment_remap(segment, 3 * PAGE), 0);
        ck_assert_int_eq(shmbroker_segment_remap(segment, 1), 0);
        ck_assert_int_eq(shmbroker_segment_remap(segment, 10 * PAGE + 1), -EINVAL);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 3 * PAGE);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 3 * PAGE);

        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 9 * PAGE + 7, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 9 * PAGE + 7);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 10 * PAGE);
        info = shmbroker_segment_info(segment);
        ck_assert_uint_eq(shmbroker_info_size(info), 9 * PAGE + 7);
        ck_assert_str_eq(shmbroker_segment_name(segment), "a");
        bytes(segment)[9 * PAGE + 6] = 'e';
        ck_assert_int_eq(bytes(segment)[2 * PAGE], 2);
        /* What is not mapped, and a window, stay as they are. */
        ck_assert_int_eq(shmbroker_segment_refresh(bare, connection), 0);
        ck_assert_ptr_null(shmbroker_segment_data(bare));
        ck_assert_uint_eq(shmbroker_segment_size(bare), 9 * PAGE + 7);
        ck_assert_int_eq(shmbroker_segment_refresh(window, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(window), PAGE);
        ck_assert_int_eq(bytes(window)[0], 1);
        /* Until it is asked for. */
        ck_assert_int_eq(shmbroker_segment_map(bare, NULL), 0);
        ck_assert_int_eq(bytes(bare)[9 * PAGE + 6], 'e');
        shmbroker_segment_unmap(bare);
        shmbroker_segment_unmap(bare);
        ck_assert_ptr_null(shmbroker_segment_data(bare));
        ck_assert_uint_eq(shmbroker_segment_mapped(bare), 0);
        shmbroker_release(bare);
        shmbroker_release(window);
        shmbroker_release(segment);
        end(connection, options);
}

/* Where mremap(2) does not do it: huge pages, and mappings of which a part was changed. */
TEST(remap_otherwise) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment, *copy;

        create(connection);
        segment = acquire(connection, NULL);
        shmbroker_options_set_private_copy(options, 1);
        copy = acquire(connection, options);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 10 * PAGE, NULL), 0);
        broken.mremap_errno = ENOMEM;
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), -ENOMEM);
        ck_assert_ptr_nonnull(strstr(shmbroker_error_message(shmbroker_get_error(connection)),
                                     "segment 'a' cannot be mapped"));
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 3 * PAGE);
        ck_assert_uint_eq(shmbroker_segment_size(segment), 3 * PAGE);
        ck_assert_int_eq(bytes(segment)[PAGE], 1);
        broken.mremap_errno = EINVAL;
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 10 * PAGE);
        ck_assert_int_eq(bytes(segment)[PAGE], 1);
        /* A copy would lose what was written. */
        ck_assert_int_eq(shmbroker_segment_refresh(copy, connection), -EINVAL);
        ck_assert_uint_eq(shmbroker_segment_mapped(copy), 3 * PAGE);
        broken.mremap_errno = 0;
        ck_assert_int_eq(shmbroker_segment_refresh(copy, connection), 0);
        shmbroker_release(segment);
        shmbroker_release(copy);
        end(connection, options);
}

/* A range of free addresses, which nothing else takes as long as nobody maps. */
static char *free_range(size_t length) {
        void *address = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(address, MAP_FAILED);
        ck_assert_int_eq(munmap(address, length), 0);
        return address;
}

TEST(address) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment;
        char *address = free_range(64 * PAGE), *blocker;

        create(connection);
        address += 16 * PAGE;
        for (int old_kernel = 0; old_kernel < 2; ++old_kernel) {
                broken.no_fixed_noreplace = old_kernel;
                shmbroker_options_set_address(options, address);
                segment = acquire(connection, options);
                ck_assert_ptr_eq(bytes(segment), address);
                bytes(segment)[5] = 'x';
                /* Nothing is ever put over what is there. */
                fails(connection, options, -EADDRINUSE, NULL, "something else is there");
                shmbroker_options_set_address(options, address - PAGE);
                fails(connection, options, -EADDRINUSE, NULL, "something else is there");
                ck_assert_int_eq(bytes(segment)[5], 'x');
                shmbroker_release(segment);
        }
        broken.no_fixed_noreplace = false;
        shmbroker_options_set_address(options, address + 1);
        fails(connection, options, -EINVAL, "address", "not that of a page");
        shmbroker_options_set_address(options, address);
        /* It grows where it is, if there is room. */
        segment = acquire(connection, options);
        blocker = mmap(address + 6 * PAGE, PAGE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        ck_assert_ptr_eq(blocker, address + 6 * PAGE);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 6 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_ptr_eq(bytes(segment), address);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 6 * PAGE);
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 7 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), -ENOMEM);
        ck_assert_ptr_eq(bytes(segment), address);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 6 * PAGE);
        ck_assert_int_eq(munmap(blocker, PAGE), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 7 * PAGE);
        shmbroker_release(segment);
        end(connection, options);
}

TEST(locked) {
        static const int errnos[] = { ENOMEM, EPERM, EAGAIN };
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment;
        unsigned char there[3] = {};

        create(connection);
        shmbroker_options_set_mlock(options, 1);
        segment = acquire(connection, options);
        ck_assert_int_eq(mincore(bytes(segment), 3 * PAGE, there), 0);
        ck_assert_int_eq(there[0] & there[1] & there[2] & 1, 1);
        for (size_t i = 0; i < ARRAY_SIZE(errnos); ++i) {
                int expected = errnos[i] == EAGAIN ? -ENOMEM : -errnos[i];

                broken.mlock_errno = errnos[i];
                fails(connection, options, expected, NULL, "locked (see RLIMIT_MEMLOCK)");
                ck_assert_int_eq(shmbroker_segment_map(segment, NULL), expected);
                ck_assert_int_eq(bytes(segment)[PAGE], 1);
        }
        broken.mlock_errno = 0;
        ck_assert_int_eq(shmbroker_resize(connection, "a", 0, 5 * PAGE, NULL), 0);
        ck_assert_int_eq(shmbroker_segment_refresh(segment, connection), 0);
        shmbroker_release(segment);
        end(connection, options);
}

/* The number is closed, or something else's: what needs the descriptor says so. */
TEST(closed_descriptor) {
        struct shmbroker *connection = library_connect();
        struct shmbroker_segment *segment;
        int fd;

        create(connection);
        segment = acquire(connection, NULL);
        fd = shmbroker_segment_fd(segment);
        ck_assert_int_eq(close(fd), 0);
        ck_assert_int_eq(shmbroker_segment_remap(segment, 5 * PAGE), -EBADF);
        ck_assert_int_eq(shmbroker_segment_map(segment, NULL), -EBADF);
        ck_assert_int_eq(open("/dev/null", O_RDONLY | O_CLOEXEC), fd);
        ck_assert_int_eq(shmbroker_segment_remap(segment, 5 * PAGE), -EBADF);
        ck_assert_int_eq(shmbroker_segment_map(segment, NULL), -EBADF);
        ck_assert_int_eq(bytes(segment)[PAGE], 1);
        shmbroker_release(segment);
        ck_assert_int_eq(close(fd), 0);
        end(connection, NULL);
}

TEST(huge_pages) {
        const uint64_t huge = 2 << 20;
        struct shmbroker *connection = library_connect();
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, huge + 1);
        struct shmbroker_segment *segment = NULL;
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        int r;

        shmbroker_options_set_page_size(options, 12345);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(error, "parameter"), "pageBytes");
        shmbroker_options_set_page_size(options, 16384);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), -EOPNOTSUPP);
        shmbroker_options_set_page_size(options, huge);
        r = shmbroker_acquire(connection, "a", options, &segment);
        /* The machine may have none to give, which is said and not got over. */
        ck_assert_msg(r == 0 || r == -ENOMEM || r == -ENOSPC || r == -EOPNOTSUPP, "%d", r);
        if (r == 0) {
                ck_assert_uint_eq(shmbroker_segment_size(segment), huge + 1);
                ck_assert_uint_eq(shmbroker_segment_mapped(segment), 2 * huge);
                ck_assert_uint_eq((uintptr_t) shmbroker_segment_data(segment) % huge, 0);
                shmbroker_options_set_window(options, PAGE, 0);
                ck_assert_int_eq(shmbroker_segment_map(segment, options), -EINVAL);
                shmbroker_options_set_window(options, huge, 1);
                ck_assert_int_eq(shmbroker_segment_map(segment, options), 0);
                ck_assert_uint_eq(shmbroker_segment_mapped(segment), huge);
                shmbroker_release(segment);
                library_remove(connection, "a");
        }
        shmbroker_options_free(options);
        shmbroker_close(connection);
}

/* ---- System V segments without a descriptor, of a broker that says what it likes */

#define SYSV_SEGMENT                                                                               \
        "{\"id\":1,\"kind\":\"sysv\",\"key\":%u,\"shmid\":%d,\"sizeBytes\":%d," SEGMENT_REST
#define SYSV_ACQUIRED                                                                              \
        "{\"parameters\":{\"created\":false,\"access\":\"readWrite\",\"ipcNamespace\":%lld,"       \
        "\"segment\":" SYSV_SEGMENT "}}"

static long long own_namespace(void) {
        struct stat st;

        ck_assert_int_eq(stat("/proc/self/ns/ipc", &st), 0);
        return (long long) st.st_ino;
}

/* What is attached is shown to the broker by a second call, whatever becomes of that. */
static int acquire_native(const char *acquired, bool works, const char *words,
                          struct shmbroker_options *options, struct shmbroker_segment **ret) {
        static const Answer second = { .text = "{\"error\":\"org.shmbroker.Broker.NoSuchSegment\"}",
                                       .expects = "org.shmbroker.Broker.Stat" };
        const Answer answers[] = { { .text = acquired }, second };
        struct shmbroker *connection = fake_connect(answers, works ? 2 : 1);
        const char *message;
        int r;

        r = shmbroker_acquire(connection, "a", options, ret);
        message = shmbroker_error_message(shmbroker_get_error(connection));
        ck_assert_msg(strstr(message, words), "'%s' has no '%s'", message, words);
        return fake_close(connection, r);
}

static void up_native(void) {
        native_begin();
        fake_begin();
}

static void down_native(void) {
        fake_end();
        native_end();
}

CASE("native", .setup = up_native, .teardown = down_native);

TEST(native) {
        int shmid = native_make_sysv(IPC_PRIVATE, 5000, 0600);
        struct shmbroker_options *options = options_new();
        struct shmbroker_segment *segment = NULL;
        char text[1024];

        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, own_namespace(), 0, shmid, 5000);
        ck_assert_int_eq(acquire_native(text, true, "", NULL, &segment), 0);
        ck_assert_uint_eq(native_nattch(shmid), 1);
        ck_assert_int_lt(shmbroker_segment_fd(segment), 0);
        ck_assert_uint_eq(shmbroker_segment_mapped(segment), 2 * PAGE);
        shmbroker_release(segment);
        ck_assert_uint_eq(native_nattch(shmid), 0);
        /* One that does not say where its shmids are from is believed. */
        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, 0LL, 0, shmid, 5000);
        ck_assert_int_eq(acquire_native(text, true, "", NULL, &segment), 0);
        shmbroker_release(segment);

        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, own_namespace() - 1, 0, shmid, 5000);
        ck_assert_int_eq(acquire_native(text, false, "broker's IPC namespace only", NULL, &segment),
                         -EOPNOTSUPP);
        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, own_namespace(), 7, shmid, 5000);
        ck_assert_int_eq(acquire_native(text, false, "is another segment", NULL, &segment),
                         -EOPNOTSUPP);
        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, own_namespace(), 0, shmid, 5001);
        ck_assert_int_eq(acquire_native(text, false, "is another segment", NULL, &segment),
                         -EOPNOTSUPP);
        shmbroker_options_set_map(options, 0);
        ck_assert_int_eq(acquire_native(text, false, "is another segment", options, &segment),
                         -EOPNOTSUPP);
        ck_assert_uint_eq(native_nattch(shmid), 0);
        ck_assert_int_eq(shmctl(shmid, IPC_RMID, NULL), 0);
        (void) snprintf(text, sizeof(text), SYSV_ACQUIRED, own_namespace(), 0, shmid, 5000);
        ck_assert_int_eq(acquire_native(text, false, "cannot be mapped", NULL, &segment), -EINVAL);
        shmbroker_options_free(options);
}
