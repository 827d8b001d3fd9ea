/* SPDX-License-Identifier: MIT */
#include "daemon/server/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/base/clock.h"
#include "daemon/call/dispatch.h"
#include "daemon/call/held.h"
#include "daemon/life/report.h"
#include "daemon/model/client.h"
#include "daemon/server/disposal.h"
#include "daemon/server/input.h"
#include "daemon/server/output.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/frame.h"
#include "proto/socket.h"
#include "proto/util.h"

/*
 * Who is one too many waits that long for a place: connections that were closed before may not have
 * been looked at yet.
 */
static const struct timeval second_try = { .tv_usec = 2000 };

/* How much a watch is told in one turn, as long as it has more. */
#define WATCH_BYTES (3U * STREAM_REPLY_MAX)

/* How much longer than looking at what all clients of a user have read it is left alone. */
#define LOOK_PAUSE 9U

/* How long to wait before looking again whether a client has read. */
#define LOOK_AGAIN_MIN_USEC 1000
#define LOOK_AGAIN_MAX_USEC 64000

/* So many bytes of calls are taken from a client that waits or does not read; of one that watches,
 * whose calls will never be answered, less. */
#define AHEAD_BYTES (16U << 20)
#define AHEAD_WATCH_BYTES (64U << 10)

/* How often one is looked at of whom nothing more is taken: its process may be gone. */
#define GONE_USEC 1000000

enum {
        _PEER_E_SUCCESS,
        /* There is nobody left to serve */
        PEER_E_GONE,
};

struct Peer {
        Peers *peers;
        int fd;
        struct event *event;
        short interest;
        /* What has happened since its last turn, of EV_..., and its place among those who want one
         */
        short happened;
        RoundItem turn;
        long look_again_usec;

        Client client;
        Input input;
        /* CLOCK_BOOTTIME, when something was read last */
        uint64_t received_usec;
        /* What occupies the connection: more replies to come, or a call that has to wait */
        Stream stream;
        Pending *pending;
        Output output;

        Peer *prev;
        Peer *next;
        /* In the queue of those that watch while the stream is a Watch */
        Watcher watcher;
};

static bool is_watch(const Peer *peer) {
        return peer->stream.kind == STREAM_WATCH;
}

/* Closes a connection; attachments that were handed out stay. */
static Peer *peer_free(Peer *peer) {
        if (!peer)
                return NULL;
        if (peer->prev)
                DL_DELETE(peer->peers->first, peer);
        turns_remove(&peer->peers->turns, &peer->turn);
        if (peer->event)
                event_free(peer->event);
        if (is_watch(peer))
                watchers_remove(&peer->peers->watchers, &peer->watcher);
        pending_free(peer->pending);
        stream_end(&peer->stream);
        output_deinit(&peer->output);
        input_deinit(&peer->input);
        disposal_close_socket(peer->peers->service, &peer->client, peer->fd, peer->input.heard_end);
        life_end_reservations(&peer->peers->service->life, &peer->client);
        client_deinit(&peer->client);
        free(peer);
        return NULL;
}

DEFINE_CLEANUP(Peer, peer_free)

static int send_plain(Peer *peer, const Writer *writer) {
        return output_send(&peer->output, writer->data, writer->n_data, -EBADF, NULL) ? PEER_E_GONE
                                                                                      : 0;
}

/* Instead of an attachment, which is taken back. */
static int send_limit(Peer *peer, Writer *writer, Acquired *acquired, const LimitReached *reached) {
        call_acquire_undo(peer->peers->service, acquired);
        writer->n_data = 0;
        dispatch_limit(writer, reached);
        ++peer->peers->service->counters.n_limits_reached;
        return send_plain(peer, writer);
}

/*
 * What this user has not read is known again, and not only guessed. It takes a system call for each
 * connection, so one who reads nothing and goes on asking gets a tenth of the time for it at most.
 */
static void look_at_unread(const Peer *peer) {
        User *user = peer->client.user;
        uint64_t begin = clock_boottime_usec(), end;
        Peer *other;

        if (begin < user->look_pause_usec)
                return;
        DL_FOREACH(peer->peers->first, other)
                if (other->client.user == user)
                        output_look(&other->output);
        end = clock_boottime_usec();
        user->look_pause_usec = end + (end - begin) * LOOK_PAUSE;
}

