/* SPDX-License-Identifier: MIT */
/*
 * Who may what, asked by those who ask: processes that have become the creator, the owner after a
 * change of owner, members of their groups, others and root try everything at every mode, and see
 * themselves what they are refused. What was refused has changed nothing.
 */

#include <string.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/support/access.h"
#include "tests/support/unit.h"

/* --- reading: every mode, everybody */

typedef struct Tried Tried;

struct Tried {
        int64_t id;
        FaultCode read;
        FaultCode write;
        FaultCode write_by_id;
        FaultCode write_or_create;
        FaultCode stat;
        FaultCode attachments;
        FaultCode watch;
        unsigned int n_listed;
};

static FaultCode try_attach(Wire *wire, Access access, int64_t id, bool create) {
        AcquireParameters parameters = {};

        if (id > 0)
                GIVE_VALUE(&parameters, ACQUIRE_ID, id, id);
        else
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        if (create) {
                GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_ANY);
                GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        }
        return wire_try_acquire(wire, &parameters, NULL);
}

/* Replies of a method that has more than one, empty ones not counted; or how it is refused. */
static FaultCode count_replies(Wire *wire, Method method, const void *parameters,
                               unsigned int *ret) {
        char text[1024];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Fault fault = {};
        Reply reply;

        *ret = 0;
        call_write(&writer, method, parameters);
        wire_send(wire, writer.data, writer.n_data);
        do {
                if (!wire_receive(wire, &reply))
                        return _FAULT_N;
                if (reply.error) {
                        reply_read_fault(&reply, &fault);
                        return fault.code;
                }
                *ret += reply.parameters != NULL;
        } while (reply.continues);
        return FAULT_NONE;
}

/* Only whether it may begin: on a connection of its own, for it never ends. */
static FaultCode try_watch(int64_t id) {
        WatchParameters parameters = {};
        Fault fault = { .code = FAULT_NONE };
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;
        Wire wire;

        wire_open(&wire);
        GIVE_VALUE(&parameters, WATCH_ID, id, id);
        call_write(&writer, METHOD_WATCH, &parameters);
        wire_send(&wire, writer.data, writer.n_data);
        if (!wire_receive(&wire, &reply))
                fault.code = _FAULT_N;
        else if (reply.error)
                reply_read_fault(&reply, &fault);
        wire_close(&wire);
        return fault.code;
}

static int try_reading(Wire *wire, void *data) {
        SegmentParameters segment = {};
        ListParameters list = {};
        Tried *tried = data;
        unsigned int n = 0;

        tried->read = try_attach(wire, ACCESS_READ_ONLY, 0, false);
        tried->write = try_attach(wire, ACCESS_READ_WRITE, 0, false);
        tried->write_by_id = try_attach(wire, ACCESS_READ_WRITE, tried->id, false);
        tried->write_or_create = try_attach(wire, ACCESS_READ_WRITE, 0, true);
        tried->stat = wire_stat(wire, "a", NULL);
        GIVE_VALUE(&segment, SEGMENT_NAME, name, "a");
        tried->attachments = count_replies(wire, METHOD_LIST_ATTACHMENTS, &segment, &n);
        if (tried->attachments == FAULT_NONE && n != 1)
                return -1;
        GIVE_VALUE(&list, LIST_MATCH_NAME, match_name, "a");
        if (count_replies(wire, METHOD_LIST, &list, &tried->n_listed) != FAULT_NONE)
                return -1;
        tried->watch = try_watch(tried->id);
        return 0;
}

static void assert_tried(size_t person, unsigned int mode, const Tried *tried) {
        FaultCode read = granted(may_read(person, mode)), write = granted(may_write(person, mode));
        bool right = tried->read == read && tried->write == write && tried->write_by_id == write &&
                     tried->write_or_create == write && tried->stat == read &&
                     tried->attachments == read && tried->watch == read &&
                     tried->n_listed == (read == FAULT_NONE);

        ck_assert_msg(right,
                      "mode %03o, %s: read %u, write %u (by id %u, or create %u), stat %u, "
                      "attachments %u, watch %u, listed %u",
                      mode, people[person].name, tried->read, tried->write, tried->write_by_id,
                      tried->write_or_create, tried->stat, tried->attachments, tried->watch,
                      tried->n_listed);
}

