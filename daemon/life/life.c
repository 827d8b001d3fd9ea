/* SPDX-License-Identifier: MIT */
#include "daemon/life/life.h"

#include <assert.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/kernel/lease.h"
#include "daemon/kind/kinds.h"
#include "daemon/life/report.h"
#include "daemon/model/client.h"
#include "daemon/model/reservation.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* What is done in one go before others have their turn. */
#define TICK_SEGMENTS 64U

/*
 * The event comes a moment before the kernel's count drops, while the descriptor is being closed on
 * another processor. So a segment that is still held is asked again after these times; a request
 * that comes meanwhile asks at once, and is right, for then close(2) has returned.
 */
static const uint64_t stage_usec[SUSPICION_STAGES] = { 1000, 10000, 100000 };

/* So many segments are looked at for who has met a limit, however long it takes. */
#define CATCH_UP_MIN 32U

/* How many processes are looked for in /proc because a user has met a limit. */
#define YIELD_LOOKUPS 8U

/* In the rhythm of which a long count goes on. */
#define COUNTING_STAGE 1U

/* How often some of those are asked that nothing tells of; of System V segments only ipcrm(1) and
 * shmat(2) stay unseen so long. */
#define UNSUBSCRIBED_USEC 100000U
#define NATIVE_USEC 1000000U

/* life_serve() - from now on it is done for a user what is done, whose call came in by @since_usec
 * (CLOCK_BOOTTIME) */
void life_serve(Life *life, User *user, uint64_t since_usec) {
        life->asker = (Asker){ .budget = &user->asked, .since_usec = since_usec };
}

/* life_serve_nobody() - what is asked from now on is no client's */
void life_serve_nobody(Life *life) {
        life->asker = (Asker){ .budget = &life->own, .since_usec = USEC_INFINITY };
}

int life_init(Life *life, Registry *registry, const Host *host, Persist *persist) {
        int r;

        *life = (Life) LIFE_NULL;
        life->context = (LifeContext){
                .registry = registry,
                .host = host,
                .persist = persist,
                .events = &life->events,
        };
        life_serve_nobody(life);
        r = census_init(&life->census, &life->events);
        if (r)
                return error_trace(r);
        if (life->census.features.closings)
                closings_init(&life->closings);
        return error_trace(reaper_init(&life->reaper));
}

static void life_unsuspect(Life *life, Segment *segment) {
        Suspicion *suspicion = &segment->suspicion;

        if (!suspicion->active)
                return;
        DL_DELETE2(life->suspects[suspicion->stage], segment, suspicion.prev, suspicion.next);
        suspicion->active = false;
}

static void life_suspect(Life *life, Segment *segment, unsigned int stage) {
        Suspicion *suspicion = &segment->suspicion;

        /* One that is due soon stays: else a stream of events would put it off for ever. */
        if (suspicion->active && suspicion->stage == stage)
                return;
        life_unsuspect(life, segment);
        suspicion->active = true;
        suspicion->stage = stage;
        suspicion->due_usec = clock_boottime_usec() + stage_usec[stage];
        DL_APPEND2(life->suspects[stage], segment, suspicion.prev, suspicion.next);
}

static uint64_t linger_due(const Segment *segment) {
        uint64_t due;

        return __builtin_add_overflow(segment->idle_usec, segment->linger_usec, &due)
                       ? USEC_INFINITY
                       : due;
}

static void linger_end(Life *life, Segment *segment) {
        if (!segment->lingering)
                return;
        DL_DELETE2(life->lingering, segment, linger_prev, linger_next);
        segment->lingering = false;
}

static int compare_due(const Segment *one, const Segment *other) {
        uint64_t due_one = linger_due(one), due_other = linger_due(other);

        return (due_one > due_other) - (due_one < due_other);
}

static void linger_begin(Life *life, Segment *segment) {
        if (segment->lingering || !segment->lingers)
                return;
        DL_INSERT_INORDER2(life->lingering, segment, compare_due, linger_prev, linger_next);
        segment->lingering = true;
}

static bool is_unsubscribed(const Segment *segment) {
        return segment->wd < 0 && !segment->traits->native;
}

