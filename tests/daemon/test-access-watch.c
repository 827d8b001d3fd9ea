/* SPDX-License-Identifier: MIT */
/*
 * Who sees what of others by watching: of each event, who may read the segment as it is afterwards,
 * whatever was seen of it before.
 */

#include <unistd.h>

#include "proto/util.h"
#include "tests/support/access.h"
#include "tests/support/unit.h"

#define SEEN_MAX 64

typedef struct Seen Seen;
typedef struct Watching Watching;

struct Seen {
        EventKind event;
        unsigned int mode;
};

struct Watching {
        int64_t id;
        bool only_id;
        FaultCode code;
        size_t n_seen;
        Seen seen[SEEN_MAX];
};

/* In the process of who watches. */
static Wire watch_wire;
static int64_t watch_sequence;

/* One event, of whatever segment; false if it is the end of what is waited for. */
static bool see(Watching *watching, const Reply *reply) {
        WatchReply event;
        bool wanted;

        if (reply_read(reply, &watch_reply_type, &event) || !reply->continues ||
            event.sequence != watch_sequence++ || watching->n_seen == SEEN_MAX)
                _exit(2);
        if (event.event == EVENT_SYNCHRONIZED)
                return false;
        wanted = event.segment.id == watching->id;
        if (wanted)
                watching->seen[watching->n_seen++] =
                        (Seen){ event.event, (unsigned int) event.segment.permissions.mode };
        return wanted || event.event != EVENT_DESTROYED;
}

static int watch_on(Wire *wire, void *data) {
        Watching *watching = data;
        Reply reply;

        (void) wire;
        do
                if (!wire_receive(&watch_wire, &reply))
                        return -1;
        while (see(watching, &reply));
        return 0;
}

/* Only the next one. */
static int watch_some(Wire *wire, void *data) {
        Watching *watching = data;
        Reply reply;

        (void) wire;
        return wire_receive(&watch_wire, &reply) && see(watching, &reply) ? 0 : -1;
}

static int watch_begin(Wire *wire, void *data) {
        WatchParameters parameters = {};
        Watching *watching = data;
        Fault fault = { .code = FAULT_NONE };
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;

        wire_open(&watch_wire);
        watch_sequence = 0;
        if (watching->only_id)
                GIVE_VALUE(&parameters, WATCH_ID, id, watching->id);
        call_write(&writer, METHOD_WATCH, &parameters);
        wire_send(&watch_wire, writer.data, writer.n_data);
        if (!wire_receive(&watch_wire, &reply))
                return -1;
        if (reply.error)
                reply_read_fault(&reply, &fault);
        watching->code = fault.code;
        if (fault.code != FAULT_NONE) {
                wire_close(&watch_wire);
                return 0;
        }
        return see(watching, &reply) ? watch_on(wire, data) : 0;
}

static int watch_end(Wire *wire, void *data) {
        (void) wire;
        (void) data;
        wire_close(&watch_wire);
        return 0;
}

/* Whoever watches everything sees this one come and go, and so that there is nothing before it. */
static void make_marker(void) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0444);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        close(wire_acquire(&root, &parameters, NULL));
        wire_status(&root, &(StatusReply){});
}

static void assert_seen(size_t person, int64_t id, unsigned int mode, const EventKind *expected,
                        size_t n_expected) {
        Watching watching = { .id = id };

        ck_assert_int_eq(actor_do(&actors[person], watch_on, &watching, sizeof(watching)), 0);
        if (!may_read(person, mode))
                n_expected = 0;
        ck_assert_msg(watching.n_seen == n_expected, "mode %03o: %s sees %zu events and not %zu",
                      mode, people[person].name, watching.n_seen, n_expected);
        for (size_t i = 0; i < n_expected; ++i) {
                ck_assert_int_eq(watching.seen[i].event, expected[i]);
                ck_assert_uint_eq(watching.seen[i].mode, mode);
        }
}

