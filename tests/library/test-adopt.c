/* SPDX-License-Identifier: MIT */
/* libshmbroker: objects of processes that were killed are adopted, and others are left alone. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

#define SIZE ((size_t) 5000)
#define TEXT "of a process that was killed"

static struct shmbroker *connection;

static void up(void) {
        native_begin();
        fixture_up(NULL);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        connection = library_connect();
}

static void down(void) {
        connection = shmbroker_close(connection);
        fixture_down();
        native_end();
}

static const char *message(void) {
        return shmbroker_error_message(shmbroker_get_error(connection));
}

static int make_sysv(uint32_t key) {
        int shmid = native_make_sysv(key, SIZE, 0600);

        native_write_sysv(shmid, TEXT);
        return shmid;
}

static void make_posix(const char *name) {
        native_make_posix(name, SIZE, 0600);
        native_write_posix(name, TEXT);
}

static char *shm_path(const char *posix_name) {
        return unit_path("/dev/shm", posix_name + 1);
}

/* What has that id is @name, is adopted, and has what was written there before. */
static void assert_adopted(struct shmbroker_info *info, const char *name, int kind) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_OPEN, SIZE);
        struct shmbroker_segment *segment = NULL;
        char *data;

        ck_assert_int_eq(shmbroker_info_adopted(info), 1);
        ck_assert_int_eq(shmbroker_info_kind(info), kind);
        ck_assert_uint_eq(shmbroker_info_size(info), SIZE);
        ck_assert_uint_eq(library_attach_count(info), 0);
        if (name)
                ck_assert_str_eq(shmbroker_info_name(info), name);
        else
                ck_assert_ptr_null(shmbroker_info_name(info));
        ck_assert_int_eq(
                shmbroker_acquire_id(connection, shmbroker_info_id(info), options, &segment), 0);
        data = shmbroker_segment_data(segment);
        ck_assert_str_eq(data, TEXT);
        strcpy(data, TEXT " twice");
        /* Of memory there is nothing to write to a disk. */
        ck_assert_int_eq(shmbroker_segment_sync(segment, 0, 0), 0);
        shmbroker_release(segment);
        shmbroker_options_free(options);
}

/* What was passed in vain is closed by a thread, and is a holder until then. */
static void remove_adopted(struct shmbroker_info *info) {
        struct shmbroker_info *left = info;
        int64_t id = shmbroker_info_id(info);

        ck_assert_int_eq(shmbroker_remove(connection, NULL, id, 0, &left), 0);
        for (int i = 0; left; ++i) {
                ck_assert_int_lt(i, 2000);
                usleep(5000);
                shmbroker_info_free(left);
                left = NULL;
                if (shmbroker_stat(connection, NULL, id, &left) < 0)
                        left = NULL;
        }
        shmbroker_info_free(info);
}

SUITE("library-adopt");
CASE("adopt", .setup = up, .teardown = down, .timeout = 60);

TEST(sysv, .end = 3) {
        uint32_t key = _i > 0 ? native_key() : IPC_PRIVATE, got = 1;
        int shmid = make_sysv(key), id = -1;
        struct shmbroker_info *info = NULL;
        struct shmid_ds before, after;
        char name[32], *data;
        pid_t pid = 0;

        ck_assert_int_eq(shmctl(shmid, IPC_STAT, &before), 0);
        if (_i < 2)
                ck_assert_int_eq(shmbroker_adopt_sysv(connection, shmid, NULL, NULL, &info), 0);
        else
                ck_assert_int_eq(shmbroker_adopt_key(connection, key, NULL, NULL, &info), 0);
        ck_assert_int_eq(shmctl(shmid, IPC_STAT, &after), 0);
        ck_assert_int_eq(memcmp(&before.shm_perm, &after.shm_perm, sizeof(before.shm_perm)), 0);
        ck_assert_int_eq(shmbroker_info_key(info, &got), 0);
        ck_assert_uint_eq(got, key);
        ck_assert_int_eq(shmbroker_info_shmid(info, &id), 0);
        ck_assert_int_eq(id, shmid);
        ck_assert_int_eq(shmbroker_info_creator_pid(info, &pid), 0);
        ck_assert_int_eq(pid, before.shm_cpid);
        ck_assert_uint_eq(shmbroker_info_change_time(info), (uint64_t) before.shm_ctime * 1000000);
        if (key != IPC_PRIVATE)
                (void) snprintf(name, sizeof(name), "sysv/0x%08x", key);
        else
                (void) snprintf(name, sizeof(name), "sysv/%d", shmid);
        assert_adopted(info, name, SHMBROKER_KIND_SYSV);
        data = shmat(shmid, NULL, SHM_RDONLY);
        ck_assert_ptr_ne(data, (void *) -1);
        ck_assert_str_eq(data, TEXT " twice");
        ck_assert_int_eq(shmdt(data), 0);
        remove_adopted(info);
        ck_assert(!native_has_sysv(shmid));
}

