/* SPDX-License-Identifier: MIT */
/*
 * What shared memory promises, by shmget(2), shmat(2), shmctl(2), shm_overview(7), mmap(2) and
 * memfd_create(2), as a program sees it that uses the library: on segments of every kind.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/library.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define PAGE 4096U
/* Neither whole pages nor a whole number of words. */
#define SIZE 5001U
#define NAME "promises"

static const int kinds[] = {
        SHMBROKER_KIND_MEMFD,
        SHMBROKER_KIND_POSIX,
        SHMBROKER_KIND_FILE,
        SHMBROKER_KIND_SYSV,
};

static int n_kinds(void) {
        if (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_CHECKPOINT_RESTORE) == 1)
                return (int) ARRAY_SIZE(kinds);
        unit_skip("descriptors of System V segments take CAP_CHECKPOINT_RESTORE");
        return (int) ARRAY_SIZE(kinds) - 1;
}

static struct shmbroker *connection;
static struct shmbroker_options *options;

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        connection = library_connect();
        ck_assert_int_eq(shmbroker_options_new(&options), 0);
}

static void teardown(void) {
        shmbroker_options_free(options);
        shmbroker_close(connection);
        fixture_down();
        native_end();
}

/* Of memory files, the kernel keeps the size; of the others, all who have them. */
static bool is_sealed(int kind) {
        return kind == SHMBROKER_KIND_MEMFD;
}

static struct shmbroker_segment *make(int kind, uint64_t maximum) {
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_options *creation = library_options(SHMBROKER_CREATE_NEW, SIZE);

        shmbroker_options_set_kind(creation, kind);
        shmbroker_options_set_remove_on_last_detach(creation, 1);
        if (kind == SHMBROKER_KIND_SYSV)
                shmbroker_options_set_key(creation, native_key());
        if (kind == SHMBROKER_KIND_POSIX)
                ck_assert_int_eq(shmbroker_options_set_posix_name(creation, native_name("0")), 0);
        if (maximum > 0) {
                shmbroker_options_set_maximum(creation, maximum);
                shmbroker_options_set_reserve(creation, 1);
        }
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, creation, &segment), 0);
        shmbroker_options_free(creation);
        return segment;
}

static struct shmbroker_segment *open_one(void) {
        struct shmbroker_segment *segment = NULL;

        ck_assert_int_eq(shmbroker_acquire(connection, NAME, options, &segment), 0);
        return segment;
}

static char *data(const struct shmbroker_segment *segment) {
        return shmbroker_segment_data(segment);
}

static uint64_t attach_count(void) {
        struct shmbroker_info *info = NULL;
        uint64_t count;

        ck_assert_int_eq(shmbroker_stat(connection, NAME, 0, &info), 0);
        count = library_attach_count(info);
        shmbroker_info_free(info);
        return count;
}

static bool is_gone(void) {
        struct shmbroker_info *info = NULL;

        for (int i = 0; i < 400; ++i) {
                if (shmbroker_stat(connection, NAME, 0, &info) == -ENOENT)
                        return true;
                info = shmbroker_info_free(info);
                usleep(5000);
        }
        return false;
}

static char *touched;
static bool touched_to_write;

static int touch(void *userdata) {
        (void) userdata;
        unit_assert_silently();
        /* The sanitizers' handlers would make an exit of it. */
        (void) signal(SIGBUS, SIG_DFL);
        (void) signal(SIGSEGV, SIG_DFL);
        if (touched_to_write)
                *(volatile char *) touched = 'x';
        else
                (void) *(volatile char *) touched;
        return 0;
}