/* Sends the reply that carries an attachment. If the kernel takes no descriptor, there is none. */
static int send_acquired(Peer *peer, Writer *writer, Acquired *acquired) {
        LimitReached reached = { .name = LIMIT_NAME_DESCRIPTORS, .maximum = LIMIT_NONE };
        Output *output = &peer->output;
        int r;

        r = output_send(output, writer->data, writer->n_data, acquired->fd, &reached);
        if (r == OUTPUT_E_UNREAD) {
                look_at_unread(peer);
                r = output_send(output, writer->data, writer->n_data, acquired->fd, &reached);
        }
        switch (r) {
        case 0:
                return 0;
        case OUTPUT_E_DESCRIPTORS:
        case OUTPUT_E_UNREAD:
                return send_limit(peer, writer, acquired, &reached);
        default:
                call_acquire_undo(peer->peers->service, acquired);
                return PEER_E_GONE;
        }
}

/* After a call that nobody can have meant, nothing that follows can be told apart either. */
static void end_broken(Peer *peer, const char *reason) {
        report_broken(peer->client.user, peer->client.credentials.pid, reason);
        ++peer->peers->service->counters.n_broken_peers;
        input_end(&peer->input);
}

static void peer_wake(void *userdata) {
        Peer *peer = userdata;

        event_active(peer->event, 0, 0);
}

/* It is sent when what it tells is on the disk. Without memory to keep it, nobody is told. */
static int hold_answer(Peer *peer, const Writer *writer, Answer *answer) {
        Service *service = peer->peers->service;

        if (held_new(service, &peer->client, writer, answer, &peer->pending)) {
                call_acquire_undo(service, &answer->acquired);
                return PEER_E_GONE;
        }
        peer->pending->wake = peer_wake;
        peer->pending->userdata = peer;
        return 0;
}

/* Sends what a call came to, or keeps what it goes on with. */
static int send_answer(Peer *peer, Writer *writer, Answer *answer) {
        assert(!writer->overflow);
        if (answer->stream.kind != STREAM_NONE)
                peer->stream = answer->stream;
        if (answer->stream.kind == STREAM_WATCH)
                watchers_add(&peer->peers->watchers, &peer->watcher);
        if (answer->pending) {
                peer->pending = answer->pending;
                peer->pending->wake = peer_wake;
                peer->pending->userdata = peer;
        }
        if (writer->n_data == 0)
                return 0;
        if (answer->sync_number > 0)
                return hold_answer(peer, writer, answer);
        if (answer->acquired.fd >= 0)
                return send_acquired(peer, writer, &answer->acquired);
        return send_plain(peer, writer);
}

static int answer_call(Peer *peer, char *text, size_t n_text) {
        Writer writer = WRITER_INIT(peer->peers->scratch, PEERS_SCRATCH_BYTES);
        Answer answer = ANSWER_NULL;

        peer->client.must_look = output_must_look(&peer->output);
        if (dispatch_call(peer->peers->service, &peer->client, text, n_text, &writer, &answer)) {
                end_broken(peer, "not a call in JSON");
                return 0;
        }
        return send_answer(peer, &writer, &answer);
}

static int answer_pending(Peer *peer) {
        Writer writer = WRITER_INIT(peer->peers->scratch, PEERS_SCRATCH_BYTES);
        Answer answer = ANSWER_NULL;

        peer->client.must_look = output_must_look(&peer->output);
        dispatch_pending(peer->peers->service, &peer->client, steal_ptr(peer->pending), &writer,
                         &answer);
        return send_answer(peer, &writer, &answer);
}

static int answer_more(Peer *peer, uint64_t end_usec) {
        /* A watch has more turns, and shorter ones: others are waiting. */
        Writer writer = WRITER_INIT(peer->peers->scratch,
                                    is_watch(peer) ? WATCH_BYTES : PEERS_SCRATCH_BYTES);

        stream_write(&peer->stream, peer->peers->service, &peer->client, end_usec, &writer);
        assert(!writer.overflow);
        return writer.n_data == 0 ? 0 : send_plain(peer, &writer);
}

/* Is the connection occupied by something that does not go on by itself? A watch waits for its
 * turn, which watchers.c gives it. */
static bool peer_waits(const Peer *peer) {
        if (peer->pending)
                return !peer->pending->ready && !pending_over(peer->pending);
        return is_watch(peer);
}

static size_t ahead_maximum(const Peer *peer) {
        return is_watch(peer) ? AHEAD_WATCH_BYTES : AHEAD_BYTES;
}

static bool is_full(const Peer *peer) {
        return input_full(&peer->input, ahead_maximum(peer));
}

