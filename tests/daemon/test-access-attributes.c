/* SPDX-License-Identifier: MIT */
/*
 * Who one is, and who a segment belongs to: credentials are those at connect(2) whatever happens to
 * the process afterwards, and a change of owner moves rights and nothing else.
 */

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/access.h"
#include "tests/support/unit.h"

/* Which access to the segment "a" this connection gets: none, r or rw. */
enum {
        NO_ACCESS,
        MAY_READ,
        MAY_WRITE,
};

static int access_of(Wire *wire) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, ACCESS_READ_WRITE);
        if (wire_try_acquire(wire, &parameters, NULL) == FAULT_NONE)
                return MAY_WRITE;
        parameters.access = ACCESS_READ_ONLY;
        return wire_try_acquire(wire, &parameters, NULL) == FAULT_NONE ? MAY_READ : NO_ACCESS;
}

static int ask_access(Wire *wire, void *data) {
        (void) data;
        return access_of(wire);
}

static int ask_access_anew(Wire *wire, void *data) {
        Wire another;
        int access;

        (void) wire;
        (void) data;
        wire_open(&another);
        access = access_of(&another);
        wire_close(&another);
        return access;
}

/* --- one changes, the connection does not */

static int set_user(Wire *wire, void *data) {
        const uid_t *uids = data;

        (void) wire;
        return setresuid(uids[0], uids[1], uids[2]) < 0 ? errno : 0;
}

static int set_group(Wire *wire, void *data) {
        const gid_t *gids = data;

        (void) wire;
        if (setgroups(1, &gids[1]) < 0 || setresgid(gids[0], gids[0], gids[0]) < 0)
                return errno;
        return 0;
}

static void change_user(Actor *actor, uid_t real, uid_t effective, uid_t saved) {
        uid_t uids[] = { real, effective, saved };

        ck_assert_int_eq(actor_do(actor, set_user, uids, sizeof(uids)), 0);
}

static void change_group(Actor *actor, gid_t gid, gid_t supplementary) {
        gid_t gids[] = { gid, supplementary };

        ck_assert_int_eq(actor_do(actor, set_group, gids, sizeof(gids)), 0);
}

#define KEEP ((uid_t) -1)

SUITE("access-attributes", .skip = !person_possible());
CASE("credentials", .setup = access_up, .teardown = access_down, .timeout = 30);

