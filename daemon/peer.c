#include "daemon/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/broker.h"
#include "daemon/client.h"
#include "daemon/dispatch.h"
#include "daemon/log.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/frame.h"
#include "proto/socket.h"
#include "proto/util.h"

/* Calls that are answered in one go before others have their turn. */
#define CALLS_AT_ONCE 32

/*
 * Descriptors that a client has not taken yet count against the broker's own user (unix(7),
 * ETOOMANYREFS), so a client gets only so many ahead of its reading.
 */
#define UNREAD_FDS_MAX 8

/*
 * Who is one too many waits that long for a place: connections that were closed before may not have
 * been looked at yet.
 */
static const struct timeval second_try = { .tv_usec = 2000 };

/* How long to wait before looking again whether a client has read. */
#define LOOK_AGAIN_MIN_USEC 1000
#define LOOK_AGAIN_MAX_USEC 64000

typedef struct Output Output;
typedef enum PeerState PeerState;

enum PeerState {
        /* Waits for calls, or answers them */
        PEER_OPEN,
        /* The socket takes no more for now */
        PEER_WRITING,
        /* The client has to read before a descriptor can follow */
        PEER_PARKED,
        _PEER_N,
};

enum {
        _PEER_E_SUCCESS,
        /* There is nobody left to serve */
        PEER_E_GONE,
};

/* The one reply that could not be sent yet, or what is left of it. */
struct Output {
        char *data;
        size_t n_data;
        size_t n_sent;
        int fd;
};

struct Peer {
        Broker *broker;
        int fd;
        PeerState state;
        struct event *event;
        short interest;
        long look_again_usec;

        Client client;
        Frames frames;
        /* For what is kept in frames while the peer is not being served */
        Charge input;
        Stream stream;
        Output output;
        /* Something without a descriptor was sent, and descriptors were, since it was last known
         * that everything had been read */
        bool plain_unread;
        unsigned int n_fds_unread;
        /* Nothing more is read; closed as soon as everything is written */
        bool ended;

        Peer *prev;
        Peer *next;
};

static const char *const state_names[_PEER_N] = {
        [PEER_OPEN] = "open",
        [PEER_WRITING] = "writing",
        [PEER_PARKED] = "parked",
};

static void set_state(Peer *peer, PeerState state) {
        if (peer->state == state)
                return;
        log_debug("Connection %d of process %d: %s -> %s.", peer->fd, peer->client.credentials.pid,
                  state_names[peer->state], state_names[state]);
        peer->state = state;
}

static bool output_pending(const Peer *peer) {
        return peer->output.data;
}

static void output_clear(Peer *peer) {
        free(peer->output.data);
        fd_close(peer->output.fd);
        peer->output = (Output){ .fd = -EBADF };
}

/* Keeps what could not be sent; the descriptor is the peer's from now on. */
static int output_keep(Peer *peer, const char *data, size_t n_data, int fd) {
        assert(!output_pending(peer));
        peer->output.data = malloc(n_data);
        if (!peer->output.data) {
                fd_close(fd);
                return PEER_E_GONE;
        }
        memcpy(peer->output.data, data, n_data);
        peer->output.n_data = n_data;
        peer->output.n_sent = 0;
        peer->output.fd = fd;
        return 0;
}

/* Can there be anything unread that a descriptor must not follow? */
static bool must_look(const Peer *peer) {
        return peer->plain_unread || peer->n_fds_unread >= UNREAD_FDS_MAX;
}

/*
 * A descriptor must not follow bytes that were not read: the kernel would hand it out together with
 * them. Whether there are any is asked only if there can be.
 */
static int must_wait(Peer *peer, bool *ret) {
        size_t n_unread = 0;
        int r;

        *ret = false;
        if (!must_look(peer))
                return 0;
        r = socket_unread(peer->fd, &n_unread);
        if (r < 0)
                return error_trace(r);
        *ret = n_unread > 0;
        if (n_unread == 0) {
                peer->plain_unread = false;
                peer->n_fds_unread = 0;
        }
        return 0;
}