TEST(posix) {
        const char *posix_name = native_name("p");
        _cleanup_(freep) char *path = shm_path(posix_name);
        struct shmbroker_attributes *attributes = NULL;
        struct shmbroker_info *info = NULL;
        uint64_t linger = 0;
        char name[128];

        make_posix(posix_name);
        ck_assert_int_eq(shmbroker_attributes_new(&attributes), 0);
        shmbroker_attributes_set_linger(attributes, 3600000000);
        shmbroker_attributes_set_mode(attributes, 0666);
        ck_assert_int_eq(shmbroker_adopt_posix(connection, posix_name, NULL, attributes, &info),
                         -EINVAL);
        ck_assert_str_eq(shmbroker_error_text(shmbroker_get_error(connection), "parameter"),
                         "mode");
        shmbroker_attributes_free(attributes);
        ck_assert_int_eq(shmbroker_attributes_new(&attributes), 0);
        shmbroker_attributes_set_linger(attributes, 3600000000);
        ck_assert_int_eq(shmbroker_adopt_posix(connection, posix_name, NULL, attributes, &info), 0);
        ck_assert_str_eq(shmbroker_info_posix_name(info), posix_name);
        ck_assert_int_eq(shmbroker_info_linger(info, &linger), 0);
        ck_assert_uint_eq(linger, 3600000000);
        (void) snprintf(name, sizeof(name), "posix%s", posix_name);
        assert_adopted(info, name, SHMBROKER_KIND_POSIX);
        remove_adopted(info);
        ck_assert_int_lt(access(path, F_OK), 0);
        shmbroker_attributes_free(attributes);
}

TEST(memfd, .end = 2) {
        struct shmbroker_info *info = NULL;
        int fd = unit_memfd(SIZE);

        ck_assert_int_eq(pwrite(fd, TEXT, sizeof(TEXT), 0), sizeof(TEXT));
        ck_assert_int_eq(shmbroker_adopt_fd(connection, fd, _i ? "a/memory" : NULL, NULL, &info),
                         0);
        ck_assert_uint_eq(shmbroker_info_seals(info), SHMBROKER_SEAL_SHRINK | SHMBROKER_SEAL_GROW);
        ck_assert_int_lt(ftruncate(fd, 1), 0);
        /* It remains ours. */
        ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
        fd_close(fd);
        assert_adopted(info, _i ? "a/memory" : NULL, SHMBROKER_KIND_MEMFD);
        remove_adopted(info);
}

/* A file whose file system keeps the broker from it; the reason is the machine's. */
static bool is_elsewhere(int r) {
        if (r != -EOPNOTSUPP || !strstr(message(), "file system"))
                return false;
        printf("not tried here: %s\n", message());
        return true;
}

