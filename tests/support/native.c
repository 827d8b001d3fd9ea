/* SPDX-License-Identifier: MIT */
#include "tests/support/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "proto/fd.h"
#include "proto/util.h"

#define PREFIX "/shmbroker-test."
#define KEYS_MAX 64U
#define PRIVATE_MAX 64U

/* Of the suite, whose tests are its children one after the other. */
static pid_t owner;
static uint32_t n_keys;

typedef struct Privates Privates;

/* Segments without a key, which tests tell the suite of. */
struct Privates {
        size_t n;
        int shmids[PRIVATE_MAX];
};

static Privates *privates;

static key_t key_of(uint32_t i) {
        return (key_t) (0x40000000U + (uint32_t) owner * KEYS_MAX + i);
}

/* Calls @remove for each object in /dev/shm that has a name of this suite's. */
static size_t each_posix(bool remove_it) {
        char prefix[64], path[512];
        struct dirent *entry;
        size_t n = 0;
        DIR *directory;

        (void) snprintf(prefix, sizeof(prefix), PREFIX "%d.", owner);
        directory = opendir("/dev/shm");
        while (directory && (entry = readdir(directory))) {
                if (strncmp(entry->d_name, prefix + 1, strlen(prefix) - 1) != 0)
                        continue;
                ++n;
                (void) snprintf(path, sizeof(path), "/dev/shm/%s", entry->d_name);
                if (remove_it)
                        (void) remove(path);
        }
        if (directory)
                closedir(directory);
        return n;
}

static size_t each_sysv(bool remove_it) {
        size_t n = 0;
        int shmid;

        for (uint32_t i = 0; i < KEYS_MAX; ++i) {
                shmid = shmget(key_of(i), 0, 0);
                if (shmid < 0)
                        continue;
                ++n;
                if (remove_it)
                        (void) shmctl(shmid, IPC_RMID, NULL);
        }
        for (size_t i = 0; i < privates->n; ++i) {
                n += native_has_sysv(privates->shmids[i]);
                if (remove_it)
                        (void) shmctl(privates->shmids[i], IPC_RMID, NULL);
        }
        return n;
}

__attribute__((__constructor__)) static void begin(void) {
        owner = getpid();
        privates = mmap(NULL, sizeof(*privates), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        if (privates == MAP_FAILED)
                abort();
}

/* Also what a test left that did not come to its end. */
__attribute__((__destructor__)) static void end(void) {
        if (getpid() != owner)
                return;
        (void) each_posix(true);
        (void) each_sysv(true);
}

void native_begin(void) {
        (void) each_posix(true);
        (void) each_sysv(true);
        n_keys = 0;
        privates->n = 0;
}

void native_end(void) {
        ck_assert_uint_eq(each_posix(false), 0);
        ck_assert_uint_eq(each_sysv(false), 0);
}

const char *native_name(const char *what) {
        static char names[8][128];
        static unsigned int next;
        char *name = names[next++ % ARRAY_SIZE(names)];

        (void) snprintf(name, sizeof(names[0]), PREFIX "%d.%s", owner, what);
        return name;
}

uint32_t native_key(void) {
        ck_assert_uint_lt(n_keys, KEYS_MAX);
        return (uint32_t) key_of(n_keys++);
}

int native_truncate(int fd, size_t size) {
        char path[32];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return truncate(path, (off_t) size) < 0 ? errno : 0;
}

int native_open_posix(const char *name, int flags) {
        return shm_open(name, flags | O_CLOEXEC, 0600);
}

void native_make_posix(const char *name, size_t size, mode_t mode) {
        int fd = native_open_posix(name, O_CREAT | O_EXCL | O_RDWR);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, (off_t) size), 0);
        ck_assert_int_eq(fchmod(fd, mode), 0);
        ck_assert_int_eq(pwrite(fd, "native", 6, 0), 6);
        fd_close(fd);
}

/* In a process that never gets to clean anything up. */
static void write_and_die(char *(*attach)(const void *what), const void *what, const char *text) {
        int status;
        pid_t pid;

        fflush(NULL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                strcpy(attach(what), text);
                (void) raise(SIGKILL);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static char *attach_posix(const void *what) {
        int fd = native_open_posix(what, O_RDWR);
        void *data = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (data == MAP_FAILED)
                _exit(1);
        return data;
}

static char *attach_sysv(const void *what) {
        void *data = shmat(*(const int *) what, NULL, 0);

        if (data == (void *) -1)
                _exit(1);
        return data;
}

void native_write_posix(const char *name, const char *text) {
        write_and_die(attach_posix, name, text);
}

void native_write_sysv(int shmid, const char *text) {
        write_and_die(attach_sysv, &shmid, text);
}

bool native_has_posix(const char *name, struct stat *ret) {
        char path[512];

        (void) snprintf(path, sizeof(path), "/dev/shm%s", name);
        return lstat(path, ret) == 0;
}

int native_make_sysv(uint32_t key, size_t size, mode_t mode) {
        int shmid = shmget((key_t) key, size, IPC_CREAT | IPC_EXCL | (int) mode);
        char *at;

        ck_assert_msg(shmid >= 0, "shmget: %s", strerror(errno));
        if (key == IPC_PRIVATE) {
                ck_assert_uint_lt(privates->n, PRIVATE_MAX);
                privates->shmids[privates->n++] = shmid;
        }
        at = shmat(shmid, NULL, 0);
        ck_assert_ptr_ne(at, (void *) -1);
        memcpy(at, "native", 6);
        ck_assert_int_eq(shmdt(at), 0);
        return shmid;
}

struct shmid_ds native_stat_sysv(int shmid) {
        struct shmid_ds ds;

        ck_assert_int_eq(shmctl(shmid, IPC_STAT, &ds), 0);
        return ds;
}

bool native_has_sysv(int shmid) {
        struct shmid_ds ds;

        return shmctl(shmid, IPC_STAT, &ds) == 0;
}

size_t native_nattch(int shmid) {
        return native_stat_sysv(shmid).shm_nattch;
}
