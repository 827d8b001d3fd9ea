/* SPDX-License-Identifier: MIT */
/*
 * Charges and things never part: whatever users do, in whatever order, what each is charged for is
 * what there is, at every step.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/call/calls.h"
#include "daemon/call/pending.h"
#include "daemon/call/streams.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit-service.h"
#include "tests/support/unit.h"

#define N_USERS 3
#define N_NAMES 6
#define N_HELD 40
#define N_OTHERS 8
#define N_STEPS 4000

typedef void (*StepFn)(Client *client);

static Service service;
static Client clients[N_USERS];
static int held[N_HELD];
static Pending *pending[N_OTHERS];
static Stream streams[N_OTHERS];
static uint64_t seed;
static size_t n_done[_CALL_E_N];

static size_t below(size_t limit) {
        return (size_t) unit_below(&seed, limit);
}

static const char *some_name(void) {
        static const char *const names[N_NAMES] = { "a", "b", "c", "d", "e", "f" };

        return names[below(N_NAMES)];
}

static Segment *some_segment(void) {
        Segment *segment = service.registry.first;

        for (size_t n = service.registry.n_segments ? below(service.registry.n_segments) : 0; n > 0;
             --n)
                segment = segment->next;
        return segment;
}

/* What a user has, counted. */
static void count(const Client *client, uint64_t ret[_LIMIT_N]) {
        const Segment *segment;
        const Attachment *attachment;

        memset(ret, 0, _LIMIT_N * sizeof(*ret));
        DL_FOREACH(service.registry.first, segment) {
                if (segment->permission.creator_uid == client->credentials.uid) {
                        ++ret[LIMIT_SEGMENTS];
                        ret[LIMIT_BYTES] += segment_capacity(segment);
                }
                DL_FOREACH(segment->attachments, attachment)
                        ret[LIMIT_ATTACHMENTS] += attachment->uid == client->credentials.uid;
        }
        for (size_t i = 0; i < N_OTHERS; ++i) {
                ret[LIMIT_WAITING] += pending[i] && pending[i]->charge.user == client->user;
                ret[LIMIT_WATCHES] += streams[i].kind == STREAM_WATCH &&
                                      i % N_USERS == (size_t) (client - clients);
        }
}

static void check(void) {
        uint64_t counted[_LIMIT_N], total[_LIMIT_N] = {};

        for (size_t i = 0; i < N_USERS; ++i) {
                count(&clients[i], counted);
                for (size_t k = 0; k < _LIMIT_N; ++k) {
                        if (k == LIMIT_LOCKED)
                                continue;
                        ck_assert_msg(clients[i].user->used[k] == counted[k],
                                      "user %zu is charged %ju %s, and has %ju", i,
                                      (uintmax_t) clients[i].user->used[k],
                                      limit_total_name((Limit) k), (uintmax_t) counted[k]);
                        ck_assert_uint_le(counted[k], service.accounts.user_maximum[k]);
                        total[k] += counted[k];
                }
        }
        for (size_t k = 0; k < _LIMIT_N; ++k)
                if (k != LIMIT_LOCKED)
                        ck_assert_uint_eq(service.accounts.total_used[k], total[k]);
}

/* --- what users do */

static void persist(const Acquired *acquired) {
        size_t i = below(N_HELD);

        fd_close(held[i]);
        held[i] = acquired->fd;
}

static void step_acquire(Client *client) {
        AcquireParameters parameters = {};
        Acquired acquired = { .fd = -EBADF };
        CallFailure failure;
        AcquireReply reply;
        int r;

        if (below(4) > 0)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, some_name());
        if (parameters.name)
                GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, (unsigned int) below(_CREATE_N));
        GIVE_VALUE(&parameters, ACQUIRE_MODE, mode, 0666);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, (int64_t) below(20000));
        if (below(2))
                GIVE_VALUE(&parameters, ACQUIRE_MAXIMUM_BYTES, maximum_bytes,
                           (int64_t) below(40000));
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, below(2));
        if (below(4) == 0)
                GIVE_VALUE(&parameters, ACQUIRE_LINGER_USEC, linger_usec, (int64_t) below(2000));
        r = call_acquire(&service, client, &parameters, &reply, &acquired, &failure);
        ++n_done[r];
        if (r)
                return;
        if (below(8) == 0)
                call_acquire_undo(&service, &acquired);
        else
                persist(&acquired);
}

