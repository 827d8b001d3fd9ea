/* SPDX-License-Identifier: MIT */
#include "daemon/state/parcel.h"

#include <assert.h>
#include <string.h>

#include "proto/error.h"
#include "proto/socket.h"

#define PARCEL_VERSION 1

typedef struct Payload Payload;

/* In the byte order of the host, which the messages do not leave. */
struct Payload {
        char magic[8];
        uint32_t version;
        uint32_t n_ids;
        int64_t ids[PARCEL_MAX];
};

static const char magic[] = { 's', 'h', 'm', 's', 't', 'o', 'r', 'e' };

static size_t payload_size(size_t n_ids) {
        return offsetof(Payload, ids) + n_ids * sizeof(int64_t);
}

void parcel_deinit(Parcel *parcel) {
        fd_queue_deinit(&parcel->fds);
        parcel->n_ids = 0;
}

/**
 * parcel_send() - send descriptors, all of them or none
 * @socket_fd:  the sending end
 * @ids:        what the descriptors are
 * @fds:        the descriptors, which stay the caller's
 * @n_ids:      their number, from 1 to PARCEL_MAX
 *
 * Return: 0, PARCEL_E_FULL, PARCEL_E_LIMIT, or a negative errno.
 */
int parcel_send(int socket_fd, const int64_t *ids, const int *fds, size_t n_ids) {
        Payload payload = { .version = PARCEL_VERSION, .n_ids = (uint32_t) n_ids };
        int r;

        assert(n_ids > 0 && n_ids <= PARCEL_MAX);
        memcpy(payload.magic, magic, sizeof(magic));
        memcpy(payload.ids, ids, n_ids * sizeof(*ids));
        r = socket_send_message(socket_fd, &payload, payload_size(n_ids), fds, n_ids);
        switch (r) {
        case SOCKET_E_AGAIN:
                return PARCEL_E_FULL;
        case SOCKET_E_LIMIT:
                return PARCEL_E_LIMIT;
        default:
                return error_fold(r);
        }
}

static int parcel_check(const Payload *payload, size_t n_message, size_t n_fds) {
        if (n_message < payload_size(1) || memcmp(payload->magic, magic, sizeof(magic)) != 0 ||
            payload->version != PARCEL_VERSION)
                return PARCEL_E_INVALID;
        if (payload->n_ids != n_fds || n_message != payload_size(n_fds))
                return PARCEL_E_INVALID;
        return 0;
}

/**
 * parcel_peek() - look at a message, and leave it in the queue
 * @socket_fd:  the receiving end
 * @parcel:     where it goes; what was in there is closed before
 * @offset:     0 for the first message; moved behind the message also if that is invalid
 *
 * Return: 0, PARCEL_E_END, PARCEL_E_INVALID, PARCEL_E_DESCRIPTORS, or a negative errno. Descriptors
 *         of an invalid message are in @parcel, too.
 */
int parcel_peek(int socket_fd, Parcel *parcel, size_t *offset) {
        size_t n_message;
        Payload payload;
        int r;

        parcel_deinit(parcel);
        r = socket_peek_message(socket_fd, *offset, &payload, sizeof(payload), &parcel->fds,
                                &n_message);
        switch (r) {
        case 0:
                break;
        case SOCKET_E_AGAIN:
        case SOCKET_E_GONE:
                return PARCEL_E_END;
        case SOCKET_E_TRUNCATED:
                fd_queue_deinit(&parcel->fds);
                return PARCEL_E_DESCRIPTORS;
        case SOCKET_E_LIMIT:
                return PARCEL_E_DESCRIPTORS;
        default:
                return error_trace(r);
        }
        *offset += n_message;
        r = parcel_check(&payload, n_message, parcel->fds.n_fds);
        if (r)
                return r;
        parcel->n_ids = payload.n_ids;
        memcpy(parcel->ids, payload.ids, parcel->n_ids * sizeof(*parcel->ids));
        return 0;
}
