#include "tests/native.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <check.h>

#include "proto/fd.h"
#include "proto/util.h"

#define PREFIX "/shmbroker-test."
#define SYSV_MAX 64

static int shmids[SYSV_MAX];
static size_t n_shmids;
static uint32_t keys;
static pid_t owner;

static void remove_objects(void) {
        char prefix[64], path[512];
        struct dirent *entry;
        DIR *directory;

        if (getpid() != owner)
                return;
        for (size_t i = 0; i < n_shmids; ++i)
                (void) shmctl(shmids[i], IPC_RMID, NULL);
        n_shmids = 0;
        (void) snprintf(prefix, sizeof(prefix), PREFIX "%d.", owner);
        directory = opendir("/dev/shm");
        while (directory && (entry = readdir(directory)))
                if (strncmp(entry->d_name, prefix + 1, strlen(prefix) - 1) == 0) {
                        (void) snprintf(path, sizeof(path), "/dev/shm/%s", entry->d_name);
                        (void) unlink(path);
                }
        if (directory)
                closedir(directory);
}

void native_begin(void) {
        owner = getpid();
        keys = 0;
        n_shmids = 0;
        (void) atexit(remove_objects);
}

void native_end(void) {
        struct shmid_ds ds;

        for (size_t i = 0; i < n_shmids; ++i)
                ck_assert_msg(shmctl(shmids[i], IPC_STAT, &ds) < 0, "segment %d is left",
                              shmids[i]);
        for (uint32_t i = 0; i < keys; ++i)
                ck_assert_msg(shmget((key_t) (0x40000000U + (uint32_t) owner * 256U + i), 0, 0) < 0,
                              "a key is left");
        n_shmids = 0;
        for (int i = 0; i < 100; ++i) {
                char path[64];

                (void) snprintf(path, sizeof(path), "/dev/shm" PREFIX "%d.%d", owner, i);
                ck_assert_msg(access(path, F_OK) < 0, "%s is left", path);
        }
}

const char *native_name(const char *what) {
        static char names[4][128];
        static unsigned int next;
        char *name = names[next++ % ARRAY_SIZE(names)];

        (void) snprintf(name, sizeof(names[0]), PREFIX "%d.%s", owner, what);
        return name;
}

uint32_t native_key(void) {
        return 0x40000000U + (uint32_t) owner * 256U + keys++;
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

bool native_has_posix(const char *name, struct stat *ret) {
        char path[512];

        (void) snprintf(path, sizeof(path), "/dev/shm%s", name);
        return lstat(path, ret) == 0;
}

int native_make_sysv(uint32_t key, size_t size, mode_t mode) {
        int shmid = shmget((key_t) key, size, IPC_CREAT | IPC_EXCL | (int) mode);
        char *at;

        ck_assert_msg(shmid >= 0, "shmget: %s", strerror(errno));
        ck_assert_uint_lt(n_shmids, SYSV_MAX);
        shmids[n_shmids++] = shmid;
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
