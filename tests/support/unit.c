/* SPDX-License-Identifier: MIT */
#include "tests/support/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/util.h"

/* gcc's, where coverage is counted. */
extern __attribute__((__weak__)) void __gcov_dump(void);

/* Exit status of a program that cannot run here. */
#define UNIT_SKIPPED 77

static UnitEntry *unit_entries, **unit_entries_end = &unit_entries;
static Suite *unit_suite;
/* The last one, to which the next tests belong. */
static TCase *unit_case;
static bool unit_case_skipped;

static char unit_root[4096];
static size_t unit_n_fds;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where) {
        (void) st;
        (void) type;
        (void) where;
        (void) remove(path);
        return 0;
}

/*
 * A process that takes the directory away when its parent ends, also by a signal, or says so. It
 * keeps nothing open, and nobody waits for it but unit_main().
 */
static pid_t start_remover(void) {
        sigset_t mask, before;
        pid_t parent = getpid(), pid;
        int number;

        fflush(NULL);
        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        /* Blocked before it begins to be there: its parent may end at once. */
        (void) sigprocmask(SIG_BLOCK, &mask, &before);
        pid = fork();
        if (pid != 0) {
                (void) sigprocmask(SIG_SETMASK, &before, NULL);
                return pid;
        }
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        /* Of its own group, so that a signal to the terminal's does not end it first. */
        (void) setpgid(0, 0);
        for (int fd = 0; fd < 64; ++fd)
                (void) close(fd);
        if (getppid() == parent)
                (void) sigwait(&mask, &number);
        (void) nftw(unit_root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        _exit(0);
}

/* Check's four seconds for a test are none on a busy machine. It asks when a case is made. */
__attribute__((__constructor__)) static void set_default_timeout(void) {
        (void) setenv("CK_DEFAULT_TIMEOUT", "60", false);
}

void unit_skip(const char *reason) {
        static const char *told[16];
        size_t n = 0;

        while (n < ARRAY_SIZE(told) && told[n] && strcmp(told[n], reason) != 0)
                ++n;
        if (n == ARRAY_SIZE(told) || !told[n])
                printf("skip: %s\n", reason);
        if (n < ARRAY_SIZE(told))
                told[n] = reason;
}

static bool skips(bool skip, const char *reason) {
        if (skip && reason)
                unit_skip(reason);
        return skip;
}

void unit_register(UnitEntry *entry) {
        *unit_entries_end = entry;
        unit_entries_end = &entry->next;
}

void unit_add_case(const char *name, const UnitCase *options) {
        unit_case_skipped = skips(options->skip, options->reason);
        if (unit_case_skipped)
                return;
        unit_case = tcase_create(name);
        if (options->setup_once || options->teardown_once)
                tcase_add_unchecked_fixture(unit_case, options->setup_once, options->teardown_once);
        if (options->setup || options->teardown)
                tcase_add_checked_fixture(unit_case, options->setup, options->teardown);
        if (options->timeout > 0)
                tcase_set_timeout(unit_case, options->timeout);
        suite_add_tcase(unit_suite, unit_case);
}

void unit_add_test(const TTest *test, const UnitTest *options) {
        int end = options->end > 0 ? options->end : options->first + 1;

        if (!unit_case && !unit_case_skipped) {
                fprintf(stderr, "there is no CASE() above the first TEST()\n");
                exit(EXIT_FAILURE);
        }
        if (!unit_case_skipped && !skips(options->skip, options->reason))
                tcase_add_loop_test(unit_case, test, options->first, end);
}

static int make_root(bool in_memory) {
        const char *parent = getenv("TMPDIR");

        if (!parent)
                parent = in_memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        (void) snprintf(unit_root, sizeof(unit_root), "%s/shmbroker-unit-XXXXXX", parent);
        if (!mkdtemp(unit_root))
                return -errno;
        /* Others may pass through, so that what they are refused is what is below. */
        (void) chmod(unit_root, 0711);
        return 0;
}

int unit_main(const char *name, const UnitSuite *options) {
        SRunner *runner;
        int n_failed;
        pid_t pid;

        if (skips(options->skip, options->reason))
                return UNIT_SKIPPED;
        unit_suite = suite_create(name);
        for (UnitEntry *entry = unit_entries; entry; entry = entry->next)
                entry->add();
        if (make_root(options->in_memory) < 0) {
                perror(unit_root);
                return EXIT_FAILURE;
        }
        pid = start_remover();
        runner = srunner_create(unit_suite);
        /* As CK_VERBOSITY says. */
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        if (srunner_ntests_run(runner) == 0) {
                fprintf(stderr, "no check ran: no case has the name that CK_RUN_CASE says\n");
                n_failed = 1;
        }
        srunner_free(runner);
        if (pid > 0) {
                (void) kill(pid, SIGTERM);
                (void) waitpid(pid, NULL, 0);
        }
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool unit_has_inotify(void) {
        int fd = inotify_init1(IN_CLOEXEC);

        if (fd < 0) {
                printf("skip: inotify_init1(2) fails: %s; other programs of this user may have all "
                       "of fs.inotify.max_user_instances\n",
                       strerror(errno));
                return false;
        }
        (void) close(fd);
        return true;
}

size_t unit_count_fds(void) {
        DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        ck_assert_ptr_nonnull(directory);
        while (readdir(directory))
                ++n;
        closedir(directory);
        return n;
}

void unit_fds_begin(void) {
        unit_n_fds = unit_count_fds();
}

void unit_fds_end(void) {
        ck_assert_uint_eq(unit_count_fds(), unit_n_fds);
}

char *unit_directory(void) {
        char *path = unit_path(unit_root, "XXXXXX");

        /* Only unit_main() makes it, and takes it away. */
        ck_assert_str_ne(unit_root, "");
        ck_assert_ptr_nonnull(mkdtemp(path));
        return path;
}

char *unit_path(const char *directory, const char *name) {
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/%s", directory, name), 0);
        return path;
}

void unit_write_file(const char *path, const void *data, size_t n_data) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(data, 1, n_data, file), n_data);
        ck_assert_int_eq(fclose(file), 0);
}