TEST(file) {
        _cleanup_(freep) char *directory = unit_directory(), *path = unit_path(directory, "file");
        _cleanup_(freep) char *data = NULL;
        struct shmbroker_info *info = NULL;
        struct shmbroker_segment *segment = NULL;
        int fd, r;

        unit_write_file(path, TEXT, sizeof(TEXT));
        fd = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(ftruncate(fd, SIZE), 0);
        r = shmbroker_adopt_fd(connection, fd, "f", NULL, &info);
        fd_close(fd);
        if (is_elsewhere(r))
                return;
        ck_assert_msg(r == 0, "%s", message());
        assert_adopted(info, "f", SHMBROKER_KIND_FILE);
        ck_assert_int_eq(shmbroker_acquire(connection, "f", NULL, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 0, 0), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 4999, 1), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 1, 4096), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 8192, 0), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 8192, 1), -EINVAL);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 8193, 0), -EINVAL);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 1, UINT64_MAX), -EINVAL);
        shmbroker_segment_unmap(segment);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 0, 0), -EINVAL);
        shmbroker_release(segment);
        remove_adopted(info);
        /* It keeps its name and what is in it. */
        data = unit_read_file(path, NULL);
        ck_assert_str_eq(data, TEXT " twice");
        ck_assert_int_eq(unlink(path), 0);
}

/* A name in the broker's directory that could not be told. */
TEST(file_name) {
        _cleanup_(freep) char *path = unit_path(fixture_directory(), "state/files/\xff");
        int fd, r;

        unit_write_file(path, TEXT, sizeof(TEXT));
        fd = open(path, O_RDWR | O_CLOEXEC);
        r = shmbroker_adopt_fd(connection, fd, "f", NULL, NULL);
        fd_close(fd);
        ck_assert_int_eq(unlink(path), 0);
        if (is_elsewhere(r))
                return;
        ck_assert_int_eq(r, -EOPNOTSUPP);
        ck_assert_msg(strstr(message(), "not UTF-8"), "%s", message());
}

/* A window of it is what can be written to the disk. */
TEST(sync_window) {
        struct shmbroker_options *options = library_options(SHMBROKER_CREATE_NEW, 4 * 4096);
        struct shmbroker_segment *segment = NULL;

        shmbroker_options_set_window(options, 4096, 8192);
        shmbroker_options_set_remove_on_last_detach(options, 1);
        ck_assert_int_eq(shmbroker_acquire(connection, "a", options, &segment), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 4096, 0), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 5000, 100), 0);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 4095, 1), -EINVAL);
        ck_assert_int_eq(shmbroker_segment_sync(segment, 4096, 8193), -EINVAL);
        shmbroker_release(segment);
        shmbroker_options_free(options);
}

/* ---- what cannot be adopted */

static void assert_refused(int r, int expected, const char *words) {
        ck_assert_msg(r == expected, "%d instead of %d: %s", r, expected, message());
        ck_assert_msg(strstr(message(), words), "'%s' has no '%s'", message(), words);
}

TEST(missing) {
        const char *posix_name = native_name("missing");
        int shmid = make_sysv(IPC_PRIVATE);
        struct shmbroker_info *info = NULL;
        char long_name[300] = "/";

        ck_assert_int_eq(shmctl(shmid, IPC_RMID, NULL), 0);
        assert_refused(shmbroker_adopt_sysv(connection, shmid, NULL, NULL, &info), -ENOENT,
                       "there is no System V segment with the shmid ");
        assert_refused(shmbroker_adopt_key(connection, native_key(), NULL, NULL, &info), -ENOENT,
                       "there is no System V segment with the key 0x");
        assert_refused(shmbroker_adopt_posix(connection, posix_name, NULL, NULL, &info), -ENOENT,
                       "there is no POSIX object '/shmbroker-test.");
        /* And what can never be. */
        assert_refused(shmbroker_adopt_sysv(connection, -1, NULL, NULL, &info), -EINVAL, "shmid");
        assert_refused(shmbroker_adopt_key(connection, 0, NULL, NULL, &info), -EINVAL, "key");
        assert_refused(shmbroker_adopt_posix(connection, "none", NULL, NULL, &info), -EINVAL,
                       "posixName");
        assert_refused(shmbroker_adopt_posix(connection, "/a/b", NULL, NULL, &info), -EINVAL,
                       "posixName");
        assert_refused(shmbroker_adopt_posix(connection, "/\xff", NULL, NULL, &info), -EINVAL,
                       "UTF-8");
        memset(long_name + 1, 'x', 255);
        assert_refused(shmbroker_adopt_posix(connection, long_name, NULL, NULL, &info), -EINVAL,
                       "255");
        assert_refused(shmbroker_adopt_posix(connection, posix_name, "no good", NULL, &info),
                       -EINVAL, "no segment can have this name");
        assert_refused(shmbroker_adopt_fd(connection, -1, NULL, NULL, &info), -EBADF, "");
        assert_refused(shmbroker_adopt_fd(connection, 999, NULL, NULL, &info), -EBADF, "");
        ck_assert_ptr_null(info);
}