static void step_close(Client *client) {
        size_t i = below(N_HELD);

        (void) client;
        held[i] = fd_close(held[i]);
}

static void step_remove(Client *client) {
        const Segment *segment = some_segment();
        SegmentParameters parameters = {};
        CallFailure failure;
        RemoveReply reply;

        if (!segment)
                return;
        GIVE_VALUE(&parameters, SEGMENT_ID, id, segment->id);
        ++n_done[call_remove(&service, client, &parameters, &reply, &failure)];
}

/* Who is owner changes nothing in who is charged. */
static void step_set(Client *client) {
        const Segment *segment = some_segment();
        SetAttributesParameters parameters = {};
        Pending *waits = NULL;
        CallFailure failure;
        SegmentReply reply;
        int r;

        if (!segment)
                return;
        GIVE_VALUE(&parameters, SEGMENT_ID, id, segment->id);
        GIVE_VALUE(&parameters, SET_ATTRIBUTES_OWNER_UID, owner_uid,
                   clients[below(N_USERS)].credentials.uid);
        if (below(2))
                GIVE_VALUE(&parameters, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           below(2));
        if (below(4) == 0)
                GIVE_VALUE(&parameters, SET_ATTRIBUTES_LINGER_USEC, linger_usec,
                           (int64_t) below(3000) - 1);
        if (below(4) == 0)
                GIVE_VALUE(&parameters, SET_ATTRIBUTES_LOCKED, locked, below(2));
        r = call_set_attributes(&service, client, &parameters, &reply, &waits, &failure);
        ++n_done[r];
        /* Nobody waits for it; it is done all the same. */
        pending_free(waits);
}

static void step_resize(Client *client) {
        const Segment *segment = some_segment();
        ResizeParameters parameters = { .size_bytes = (int64_t) below(40000) };
        CallFailure failure;
        SegmentReply reply;

        if (!segment)
                return;
        GIVE_VALUE(&parameters, SEGMENT_ID, id, segment->id);
        ++n_done[call_resize(&service, client, &parameters, &reply, &failure)];
}

static void step_publish(Client *client) {
        const Segment *segment = some_segment();
        PublishParameters parameters = { .name = some_name(), .replace = below(2) };
        CallFailure failure;
        PublishReply reply;

        if (!segment)
                return;
        parameters.id = segment->id;
        ++n_done[call_publish(&service, client, &parameters, &reply, &failure)];
}

static void step_wait(Client *client) {
        AcquireParameters parameters = {};
        size_t i = below(N_OTHERS);
        CallFailure failure;

        pending[i] = pending_free(pending[i]);
        if (below(2) || pending_new(&service, client, METHOD_ACQUIRE, &pending[i], &failure))
                return;
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, some_name());
        GIVE_VALUE(&parameters, ACQUIRE_WAIT_USEC, wait_usec, -1);
        ck_assert_int_eq(pending_wait(pending[i], &service, client, &parameters, &failure), 0);
}

/* A place for each user's own, as a connection is. */
static void step_watch(Client *client) {
        size_t i = below(N_OTHERS);
        WatchParameters parameters = {};
        CallFailure failure;

        (void) client;
        stream_end(&streams[i]);
        if (below(2))
                ++n_done[stream_watch(&streams[i], &service, &clients[i % N_USERS], &parameters,
                                      &failure)];
}

static void step_time(Client *client) {
        (void) client;
        usleep((useconds_t) below(300));
        life_tick(&service.life);
        worker_collect(&service.worker);
}