/* One step; @ret_more says whether another one can follow at once. */
static int peer_step(Peer *peer, bool *readable, uint64_t end_usec, bool *ret_more) {
        size_t n_text;
        char *text;
        int r;

        *ret_more = !peer_waits(peer);
        if (!*ret_more)
                return 0;
        if (peer->pending)
                return answer_pending(peer);
        if (peer->stream.kind != STREAM_NONE)
                return answer_more(peer, end_usec);
        switch (input_next(&peer->input, &text, &n_text)) {
        case FRAMES_MESSAGE:
                r = answer_call(peer, text, n_text);
                input_answered(&peer->input);
                return r;
        case FRAMES_TOO_LONG:
                end_broken(peer, "longer than a message may be");
                return 0;
        default:
                break;
        }
        if (peer->input.ended)
                return PEER_E_GONE;
        if (!*readable) {
                *ret_more = false;
                return 0;
        }
        *readable = false;
        r = input_receive(&peer->input) ? PEER_E_GONE : 0;
        peer->received_usec = clock_boottime_usec();
        return r;
}

/* Tells a client which limit it has met before it could be answered. */
static void tell_limit(Peer *peer, const LimitReached *reached) {
        Writer writer = WRITER_INIT(peer->peers->scratch, PEERS_SCRATCH_BYTES);
        size_t n_sent;

        dispatch_limit(&writer, reached);
        /* To whoever reads it: the connection ends in any case. */
        (void) socket_send(peer->fd, writer.data, writer.n_data, -EBADF, &n_sent);
        ++peer->peers->service->counters.n_limits_reached;
}

/* What cannot be answered yet is kept, and charged for. */
static int keep_input(Peer *peer) {
        bool waits = peer_waits(peer) || output_pending(&peer->output);
        LimitReached reached;

        if (input_settle(&peer->input, waits, &reached) == 0)
                return 0;
        report_limit(peer->client.user, peer->client.credentials.pid, reached.name,
                     "a connection is closed");
        tell_limit(peer, &reached);
        return PEER_E_GONE;
}

/* Is there something to go on with that was received already? */
static bool has_more(const Peer *peer) {
        return peer->pending || peer->stream.kind != STREAM_NONE ||
               !frames_empty(&peer->input.frames);
}

/* Goes on with a peer until it has to wait for something, or its time is over. What was received is
 * answered once in any case. */
static int peer_run(Peer *peer, bool readable, uint64_t end_usec, bool *ret_again) {
        bool more = true, received;
        int r;

        *ret_again = false;
        r = output_flush(&peer->output) ? PEER_E_GONE : 0;
        while (r == 0 && more && !output_pending(&peer->output)) {
                received = readable;
                life_serve(&peer->peers->service->life, peer->client.user, peer->received_usec);
                r = peer_step(peer, &readable, end_usec, &more);
                received = received && !readable;
                if (r == 0 && more && !received && has_more(peer) &&
                    clock_boottime_usec() >= end_usec) {
                        *ret_again = true;
                        break;
                }
        }
        if (is_watch(peer) && !output_pending(&peer->output))
                watchers_set_behind(&peer->peers->watchers);
        life_serve_nobody(&peer->peers->service->life);
        if (r == 0 && (peer_waits(peer) || output_pending(&peer->output)) &&
            (readable || peer->output.state == OUTPUT_PARKED)) {
                if (input_receive_ahead(&peer->input, ahead_maximum(peer), ret_again))
                        r = PEER_E_GONE;
                peer->received_usec = clock_boottime_usec();
        }
        return r ? r : keep_input(peer);
}

/* Who waits is read as long as there is room for what comes. */
#define INTEREST_AHEAD (EV_READ | EV_CLOSED)

/*
 * Then only the end of the connection is of interest: the change to it, for what is unread stays
 * readable all the time. Of an end with something unread at the other side (ECONNRESET) libevent
 * says that one can read, and not that it is closed.
 */
#define INTEREST_WAITS (EV_READ | EV_CLOSED | EV_ET)

/* Writable is what the socket may be all the time while a client does not read: only the change
 * tells something, and it may come a moment too early, so there is a timer too. */
#define INTEREST_PARKED (EV_WRITE | EV_ET)

static short peer_wanted(const Peer *peer) {
        bool reads = !peer->input.ended && !is_full(peer);

        if (output_pending(&peer->output)) {
                if (peer->output.state == OUTPUT_PARKED)
                        return INTEREST_PARKED;
                return reads ? EV_READ | EV_WRITE : EV_WRITE;
        }
        if (!peer_waits(peer))
                return EV_READ;
        return reads ? INTEREST_AHEAD : INTEREST_WAITS;
}