/* The signal that a child ends by that reads, or writes, there; 0 if it may. */
static int touching(char *at, bool write) {
        pid_t pid;
        int status;

        touched = at;
        touched_to_write = write;
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(touch(NULL));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

SUITE("promises");
CASE("promises", .setup = setup, .teardown = teardown, .timeout = 30);

/* The size is what was asked for; the mapping is whole pages, of zeros, of which the tail is shared
 * memory as well. */
TEST(pages, .end = n_kinds()) {
        struct shmbroker_segment *one = make(kinds[_i], 0), *other = open_one();

        ck_assert_uint_eq(shmbroker_segment_size(one), SIZE);
        ck_assert_uint_eq(shmbroker_segment_mapped(one), 2 * PAGE);
        ck_assert_uint_eq((uintptr_t) data(one) % PAGE, 0);
        for (size_t i = 0; i < 2 * PAGE; ++i)
                ck_assert_int_eq(data(one)[i], 0);
        data(one)[SIZE - 1] = 'a';
        data(one)[2 * PAGE - 1] = 'z';
        ck_assert_int_eq(data(other)[SIZE - 1], 'a');
        ck_assert_int_eq(data(other)[2 * PAGE - 1], 'z');
        ck_assert_int_eq(data(other)[SIZE], 0);
        shmbroker_release(one);
        shmbroker_release(other);
}

/* A mapping goes on when its descriptor is closed, and counts. */
TEST(outlives_descriptor, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0);
        int fd = shmbroker_segment_fd(segment);
        char *at;

        ck_assert_int_ge(fd, 0);
        at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        shmbroker_release(segment);
        at[0] = 'm';
        ck_assert_uint_eq(attach_count(), 1);
        segment = open_one();
        ck_assert_int_eq(data(segment)[0], 'm');
        ck_assert_uint_eq(attach_count(), 2);
        shmbroker_release(segment);
        ck_assert_int_eq(munmap(at, SIZE), 0);
        ck_assert(is_gone());
}

/* Behind the last page there is nothing, whatever is mapped. */
TEST(end, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0);
        int fd = shmbroker_segment_fd(segment);
        char *at = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(touching(at + 2 * PAGE - 1, true), 0);
        ck_assert_int_eq(touching(at + 2 * PAGE, false), SIGBUS);
        ck_assert_int_eq(munmap(at, 4 * PAGE), 0);
        shmbroker_release(segment);
}

/* Nobody can take away what is within the size of a sealed one; of the others everybody can who may
 * open it for writing without the broker, and it is noticed. */
TEST(truncated, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0);
        struct shmbroker_info *info = NULL;
        int fd = shmbroker_segment_fd(segment), r = native_truncate(fd, 100);

        if (is_sealed(kinds[_i])) {
                ck_assert_int_eq(r, EPERM);
                ck_assert_int_eq(native_truncate(fd, 1 << 20), EPERM);
                ck_assert_int_eq(touching(data(segment) + PAGE, true), 0);
        } else {
                ck_assert_int_eq(r, 0);
                ck_assert_int_eq(touching(data(segment) + 100, true), 0);
                ck_assert_int_eq(touching(data(segment) + PAGE, true), SIGBUS);
                ck_assert_int_eq(shmbroker_stat(connection, NAME, 0, &info), 0);
                ck_assert_uint_eq(shmbroker_info_size(info), 100);
                shmbroker_info_free(info);
                /* It comes back as zeros, in the mapping that was there all the time. */
                data(segment)[99] = 'x';
                ck_assert_int_eq(native_truncate(fd, SIZE), 0);
                ck_assert_int_eq(data(segment)[99], 'x');
                ck_assert_int_eq(data(segment)[PAGE], 0);
        }
        shmbroker_release(segment);
}