static bool is_polled(const Segment *segment) {
        return !segment_is_unavailable(segment) && (segment->wd < 0 || segment->traits->native);
}

static void life_unpoll(Life *life, const Segment *segment) {
        life->n_unsubscribed -= is_unsubscribed(segment);
        life->n_native -= segment->traits->native;
}

static uint64_t poll_usec(const Life *life) {
        return life->n_unsubscribed > 0 ? UNSUBSCRIBED_USEC : NATIVE_USEC;
}

static void life_poll(Life *life, const Segment *segment) {
        uint64_t due;

        life->n_unsubscribed += is_unsubscribed(segment);
        life->n_native += segment->traits->native;
        due = clock_boottime_usec() + poll_usec(life);
        if (life->n_unsubscribed + life->n_native == 1 || due < life->polled_due_usec)
                life->polled_due_usec = due;
}

/* Lets go of what is behind a segment, and of the segment. With @leased, nobody has it for sure,
 * and its memory can go first. */
static void let_go(Life *life, Segment *segment, bool leased) {
        const KindRow *row = kind_rows[segment->kind];

        if (segment_may_be_uncounted(segment))
                leased = false;
        life_unsuspect(life, segment);
        linger_end(life, segment);
        search_end(&life->searches, segment);
        if (!segment_is_unavailable(segment))
                life_unpoll(life, segment);
        closings_unsubscribe(&life->closings, segment->wd);
        registry_remove(life->context.registry, segment);
        /* The last one takes long to close, and is the reaper's. */
        segment->read_only_fd = fd_close(segment->read_only_fd);
        reaper_take(&life->reaper,
                    &(Remains){ .fd = steal_fd(&segment->master_fd),
                                .size_bytes = segment_capacity(segment),
                                .locked_at = steal_ptr(segment->locked_at),
                                .anchor = steal_ptr(segment->sysv.anchor),
                                .shmid = segment->sysv.shmid,
                                .release = segment->traits->release,
                                .punch = leased ? row->punch : NULL,
                                .bytes_charge = steal_charge(&segment->bytes_charge),
                                .huge_charge = steal_charge(&segment->huge_charge),
                                .locked_charge = steal_charge(&segment->locked_charge) });
        segment_free(segment);
}

/* It goes, and is not to come back. */
static void life_destroy(Life *life, Segment *segment, const char *cause, bool leased) {
        report_segment(REPORT_DESTROYED, segment);
        events_post_end(&life->events, EVENT_DESTROYED, segment, cause);
        if (life->context.persist)
                persist_end(life->context.persist, segment);
        let_go(life, segment, leased);
        ++life->n_destroyed;
}

/* life_forget() - have a segment no more, for one of CAUSE_..., whatever becomes of its object */
void life_forget(Life *life, Segment *segment, const char *cause) {
        life_destroy(life, segment, cause, false);
}

/* life_deinit() - let go of everything; whoever is attached keeps the memory */
void life_deinit(Life *life) {
        Segment *segment;

        while (life->context.registry && (segment = life->context.registry->first)) {
                census_forget(&life->census, segment);
                let_go(life, segment, false);
        }
        reaper_deinit(&life->reaper);
        closings_deinit(&life->closings);
        census_deinit(&life->census);
        events_deinit(&life->events);
}

/* Finds out when it is let go of. Without a watch it is asked again and again. */
static void life_subscribe(Life *life, Segment *segment) {
        int wd;

        if (segment->master_fd >= 0 &&
            closings_subscribe(&life->closings, segment->master_fd,
                               segment->traits->found_by != FOUND_BY_NOTHING || segment->adopted,
                               &wd) == 0 &&
            registry_set_wd(life->context.registry, segment, wd) < 0)
                closings_unsubscribe(&life->closings, wd);
        if (is_polled(segment))
                life_poll(life, segment);
}

/* The kernel took the watch away together with the last name. */
static void life_subscribe_again(Life *life, Segment *segment) {
        life_unpoll(life, segment);
        (void) registry_set_wd(life->context.registry, segment, -1);
        life_subscribe(life, segment);
}