static bool same_file(const struct stat *a, const struct stat *b) {
        return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
               a->st_size == b->st_size && a->st_nlink == b->st_nlink &&
               a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* It is refused, and as it was before; @fd is closed. */
static void assert_fd_refused(int fd, const char *words) {
        struct stat before, after;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &before), 0);
        assert_refused(shmbroker_adopt_fd(connection, fd, "x", NULL, NULL), -EOPNOTSUPP, words);
        ck_assert_str_ne(shmbroker_error_text(shmbroker_get_error(connection), "reason"), "");
        ck_assert_int_eq(fstat(fd, &after), 0);
        ck_assert(same_file(&before, &after));
        fd_close(fd);
}

TEST(other_fds) {
        _cleanup_(freep) char *directory = unit_directory(), *fifo = unit_path(directory, "fifo");
        int pair[2], memory = unit_memfd(SIZE);

        ck_assert_int_eq(mkfifo(fifo, 0600), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_fd_refused(open(fifo, O_RDWR | O_CLOEXEC), "regular file");
        assert_fd_refused(open(directory, O_RDONLY | O_CLOEXEC), "regular file");
        assert_fd_refused(pair[0], "regular file");
        assert_fd_refused(pair[1], "regular file");
        assert_fd_refused(open("/dev/zero", O_RDWR | O_CLOEXEC), "regular file");
        assert_fd_refused(open("/proc/self/status", O_RDONLY | O_CLOEXEC), "");
        assert_fd_refused(unit_reopen(memory, O_PATH), "O_PATH");
        assert_fd_refused(unit_memfd(0), "it is empty");
        fd_close(memory);
        ck_assert_int_eq(unlink(fifo), 0);
}

/* What cannot be opened for writing is refused for what it is, and not as a lack of memory. */
TEST(not_to_be_written) {
        static const char content[] = "content";
        _cleanup_(freep) char *directory = unit_directory(), *path = unit_path(directory, "leased"),
                              *program = unit_path(directory, "sleep");
        char command[512];
        pid_t pid;
        int fd, leased_fd, status;

        (void) signal(SIGIO, SIG_IGN);
        unit_write_file(path, content, sizeof(content));
        leased_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fcntl(leased_fd, F_SETLEASE, F_RDLCK) == 0)
                assert_fd_refused(fcntl(leased_fd, F_DUPFD_CLOEXEC, 0), "lease");
        fd_close(leased_fd);
        ck_assert_int_eq(unlink(path), 0);
        /* A program of one's own that runs: a copy of one that is there. */
        (void) snprintf(command, sizeof(command), "cp /bin/sleep %s", program);
        ck_assert_int_eq(system(command), 0);
        pid = fork();
        if (pid == 0) {
                (void) execl(program, "sleep", "60", NULL);
                _exit(99);
        }
        ck_assert_int_gt(pid, 0);
        while ((fd = open(program, O_RDWR | O_CLOEXEC)) >= 0) {
                fd_close(fd);
                usleep(1000);
        }
        ck_assert_int_eq(errno, ETXTBSY);
        assert_fd_refused(open(program, O_RDONLY | O_CLOEXEC), "a program runs from it");
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(unlink(program), 0);
}