TEST(user_changes_later) {
        Actor *actor = &actors[ROOT];
        SetAttributesParameters gift = {};
        int64_t id;

        /* Root's, as its creator, and another one's. */
        id = make_as(ROOT, "a", 0600);
        GIVE_VALUE(&gift, SET_ATTRIBUTES_OWNER_UID, owner_uid, people[CREATOR].uid);
        ck_assert_int_eq(set_attributes(&root, id, gift), FAULT_NONE);
        ck_assert_int_eq(actor_do(actor, ask_access, NULL, 0), MAY_WRITE);
        change_user(actor, KEEP, people[OTHER].uid, KEEP);
        ck_assert_int_eq(actor_do(actor, ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(actor_do(actor, ask_access_anew, NULL, 0), NO_ACCESS);
        /* The effective user is the one that counts, and what it could become again does not. */
        change_user(actor, KEEP, 0, KEEP);
        change_user(actor, people[CREATOR].uid, people[OTHER].uid, 0);
        ck_assert_int_eq(actor_do(actor, ask_access_anew, NULL, 0), NO_ACCESS);
        change_user(actor, KEEP, people[CREATOR].uid, KEEP);
        ck_assert_int_eq(actor_do(actor, ask_access_anew, NULL, 0), MAY_WRITE);
        change_user(actor, KEEP, 0, KEEP);
        change_user(actor, people[OTHER].uid, people[OTHER].uid, people[OTHER].uid);
        ck_assert_int_eq(actor_do(actor, ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(actor_do(actor, ask_access_anew, NULL, 0), NO_ACCESS);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

/* A connection that somebody made as nobody does not grow with what the process becomes. */
TEST(user_returns) {
        static const Person outcast = { .name = "root for a while", .gid = 2199 };
        Actor actor;
        int64_t id;

        id = make_as(ROOT, "a", 0640);
        actor = actor_start(&outcast);
        change_user(&actor, KEEP, people[OTHER].uid, 0);
        ck_assert_int_eq(actor_do(&actor, ask_access_anew, NULL, 0), NO_ACCESS);
        change_user(&actor, KEEP, 0, KEEP);
        ck_assert_int_eq(actor_do(&actor, ask_access_anew, NULL, 0), MAY_WRITE);
        actor_end(&actor);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

/* Made as somebody else, kept, and used as root: see above, with the very same connection. */
static Wire kept;

static int keep_connection(Wire *wire, void *data) {
        (void) wire;
        (void) data;
        wire_open(&kept);
        return 0;
}

static int ask_access_kept(Wire *wire, void *data) {
        int access;

        (void) wire;
        access = access_of(&kept);
        if (*(bool *) data)
                wire_close(&kept);
        return access;
}

TEST(kept_connection) {
        bool last = false;
        Actor actor;
        int64_t id;

        id = make_as(CREATOR, "a", 0640);
        actor = actor_start(&people[ROOT]);
        change_user(&actor, KEEP, people[OTHER].uid, 0);
        ck_assert_int_eq(actor_do(&actor, keep_connection, NULL, 0), 0);
        change_user(&actor, KEEP, 0, KEEP);
        ck_assert_int_eq(actor_do(&actor, ask_access_kept, &last, sizeof(last)), NO_ACCESS);
        change_user(&actor, KEEP, people[CREATOR].uid, KEEP);
        last = true;
        ck_assert_int_eq(actor_do(&actor, ask_access_kept, &last, sizeof(last)), NO_ACCESS);
        actor_end(&actor);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

TEST(groups_change_later) {
        const Person *creator = &people[CREATOR], *other = &people[OTHER];
        static const Person member = { "a member at first", 2010, 2110, true, 2101, false };
        Actor actor;
        int64_t id;

        ck_assert_uint_eq(member.group, creator->gid);
        id = make_as(CREATOR, "a", 0640);
        /* Changing groups takes root; the user follows. */
        actor = actor_start(&people[ROOT]);
        change_group(&actor, other->gid, creator->gid);
        change_user(&actor, KEEP, other->uid, 0);
        ck_assert_int_eq(actor_do(&actor, ask_access_anew, NULL, 0), MAY_READ);
        ck_assert_int_eq(actor_do(&actor, keep_connection, NULL, 0), 0);
        change_user(&actor, KEEP, 0, KEEP);
        change_group(&actor, other->gid, other->gid);
        change_user(&actor, KEEP, other->uid, 0);
        ck_assert_int_eq(actor_do(&actor, ask_access_anew, NULL, 0), NO_ACCESS);
        ck_assert_int_eq(actor_do(&actor, ask_access_kept, &(bool){ true }, sizeof(bool)),
                         MAY_READ);
        /* As the primary one, too. */
        change_user(&actor, KEEP, 0, KEEP);
        change_group(&actor, creator->gid, other->gid);
        change_user(&actor, KEEP, other->uid, 0);
        ck_assert_int_eq(actor_do(&actor, ask_access_anew, NULL, 0), MAY_READ);
        actor_end(&actor);
        /* A member for all its life, who loses the group by nothing but connecting. */
        actor = actor_start(&member);
        ck_assert_int_eq(actor_do(&actor, ask_access, NULL, 0), MAY_READ);
        actor_end(&actor);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

/* --- a connection in other hands */

typedef struct Inherited Inherited;

struct Inherited {
        int access;
        int access_anew;
        int64_t uid;
        int64_t pid;
};

/* Who is said to hold the only attachment of "a". */
static void ask_holder(Wire *wire, Inherited *ret) {
        AttachmentReply reply = {};
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, "a");
        if (wire_call(wire, METHOD_LIST_ATTACHMENTS, &parameters, &reply, NULL) == FAULT_NONE &&
            GIVEN(&reply, REPLY_ITEM)) {
                ret->uid = reply.attachment.uid;
                ret->pid = reply.attachment.pid;
        }
}

/* A child that has become somebody else goes on with the connection of its parent. */
static int inherit(Wire *wire, void *data) {
        Inherited *inherited = data;
        int pipe_fds[2], status;
        pid_t pid;

        if (pipe(pipe_fds) < 0)
                return -1;
        pid = fork();
        if (pid == 0) {
                int fd;

                person_become(&people[OTHER]);
                inherited->access = access_of(wire);
                inherited->access_anew = ask_access_anew(wire, NULL);
                fd = wire_open_segment(wire, "a", ACCESS_READ_ONLY);
                ask_holder(wire, inherited);
                fd_close(fd);
                _exit(write(pipe_fds[1], inherited, sizeof(*inherited)) !=
                      (ssize_t) sizeof(*inherited));
        }
        close(pipe_fds[1]);
        if (pid < 0 || read(pipe_fds[0], inherited, sizeof(*inherited)) < 1 ||
            waitpid(pid, &status, 0) != pid)
                return -1;
        close(pipe_fds[0]);
        return status;
}

TEST(inherited_connection) {
        Actor actor;
        Inherited inherited = {};
        int64_t id;

        id = make_as(ROOT, "a", 0600);
        actor = actor_start(&people[ROOT]);
        ck_assert_int_eq(actor_do(&actor, inherit, &inherited, sizeof(inherited)), 0);
        ck_assert_int_eq(inherited.access, MAY_WRITE);
        ck_assert_int_eq(inherited.access_anew, NO_ACCESS);
        /* Shown as theirs who connected. */
        ck_assert_int_eq(inherited.uid, 0);
        ck_assert_int_eq(inherited.pid, actor.pid);
        actor_end(&actor);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

/* --- a change of owner */

typedef struct Usage Usage;

struct Usage {
        /* Of the user asked for, or if that is 0 of how many users it is told */
        int64_t uid;
        int64_t n_users;
        int64_t n_segments;
        int64_t n_bytes;
};

static int ask_usage(Wire *wire, void *data) {
        Usage *usage = data;
        char text[128];
        Writer writer = WRITER_INIT(text, sizeof(text));
        UserReply user;
        Reply reply;

        call_write(&writer, METHOD_LIST_USERS, &(NoParameters){});
        wire_send(wire, writer.data, writer.n_data);
        usage->n_users = usage->n_segments = usage->n_bytes = 0;
        do {
                if (!wire_receive(wire, &reply) || reply.error ||
                    reply_read(&reply, &user_reply_type, &user))
                        return -1;
                ++usage->n_users;
                if (user.user.uid == usage->uid) {
                        usage->n_segments = user.user.segment_count;
                        usage->n_bytes = user.user.charged_bytes;
                }
        } while (reply.continues);
        return 0;
}

static void assert_charged(size_t person, int64_t n_segments, int64_t n_bytes) {
        Usage usage = { .uid = people[person].uid };

        ck_assert_int_eq(actor_do(&actors[person], ask_usage, &usage, sizeof(usage)), 0);
        ck_assert_int_eq(usage.n_segments, n_segments);
        ck_assert_int_eq(usage.n_bytes, n_bytes);
        /* Nobody but the administrator is told of others. */
        if (person != ADMINISTRATOR)
                ck_assert_int_eq(usage.n_users, 1);
        usage.uid = people[person].uid;
        ck_assert_int_eq(ask_usage(&root, &usage), 0);
        ck_assert_int_eq(usage.n_segments, n_segments);
        /* Two of them are the same. */
        ck_assert_int_ge(usage.n_users, _PERSON_N - 1);
}

typedef struct Gift Gift;

struct Gift {
        int64_t id;
        uid_t uid;
        gid_t gid;
        int64_t mode;
};

static int give(Wire *wire, void *data) {
        SetAttributesParameters parameters = {};
        const Gift *gift = data;

        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid, gift->uid);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_GID, owner_gid, gift->gid);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, gift->mode);
        return (int) set_attributes(wire, gift->id, parameters);
}

static FaultCode give_as(size_t giver, size_t taker, int64_t id, int64_t mode) {
        Gift gift = { .id = id, .uid = people[taker].uid, .gid = people[taker].gid, .mode = mode };

        return (FaultCode) actor_do(&actors[giver], give, &gift, sizeof(gift));
}

#define WHOLE_PAGES 20480

TEST(owner_changes) {
        SegmentInfo info;
        int64_t id;

        id = make_as(CREATOR, "a", 0600);
        assert_charged(CREATOR, 1, WHOLE_PAGES);
        ck_assert_int_eq(give_as(CREATOR, OWNER, id, 0600), FAULT_NONE);
        /* Rights move, what is charged does not: nobody can make others pay. */
        assert_charged(CREATOR, 1, WHOLE_PAGES);
        assert_charged(OWNER, 0, 0);
        ck_assert_int_eq(actor_do(&actors[OWNER], ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(actor_do(&actors[CREATOR], ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(actor_do(&actors[OTHER], ask_access, NULL, 0), NO_ACCESS);

        /* Who gives away what was never made by oneself has nothing left; the creator has. */
        ck_assert_int_eq(give_as(OWNER, OTHER, id, 0640), FAULT_NONE);
        ck_assert_int_eq(give_as(OWNER, OWNER, id, 0666), FAULT_PERMISSION_DENIED);
        /* The owner of before is of the creator's group. */
        ck_assert_int_eq(actor_do(&actors[OWNER], ask_access, NULL, 0), MAY_READ);
        ck_assert_int_eq(actor_do(&actors[OWNERS_GROUP], ask_access, NULL, 0), NO_ACCESS);
        ck_assert_int_eq(actor_do(&actors[CREATORS_GROUP], ask_access, NULL, 0), MAY_READ);
        ck_assert_int_eq(actor_do(&actors[OTHER], ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(give_as(CREATOR, OWNER, id, 0606), FAULT_NONE);
        ck_assert_int_eq(actor_do(&actors[OTHER], ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(give_as(OTHER, OTHER, id, 0666), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(actor_do(&actors[OWNERS_GROUP], ask_access, NULL, 0), NO_ACCESS);

        ck_assert_int_eq(wire_stat(&root, "a", &info), FAULT_NONE);
        ck_assert_int_eq(info.permissions.owner_uid, people[OWNER].uid);
        ck_assert_int_eq(info.permissions.owner_gid, people[OWNER].gid);
        ck_assert_int_eq(info.permissions.creator_uid, people[CREATOR].uid);
        ck_assert_int_eq(info.permissions.creator_gid, people[CREATOR].gid);
        ck_assert_int_eq(info.permissions.mode, 0606);
        ck_assert_int_eq(actor_do(&actors[OWNER], remove_id, &id, sizeof(id)), FAULT_NONE);
        assert_charged(CREATOR, 0, 0);
        assert_charged(OWNER, 0, 0);
}

/* Given to root it is not out of reach, for its creator stays that. */
TEST(given_to_root) {
        int64_t id;

        id = make_as(CREATOR, "a", 0600);
        ck_assert_int_eq(give_as(CREATOR, ROOT, id, 0), FAULT_NONE);
        ck_assert_int_eq(actor_do(&actors[CREATOR], ask_access, NULL, 0), NO_ACCESS);
        ck_assert_int_eq(give_as(OWNER, OWNER, id, 0666), FAULT_PERMISSION_DENIED);
        assert_charged(CREATOR, 1, WHOLE_PAGES);
        assert_charged(ROOT, 0, 0);
        ck_assert_int_eq(give_as(CREATOR, CREATOR, id, 0600), FAULT_NONE);
        ck_assert_int_eq(actor_do(&actors[CREATOR], ask_access, NULL, 0), MAY_WRITE);
        ck_assert_int_eq(actor_do(&actors[CREATOR], remove_id, &id, sizeof(id)), FAULT_NONE);
}

/* --- what was handed out stays what it is */

static int held_fd = -1;
static char *held_at;

static int hold(Wire *wire, void *data) {
        (void) data;
        held_fd = wire_open_segment(wire, "a", ACCESS_READ_WRITE);
        held_at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, held_fd, 0);
        return held_at == MAP_FAILED ? -1 : 0;
}

static int use_held(Wire *wire, void *data) {
        (void) wire;
        (void) data;
        held_at[0] = 'm';
        if (pwrite(held_fd, "w", 1, 1) != 1 || held_at[1] != 'w')
                return -1;
        (void) munmap(held_at, 4096);
        held_fd = fd_close(held_fd);
        return 0;
}

TEST(descriptors_stay) {
        int64_t id;

        id = make_as(CREATOR, "a", 0606);
        ck_assert_int_eq(actor_do(&actors[OTHER], hold, NULL, 0), 0);
        set_mode(id, 0600);
        ck_assert_int_eq(actor_do(&actors[OTHER], ask_access, NULL, 0), NO_ACCESS);
        ck_assert_int_eq(wire_attach_count(&root, "a"), 1);
        ck_assert_int_eq(actor_do(&actors[OTHER], use_held, NULL, 0), 0);
        ck_assert_int_eq(wire_attach_count(&root, "a"), 0);
        ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
}

/* --- calls that take time are judged again when they are done */

#define LARGE_BYTES (INT64_C(64) << 20)

static void up_lockable(void) {
        const Setup setup = {
                .config = "[limits]\nlockedBytes = 1G\nlockedBytesPerUser = 1G\n",
        };

        access_up_with(&setup);
}

static void send_lock(Wire *wire, int64_t id, int64_t mode) {
        SetAttributesParameters parameters = {};
        char text[256];
        Writer writer = WRITER_INIT(text, sizeof(text));

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_LOCKED, locked, true);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_MODE, mode, mode);
        call_write(&writer, METHOD_SET_ATTRIBUTES, &parameters);
        wire_send(wire, writer.data, writer.n_data);
}

static int begin_lock(Wire *wire, void *data) {
        send_lock(wire, *(int64_t *) data, 0666);
        return 0;
}

static int end_lock(Wire *wire, void *data) {
        Fault fault = { .code = FAULT_NONE };
        Reply reply;

        (void) data;
        if (!wire_receive(wire, &reply))
                return -1;
        if (reply.error)
                reply_read_fault(&reply, &fault);
        return (int) fault.code;
}

CASE("slow", .setup = up_lockable, .teardown = access_down, .timeout = 60);

/* The owner's lock waits behind one that takes long, and is no owner's any more when its turn
 * comes: then it must not set the mode of what is somebody else's. */
TEST(owner_changes_meanwhile) {
        AcquireParameters parameters = {};
        AcquireReply large;
        SegmentInfo info;
        bool was_late = false;

        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, LARGE_BYTES);
        for (int i = 0; i < 50 && !was_late; ++i) {
                int64_t id = make_and_give("a", 0600);
                FaultCode code;

                close(wire_acquire(&root, &parameters, &large));
                send_lock(&root, large.segment.id, 0600);
                ck_assert_int_eq(actor_do(&actors[OWNER], begin_lock, &id, sizeof(id)), 0);
                ck_assert_int_eq(give_as(CREATOR, CREATOR, id, 0600), FAULT_NONE);
                code = (FaultCode) actor_do(&actors[OWNER], end_lock, NULL, 0);
                ck_assert_int_eq(end_lock(&root, NULL), FAULT_NONE);
                ck_assert_int_eq(wire_stat(&root, "a", &info), FAULT_NONE);
                /* Either it was done before, or not at all. */
                ck_assert_int_eq(info.permissions.owner_uid, people[CREATOR].uid);
                ck_assert_int_eq(info.permissions.mode, 0600);
                was_late = code == FAULT_PERMISSION_DENIED;
                if (was_late)
                        ck_assert(!info.locked);
                else
                        ck_assert_int_eq(code, FAULT_NONE);
                ck_assert_int_eq(remove_id(&root, &id), FAULT_NONE);
                ck_assert_int_eq(remove_id(&root, &large.segment.id), FAULT_NONE);
        }
        ck_assert_msg(was_late, "the lock was never late");
}