static void assert_all_see(int64_t id, unsigned int mode, const EventKind *expected,
                           size_t n_expected) {
        make_marker();
        for (size_t i = 0; i < _PERSON_N; ++i)
                assert_seen(i, id, mode, expected, n_expected);
}

static void begin_watching(int64_t id, unsigned int mode) {
        for (size_t i = 0; i < _PERSON_N; ++i) {
                Watching watching = { .id = id };

                ck_assert_int_eq(actor_do(&actors[i], watch_begin, &watching, sizeof(watching)), 0);
                ck_assert_int_eq(watching.code, FAULT_NONE);
                ck_assert_msg(watching.n_seen == (may_read(i, mode) ? 1 : 0), "mode %03o: %s", mode,
                              people[i].name);
                ck_assert(watching.n_seen == 0 || watching.seen[0].event == EVENT_EXISTING);
        }
}

SUITE("access-watch", .skip = !person_possible());
CASE("watch", .setup = access_up, .teardown = access_down, .timeout = 60);

TEST(watching, .end = 12) {
        static const unsigned int modes[] = { 0600, 0640, 0604, 0,    0044, 0400,
                                              0004, 0777, 0222, 0440, 0666, 0022 };
        static const EventKind changed[] = { EVENT_CHANGED };
        static const EventKind held[] = { EVENT_ATTACHED, EVENT_DETACHED };
        static const EventKind gone[] = { EVENT_REMOVED, EVENT_DETACHED, EVENT_DESTROYED };
        unsigned int first = modes[_i];
        int64_t id;
        int fd;

        id = make_and_give("a", first);
        begin_watching(id, first);
        for (size_t m = 0; m < ARRAY_SIZE(modes); ++m) {
                set_mode(id, modes[m]);
                assert_all_see(id, modes[m], changed, ARRAY_SIZE(changed));
                close(wire_open_segment(&root, "a", ACCESS_READ_ONLY));
                ck_assert_int_eq(wire_attach_count(&root, "a"), 0);
                assert_all_see(id, modes[m], held, ARRAY_SIZE(held));
        }
        set_mode(id, first);
        fd = wire_open_segment(&root, "a", ACCESS_READ_ONLY);
        assert_all_see(id, first, (const EventKind[]){ EVENT_CHANGED, EVENT_ATTACHED }, 2);
        ck_assert_int_eq(wire_remove(&root, "a", NULL), FAULT_NONE);
        close(fd);
        ck_assert_int_eq(wire_stat_id(&root, id, NULL), FAULT_NO_SUCH_SEGMENT);
        assert_all_see(id, first, gone, ARRAY_SIZE(gone));
        for (size_t i = 0; i < _PERSON_N; ++i)
                (void) actor_do(&actors[i], watch_end, NULL, 0);
}

/* One that is watched by its number: refused from the beginning, or silent from then on. */
TEST(watching_one) {
        int64_t id;

        id = make_and_give("a", 0440);
        for (size_t i = 0; i < _PERSON_N; ++i) {
                Watching watching = { .id = id, .only_id = true };

                ck_assert_int_eq(actor_do(&actors[i], watch_begin, &watching, sizeof(watching)), 0);
                ck_assert_msg(watching.code == granted(may_read(i, 0440)), "%s: %s", people[i].name,
                              said((int) watching.code));
                if (watching.code != FAULT_NONE)
                        continue;
                set_mode(id, 0600);
                set_mode(id, 0440);
                watching.n_seen = 0;
                ck_assert_int_eq(actor_do(&actors[i], watch_some, &watching, sizeof(watching)), 0);
                ck_assert_uint_eq(watching.seen[0].mode, may_read(i, 0600) ? 0600 : 0440);
                (void) actor_do(&actors[i], watch_end, NULL, 0);
        }
        ck_assert_int_eq(wire_remove(&root, "a", NULL), FAULT_NONE);
}