/* What grows is there in mappings that were made before. */
TEST(growth, .end = n_kinds()) {
        struct shmbroker_segment *writer = make(kinds[_i], 10 * PAGE), *reader;

        shmbroker_options_set_reserve(options, 1);
        reader = open_one();
        ck_assert_uint_eq(shmbroker_segment_size(reader), SIZE);
        ck_assert_uint_eq(shmbroker_segment_mapped(reader), 10 * PAGE);
        ck_assert_int_eq(shmbroker_resize(connection, NAME, 0, 9 * PAGE, NULL), 0);
        data(writer)[9 * PAGE - 1] = 'g';
        ck_assert_int_eq(data(reader)[9 * PAGE - 1], 'g');
        ck_assert_int_eq(shmbroker_segment_refresh(reader, connection), 0);
        ck_assert_uint_eq(shmbroker_segment_size(reader), 9 * PAGE);
        ck_assert_int_eq(shmbroker_resize(connection, NAME, 0, 10 * PAGE + 1, NULL), -EINVAL);
        ck_assert_int_eq(shmbroker_resize(connection, NAME, 0, SIZE, NULL), -EINVAL);
        shmbroker_release(writer);
        shmbroker_release(reader);
}

/* MAP_PRIVATE: what is written is one's own. */
TEST(private_copy, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *copy;

        data(segment)[1] = 's';
        shmbroker_options_set_private_copy(options, 1);
        copy = open_one();
        ck_assert_int_eq(data(copy)[1], 's');
        data(copy)[1] = 'c';
        ck_assert_int_eq(data(segment)[1], 's');
        shmbroker_release(copy);
        copy = open_one();
        ck_assert_int_eq(data(copy)[1], 's');
        shmbroker_release(copy);
        shmbroker_release(segment);
}

/* SHM_RDONLY: writing ends the program, and the mapping cannot be turned into one for writing. */
TEST(read_only, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *reader;

        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        reader = open_one();
        ck_assert_int_eq(touching(data(reader), false), 0);
        ck_assert_int_eq(touching(data(reader), true), SIGSEGV);
        ck_assert_int_lt(mprotect(data(reader), PAGE, PROT_READ | PROT_WRITE), 0);
        ck_assert_int_eq(errno, EACCES);
        ck_assert_int_lt(write(shmbroker_segment_fd(reader), "x", 1), 0);
        ck_assert_int_eq(errno, EBADF);
        ck_assert_int_lt(ftruncate(shmbroker_segment_fd(reader), 1), 0);
        shmbroker_release(reader);
        shmbroker_release(segment);
}

/* Where it is wanted, and never over something else. */
TEST(address, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *placed, *refused = NULL;
        char *range = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(range, MAP_FAILED);
        ck_assert_int_eq(munmap(range, 64 * PAGE), 0);
        shmbroker_options_set_address(options, range + 16 * PAGE);
        placed = open_one();
        ck_assert_ptr_eq(data(placed), range + 16 * PAGE);
        shmbroker_options_set_address(options, range + 15 * PAGE);
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, options, &refused), -EADDRINUSE);
        shmbroker_options_set_address(options, range + 1);
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, options, &refused), -EINVAL);
        shmbroker_release(placed);
        shmbroker_release(segment);
}

/*
 * mlock(2) of the mapping; and as a program may, or may not, lock memory. The sanitizers' mlock(2)
 * does nothing, so that their own memory is never locked.
 */
TEST(locked, .end = n_kinds(), .skip = getenv("SANITIZERS"),
     .reason = "the sanitizers lock no memory") {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *locked;
        unsigned long before = unit_locked_kilobytes(getpid());

        shmbroker_options_set_mlock(options, 1);
        locked = open_one();
        ck_assert_uint_eq(unit_locked_kilobytes(getpid()), before + 2 * PAGE / 1024);
        shmbroker_release(locked);
        ck_assert_uint_eq(unit_locked_kilobytes(getpid()), before);
        shmbroker_release(segment);
}

static int hold(void *userdata) {
        int *pipe_fds = userdata;
        char byte;

        (void) close(pipe_fds[1]);
        return read(pipe_fds[0], &byte, 1) == 0 ? 0 : 1;
}

