/* SPDX-License-Identifier: MIT */
/* Reserved names: who else wants to give one to a segment is refused, by every way there is. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/person.h"
#include "tests/support/unit.h"

#define OWNER 2001
#define TEAM 2500
#define SIZE 4096

typedef struct Attempt Attempt;

/* What is tried, and a segment that it is about. */
struct Attempt {
        const char *name;
        int64_t id;
        CreateMode create;
        bool wait;
        bool replace;
        char posix_name[64];
};

static const Person owner = { "the owner", OWNER, 2101, false, 0, false };
static const Person outsider = { "an outsider", 2002, 2102, false, 0, false };
static const Person member = { "a member", 2003, 2103, true, TEAM, false };
static const Person effective = { "one whose group it is", 2004, TEAM, false, 0, false };
static const Person container_root = { "root of a container", 0, 0, false, 0, false };
static const Person administrator = { "the administrator", 0, 0, false, 0, true };

static Actor actors[6];
static Actor *const the_owner = &actors[0], *const the_outsider = &actors[1],
                    *const the_member = &actors[2], *const the_effective = &actors[3],
                    *const the_root = &actors[4], *const the_administrator = &actors[5];

static const char config[] = "[names]\nprod/* = 2001\nteam:* = @2500\nposix/* = 2001\n";

static void up(void) {
        static const Person *const people[] = { &owner,     &outsider,       &member,
                                                &effective, &container_root, &administrator };

        fixture_up(&(Setup){ .config = config });
        ck_assert_int_eq(chmod(fixture_directory(), 0711), 0);
        for (size_t i = 0; i < ARRAY_SIZE(people); ++i)
                actors[i] = actor_start(people[i]);
}

static void down(void) {
        for (size_t i = 0; i < ARRAY_SIZE(actors); ++i)
                actor_end(&actors[i]);
        fixture_down();
}

static int acquire_act(Wire *wire, void *data) {
        const Attempt *attempt = data;
        AcquireParameters parameters = {};
        Fault fault = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, attempt->name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, attempt->create);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        if (attempt->wait)
                GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, 20000000);
        return (int) wire_try_acquire(wire, &parameters, &fault);
}

static FaultCode acquire(Actor *actor, const char *name, CreateMode create) {
        Attempt attempt = { .name = name, .create = create };

        return (FaultCode) actor_do(actor, acquire_act, &attempt, sizeof(attempt));
}

static int remove_act(Wire *wire, void *data) {
        const Attempt *attempt = data;

        return (int) wire_remove(wire, attempt->name, NULL);
}

static void remove_segment(const char *name) {
        Attempt attempt = { .name = name };

        ck_assert_int_eq(actor_do(the_administrator, remove_act, &attempt, sizeof(attempt)),
                         FAULT_NONE);
}

static void may_create(Actor *actor, const char *name) {
        ck_assert_msg(acquire(actor, name, CREATE_NEW) == FAULT_NONE, "%s may not create %s",
                      actor->person->name, name);
        remove_segment(name);
}

/* In none of the ways that make a segment, also if it would wait for one. */
static void may_not_create(Actor *actor, const char *name) {
        for (int wait = 0; wait < 2; ++wait)
                for (CreateMode create = CREATE_ANY; create <= CREATE_NEW; ++create) {
                        Attempt attempt = { .name = name, .create = create, .wait = wait };

                        ck_assert_msg(actor_do(actor, acquire_act, &attempt, sizeof(attempt)) ==
                                              FAULT_PERMISSION_DENIED,
                                      "%s may create %s", actor->person->name, name);
                }
        ck_assert_int_eq(acquire(actor, name, CREATE_OPEN), FAULT_NO_SUCH_SEGMENT);
}

static void configure(const char *text) {
        fixture_configure(text);
        fixture_hang_up();
}

SUITE("names", .skip = geteuid() != 0, .reason = "only root can become another user");
CASE("names", .setup = up, .teardown = down, .timeout = 30);

TEST(created) {
        may_create(the_owner, "prod/a");
        may_create(the_administrator, "prod/a");
        may_not_create(the_outsider, "prod/a");
        may_not_create(the_member, "prod/a/b/c");
        /* Uid 0 is a user like any other here. */
        may_not_create(the_root, "prod/a");
        may_create(the_outsider, "prod");
        may_create(the_outsider, "production/a");
        may_create(the_member, "team:a");
        may_create(the_effective, "team:a");
        may_create(the_administrator, "team:a");
        may_not_create(the_owner, "team:a");
        may_not_create(the_root, "team:a");
        may_create(the_outsider, "team");
}

/* Whoever is reserved a name still shares what has it as its mode says. */
TEST(opened) {
        ck_assert_int_eq(acquire(the_owner, "prod/a", CREATE_ANY), FAULT_NONE);
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_OPEN), FAULT_NONE);
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_ANY), FAULT_NONE);
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_NEW), FAULT_SEGMENT_EXISTS);
        remove_segment("prod/a");
}