/* life_begin() - look after a segment that was just added to the registry */
void life_begin(Life *life, Segment *segment) {
        /* One that an earlier broker had may have been idle for long. */
        if (segment->idle_usec == 0)
                segment->idle_usec = clock_boottime_usec();
        life_subscribe(life, segment);
        linger_begin(life, segment);
}

/* life_meet() - find out whether anybody has a segment that is about to begin */
void life_meet(Life *life, Segment *segment) {
        Holders holders = census_ask(&life->census, segment);

        segment->held = holders == HOLDERS_SOME || holders == HOLDERS_UNKNOWN;
        if (holders == HOLDERS_NONE)
                lease_drop(segment->master_fd);
}

/* life_restore() - look for the attachments of a segment that an earlier broker made, whose ids are
 * below @end_id; life_tick() goes on with it */
void life_restore(Life *life, Segment *segment, int64_t end_id) {
        search_begin(&life->searches, &life->census, segment, end_id);
}

/* life_doubt() - have a segment asked a little later */
void life_doubt(Life *life, Segment *segment) {
        life_suspect(life, segment, 0);
}

/**
 * life_linger() - change how long a segment stays without an attachment
 * @life:       the object
 * @segment:    the segment
 * @lingers:    whether it is to go at all for that reason
 * @linger_usec: after that long, counted from its last detach or its creation
 */
void life_linger(Life *life, Segment *segment, bool lingers, uint64_t linger_usec) {
        linger_end(life, segment);
        segment->lingers = lingers;
        segment->linger_usec = lingers ? linger_usec : 0;
        if (!segment->held && segment->n_attachments == 0)
                linger_begin(life, segment);
}

static bool is_due(const Segment *segment) {
        return segment_goes_when_free(segment) ||
               (segment->lingers && clock_boottime_usec() >= linger_due(segment));
}

/* What is found without the broker has to go by its name as well. */
static void drop_name(const Life *life, Segment *segment) {
        const KindRow *row = kind_rows[segment->kind];
        KindFailure failure = {};

        if (segment->removed || !row->unlink ||
            row->unlink(life->context.host, segment, &failure) == 0)
                return;
        log_warning("Segment %lld goes, but not its object: %s.", (long long) segment->id,
                    failure.reason);
}

static bool settle_free(Life *life, Segment *segment, bool leased, ExternalChange *change) {
        life_unsuspect(life, segment);
        search_end(&life->searches, segment);
        census_end_all(&life->census, segment);
        if (is_due(segment)) {
                /* That it was removed says less than that it is gone. */
                change->removed = false;
                external_tell(&life->context, segment, change);
                drop_name(life, segment);
                life_destroy(life, segment, segment_end_cause(segment), leased);
                return false;
        }
        if (leased)
                lease_drop(segment->master_fd);
        linger_begin(life, segment);
        return true;
}

/* Somebody had it whom the broker knows only by that. */
static void note_other_gone(Life *life, Segment *segment) {
        segment->detach_usec = clock_realtime_usec();
        persist_attach_time(segment);
        events_post(&life->events, EVENT_DETACHED, segment);
}

/* Asks the kernel about one segment, and does what follows. False if the segment is gone. */
static bool settle_holders(Life *life, Segment *segment, ExternalChange *change) {
        bool held = segment->held, attached = segment->n_attachments > 0;
        Holders holders = census_ask(&life->census, segment);

        segment->held = holders == HOLDERS_SOME || holders == HOLDERS_UNKNOWN;
        segment->unknown = holders == HOLDERS_UNKNOWN;
        if (segment->held) {
                segment->armed |= !segment->unknown;
                linger_end(life, segment);
                if (segment->unknown && !segment->suspicion.active)
                        life_suspect(life, segment, SUSPICION_STAGES - 1);
                return true;
        }
        /* Without leases, asking has taken the last attachment off the record already. */
        if (held || attached) {
                segment->idle_usec = clock_boottime_usec();
                persist_attach_time(segment);
        }
        if (held && !attached && !segment->traits->native)
                note_other_gone(life, segment);
        return settle_free(life, segment, holders == HOLDERS_NONE, change);
}