/* fork(2) inherits, exec(2) and the end of a process let go: nobody has to say so. */
TEST(processes, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0);
        int fds[2], status;
        pid_t pid;

        ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(hold(fds));
        (void) close(fds[0]);
        shmbroker_release(segment);
        /* The child has it: one attachment, which it did not begin. */
        usleep(20000);
        ck_assert_uint_eq(attach_count(), 1);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        (void) close(fds[1]);
        ck_assert(is_gone());

        segment = make(kinds[_i], 0);
        ck_assert_int_eq(pipe(fds), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                (void) dup2(fds[0], STDIN_FILENO);
                (void) close(fds[1]);
                (void) execlp("cat", "cat", NULL);
                _exit(1);
        }
        (void) close(fds[0]);
        shmbroker_release(segment);
        ck_assert(is_gone());
        (void) close(fds[1]);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
}

/* IPC_RMID: the name is free at once, for a new segment of zeros; the old one is there by its
 * number as long as somebody has it; and a second time works as well. */
TEST(removed, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *other = NULL, *again = NULL;
        struct shmbroker_info *left = NULL;
        int64_t id;

        ck_assert_int_eq(shmbroker_segment_id(segment, &id), 0);
        data(segment)[0] = 'o';
        for (int i = 0; i < 2; ++i) {
                ck_assert_int_eq(
                        shmbroker_remove(connection, i ? NULL : NAME, i ? id : 0, 0, &left), 0);
                ck_assert_ptr_nonnull(left);
                left = shmbroker_info_free(left);
        }
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, options, &other), -ENOENT);
        other = make(kinds[_i], 0);
        ck_assert_int_eq(data(other)[0], 0);
        ck_assert_int_eq(shmbroker_acquire_id(connection, id, NULL, &again), 0);
        ck_assert_int_eq(data(again)[0], 'o');
        shmbroker_release(segment);
        shmbroker_release(again);
        ck_assert_int_eq(shmbroker_acquire_id(connection, id, NULL, &again), -ENOENT);
        shmbroker_release(other);
}

/* shmget(2) of what is there: EEXIST before EINVAL, and rounding up to pages does not help. */
TEST(order, .end = n_kinds()) {
        struct shmbroker_segment *segment = make(kinds[_i], 0), *refused = NULL;
        struct shmbroker_options *creation = library_options(SHMBROKER_CREATE_NEW, 100 * SIZE);

        ck_assert_int_eq(shmbroker_acquire(connection, NAME, creation, &refused), -EEXIST);
        shmbroker_options_set_create(creation, SHMBROKER_CREATE_ANY);
        shmbroker_options_set_size(creation, SIZE + 1);
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, creation, &refused), -EINVAL);
        shmbroker_options_set_size(creation, SIZE);
        ck_assert_int_eq(shmbroker_acquire(connection, NAME, creation, &refused), 0);
        ck_assert(!shmbroker_segment_created(refused));
        shmbroker_release(refused);
        shmbroker_options_free(creation);
        shmbroker_release(segment);
}

/* A new one has a creator and no past. */
TEST(new, .end = n_kinds()) {
        struct shmbroker_options *creation = library_options(SHMBROKER_CREATE_NEW, SIZE);
        struct shmbroker_segment *segment;
        const struct shmbroker_info *info;
        uint64_t usec;
        pid_t pid;

        segment = make(kinds[_i], 0);
        info = shmbroker_segment_info(segment);
        ck_assert_int_eq(shmbroker_info_creator_pid(info, &pid), 0);
        ck_assert_int_eq(pid, getpid());
        ck_assert_int_eq(shmbroker_info_detach_time(info, &usec), -ENODATA);
        ck_assert_int_eq(shmbroker_info_attach_time(info, &usec), 0);
        ck_assert_uint_le(usec, library_now());
        ck_assert_uint_ge(usec + 60 * 1000000U, library_now());
        ck_assert_uint_eq(library_attach_count(info), 1);
        shmbroker_release(segment);
        shmbroker_options_free(creation);
}