/* What attaching and detaching change in any case is not compared. */
static void forget_times(State *state) {
        state->info.given &= ~(UINT64_C(1) << INFO_ATTACH_TIME_USEC |
                               UINT64_C(1) << INFO_DETACH_TIME_USEC | UINT64_C(1) << INFO_LAST_PID);
        state->info.attach_time_usec = state->info.detach_time_usec = state->info.last_pid = 0;
}

SUITE("access", .skip = !person_possible());
CASE("access", .setup = access_up, .teardown = access_down, .timeout = 60);

TEST(reading, .end = 8) {
        unsigned int begin = (unsigned int) _i * 64;
        int64_t id;
        int fd;

        id = make_and_give("a", 0);
        fd = wire_open_segment(&root, "a", ACCESS_READ_ONLY);
        for (unsigned int mode = begin; mode < begin + 64; ++mode) {
                State before, after;

                set_mode(id, mode);
                before = state_of(id);
                for (size_t i = 0; i < _PERSON_N; ++i) {
                        Tried tried = { .id = id };

                        ck_assert_int_eq(actor_do(&actors[i], try_reading, &tried, sizeof(tried)),
                                         0);
                        assert_tried(i, mode, &tried);
                }
                after = state_of(id);
                forget_times(&before);
                forget_times(&after);
                ck_assert_mem_eq(&before, &after, sizeof(before));
        }
        close(fd);
        ck_assert_int_eq(wire_remove(&root, "a", NULL), FAULT_NONE);
}

/* --- changing: owner, creator and root, whatever the mode */

typedef struct Change Change;

struct Change {
        const char *name;
        int (*act)(Wire *wire, void *data);
};

static int change_mode(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, 0640);
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

static int change_owner(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, geteuid());
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

static int change_group(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_GID, owner_gid, getegid());
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

static int change_life(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec, 3600000000);
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

static int change_lock(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LOCKED, locked, true);
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

/* Also of one that is not locked: nothing may be told apart by who may not know. */
static int change_unlock(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LOCKED, locked, false);
        return (int) set_attributes(wire, *(int64_t *) data, parameters);
}

static int change_nothing(Wire *wire, void *data) {
        return (int) set_attributes(wire, *(int64_t *) data, (SetAttributesParameters){});
}

static int change_size(Wire *wire, void *data) {
        ResizeParameters parameters = { .size_bytes = ACCESS_MAXIMUM };

        GIVE_VALUE(&parameters, SEGMENT_ID, id, *(int64_t *) data);
        return (int) wire_call(wire, METHOD_RESIZE, &parameters, NULL, NULL);
}

/* One that would be wrong, too: who may not know the size is not told. */
static int change_size_wrongly(Wire *wire, void *data) {
        ResizeParameters parameters = { .size_bytes = ACCESS_MAXIMUM + 1 };
        FaultCode code;

        GIVE_VALUE(&parameters, SEGMENT_ID, id, *(int64_t *) data);
        code = wire_call(wire, METHOD_RESIZE, &parameters, NULL, NULL);
        return (int) (code == FAULT_WRONG_SIZE ? FAULT_NONE : code);
}

static int seal_with(Wire *wire, int64_t id, unsigned int seal) {
        SealParameters parameters = { .seals = 1U << seal };

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        return (int) wire_call(wire, METHOD_SEAL, &parameters, NULL, NULL);
}

static int change_seal(Wire *wire, void *data) {
        return seal_with(wire, *(int64_t *) data, SEAL_FUTURE_WRITE);
}

static int change_seal_slowly(Wire *wire, void *data) {
        return seal_with(wire, *(int64_t *) data, SEAL_WRITE);
}

static int change_name(Wire *wire, void *data) {
        PublishParameters parameters = { .id = *(int64_t *) data, .name = "published" };

        return (int) wire_call(wire, METHOD_PUBLISH, &parameters, NULL, NULL);
}

static const Change changes[] = {
        { "mode", change_mode },
        { "owner", change_owner },
        { "group", change_group },
        { "life", change_life },
        { "lock", change_lock },
        { "unlock", change_unlock },
        { "nothing", change_nothing },
        { "size", change_size },
        { "wrong size", change_size_wrongly },
        { "seal", change_seal },
        { "seal against writing", change_seal_slowly },
        { "name", change_name },
        { "removal", remove_id },
};

