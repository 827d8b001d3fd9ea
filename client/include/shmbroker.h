/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_H
#define SHMBROKER_H

/*
 * libshmbroker: shared memory segments from shmbrokerd(8), as libshmbroker(3) describes.
 *
 * Functions that return int return 0, or a negative errno; what they have to give is written
 * through "ret" pointers, and on success only. Beside the errno of the last call on a connection
 * stands its detail, see shmbroker_get_error(). Functions that ask the broker wait for its answer;
 * shmbroker-call.h has the same for event loops.
 *
 * Pointers must not be NULL unless it is said. Strings that a function returns belong to the object
 * they were asked of and live as long as it does. Sizes are in bytes, times in microseconds; points
 * in time are since the epoch (CLOCK_REALTIME), uids, gids, pids and modes as the kernel counts
 * them. Values that the broker may leave open come through a "ret" pointer, and -ENODATA says that
 * there is none; strings that it may leave open are NULL.
 *
 * The library prints nothing, raises no signal and never ends the process. One connection, and each
 * other object, is for one thread at a time; several threads use several connections. Functions
 * that take an object as const may run in several threads at once, as long as none changes it: so
 * the data of a segment are everybody's.
 */

#include "shmbroker-call.h"
#include "shmbroker-info.h"
#include "shmbroker-manage.h"
#include "shmbroker-options.h"
#include "shmbroker-segment.h"
#include "shmbroker-types.h"
#include "shmbroker-watch.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * ---- Connections ----------------------------------------------------------------------------
 */

/**
 * shmbroker_connect() - connect to a broker
 * @address:    "system:" for the system's broker, at unix:/run/shmbroker/socket; "admin:" for the
 *              administrator's socket of that, at unix:/run/shmbroker-admin/socket; "user:" for the
 *              user's own, at unix:$XDG_RUNTIME_DIR/shmbroker/socket; "unix:" and an absolute path;
 *              NULL for $SHMBROKER_ADDRESS and, where that is not set, "system:"
 * @ret:        the connection, to be closed by shmbroker_close()
 *
 * The broker takes who asks from the kernel, at this moment (SO_PEERCRED in unix(7)): a program
 * that changes its user connects anew.
 *
 * A connection that breaks is made anew by the next call. In a child that fork(2) made, calls on
 * the connection of the parent fail with -ECHILD; the child may close it, which the parent does not
 * notice.
 *
 * Return: 0; -EINVAL if the address is none; -ENXIO if XDG_RUNTIME_DIR is not set, or not absolute;
 *         -ENOENT or -ECONNREFUSED if no broker is there; -EACCES if its socket may not be used;
 * -EMFILE, -ENFILE, -ENOMEM; -ETIMEDOUT if its queue stays full for 25 seconds. Since: 0.1
 */
int shmbroker_connect(const char *address, struct shmbroker **ret);

/**
 * shmbroker_new() - make a connection that connects only when it is first used
 * @address:    as for shmbroker_connect()
 * @ret:        the connection, to be closed by shmbroker_close()
 *
 * This never waits, and whether a broker is there the first call tells.
 *
 * Return: 0; -EINVAL if the address is none; -ENXIO if XDG_RUNTIME_DIR is not set, or not absolute;
 *         -ENOMEM.
 * Since: 0.1
 */
int shmbroker_new(const char *address, struct shmbroker **ret);

/**
 * shmbroker_close() - close a connection
 * @connection: the connection, or NULL
 *
 * No attachment ends by it: segments outlive the connection that they came by. Calls under way end
 * with -ECANCELED, carried out or not, and are still to be freed.
 * Return: NULL.
 * Since: 0.1
 */
struct shmbroker *shmbroker_close(struct shmbroker *connection);