static void assert_name_refused(const char *posix_name, const char *words) {
        _cleanup_(freep) char *path = shm_path(posix_name);
        struct stat before, after;

        ck_assert_int_eq(lstat(path, &before), 0);
        assert_refused(shmbroker_adopt_posix(connection, posix_name, "x", NULL, NULL), -EOPNOTSUPP,
                       words);
        ck_assert_int_eq(lstat(path, &after), 0);
        ck_assert(same_file(&before, &after));
}

TEST(other_names) {
        const char *fifo = native_name("fifo"), *link = native_name("link");
        const char *directory = native_name("dir"), *empty = native_name("empty");
        const char *spaces = native_name("with blank");
        _cleanup_(freep) char *fifo_path = shm_path(fifo), *link_path = shm_path(link);
        _cleanup_(freep) char *directory_path = shm_path(directory), *empty_path = shm_path(empty);

        ck_assert_int_eq(mkfifo(fifo_path, 0600), 0);
        ck_assert_int_eq(symlink("/etc/passwd", link_path), 0);
        ck_assert_int_eq(mkdir(directory_path, 0700), 0);
        fd_close(native_open_posix(empty, O_RDWR | O_CREAT | O_EXCL));
        assert_name_refused(fifo, "no shared memory object");
        assert_name_refused(link, "no shared memory object");
        assert_name_refused(directory, "no shared memory object");
        assert_name_refused(empty, "it is empty");
        ck_assert_int_eq(remove(fifo_path), 0);
        ck_assert_int_eq(remove(link_path), 0);
        ck_assert_int_eq(remove(directory_path), 0);
        ck_assert_int_eq(remove(empty_path), 0);
        /* A name of its own that no segment can have is not made up. */
        make_posix(spaces);
        assert_refused(shmbroker_adopt_posix(connection, spaces, NULL, NULL, NULL), -EINVAL,
                       "give it another one");
        ck_assert_int_eq(shmbroker_adopt_posix(connection, spaces, "a", NULL, NULL), 0);
        library_remove(connection, "a");
}

/* The same thing, or the same name, a second time. */
TEST(exists) {
        uint32_t key = native_key();
        int shmid = make_sysv(key), fd = unit_memfd(SIZE), other = unit_memfd(SIZE);
        struct shmbroker_info *sysv = NULL, *memory = NULL;
        const struct shmbroker_error *error = shmbroker_get_error(connection);
        int64_t id = 0;

        ck_assert_int_eq(shmbroker_adopt_sysv(connection, shmid, "s", NULL, &sysv), 0);
        ck_assert_int_eq(shmbroker_adopt_fd(connection, fd, "m", NULL, &memory), 0);
        assert_refused(shmbroker_adopt_key(connection, key, "t", NULL, NULL), -EEXIST,
                       "is the broker's already");
        ck_assert_int_eq(shmbroker_error_number(error, "id", &id), 0);
        ck_assert_int_eq(id, shmbroker_info_id(sysv));
        assert_refused(shmbroker_adopt_fd(connection, fd, "n", NULL, NULL), -EEXIST,
                       "is the broker's already");
        ck_assert_int_eq(shmbroker_error_number(error, "id", &id), 0);
        ck_assert_int_eq(id, shmbroker_info_id(memory));
        assert_refused(shmbroker_adopt_fd(connection, other, "s", NULL, NULL), -EEXIST,
                       "another segment has its name");
        ck_assert_int_eq(shmbroker_error_number(error, "id", &id), 0);
        ck_assert_int_eq(id, shmbroker_info_id(sysv));
        /* What was refused can be truncated still. */
        ck_assert_int_eq(ftruncate(other, 1), 0);
        fd_close(fd);
        fd_close(other);
        remove_adopted(sysv);
        remove_adopted(memory);
}

TEST(two_sources) {
        AdoptParameters parameters = {};
        Fault fault;
        Wire wire;

        wire_open(&wire);
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &parameters, NULL, &fault),
                         FAULT_INVALID_PARAMETER);
        GIVE_VALUE(&parameters, ADOPT_SHMID, shmid, 1);
        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, "/a");
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &parameters, NULL, &fault),
                         FAULT_INVALID_PARAMETER);
        ck_assert_str_eq(fault.text.text, "posixName");
        /* One that is promised and does not come. */
        parameters = (AdoptParameters){};
        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        ck_assert_int_eq(wire_call(&wire, METHOD_ADOPT, &parameters, NULL, &fault),
                         FAULT_NO_DESCRIPTOR);
        wire_close(&wire);
}

