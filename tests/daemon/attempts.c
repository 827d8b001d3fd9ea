/* SPDX-License-Identifier: MIT */
#include "tests/daemon/attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "proto/fd.h"

int attempt_outcome(long r) {
        if (r >= 0)
                return 0;
        return errno == ENOSYS ? ATTEMPT_IMPOSSIBLE : errno;
}

int attempt_outcome_fd(int fd) {
        int r = attempt_outcome(fd);

        if (r == 0)
                (void) !pwrite(fd, FORGERY, N_FORGERY, 0);
        fd_close(fd);
        return r;
}

int attempt_open(int flags, const char *format, ...) {
        va_list arguments;
        char path[128];

        va_start(arguments, format);
        (void) vsnprintf(path, sizeof(path), format, arguments);
        va_end(arguments);
        return attempt_outcome_fd(open(path, flags | O_CLOEXEC, 0600));
}

const Attempt *attempt_get(size_t i) {
        if (i < n_file_attempts)
                return &file_attempts[i];
        i -= n_file_attempts;
        return i < n_memory_attempts ? &memory_attempts[i] : NULL;
}

size_t attempt_find(const char *name) {
        const Attempt *attempt;

        for (size_t i = 0; (attempt = attempt_get(i)); ++i)
                if (strcmp(attempt->name, name) == 0)
                        return i;
        ck_abort_msg("no attempt is called %s", name);
}