/**
 * shmbroker_set_call_timeout() - say how long each call may take
 * @timeout_usec: that long, in microseconds, or SHMBROKER_FOREVER; at first it is 25 seconds
 *
 * A call that takes longer fails with -ETIMEDOUT, and the connection is dropped. The time given by
 * shmbroker_options_set_wait() comes on top.
 * Since: 0.1
 */
void shmbroker_set_call_timeout(struct shmbroker *connection, uint64_t timeout_usec);

/**
 * shmbroker_get_address() - where the broker is, beginning with "unix:"
 * Since: 0.1
 */
const char *shmbroker_get_address(const struct shmbroker *connection);

/*
 * ---- Errors ---------------------------------------------------------------------------------
 */

/**
 * shmbroker_get_error() - why the last function on a connection failed that waits for the broker or
 *      begins a call; it is owned by the connection and changed by each of them. Of calls that
 *      ended in an event loop shmbroker_call_error() tells.
 * Since: 0.1
 */
const struct shmbroker_error *shmbroker_get_error(const struct shmbroker *connection);

/* Where a call failed, which an errno alone does not tell. */
enum shmbroker_error_kind {
        /* It did not */
        SHMBROKER_ERROR_NONE = 0,
        /* In this process: the call could not be made, or what it brought not be mapped */
        SHMBROKER_ERROR_LOCAL = 1,
        /* No broker could be connected to */
        SHMBROKER_ERROR_UNREACHABLE = 2,
        /* It went away meanwhile, and the call was carried out or not */
        SHMBROKER_ERROR_CUT_OFF = 3,
        /* It did not answer in time, and the call was carried out or not */
        SHMBROKER_ERROR_TIMED_OUT = 4,
        /* What it sent is no answer */
        SHMBROKER_ERROR_PROTOCOL = 5,
        /* It replied an error: shmbroker_error_name() */
        SHMBROKER_ERROR_REPLIED = 6
};

/**
 * shmbroker_error_code() - the negative errno that was returned, 0 if the last call succeeded
 * shmbroker_error_kind() - one of enum shmbroker_error_kind
 * shmbroker_error_message() - what happened, as an English sentence without a full stop; empty if
 *      the last call succeeded
 * shmbroker_error_name() - the error as the protocol calls it, such as
 *      "org.shmbroker.Broker.LimitReached"; NULL if it is not one that the broker replied
 * shmbroker_error_json() - what was said with it, as a JSON object; NULL if nothing was
 * shmbroker_error_text() - one member of that, which is a string; NULL if there is none
 * shmbroker_error_number() - one member of that, which is a whole number
 * @parameter:  name of the member
 *
 * So "limit" and "maximum" tell of LimitReached which limit has which value; "parameter" of
 * InvalidParameter, and where the call was not made for such a reason, what is wrong; "reason" of
 * NotSupported why not, and "cause" the same in a word; "used" and "requested" of LimitReached what
 * counts against the limit and how much more was asked for; "ownerUid" and "creatorUid" of
 * ForeignSegment whose it is; "id" of SegmentExists which segment does, and is missing if what has
 * the name or key is not the broker's; "sizeBytes" of WrongSize the size of the segment, which is
 * less than asked for, "minimumBytes" and "maximumBytes" the sizes that would do; "attachCount" of
 * SegmentBusy how many attachments are in the way. org.shmbroker.Broker(7) has all of them; of an
 * error that this library does not know they can be had as well.
 *
 * Return: of shmbroker_error_number(), 0, or -ENODATA where there is no such number.
 * Since: 0.1
 */
int shmbroker_error_code(const struct shmbroker_error *error);
int shmbroker_error_kind(const struct shmbroker_error *error);
const char *shmbroker_error_message(const struct shmbroker_error *error);
const char *shmbroker_error_name(const struct shmbroker_error *error);
const char *shmbroker_error_json(const struct shmbroker_error *error);
const char *shmbroker_error_text(const struct shmbroker_error *error, const char *parameter);
int shmbroker_error_number(const struct shmbroker_error *error, const char *parameter,
                           int64_t *ret);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
