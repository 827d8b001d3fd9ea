/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "proto/util.h"
#include "tests/support/unit.h"

char *fault_directory, *fault_file, *fault_damaged_file;
Held fault_held[4096];
bool fault_truncate, fault_sync;
size_t fault_n_syncs;

int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __real_ftruncate(int fd, off_t size);

int __wrap_ftruncate(int fd, off_t size) {
        if (!fault_truncate)
                return __real_ftruncate(fd, size);
        errno = EIO;
        return -1;
}

int __wrap_ftruncate64(int fd, off_t size) {
        return __wrap_ftruncate(fd, size);
}

/* No power is cut here: to wait for the disk some ten thousand times would show nothing. */
int __wrap_fdatasync(int fd) {
        (void) fd;
        ++fault_n_syncs;
        errno = EIO;
        return fault_sync ? -1 : 0;
}

int __wrap_fsync(int fd) {
        return __wrap_fdatasync(fd);
}

void fault_setup(void) {
        unit_fds_begin();
        (void) signal(SIGXFSZ, SIG_IGN);
        /* Some of these damage a file a thousand times. */
        log_set_level(LOG_ERR);
        fault_directory = unit_directory();
        fault_file = unit_path(fault_directory, "state");
        fault_damaged_file = unit_path(fault_directory, "state.damaged");
        fault_truncate = fault_sync = false;
}

void fault_teardown(void) {
        log_set_level(LOG_INFO);
        free(fault_directory);
        free(fault_file);
        free(fault_damaged_file);
        unit_fds_end();
}

bool fault_is_there(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

void fault_remove_damaged(void) {
        for (int i = 0; i < 12; ++i) {
                char path[4200];

                (void) snprintf(path, sizeof(path), i ? "%s.%d" : "%s", fault_damaged_file, i);
                (void) unlink(path);
        }
}

int fault_put(StateFile *state_file, int64_t id, uint64_t change_usec) {
        SegmentRecord segment = unit_record(id, change_usec);

        return state_file_write_segment(state_file, &segment);
}

off_t fault_file_size(void) {
        struct stat st;

        return stat(fault_file, &st) == 0 ? st.st_size : -1;
}