/* ---- what is another user's */

typedef struct Theirs Theirs;

struct Theirs {
        int shmid;
        int fd;
        const char *posix_name;
};

/* Whoever has it open and can use it is not who may give it away. */
static int adopt_theirs(void *userdata) {
        const Theirs *theirs = userdata;
        struct shmbroker *own = NULL;
        int r = 0;

        if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
                return 1;
        if (shmbroker_connect(fixture_address(), &own))
                return 2;
        if (shmbroker_adopt_sysv(own, theirs->shmid, "x", NULL, NULL) != -EPERM)
                r = 3;
        else if (!strstr(shmbroker_error_message(shmbroker_get_error(own)), "owner and creator"))
                r = 4;
        else if (shmbroker_adopt_posix(own, theirs->posix_name, "x", NULL, NULL) != -EPERM)
                r = 5;
        else if (shmbroker_adopt_fd(own, theirs->fd, "x", NULL, NULL) != -EPERM)
                r = 6;
        shmbroker_close(own);
        return r;
}

TEST(theirs) {
        const char *posix_name = native_name("theirs");
        _cleanup_(freep) char *path = shm_path(posix_name);
        Theirs theirs = { .shmid = make_sysv(IPC_PRIVATE),
                          .fd = unit_memfd(SIZE),
                          .posix_name = posix_name };
        struct shmid_ds ds, ds_after;
        struct stat object, object_after, memory, memory_after;

        if (geteuid() != 0) {
                printf("only root can be another user: not tried\n");
                ck_assert_int_eq(shmctl(theirs.shmid, IPC_RMID, NULL), 0);
                fd_close(theirs.fd);
                return;
        }
        make_posix(posix_name);
        ck_assert_int_eq(chmod(path, 0666), 0);
        ck_assert_int_eq(fchmod(theirs.fd, 0600), 0);
        ck_assert_int_eq(shmctl(theirs.shmid, IPC_STAT, &ds), 0);
        ds.shm_perm.mode = 0666;
        ck_assert_int_eq(shmctl(theirs.shmid, IPC_SET, &ds), 0);
        ck_assert_int_eq(shmctl(theirs.shmid, IPC_STAT, &ds), 0);
        ck_assert_int_eq(stat(path, &object), 0);
        ck_assert_int_eq(fstat(theirs.fd, &memory), 0);
        ck_assert_int_eq(unit_fork(adopt_theirs, &theirs), 0);
        ck_assert_int_eq(shmctl(theirs.shmid, IPC_STAT, &ds_after), 0);
        ck_assert_int_eq(memcmp(&ds, &ds_after, sizeof(ds)), 0);
        ck_assert_int_eq(stat(path, &object_after), 0);
        ck_assert(same_file(&object, &object_after));
        ck_assert_int_eq(fstat(theirs.fd, &memory_after), 0);
        ck_assert(same_file(&memory, &memory_after));
        ck_assert_int_eq(shmctl(theirs.shmid, IPC_RMID, NULL), 0);
        ck_assert_int_eq(unlink(path), 0);
        fd_close(theirs.fd);
}

/* ---- a broker that goes away in the middle */

static void begin_fake(void) {
        connection = NULL;
        fake_begin();
}

CASE("gone", .setup = begin_fake, .teardown = fake_end);

TEST(not_repeated) {
        const Answer answer = { .text = "", .cut = true, .expects = "org.shmbroker.Broker.Adopt" };
        int fd = unit_memfd(SIZE), r;

        connection = fake_connect(&answer, 1);
        r = shmbroker_adopt_fd(connection, fd, "a", NULL, NULL);
        ck_assert_int_eq(r, -ECONNRESET);
        ck_assert_int_eq(fake_close(connection, r), -ECONNRESET);
        fd_close(fd);
}