/* The same, and if somebody has it, who; and tells what was noticed before, exactly. */
static bool settle_noticed(Life *life, Segment *segment, const Asker *asker,
                           ExternalChange *change) {
        if (!settle_holders(life, segment, change))
                return false;
        if (segment->held && (segment->suspicion.active || segment->wd < 0))
                census_update(&life->census, segment, asker);
        external_tell(&life->context, segment, change);
        return true;
}

static bool settle_segment(Life *life, Segment *segment, const Asker *asker) {
        ExternalChange change;

        if (segment_is_unavailable(segment))
                return true;
        (void) external_look(&life->context, segment, &change);
        return settle_noticed(life, segment, asker, &change);
}

/* life_attach() - count an attachment whose description is open already */
void life_attach(Life *life, Segment *segment, Attachment *attachment) {
        const Asker watchers = { .budget = &life->watched, .since_usec = clock_boottime_usec() };

        segment_attach(segment, attachment);
        segment->armed = true;
        segment->held = true;
        segment->attach_usec = attachment->since_usec;
        segment->last_pid = attachment->process.pid;
        persist_attach_time(segment);
        linger_end(life, segment);
        ++life->n_attached;
        if (!events_watched(&life->events))
                return;
        /* What is told has to be exact: others may have ended meanwhile. This one is there, so the
         * segment stays. */
        life_drain(life);
        (void) settle_segment(life, segment, &watchers);
        events_post_attachment(&life->events, EVENT_ATTACHED, segment, attachment);
}

/**
 * life_ask() - is a segment that is asked for still there?
 * @life:       the object
 * @segment:    the segment, or NULL
 *
 * Asks the kernel, with one system call, only if the segment goes when nobody has it, or if others
 * did something to it. Who is attached is not found out otherwise.
 *
 * Return: the segment, or NULL if it is gone.
 */
Segment *life_ask(Life *life, Segment *segment) {
        ExternalChange change;

        if (!segment || segment_is_unavailable(segment))
                return segment;
        if (external_look(&life->context, segment, &change)) {
                life_drain(life);
                return settle_noticed(life, segment, &life->asker, &change) ? segment : NULL;
        }
        if (!segment_goes_when_free(segment) && !(segment->lingering && is_due(segment)))
                return segment;
        return settle_holders(life, segment, &change) ? segment : NULL;
}

/**
 * life_settle() - find out how it is with a segment now
 * @life:       the object
 * @segment:    the segment, or NULL; life_drain() has been called for this request
 *
 * Return: the segment, or NULL if it is gone.
 */
Segment *life_settle(Life *life, Segment *segment) {
        return segment && settle_segment(life, segment, &life->asker) ? segment : NULL;
}

/* life_find() - the segment with this id, settled; NULL if there is none */
Segment *life_find(Life *life, int64_t id) {
        return life_settle(life, registry_find(life->context.registry, id));
}

/**
 * life_withdraw() - take back an attachment that could not be handed out
 * @life:       the object
 * @segment:    its segment; it may be gone afterwards
 * @attachment: the attachment
 * @fd:         its descriptor, which is closed, and which nobody else has
 */
void life_withdraw(Life *life, Segment *segment, Attachment *attachment, int fd) {
        segment_detach(segment, attachment);
        events_post_attachment(&life->events, EVENT_DETACHED, segment, attachment);
        attachment_free(&life->census.attachments, attachment);
        fd_close(fd);
        life_drain(life);
        /* That event is explained. */
        if (segment->n_unexplained > 0)
                --segment->n_unexplained;
        if (segment->n_attachments == 0) {
                segment->idle_usec = clock_boottime_usec();
                segment->held = false;
        }
        (void) settle_segment(life, segment, &life->asker);
}

/* It could be neither unlinked nor asked who has it. */
static void remove_unavailable(Life *life, Segment *segment) {
        log_notice("Segment %lld is removed, but not its object: %s.", (long long) segment->id,
                   segment->unavailable.message);
        life_forget(life, segment, CAUSE_CALL);
}

/**
 * life_remove() - IPC_RMID: the name is free at once, here and outside
 * @life:       the object
 * @segment:    the segment
 * @failure:    details
 * @ret_destroyed: whether it is gone already
 *
 * Return: 0, or what unlink() of its kind returns (KIND_E_NOT_SUPPORTED), and then nothing has
 *         changed.
 */