/* One attempt; says how the peer is afterwards by its state. */
static int send_once(Peer *peer, const char *data, size_t n_data, int fd, size_t *ret_n_sent) {
        bool wait = false;
        int r = 0;

        if (fd >= 0)
                r = must_wait(peer, &wait);
        if (r == 0 && wait) {
                set_state(peer, PEER_PARKED);
                return SOCKET_E_AGAIN;
        }
        if (r == 0)
                r = socket_send(peer->fd, data, n_data, fd, ret_n_sent);
        switch (r) {
        case 0:
                if (fd >= 0)
                        ++peer->n_fds_unread;
                else
                        peer->plain_unread = true;
                set_state(peer, PEER_OPEN);
                break;
        case SOCKET_E_AGAIN:
                set_state(peer, PEER_WRITING);
                break;
        case SOCKET_E_LIMIT:
                set_state(peer, PEER_PARKED);
                break;
        default:
                break;
        }
        return r;
}

/* Sends a reply without a descriptor, or keeps what the socket does not take. */
static int send_plain(Peer *peer, const char *data, size_t n_data) {
        size_t n_sent = 0;
        int r;

        r = send_once(peer, data, n_data, -EBADF, &n_sent);
        if (r == SOCKET_E_GONE || r < 0)
                return PEER_E_GONE;
        if (r == 0 && n_sent < n_data)
                set_state(peer, PEER_WRITING);
        return n_sent < n_data ? output_keep(peer, data + n_sent, n_data - n_sent, -EBADF) : 0;
}

/* Sends the reply that carries an attachment. If the kernel takes no descriptor, there is none. */
static int send_acquired(Peer *peer, Writer *writer, Acquired *acquired) {
        Service *service = &peer->broker->service;
        size_t n_sent = 0;
        int r;

        r = send_once(peer, writer->data, writer->n_data, acquired->fd, &n_sent);
        switch (r) {
        case 0:
                fd_close(acquired->fd);
                return n_sent < writer->n_data ? output_keep(peer, writer->data + n_sent,
                                                             writer->n_data - n_sent, -EBADF)
                                               : 0;
        case SOCKET_E_AGAIN:
                return output_keep(peer, writer->data, writer->n_data, acquired->fd);
        case SOCKET_E_LIMIT:
                call_acquire_undo(service, acquired);
                writer->n_data = 0;
                dispatch_limit(writer, &(LimitReached){ .name = "descriptors" });
                return send_plain(peer, writer->data, writer->n_data);
        default:
                call_acquire_undo(service, acquired);
                return PEER_E_GONE;
        }
}

/* Sends what was kept. */
static int flush(Peer *peer) {
        Output *output = &peer->output;
        size_t n_sent = 0;
        int r;

        if (!output_pending(peer))
                return 0;
        r = send_once(peer, output->data + output->n_sent, output->n_data - output->n_sent,
                      output->fd, &n_sent);
        if (r == SOCKET_E_GONE || r < 0)
                return PEER_E_GONE;
        if (r)
                return 0;
        output->fd = fd_close(output->fd);
        output->n_sent += n_sent;
        if (output->n_sent == output->n_data)
                output_clear(peer);
        else
                set_state(peer, PEER_WRITING);
        return 0;
}

/* After a call that nobody can have meant, nothing that follows can be told apart either. */
static void end_broken(Peer *peer, const char *reason) {
        char pid[16], uid[16];

        (void) snprintf(pid, sizeof(pid), "%d", peer->client.credentials.pid);
        (void) snprintf(uid, sizeof(uid), "%u", peer->client.credentials.uid);
        log_fields(LOG_INFO,
                   ((LogField[]){ { "SHMBROKER_PEER_PID", pid }, { "SHMBROKER_PEER_UID", uid } }),
                   "A client sent what is no call (%s); its connection is closed.", reason);
        ++peer->broker->service.counters.n_broken_peers;
        frames_deinit(&peer->frames);
        peer->ended = true;
}

static int answer_call(Peer *peer, char *text, size_t n_text) {
        Writer writer = WRITER_INIT(peer->broker->scratch, SCRATCH_BYTES);
        Answer answer = ANSWER_NULL;

        peer->client.must_look = must_look(peer);
        if (dispatch_call(&peer->broker->service, &peer->client, text, n_text, &writer, &answer)) {
                end_broken(peer, "not a call in JSON");
                return 0;
        }
        assert(!writer.overflow);
        if (answer.stream.kind != STREAM_NONE)
                peer->stream = answer.stream;
        if (writer.n_data == 0)
                return 0;
        if (answer.acquired.fd >= 0)
                return send_acquired(peer, &writer, &answer.acquired);
        return send_plain(peer, writer.data, writer.n_data);
}

