#include "tests/unit-segment.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/kind.h"
#include "daemon/mark.h"
#include "proto/fd.h"
#include "tests/unit.h"

Segment *unit_segment(const char *name, uint64_t size_bytes) {
        static int64_t last_id;
        Segment *segment = segment_new();

        ck_assert_ptr_nonnull(segment);
        segment->id = ++last_id;
        segment->kind = KIND_MEMFD;
        segment->size_bytes = size_bytes;
        segment->name = name ? strdup(name) : NULL;
        ck_assert_int_eq(kind_memfd.create(segment), 0);
        (void) snprintf(segment->master_name, sizeof(segment->master_name), "%d",
                        segment->master_fd);
        return segment;
}

int unit_open_segment(const Segment *segment, Access access) {
        int proc_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;

        ck_assert_int_ge(proc_fd, 0);
        ck_assert_int_eq(kind_memfd.open(segment, proc_fd, access, &fd), 0);
        fd_close(proc_fd);
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
        process_identify(&attachment->process, getpid());
        attachment->marked = mark && mark_set(fd, attachment->id);
        return attachment;
}