int life_remove(Life *life, Segment *segment, KindFailure *failure, bool *ret_destroyed) {
        const KindRow *row = kind_rows[segment->kind];
        bool removed = segment->removed;
        int r;

        if (segment_is_unavailable(segment)) {
                remove_unavailable(life, segment);
                *ret_destroyed = true;
                return 0;
        }
        if (!removed) {
                if (life->context.persist && row->unlink)
                        persist_prepare(life->context.persist, segment);
                r = row->unlink ? row->unlink(life->context.host, segment, failure) : 0;
                if (r)
                        return r;
                segment_set_removed(segment, CAUSE_CALL, clock_realtime_usec());
        }
        registry_unname(life->context.registry, segment);
        if (!removed)
                report_segment(REPORT_REMOVED, segment);
        *ret_destroyed = !settle_segment(life, segment, &life->asker);
        if (*ret_destroyed || removed)
                return 0;
        if (life->context.persist)
                persist_change(life->context.persist, segment);
        events_post_end(&life->events, EVENT_REMOVED, segment, segment->removal_cause);
        return 0;
}

/* life_reserve() - keep a segment for somebody who was told its shmid, until it is attached */
void life_reserve(Life *life, Segment *segment, Reservation *reservation) {
        DL_APPEND2(segment->reservations, reservation, segment_prev, segment_next);
        segment->armed = true;
        segment->held = true;
        linger_end(life, segment);
}

/* life_end_reservations() - a client is gone, and will attach nothing any more */
void life_end_reservations(Life *life, Client *client) {
        Reservation *reservation, *next;

        DL_FOREACH_SAFE2(client->reservations, reservation, next, client_next) {
                life_suspect(life, reservation->segment, 0);
                reservation_free(reservation);
        }
}

static void life_closed(void *userdata, int wd, Closing closing) {
        Life *life = userdata;
        Segment *segment;

        if (wd < 0) {
                ++life->n_overflows;
                DL_FOREACH(life->context.registry->first, segment)
                        if (!segment_is_unavailable(segment))
                                life_suspect(life, segment, 0);
                return;
        }
        segment = registry_find_wd(life->context.registry, wd);
        if (!segment)
                return;
        segment->n_unexplained += closing == CLOSING_END;
        if (closing == CLOSING_UNSUBSCRIBED)
                life_subscribe_again(life, segment);
        life_suspect(life, segment, 0);
}

/**
 * life_drain() - take in what the kernel has told until now
 * @life:       the object
 *
 * Nothing is destroyed, so that segments which the caller has found stay.
 */
void life_drain(Life *life) {
        reaper_collect(&life->reaper);
        closings_drain(&life->closings, life_closed, life);
}

/* A few in any case: the time may have been others'. */
static bool catch_up_over(unsigned int n, uint64_t end_usec) {
        return n >= CATCH_UP_MIN && clock_boottime_usec() >= end_usec;
}

/* Those that nothing tells of, from where the last one stopped. */
static void catch_up_polled(Life *life, uint64_t end_usec) {
        Segment *segment = registry_next(life->context.registry, life->caught_up_id), *next;
        unsigned int n = 0;

        for (; segment && !catch_up_over(n, end_usec); segment = next) {
                next = segment->next;
                life->caught_up_id = segment->id;
                if (!is_polled(segment))
                        continue;
                ++n;
                (void) settle_segment(life, segment, &life->asker);
        }
        if (!segment)
                life->caught_up_id = 0;
}

/**
 * life_catch_up() - settle what may have ended: somebody has met a limit
 * @life:       the object
 * @limit_usec: how long it may take, beyond a few segments
 */
void life_catch_up(Life *life, uint64_t limit_usec) {
        uint64_t end = clock_boottime_usec() + limit_usec;
        Segment *segment, *next;
        unsigned int n = 0;

        life_drain(life);
        for (size_t i = 0; i < SUSPICION_STAGES; ++i)
                DL_FOREACH_SAFE2(life->suspects[i], segment, next, suspicion.next) {
                        if (catch_up_over(n++, end))
                                return;
                        if (settle_segment(life, segment, &life->asker) && !segment->count.stale)
                                census_conclude(&life->census, segment);
                }
        if (life->n_unsubscribed + life->n_native > 0)
                catch_up_polled(life, end);
}