/* When a peer is looked at whatever happens; NULL for never. */
static const struct timeval *look_again(const Peer *peer, short what, struct timeval *space) {
        bool waits = what == INTEREST_AHEAD || what == INTEREST_WAITS;
        uint64_t due = USEC_INFINITY;

        if (what == INTEREST_PARKED) {
                *space = (struct timeval){ .tv_usec = peer->look_again_usec };
                return space;
        }
        if (waits && peer->pending)
                due = peer->pending->deadline_usec;
        if ((waits || what == EV_WRITE) && !peer->input.ended && is_full(peer))
                due = MIN(due, clock_boottime_usec() + GONE_USEC);
        if (due == USEC_INFINITY)
                return NULL;
        *space = clock_until(due);
        return space;
}

/* Nothing more is taken from a peer, so that what keeps its connection may be in there; and who had
 * it is gone. */
static bool is_abandoned(const Peer *peer) {
        return !peer->input.ended && is_full(peer) && peer->client.process.pid > 0 &&
               !process_alive(&peer->client.process);
}

static void peer_on_event(evutil_socket_t fd, short what, void *userdata);

static int set_interest(Peer *peer, short what) {
        struct timeval space;
        const struct timeval *timer = look_again(peer, what, &space);

        /* With a timer it is added again each time, for the timer's sake. */
        if (peer->interest == what && !timer && !(what & EV_ET))
                return 0;
        if (peer->interest != what) {
                (void) event_del(peer->event);
                if (event_assign(peer->event, peer->peers->base, peer->fd,
                                 (short) (what | EV_PERSIST), peer_on_event, peer) < 0)
                        return PEER_E_GONE;
                (void) event_priority_set(peer->event, LOOP_PRIORITY_PEERS);
                peer->interest = what;
        }
        return event_add(peer->event, timer) < 0 ? PEER_E_GONE : 0;
}

/* What every event of a connection comes to: the one place where its interest is decided. */
static bool peer_take_turn(RoundItem *item, uint64_t end_usec) {
        Peer *peer = CONTAINER_OF(item, Peer, turn);
        short what = peer->happened;
        Peers *peers = peer->peers;
        bool again = false;
        int r;

        peer->happened = 0;
        if (what & EV_TIMEOUT)
                peer->look_again_usec = MIN(peer->look_again_usec * 2, LOOK_AGAIN_MAX_USEC);
        else
                peer->look_again_usec = LOOK_AGAIN_MIN_USEC;
        /* One that has only said all it has to say still waits for its answer. */
        if (peer->interest == INTEREST_WAITS && what & (EV_READ | EV_CLOSED) &&
            socket_hung_up(peer->fd))
                r = PEER_E_GONE;
        else if (what & EV_TIMEOUT && is_abandoned(peer))
                r = PEER_E_GONE;
        else
                r = peer_run(peer, what & EV_READ, end_usec, &again);
        if (r == 0 && !again)
                r = set_interest(peer, peer_wanted(peer));
        if (r)
                peer_free(peer);
        peers->changed(peers->userdata);
        return r == 0 && again;
}

/* Of a tenant's users anybody may have as many as it likes, so they have their turns together. */
static RoundParty *peer_party(const Peer *peer) {
        User *user = peer->client.user;

        return peer->client.credentials.tenant ? &user->accounts->turns : &user->turns;
}

static void peer_on_event(evutil_socket_t fd, short what, void *userdata) {
        Peer *peer = userdata;

        (void) fd;
        peer->happened |= what;
        /* What is told again while it waits for its turn would be told all the time. */
        if (peer->turn.party) {
                (void) event_del(peer->event);
                peer->interest = 0;
                return;
        }
        turns_want(&peer->peers->turns, peer_party(peer), &peer->turn);
}

/* There is no place for a client, which has asked nothing yet. */
static void peer_refuse(Peer *peer, const LimitReached *reached) {
        tell_limit(peer, reached);
        ++peer->peers->service->counters.n_refused_peers;
        report_limit(peer->client.user, peer->client.credentials.pid, reached->name,
                     "a connection is refused");
}

static int charge_connection(Peer *peer, LimitReached *ret_reached) {
        return client_charge(&peer->client, &peer->client.connection, peer->client.user,
                             LIMIT_CONNECTIONS, 1, ret_reached);
}

static void try_again(evutil_socket_t fd, short what, void *userdata) {
        Peer *peer = userdata;
        LimitReached reached;

        (void) fd;
        (void) what;
        if (charge_connection(peer, &reached)) {
                peer_refuse(peer, &reached);
                peer_free(peer);
        } else if (set_interest(peer, EV_READ)) {
                peer_free(peer);
        }
}