static const StepFn steps[] = { step_acquire, step_acquire, step_acquire, step_acquire,
                                step_close,   step_close,   step_remove,  step_set,
                                step_resize,  step_publish, step_wait,    step_watch,
                                step_time };

static void let_go(void) {
        for (size_t i = 0; i < N_HELD; ++i)
                held[i] = fd_close(held[i]);
        for (size_t i = 0; i < N_OTHERS; ++i) {
                pending[i] = pending_free(pending[i]);
                stream_end(&streams[i]);
        }
        life_catch_up(&service.life, LIFE_FOREVER_USEC);
        check();
}

SUITE("charges");
CASE("charges", .timeout = 60);

TEST(random, .end = 4) {
        seed = 20261121 + (uint64_t) _i;
        unit_fds_begin();
        unit_service_begin(&service);
        /* So that they are met. */
        service.accounts.user_maximum[LIMIT_SEGMENTS] = 10;
        service.accounts.user_maximum[LIMIT_BYTES] = 120000;
        service.accounts.user_maximum[LIMIT_ATTACHMENTS] = 12;
        service.accounts.total_maximum[LIMIT_ATTACHMENTS] = 30;
        service.accounts.user_maximum[LIMIT_WAITING] = 2;
        service.accounts.user_maximum[LIMIT_WATCHES] = 2;
        service.accounts.user_maximum[LIMIT_LOCKED] = 65536;
        for (size_t i = 0; i < N_HELD; ++i)
                held[i] = -EBADF;
        for (size_t i = 0; i < N_USERS; ++i)
                unit_client(&clients[i], &service, (uid_t) (1000 + i), (gid_t) (1000 + i));
        for (size_t i = 0; i < N_STEPS; ++i) {
                steps[below(ARRAY_SIZE(steps))](&clients[below(N_USERS)]);
                check();
        }
        let_go();
        /* It was no walk through errors alone. */
        ck_assert_uint_gt(n_done[0], N_STEPS / 8);
        ck_assert_uint_gt(n_done[CALL_E_LIMIT], 0);
        ck_assert_uint_gt(n_done[CALL_E_WAIT], 0);
        while (service.registry.first)
                ck_assert(unit_remove(&service.life, service.registry.first));
        /* Jobs that are still under way have a charge of their own, until they end. */
        worker_deinit(&service.worker);
        for (size_t i = 0; i < N_USERS; ++i)
                client_deinit(&clients[i]);
        unit_service_end(&service);
        unit_fds_end();
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* As one that takes long to go. */
static bool release_behind_gate(void *anchor, int shmid) {
        (void) anchor;
        (void) shmid;
        pthread_mutex_lock(&gate);
        pthread_mutex_unlock(&gate);
        return false;
}

/* Memory that is still to be given back is paid for. */
TEST(until_it_is_gone) {
        Accounts accounts = {};
        Reaper reaper = REAPER_NULL;
        struct pollfd poll_fd = { .events = POLLIN };
        Remains remains = { .fd = -EBADF,
                            .size_bytes = 64 << 20,
                            .anchor = &gate,
                            .release = release_behind_gate };
        LimitReached reached;
        User *user;

        accounts_init(&accounts, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        user = accounts_user(&accounts, 1);
        ck_assert_int_eq(charge_take(&remains.bytes_charge, user, LIMIT_BYTES, 4096, &reached), 0);
        ck_assert_int_eq(reaper_init(&reaper), 0);
        pthread_mutex_lock(&gate);
        reaper_take(&reaper, &remains);
        reaper_collect(&reaper);
        ck_assert_uint_eq(user->used[LIMIT_BYTES], 4096);
        pthread_mutex_unlock(&gate);
        poll_fd.fd = reaper.worker.fd;
        ck_assert_int_eq(poll(&poll_fd, 1, 20000), 1);
        reaper_collect(&reaper);
        ck_assert_uint_eq(user->used[LIMIT_BYTES], 0);
        user_unref(user);
        reaper_deinit(&reaper);
        accounts_deinit(&accounts);
}
