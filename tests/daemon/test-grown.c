/* SPDX-License-Identifier: MIT */
/*
 * Objects that their owner makes larger than any memory, without the broker: the owner meets limits
 * by it, and nobody else notices, also after a restart; no number is told that a double cannot
 * hold.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/native.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define N_GROWN 3

typedef struct Grown Grown;

/* Whether by a name that everybody knows, or by a descriptor that was handed over. */
struct Grown {
        Kind kind;
        int64_t size_bytes;
        int64_t ids[N_GROWN];
        int fds[N_GROWN];
};

static const struct {
        Kind kind;
        int64_t size_bytes;
} sizes[] = {
        { KIND_POSIX, INT64_C(1) << 62 }, { KIND_POSIX, INT64_MAX },
        { KIND_FILE, INT64_C(1) << 43 },  { KIND_MEMFD, INT64_C(1) << 62 },
        { KIND_MEMFD, INT64_MAX },
};

static const Person grower = { "who makes them larger", 2001, 2001, false, 0, false };
static const Person victim = { "somebody else", 2002, 2002, false, 0, false };

static void up(void) {
        native_begin();
        fixture_up(NULL);
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
}

static void down(void) {
        fixture_down();
        native_end();
}

static FaultCode try_create(Wire *wire, const char *name, Kind kind, SegmentInfo *ret) {
        AcquireParameters parameters = {};
        AcquireReply reply;
        FaultCode code;
        Fault fault;

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name(name));
        code = wire_call(wire, METHOD_ACQUIRE, &parameters, &reply, &fault);
        while (wire->fds.n_fds > 0)
                fd_close(fd_queue_pop(&wire->fds));
        if (code == FAULT_NONE && ret)
                *ret = reply.segment;
        return code;
}