/* Serves the peer, if there is a place for it, or sees to it a little later. */
static int peer_begin(Peer *peer) {
        struct event_base *base = peer->peers->base;
        LimitReached reached;
        bool full = charge_connection(peer, &reached);

        if (full)
                peer->event = event_new(base, -1, 0, try_again, peer);
        else
                peer->event = event_new(base, peer->fd, EV_READ | EV_PERSIST, peer_on_event, peer);
        if (!peer->event)
                return PEER_E_GONE;
        peer->interest = full ? 0 : EV_READ;
        (void) event_priority_set(peer->event, LOOP_PRIORITY_PEERS);
        return event_add(peer->event, full ? &second_try : NULL) < 0 ? PEER_E_GONE : 0;
}

/**
 * peers_accept() - serve a client that has connected
 * @peers:      the peers, which own the new one
 * @fd:         the connected socket, which is the peer's from now on
 * @tenant:     by whose socket it came; NULL is the host's
 * @by_admin:   whether it came by the administrator's socket
 */
void peers_accept(Peers *peers, int fd, Tenant *tenant, bool by_admin) {
        _cleanup_(peer_freep) Peer *peer = NULL;
        LimitReached reached;
        int r;

        peer = calloc(1, sizeof(*peer));
        if (!peer) {
                fd_close(fd);
                return;
        }
        peer->peers = peers;
        peer->fd = fd;
        peer->output = (Output) OUTPUT_NULL;
        peer->client = (Client) CLIENT_NULL;
        peer->input = (Input) INPUT_NULL;
        peer->look_again_usec = LOOK_AGAIN_MIN_USEC;
        r = client_init(&peer->client, service_accounts(peers->service, tenant), tenant,
                        &peers->service->overflow, fd, by_admin, &reached);
        if (r == CLIENT_E_LIMIT)
                report_limit(peer->client.user, peer->client.credentials.pid, reached.name,
                             "a connection is closed");
        if (r)
                return;
        output_init(&peer->output, fd, &peer->client);
        input_init(&peer->input, fd, &peer->client, peers->service, &peers->input);
        if (peer_begin(peer))
                return;
        DL_APPEND(peers->first, peer);
        steal_ptr(peer);
}

/* peers_end_tenant() - close the connections of a tenant that is not served any more */
void peers_end_tenant(Peers *peers, const Tenant *tenant) {
        Peer *peer, *next;

        DL_FOREACH_SAFE(peers->first, peer, next)
                if (peer->client.credentials.tenant == tenant)
                        peer_free(peer);
}

/* peers_look_again() - let calls of a tenant that wait for a name look once more: what is exported
 * to it has changed */
void peers_look_again(Peers *peers, const Tenant *tenant) {
        Peer *peer;

        DL_FOREACH(peers->first, peer)
                if (peer->client.credentials.tenant == tenant && peer->pending &&
                    peer->pending->waits)
                        pending_ready(peer->pending);
}

/* One piece of what a watch has to tell; see WatchersTellFn. */
static bool peer_tell(Watcher *watcher, uint64_t end_usec) {
        Peer *peer = CONTAINER_OF(watcher, Peer, watcher);
        Life *life = &peer->peers->service->life;
        int r;

        if (output_pending(&peer->output) || stream_idle(&peer->stream))
                return true;
        life_serve(life, peer->client.user, peer->received_usec);
        r = answer_more(peer, end_usec);
        life_serve_nobody(life);
        if (r || set_interest(peer, peer_wanted(peer))) {
                peer_free(peer);
                return true;
        }
        return output_pending(&peer->output) || stream_idle(&peer->stream);
}

/**
 * peers_init() - begin without peers
 * @peers:      the object
 * @base:       the loop
 * @service:    what the methods work on
 * @changed:    called after anything has happened
 * @userdata:   passed to @changed
 *
 * Return: 0, or -ENOMEM.
 */
int peers_init(Peers *peers, struct event_base *base, Service *service, LoopChangedFn changed,
               void *userdata) {
        int r;

        peers->base = base;
        peers->service = service;
        peers->changed = changed;
        peers->userdata = userdata;
        r = turns_init(&peers->turns, base, peer_take_turn);
        if (r)
                return error_trace(r);
        return error_trace(watchers_init(&peers->watchers, base, &service->life.events, peer_tell,
                                         changed, userdata));
}

/* peers_deinit() - close all connections */
void peers_deinit(Peers *peers) {
        while (peers->first)
                peer_free(peers->first);
        turns_deinit(&peers->turns);
        watchers_deinit(&peers->watchers);
        frame_spare_deinit(&peers->input.spare);
}

/* peers_update() - see to it that those who watch are told; no system call */
void peers_update(Peers *peers) {
        watchers_update(&peers->watchers);
}