/* True if it was done, and maybe gone with it. */
static bool try_change(size_t person, const Change *change, int64_t id, unsigned int mode) {
        State before = state_of(id);
        int code = actor_do(&actors[person], change->act, &id, sizeof(id));
        bool expected = may_control(person);

        ck_assert_msg(code == (int) granted(expected), "mode %03o, %s, %s: %s", mode,
                      people[person].name, change->name, said(code));
        if (!expected)
                assert_same(id, &before, people[person].name, change->name);
        return expected;
}

TEST(changing, .end = 4) {
        static const unsigned int modes[] = { 0, 0777, 0600, 0066 };
        unsigned int mode = modes[_i];

        for (size_t c = 0; c < ARRAY_SIZE(changes); ++c) {
                int64_t id = make_and_give("", mode);

                for (size_t i = 0; i < _PERSON_N; ++i) {
                        if (!try_change(i, &changes[c], id, mode))
                                continue;
                        /* Another one for whoever is next. */
                        (void) remove_id(&root, &id);
                        id = make_and_give("", mode);
                }
                ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
        }
}

/* By name as by id; and the name stays. */
static int remove_named(Wire *wire, void *data) {
        (void) data;
        return (int) wire_remove(wire, "a", NULL);
}

TEST(removing_by_name) {
        int64_t id;

        id = make_and_give("a", 0777);
        for (size_t i = 0; i < _PERSON_N; ++i) {
                const Change change = { "removal by name", remove_named };

                if (try_change(i, &change, id, 0777))
                        id = make_and_give("a", 0777);
        }
        /* One that is removed and held is as much its owner's. */
        id = make_and_give("b", 0777);
        {
                int fd = wire_open_segment(&root, "b", ACCESS_READ_ONLY);

                ck_assert_int_eq(wire_remove(&root, "b", NULL), FAULT_NONE);
                for (size_t i = 0; i < _PERSON_N; ++i) {
                        (void) try_change(i, &(Change){ "second removal", remove_id }, id, 0777);
                        (void) try_change(i, &(Change){ "mode when removed", change_mode }, id,
                                          0777);
                        set_mode(id, 0777);
                }
                close(fd);
        }
        ck_assert_int_eq(wire_remove(&root, "a", NULL), FAULT_NONE);
}

/* --- taking somebody else's name */

typedef struct Publication Publication;

struct Publication {
        int64_t id;
        bool replace;
        bool has_replaced;
        int64_t replaced_id;
};

static int publish_a(Wire *wire, void *data) {
        Publication *publication = data;
        PublishParameters parameters = { .id = publication->id, .name = "a" };
        PublishReply reply;
        FaultCode code;

        if (publication->replace)
                GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, true);
        code = wire_call(wire, METHOD_PUBLISH, &parameters, &reply, NULL);
        publication->has_replaced = code == FAULT_NONE && GIVEN(&reply, PUBLISH_REPLY_REPLACED_ID);
        publication->replaced_id = publication->has_replaced ? reply.replaced_id : 0;
        return (int) code;
}

/* Everybody has a segment of one's own, and would like to call it by the name of another. */
static void try_replace(size_t person, unsigned int mode) {
        int64_t old_id = make_and_give("a", mode), new_id = make_as(person, "", 0600);
        Publication publication = { .id = new_id };
        State before_old = state_of(old_id), before_new = state_of(new_id);
        const char *who = people[person].name;
        int code;

        code = actor_do(&actors[person], publish_a, &publication, sizeof(publication));
        ck_assert_msg(code == FAULT_SEGMENT_EXISTS, "%s: %s", who, said(code));
        assert_same(old_id, &before_old, who, "publishing without replace");
        assert_same(new_id, &before_new, who, "publishing without replace");

        publication.replace = true;
        code = actor_do(&actors[person], publish_a, &publication, sizeof(publication));
        ck_assert_msg(code == (int) granted(may_control(person)), "%s: %s", who, said(code));
        if (may_control(person)) {
                ck_assert(publication.has_replaced);
                ck_assert_int_eq(publication.replaced_id, old_id);
                ck_assert_int_eq(wire_stat_id(&root, old_id, NULL), FAULT_NO_SUCH_SEGMENT);
        } else {
                assert_same(old_id, &before_old, who, "replacing");
                assert_same(new_id, &before_new, who, "replacing");
                ck_assert_int_eq(remove_id(&root, &old_id), FAULT_NONE);
        }
        ck_assert_int_eq(remove_id(&root, &new_id), FAULT_NONE);
}

TEST(replacing) {
        for (size_t i = 0; i < _PERSON_N; ++i) {
                try_replace(i, 0);
                try_replace(i, 0777);
        }
}