static int answer_more(Peer *peer) {
        Writer writer = WRITER_INIT(peer->broker->scratch, SCRATCH_BYTES);

        stream_write(&peer->stream, &peer->broker->service, &peer->client, &writer);
        assert(!writer.overflow);
        return send_plain(peer, writer.data, writer.n_data);
}

static int receive(Peer *peer) {
        size_t n_space, n_received = 0;
        char *space;
        int r;

        if (frames_reserve(&peer->frames, &peer->broker->spare, &space, &n_space) < 0)
                return PEER_E_GONE;
        r = socket_receive(peer->fd, space, n_space, NULL, &n_received);
        switch (r) {
        case 0:
                frames_added(&peer->frames, n_received);
                return 0;
        case SOCKET_E_AGAIN:
                return 0;
        case SOCKET_E_GONE:
                peer->ended = true;
                return 0;
        default:
                return PEER_E_GONE;
        }
}

/* One step; @ret_more says whether another one can follow at once. */
static int step(Peer *peer, bool *readable, bool *ret_more) {
        size_t n_text;
        char *text;

        *ret_more = true;
        if (peer->stream.kind != STREAM_NONE)
                return answer_more(peer);
        switch (frames_next(&peer->frames, &text, &n_text)) {
        case FRAMES_MESSAGE:
                return answer_call(peer, text, n_text);
        case FRAMES_TOO_LONG:
                end_broken(peer, "longer than a message may be");
                return 0;
        default:
                break;
        }
        if (peer->ended)
                return PEER_E_GONE;
        if (!*readable) {
                *ret_more = false;
                return 0;
        }
        *readable = false;
        return receive(peer);
}

/* Tells a client which limit it has met before it could be answered. */
static void tell_limit(Peer *peer, const LimitReached *reached) {
        Writer writer = WRITER_INIT(peer->broker->scratch, SCRATCH_BYTES);
        size_t n_sent;

        dispatch_limit(&writer, reached);
        /* To whoever reads it: the connection ends in any case. */
        (void) socket_send(peer->fd, writer.data, writer.n_data, -EBADF, &n_sent);
        ++peer->broker->service.counters.n_limits_reached;
}

/* Charges for what has come and cannot be answered yet; mostly that is nothing. */
static int charge_input(Peer *peer) {
        LimitReached reached;

        if (peer->frames.n_allocated == peer->input.amount)
                return 0;
        charge_give_back(&peer->input);
        if (peer->frames.n_allocated == 0)
                return 0;
        if (charge_take(&peer->input, peer->client.user, LIMIT_INPUT, peer->frames.n_allocated,
                        &reached) == 0)
                return 0;
        log_info("A connection of user %u is closed: limit %s is reached.",
                 peer->client.credentials.uid, reached.name);
        tell_limit(peer, &reached);
        return PEER_E_GONE;
}

/* Goes on with a peer until it has to wait for something. */
static int run(Peer *peer, bool readable, bool *ret_again) {
        bool more = true;
        int r;

        *ret_again = false;
        r = flush(peer);
        for (int i = 0; r == 0 && more && !output_pending(peer); ++i) {
                if (i == CALLS_AT_ONCE) {
                        *ret_again = true;
                        break;
                }
                r = step(peer, &readable, &more);
        }
        frames_settle(&peer->frames, &peer->broker->spare);
        return r ? r : charge_input(peer);
}

static short wanted(const Peer *peer) {
        if (!output_pending(peer))
                return EV_READ;
        /* Writable is what the socket may be all the time while a client does not read: only the
         * change tells something, and it may come a moment too early, so there is a timer too. */
        return peer->state == PEER_PARKED ? EV_WRITE | EV_ET : EV_WRITE;
}

static void pump(evutil_socket_t fd, short what, void *userdata);