char *unit_read_file(const char *path, size_t *ret_n) {
        FILE *file = fopen(path, "re");
        char *data = NULL;
        size_t n = 0, n_more;

        ck_assert_msg(file, "%s: %s", path, strerror(errno));
        do {
                data = realloc(data, n + 4097);
                ck_assert_ptr_nonnull(data);
                n_more = fread(data + n, 1, 4096, file);
                n += n_more;
        } while (n_more > 0);
        data[n] = '\0';
        fclose(file);
        if (ret_n)
                *ret_n = n;
        return data;
}

char *unit_source(const char *path) {
        const char *directory = getenv("top_srcdir");

        return unit_path(directory ? directory : ".", path);
}

char *unit_copy(const void *data, size_t n_data) {
        char *copy = malloc(n_data ? n_data : 1);

        ck_assert_ptr_nonnull(copy);
        if (n_data > 0)
                memcpy(copy, data, n_data);
        return copy;
}

/* splitmix64 */
uint64_t unit_random(uint64_t *seed) {
        uint64_t z;

        (void) __builtin_add_overflow(*seed, UINT64_C(0x9e3779b97f4a7c15), seed);
        z = *seed;
        (void) __builtin_mul_overflow(z ^ z >> 30, UINT64_C(0xbf58476d1ce4e5b9), &z);
        (void) __builtin_mul_overflow(z ^ z >> 27, UINT64_C(0x94d049bb133111eb), &z);
        return z ^ z >> 31;
}

uint64_t unit_below(uint64_t *seed, uint64_t limit) {
        return unit_random(seed) % limit;
}

void unit_exit(int status) {
        if (__gcov_dump)
                __gcov_dump();
        _exit(status);
}

int unit_fork(int (*child)(void *userdata), void *userdata) {
        int status;
        pid_t pid;

        fflush(NULL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                unit_exit(child(userdata));
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status), "the process died of signal %d", WTERMSIG(status));
        return WEXITSTATUS(status);
}

/* Check does not say which descriptor it writes to: it is the one that moves when it writes. */
void unit_assert_silently(void) {
        off_t before[64];
        int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), n = (int) ARRAY_SIZE(before);

        for (int fd = 0; fd < n; ++fd)
                before[fd] = lseek(fd, 0, SEEK_CUR);
        mark_point();
        for (int fd = STDERR_FILENO + 1; fd < n; ++fd)
                if (lseek(fd, 0, SEEK_CUR) != before[fd]) {
                        (void) dup3(null_fd, fd, O_CLOEXEC);
                        (void) close(null_fd);
                        return;
                }
        fprintf(stderr, "where Check writes to is not found\n");
        _exit(1);
}

int unit_reopen(int fd, int flags) {
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return open(path, flags | O_CLOEXEC);
}

int unit_memfd(size_t size) {
        int fd = memfd_create("unit", MFD_CLOEXEC | MFD_ALLOW_SEALING), master_fd;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, (off_t) size), 0);
        master_fd = unit_reopen(fd, O_RDWR);
        ck_assert_int_ge(master_fd, 0);
        close(fd);
        return master_fd;
}

uint64_t unit_limit_lower(int resource, uint64_t value) {
        struct rlimit limit;
        uint64_t before;

        ck_assert_int_eq(getrlimit((__rlimit_resource_t) resource, &limit), 0);
        before = limit.rlim_cur;
        limit.rlim_cur = value;
        ck_assert_int_eq(setrlimit((__rlimit_resource_t) resource, &limit), 0);
        return before;
}

void unit_limit_restore(int resource, uint64_t value) {
        (void) unit_limit_lower(resource, value);
}

unsigned long unit_locked_kilobytes(pid_t pid) {
        unsigned long kilobytes = 0;
        char path[64], line[256];
        FILE *file;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                (void) sscanf(line, "VmLck: %lu", &kilobytes);
        fclose(file);
        return kilobytes;
}