/* life_yield() - let an attachment of a user go of which nothing proves that it is there, for the
 * user has met a limit; returns whether there was one */
bool life_yield(Life *life, const User *user) {
        unsigned int n_lookups = YIELD_LOOKUPS;
        Segment *segment;

        /* Each of them may be at the end of a round. */
        DL_FOREACH(life->context.registry->first, segment)
                if (census_yield(&life->census, segment, user, &n_lookups) ||
                    census_yield(&life->census, segment, user, &n_lookups))
                        return true;
        return false;
}

/* life_due() - when life_tick() has something to do, on CLOCK_BOOTTIME, or USEC_INFINITY */
uint64_t life_due(const Life *life) {
        uint64_t due = USEC_INFINITY;

        for (size_t i = 0; i < SUSPICION_STAGES; ++i)
                if (life->suspects[i])
                        due = MIN(due, life->suspects[i]->suspicion.due_usec);
        if (life->lingering)
                due = MIN(due, linger_due(life->lingering));
        if (life->n_unsubscribed + life->n_native > 0)
                due = MIN(due, life->polled_due_usec);
        return MIN(due, searches_due(&life->searches));
}

static void tick_suspect(Life *life, Segment *segment) {
        unsigned int stage = segment->suspicion.stage;

        if (!settle_segment(life, segment, NULL))
                return;
        if (!segment->suspicion.active)
                return;
        if (segment->unknown || segment->count.next_id > 0) {
                /* The kernel is asked again, or counting goes on soon. */
                life_unsuspect(life, segment);
                life_suspect(life, segment,
                             segment->unknown ? SUSPICION_STAGES - 1 : COUNTING_STAGE);
                return;
        }
        if (stage + 1 < SUSPICION_STAGES) {
                life_suspect(life, segment, stage + 1);
                return;
        }
        /* The last time of asking, unless counting has to wait for its turn. */
        life_unsuspect(life, segment);
        if (segment->count.done_usec < segment->suspicion.due_usec) {
                life_suspect(life, segment, stage);
                return;
        }
        census_conclude(&life->census, segment);
}

static void tick_suspects(Life *life, uint64_t now) {
        Segment *segment;

        for (unsigned int stage = 0; stage < SUSPICION_STAGES; ++stage)
                for (unsigned int n = 0; n < TICK_SEGMENTS; ++n) {
                        segment = life->suspects[stage];
                        if (!segment || segment->suspicion.due_usec > now)
                                break;
                        tick_suspect(life, segment);
                }
}

/* What lingers and is idle goes, or turns out to be held by somebody the broker does not know. */
static void tick_lingering(Life *life, uint64_t now) {
        Segment *segment;

        for (unsigned int n = 0; n < TICK_SEGMENTS; ++n) {
                segment = life->lingering;
                if (!segment || linger_due(segment) > now)
                        return;
                linger_end(life, segment);
                if (settle_segment(life, segment, NULL) && !segment->lingering)
                        life_suspect(life, segment, 0);
        }
}

static void tick_polled(Life *life, uint64_t now) {
        unsigned int n = 0;
        Segment *segment, *next;

        if (life->n_unsubscribed + life->n_native == 0 || life->polled_due_usec > now)
                return;
        segment = registry_next(life->context.registry, life->polled_after_id);
        for (; segment && n < TICK_SEGMENTS; segment = next) {
                next = segment->next;
                life->polled_after_id = segment->id;
                if (!is_polled(segment))
                        continue;
                ++n;
                (void) settle_segment(life, segment, NULL);
        }
        if (!segment)
                life->polled_after_id = 0;
        life->polled_due_usec = now + poll_usec(life);
}

/* life_tick() - do what is due, or a part of it */
void life_tick(Life *life) {
        uint64_t now = clock_boottime_usec();

        life_drain(life);
        tick_suspects(life, now);
        tick_lingering(life, now);
        tick_polled(life, now);
        searches_tick(&life->searches, &life->census);
}
