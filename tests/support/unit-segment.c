/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/kernel/mark.h"
#include "daemon/kind/kinds.h"
#include "proto/fd.h"
#include "tests/support/unit.h"

static Host host = HOST_NULL;

/* Before any test counts its descriptors. */
__attribute__((__constructor__)) static void begin(void) {
        if (host_init(&host, "/nonexistent") < 0)
                abort();
}

__attribute__((__destructor__)) static void end(void) {
        host_deinit(&host);
}

/* Of a child, /proc/self is another directory. */
const Host *unit_host(void) {
        static pid_t pid;
        int fd;

        if (pid != getpid()) {
                pid = getpid();
                fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ck_assert_int_ge(dup3(fd, host.proc_fd, O_CLOEXEC), 0);
                fd_close(fd);
        }
        return &host;
}

bool unit_remove(Life *life, Segment *segment) {
        KindFailure failure;
        bool destroyed;

        ck_assert_int_eq(life_remove(life, segment, &failure, &destroyed), 0);
        return destroyed;
}

Segment *unit_segment(const char *name, uint64_t size_bytes) {
        static int64_t last_id;
        Segment *segment = segment_new();
        KindFailure failure;

        ck_assert_ptr_nonnull(segment);
        segment->id = ++last_id;
        kind_set(segment, KIND_MEMFD);
        segment->size_bytes = size_bytes;
        segment->name = name ? strdup(name) : NULL;
        ck_assert_int_eq(kind_memfd.create(unit_host(), segment, &failure), 0);
        return segment;
}

int unit_open_segment(const Segment *segment, Access access) {
        int fd = -EBADF;

        ck_assert_int_eq(kind_memfd.open(unit_host(), segment, access, &fd), 0);
        return fd;
}

Attachment *unit_attachment(AttachmentPool *pool, int fd, bool mark) {
        static int64_t last_id = INT64_C(1) << 32;
        Attachment *attachment = attachment_new(pool);

        ck_assert_ptr_nonnull(attachment);
        attachment->id = ++last_id;
        attachment->uid = geteuid();
        attachment->access = ACCESS_READ_WRITE;
        attachment->since_usec = clock_realtime_usec();
        process_identify(&attachment->process, getpid(), -EBADF);
        attachment->marked = mark && mark_set(fd, attachment->id);
        return attachment;
}
