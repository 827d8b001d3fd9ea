/* SPDX-License-Identifier: MIT */
/*
 * A program that never heard of the broker opens an object by its name in the moment in which its
 * last attachment ends: it gets what is in it, or ENOENT, and never zeros.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/unit.h"

#define SIZE 8192
#define CONTENT "KKKK"
#define N_ROUNDS 300

enum {
        OPENER_NONE,
        OPENER_CONTENT,
        OPENER_ZEROS,
        OPENER_ERROR,
};

static Wire wire;

static void setup(void) {
        native_begin();
        fixture_up(NULL);
        wire_open(&wire);
}

static void teardown(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

static bool has_content(int fd) {
        char bytes[4] = "";

        return pread(fd, bytes, sizeof(bytes), 0) == sizeof(bytes) &&
               memcmp(bytes, CONTENT, sizeof(bytes)) == 0;
}

/* Opens it again and again until it is gone. */
static int open_until_gone(const char *path) {
        struct stat st;
        bool whole;
        int fd;

        for (;;) {
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        return errno == ENOENT ? OPENER_NONE : OPENER_ERROR;
                whole = has_content(fd) && fstat(fd, &st) == 0;
                if (whole && st.st_nlink == 0) {
                        /* It stays so. */
                        usleep(2000);
                        whole = has_content(fd);
                        close(fd);
                        return whole ? OPENER_CONTENT : OPENER_ZEROS;
                }
                close(fd);
                if (!whole)
                        return OPENER_ZEROS;
        }
}

static int make(Kind kind, char path[512]) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        int fd;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("last"));
        fd = wire_acquire(&wire, &parameters, &reply);
        if (kind == KIND_POSIX)
                (void) snprintf(path, 512, "/dev/shm%s", reply.segment.posix_name);
        else
                (void) snprintf(path, 512, "%s", reply.segment.file_path);
        ck_assert_int_eq(pwrite(fd, CONTENT, 4, 0), 4);
        return fd;
}

static const Kind kinds[] = { KIND_POSIX, KIND_FILE };

SUITE("last-open");
CASE("last-open", .setup = setup, .teardown = teardown, .timeout = 120);

TEST(last_open, .end = ARRAY_SIZE(kinds)) {
        int n[OPENER_ERROR + 1] = {};

        for (int i = 0; i < N_ROUNDS; ++i) {
                char path[512];
                int fd = make(kinds[_i], path), status;
                pid_t pid = fork();

                ck_assert_int_ge(pid, 0);
                if (pid == 0) {
                        close(fd);
                        _exit(open_until_gone(path));
                }
                /* So that the opener is at it, at another moment each time. */
                usleep((useconds_t) (500 + i * 7 % 1000));
                close(fd);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert(WIFEXITED(status));
                ++n[WEXITSTATUS(status)];
        }
        ck_assert_int_eq(n[OPENER_ZEROS], 0);
        ck_assert_int_eq(n[OPENER_ERROR], 0);
        ck_assert_int_gt(n[OPENER_NONE], 0);
}