/* What is there when a name is reserved stays, and what ends is not made again. */
TEST(left_as_it_is) {
        configure("");
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_NEW), FAULT_NONE);
        configure(config);
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_ANY), FAULT_NONE);
        remove_segment("prod/a");
        may_not_create(the_outsider, "prod/a");
}

/* With a line that is wrong, what was reserved before stays so. */
TEST(read_again) {
        configure("[names]\nother/* = 2001\nprod/* = no-user-of-that-name\n");
        may_not_create(the_outsider, "prod/a");
        may_create(the_outsider, "other/a");
        configure("[names]\nprod/* = 2002\n");
        may_create(the_outsider, "prod/a");
        may_not_create(the_owner, "prod/a");
        may_create(the_outsider, "team:a");
        configure("");
        may_create(the_owner, "prod/a");
}

static int make_private(Wire *wire, void *data) {
        AcquireParameters parameters = {};
        Attempt *attempt = data;
        AcquireReply reply;

        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        if (wire_call(wire, METHOD_ACQUIRE, &parameters, &reply, NULL) != FAULT_NONE)
                return 1;
        fd_close(fd_queue_pop(&wire->fds));
        attempt->id = reply.segment.id;
        return 0;
}

static int publish_act(Wire *wire, void *data) {
        const Attempt *attempt = data;
        PublishParameters parameters = { .id = attempt->id, .name = attempt->name };
        PublishReply reply;

        GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, attempt->replace);
        return (int) wire_call(wire, METHOD_PUBLISH, &parameters, &reply, NULL);
}

static FaultCode publish(Actor *actor, const char *name) {
        Attempt attempt = { .name = name, .replace = true };
        FaultCode code;

        ck_assert_int_eq(actor_do(actor, make_private, &attempt, sizeof(attempt)), 0);
        code = (FaultCode) actor_do(actor, publish_act, &attempt, sizeof(attempt));
        if (code == FAULT_NONE)
                return code;
        attempt.name = "unreserved";
        ck_assert_int_eq(actor_do(actor, publish_act, &attempt, sizeof(attempt)), FAULT_NONE);
        remove_segment("unreserved");
        return code;
}

TEST(published) {
        ck_assert_int_eq(publish(the_outsider, "prod/a"), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(publish(the_member, "prod/a"), FAULT_PERMISSION_DENIED);
        ck_assert_int_eq(publish(the_member, "team:a"), FAULT_NONE);
        ck_assert_int_eq(publish(the_owner, "prod/a"), FAULT_NONE);
        ck_assert_int_eq(publish(the_owner, "prod/a"), FAULT_NONE);
        ck_assert_int_eq(publish(the_administrator, "prod/a"), FAULT_NONE);
        remove_segment("prod/a");
        remove_segment("team:a");
        /* One's own as well, if the name is another's by now. */
        configure("");
        ck_assert_int_eq(acquire(the_outsider, "prod/a", CREATE_NEW), FAULT_NONE);
        configure(config);
        ck_assert_int_eq(publish(the_outsider, "prod/a"), FAULT_PERMISSION_DENIED);
        remove_segment("prod/a");
}

static int adopt_act(Wire *wire, void *data) {
        const Attempt *attempt = data;
        AdoptParameters parameters = {};

        GIVE_VALUE(&parameters, ADOPT_POSIX_NAME, posix_name, attempt->posix_name);
        if (attempt->name)
                GIVE_VALUE(&parameters, ADOPT_NAME, name, attempt->name);
        return (int) wire_call(wire, METHOD_ADOPT, &parameters, NULL, NULL);
}

static int make_object(Wire *wire, void *data) {
        const Attempt *attempt = data;
        int fd = shm_open(attempt->posix_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        int r = fd < 0 ? 1 : ftruncate(fd, SIZE);

        (void) wire;
        fd_close(fd);
        return r;
}

/* The name that the object gets in the broker is one as well, said or not. */
TEST(adopted) {
        Attempt attempt = {};

        (void) snprintf(attempt.posix_name, sizeof(attempt.posix_name), "/shmbroker-test-names-%d",
                        getpid());
        ck_assert_int_eq(actor_do(the_outsider, make_object, &attempt, sizeof(attempt)), 0);
        ck_assert_int_eq(actor_do(the_outsider, adopt_act, &attempt, sizeof(attempt)),
                         FAULT_PERMISSION_DENIED);
        attempt.name = "prod/a";
        ck_assert_int_eq(actor_do(the_outsider, adopt_act, &attempt, sizeof(attempt)),
                         FAULT_PERMISSION_DENIED);
        attempt.name = "mine";
        ck_assert_int_eq(actor_do(the_outsider, adopt_act, &attempt, sizeof(attempt)), FAULT_NONE);
        remove_segment("mine");
        ck_assert_int_eq(actor_do(the_outsider, make_object, &attempt, sizeof(attempt)), 0);
        attempt.name = "prod/a";
        ck_assert_int_eq(actor_do(the_administrator, adopt_act, &attempt, sizeof(attempt)),
                         FAULT_NONE);
        remove_segment("prod/a");
}