/* A memfd without seals, which stays its owner's. */
static int hand_over(Wire *wire, const char *name, SegmentInfo *ret, int *ret_fd) {
        AdoptParameters parameters = {};
        int fd = memfd_create("grown", MFD_CLOEXEC);
        SegmentReply adopted;
        char text[512];
        Writer writer = WRITER_INIT(text, sizeof(text));
        size_t n_sent;
        Reply reply;

        if (fd < 0 || ftruncate(fd, 4096) < 0)
                return -1;
        GIVE_VALUE(&parameters, ADOPT_NAME, name, name);
        GIVE_VALUE(&parameters, ADOPT_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        call_write(&writer, METHOD_ADOPT, &parameters);
        if (socket_send(wire->fd, writer.data, writer.n_data, fd, &n_sent) ||
            !wire_receive(wire, &reply) || reply.error ||
            reply_read(&reply, &segment_reply_type, &adopted))
                return -1;
        *ret = adopted.segment;
        *ret_fd = fd;
        return 0;
}

static int open_native(const SegmentInfo *info) {
        if (info->posix_name)
                return shm_open(info->posix_name, O_RDWR, 0);
        return open(info->file_path, O_RDWR | O_CLOEXEC);
}

/* All are there before the first one grows: the broker may notice that at any time. */
static int grow(Wire *wire, void *data) {
        Grown *grown = data;

        for (int i = 0; i < N_GROWN; ++i) {
                SegmentInfo info = {};
                char name[16];
                int fd;

                (void) snprintf(name, sizeof(name), "grown%d", i);
                if (grown->kind == KIND_MEMFD) {
                        if (hand_over(wire, name, &info, &fd))
                                return 1;
                } else {
                        if (try_create(wire, name, grown->kind, &info) != FAULT_NONE)
                                return 2;
                        fd = open_native(&info);
                }
                if (fd < 0)
                        return 3;
                grown->ids[i] = info.id;
                grown->fds[i] = fd;
        }
        for (int i = 0; i < N_GROWN; ++i)
                if (ftruncate(grown->fds[i], grown->size_bytes) < 0)
                        return 4;
        return 0;
}

/* What one is told of all this, and whether one can create. */
static int look(Wire *wire, void *data) {
        char text[128];
        Writer writer = WRITER_INIT(text, sizeof(text));
        StatusReply status;
        ListReply item;
        Reply reply;

        (void) data;
        call_write(&writer, METHOD_LIST, &(ListParameters){});
        wire_send(wire, writer.data, writer.n_data);
        do {
                if (!wire_receive(wire, &reply) || reply.error ||
                    reply_read(&reply, &list_reply_type, &item))
                        return -1;
                if (GIVEN(&item, REPLY_ITEM) &&
                    (item.segment.size_bytes < 0 || item.segment.size_bytes > NUMBER_MAX))
                        return -2;
        } while (reply.continues);
        wire_status(wire, &status);
        if (status.total_bytes < 0 || status.total_bytes > NUMBER_MAX || status.charged_bytes < 0 ||
            status.charged_bytes > INT64_C(1) << 30)
                return -3;
        if (try_create(wire, "another", KIND_MEMFD, NULL) != FAULT_NONE)
                return -4;
        return wire_remove(wire, "another", NULL) == FAULT_NONE ? 0 : -5;
}

static int meet_limit(Wire *wire, void *data) {
        (void) data;
        return (int) try_create(wire, "more", KIND_MEMFD, NULL);
}

static int remove_all(Wire *wire, void *data) {
        Grown *grown = data;

        for (int i = 0; i < N_GROWN; ++i) {
                SegmentParameters parameters = {};
                RemoveReply reply;
                Fault fault;

                close(grown->fds[i]);
                GIVE_VALUE(&parameters, SEGMENT_ID, id, grown->ids[i]);
                if (wire_call(wire, METHOD_REMOVE, &parameters, &reply, &fault) != FAULT_NONE)
                        return 1;
        }
        return 0;
}

SUITE("grown");
CASE("grown", .setup = up, .teardown = down, .timeout = 60, .skip = geteuid() != 0,
     .reason = "only root can become other users");

TEST(grown, .end = ARRAY_SIZE(sizes)) {
        Grown grown = { .kind = sizes[_i].kind, .size_bytes = sizes[_i].size_bytes };
        Actor one = actor_start(&grower), other = actor_start(&victim);
        Wire wire;

        if (grown.kind == KIND_POSIX)
                /* No tmpfs has larger files, and whole pages. */
                grown.size_bytes &= ~INT64_C(0xfff);
        ck_assert_int_eq(actor_do(&one, grow, &grown, sizeof(grown)), 0);
        ck_assert_int_eq(actor_do(&other, look, NULL, 0), 0);
        ck_assert_int_eq(actor_do(&one, meet_limit, NULL, 0), FAULT_LIMIT_REACHED);
        if (grown.kind != KIND_MEMFD) {
                actor_end(&one);
                actor_end(&other);
                fixture_restart(SIGKILL, NULL);
                one = actor_start(&grower);
                other = actor_start(&victim);
                ck_assert_int_eq(actor_do(&other, look, NULL, 0), 0);
                ck_assert_int_eq(actor_do(&one, meet_limit, NULL, 0), FAULT_LIMIT_REACHED);
                for (int i = 0; i < N_GROWN; ++i)
                        grown.fds[i] = -EBADF;
        }
        ck_assert_int_eq(actor_do(&one, remove_all, &grown, sizeof(grown)), 0);
        ck_assert_int_eq(actor_do(&one, meet_limit, NULL, 0), FAULT_NONE);
        ck_assert_int_eq(actor_do(&other, look, NULL, 0), 0);
        actor_end(&one);
        actor_end(&other);
        wire_as_administrator(true);
        wire_open(&wire);
        wire_as_administrator(false);
        ck_assert_int_eq(wire_remove(&wire, "more", NULL), FAULT_NONE);
        wire_close(&wire);
}