static int set_interest(Peer *peer, short what) {
        struct timeval after = { .tv_usec = peer->look_again_usec };

        /* With a timer it is added again each time, for the timer's sake. */
        if (peer->interest == what && !(what & EV_ET))
                return 0;
        if (peer->interest != what) {
                (void) event_del(peer->event);
                if (event_assign(peer->event, peer->broker->base, peer->fd,
                                 (short) (what | EV_PERSIST), pump, peer) < 0)
                        return PEER_E_GONE;
                (void) event_priority_set(peer->event, BROKER_PRIORITY_PEERS);
                peer->interest = what;
        }
        return event_add(peer->event, what & EV_ET ? &after : NULL) < 0 ? PEER_E_GONE : 0;
}

/* What every event of a connection comes to: the one place where its interest is decided. */
static void pump(evutil_socket_t fd, short what, void *userdata) {
        Peer *peer = userdata;
        Broker *broker = peer->broker;
        bool again;
        int r;

        (void) fd;
        if (what & EV_TIMEOUT)
                peer->look_again_usec = MIN(peer->look_again_usec * 2, LOOK_AGAIN_MAX_USEC);
        else
                peer->look_again_usec = LOOK_AGAIN_MIN_USEC;
        r = run(peer, what & EV_READ, &again);
        if (r == 0)
                r = set_interest(peer, wanted(peer));
        if (r)
                peer_free(peer);
        else if (again)
                event_active(peer->event, 0, 0);
        broker_update(broker);
}

DEFINE_CLEANUP(Peer, peer_free)

/* There is no place for a client, which has asked nothing yet. */
static void refuse(Peer *peer, const LimitReached *reached) {
        tell_limit(peer, reached);
        ++peer->broker->service.counters.n_refused_peers;
        log_info("A connection of user %u is refused: limit %s is reached.",
                 peer->client.credentials.uid, reached->name);
}

static int charge_connection(Peer *peer, LimitReached *ret_reached) {
        return charge_take(&peer->client.connection, peer->client.user, LIMIT_CONNECTIONS, 1,
                           ret_reached);
}

static void try_again(evutil_socket_t fd, short what, void *userdata) {
        Peer *peer = userdata;
        LimitReached reached;

        (void) fd;
        (void) what;
        if (charge_connection(peer, &reached)) {
                refuse(peer, &reached);
                peer_free(peer);
        } else if (set_interest(peer, EV_READ)) {
                peer_free(peer);
        }
}

/* Serves the peer, if there is a place for it, or sees to it a little later. */
static int begin(Peer *peer) {
        struct event_base *base = peer->broker->base;
        LimitReached reached;
        bool full = charge_connection(peer, &reached);

        if (full)
                peer->event = event_new(base, -1, 0, try_again, peer);
        else
                peer->event = event_new(base, peer->fd, EV_READ | EV_PERSIST, pump, peer);
        if (!peer->event)
                return PEER_E_GONE;
        peer->interest = full ? 0 : EV_READ;
        (void) event_priority_set(peer->event, BROKER_PRIORITY_PEERS);
        return event_add(peer->event, full ? &second_try : NULL) < 0 ? PEER_E_GONE : 0;
}

/**
 * peer_accept() - serve a client that has connected
 * @broker:     the broker, which owns the peer
 * @fd:         the connected socket, which is the peer's from now on
 */
void peer_accept(Broker *broker, int fd) {
        _cleanup_(peer_freep) Peer *peer = NULL;

        peer = calloc(1, sizeof(*peer));
        if (!peer) {
                fd_close(fd);
                return;
        }
        peer->broker = broker;
        peer->fd = fd;
        peer->output.fd = -EBADF;
        peer->look_again_usec = LOOK_AGAIN_MIN_USEC;
        if (client_init(&peer->client, &broker->service.accounts, fd) < 0 || begin(peer))
                return;
        DL_APPEND(broker->peers, peer);
        steal_ptr(peer);
}

/* peer_free() - close a connection; attachments that were handed out stay */
Peer *peer_free(Peer *peer) {
        if (!peer)
                return NULL;
        if (peer->prev)
                DL_DELETE(peer->broker->peers, peer);
        if (peer->event)
                event_free(peer->event);
        output_clear(peer);
        frames_deinit(&peer->frames);
        charge_give_back(&peer->input);
        fd_close(peer->fd);
        client_deinit(&peer->client);
        free(peer);
        return NULL;
}
