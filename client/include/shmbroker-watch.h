/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_WATCH_H
#define SHMBROKER_WATCH_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * ---- Watching segments ----------------------------------------------------------------------
 *
 * A watch first tells of each segment that exists, then that these were all, then of changes as
 * they happen. It has a connection of its own, and makes it anew when the broker went away.
 */

/* What happened to a segment, or to the watch. */
enum shmbroker_event_kind {
        /* One that this library does not know, of a newer broker: shmbroker_event_kind_name() */
        SHMBROKER_EVENT_UNKNOWN = -1,
        /* It existed when the watch began; one for each segment */
        SHMBROKER_EVENT_EXISTING = 0,
        /* All that existed were told; what follows are changes */
        SHMBROKER_EVENT_SYNCHRONIZED = 1,
        SHMBROKER_EVENT_CREATED = 2,
        /* shmbroker_publish() gave it a name */
        SHMBROKER_EVENT_PUBLISHED = 3,
        SHMBROKER_EVENT_ATTACHED = 4,
        SHMBROKER_EVENT_DETACHED = 5,
        /* Owner, mode, life, lock, size or seals changed */
        SHMBROKER_EVENT_CHANGED = 6,
        /* It is marked for destruction, and attachments remain */
        SHMBROKER_EVENT_REMOVED = 7,
        /* The broker's last reference is gone */
        SHMBROKER_EVENT_DESTROYED = 8,
        /* Events were read too slowly, and some were dropped */
        SHMBROKER_EVENT_OVERFLOW = 9,
        /* The broker went away. When it is back, the watch begins anew, by itself. This the
         * library says; numbers below are left for what brokers say. */
        SHMBROKER_EVENT_LOST = 1000
};

/**
 * shmbroker_watch_new() - make a watch of all segments that the caller may read
 * @connection: to the same broker as this connection, which is not used otherwise
 * @ret:        the watch, to be freed by shmbroker_watch_free()
 *
 * Nothing is asked yet: the first shmbroker_watch_next() or shmbroker_watch_wait() connects.
 *
 * Return: 0, or -ENOMEM.
 * Since: 0.1
 */
int shmbroker_watch_new(const struct shmbroker *connection, struct shmbroker_watch **ret);

/**
 * shmbroker_watch_free() - end a watch, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_watch *shmbroker_watch_free(struct shmbroker_watch *watch);

/**
 * shmbroker_watch_set_id() - watch only the segment with this id
 * shmbroker_watch_set_filter() - watch only segments that a filter lets pass, as they are after
 * each event, see shmbroker_filter_new(); NULL, as at first, for all. It is copied.
 * shmbroker_watch_add_event() - tell only of this, one of enum shmbroker_event_kind, and of what
 * else is added; SHMBROKER_EVENT_SYNCHRONIZED, SHMBROKER_EVENT_OVERFLOW and SHMBROKER_EVENT_LOST
 * are told in any case shmbroker_watch_set_changes_only() - do not tell of what exists, only of
 * changes
 *
 * Return: 0; -EALREADY if the watch has begun; -EINVAL if there is no such event, or no such kind
 * of segment in the filter; -ENOMEM. Since: 0.1
 */
int shmbroker_watch_set_id(struct shmbroker_watch *watch, int64_t id);
int shmbroker_watch_set_filter(struct shmbroker_watch *watch,
                               const struct shmbroker_filter *filter);
int shmbroker_watch_add_event(struct shmbroker_watch *watch, int kind);
int shmbroker_watch_set_changes_only(struct shmbroker_watch *watch, int changes_only);

/**
 * shmbroker_watch_next() - take the next event, without waiting
 * @watch:      the watch
 * @ret:        the event, to be freed by shmbroker_event_free()
 *
 * Call it until it returns 0, then wait until shmbroker_watch_fd() can be read, and call it again.
 *
 * Whatever breaks the connection is SHMBROKER_EVENT_LOST, and then connecting is tried again and
 * again, after pauses from 50 milliseconds up to 5 seconds. What the broker refuses to watch is an
 * error, also after it came back, and so is what is no answer to Watch; from then on the same error
 * is returned.
 *
 * Return: 1 with an event; 0 if there is none now; -ENOENT if there is no segment of that id,
 *         -EACCES if it may not be read, -EINVAL if the pattern is not possible, -ENOSPC if
 *         a limit of the broker does not let the watch begin, -ENOSYS if the broker is too old,
 * -EPROTO if it sent what is no answer; -ECHILD in a child of the process that made it; -ENOMEM.
 * Since: 0.1
 */
int shmbroker_watch_next(struct shmbroker_watch *watch, struct shmbroker_event **ret);

/**
 * shmbroker_watch_wait() - wait for the next event
 * @watch:      the watch
 * @timeout_usec: how long at most, in microseconds, or SHMBROKER_FOREVER
 * @ret:        the event, to be freed by shmbroker_event_free()
 *
 * Signals do not interrupt it.
 *
 * Return: as shmbroker_watch_next(); 0 when the time is over.
 * Since: 0.1
 */
int shmbroker_watch_wait(struct shmbroker_watch *watch, uint64_t timeout_usec,
                         struct shmbroker_event **ret);

/**
 * shmbroker_watch_fd() - what an event loop waits for: a descriptor that can be read (POLLIN) when
 *      shmbroker_watch_next() has something to do
 * @watch:      the watch
 *
 * It is always the same one, as that of shmbroker_get_fd() is, and remains the watch's.
 *
 * Return: the descriptor; -EMFILE, -ENFILE, -ENOMEM, -ECHILD.
 * Since: 0.1
 */
int shmbroker_watch_fd(struct shmbroker_watch *watch);

/**
 * shmbroker_watch_error() - why shmbroker_watch_next() failed, or what was lost the last time;
 *      it is owned by the watch and changed by each call on it
 * Since: 0.1
 */
const struct shmbroker_error *shmbroker_watch_error(const struct shmbroker_watch *watch);

/*
 * ---- One event ------------------------------------------------------------------------------
 */

/**
 * shmbroker_event_free() - free an event, or NULL; returns NULL
 * Since: 0.1
 */
struct shmbroker_event *shmbroker_event_free(struct shmbroker_event *event);

/**
 * shmbroker_event_kind() - one of enum shmbroker_event_kind
 * shmbroker_event_kind_name() - the same as the protocol calls it, such as "created"; or "lost"
 * shmbroker_event_sequence() - counts the events since the watch began, or began anew, from 0.
 * Those that were dropped count, too: an overflow has the number of the last one. 0 if lost.
 * shmbroker_event_time() - when it happened
 * shmbroker_event_info() - the state of the segment afterwards, owned by the event; NULL if it is
 *      about no segment: synchronized, overflow and lost
 * shmbroker_event_attachment() - with SHMBROKER_EVENT_ATTACHED and SHMBROKER_EVENT_DETACHED, which
 *      attachment it is, as far as the broker can tell, owned by the event; NULL if it cannot, as
 *      with a native one of a System V segment
 * shmbroker_event_cause() - with SHMBROKER_EVENT_REMOVED and SHMBROKER_EVENT_DESTROYED, what led to
 *      it: "call", "lastDetach", "linger", "outside", "lost" or a word of a newer broker; NULL if
 *      it is not known
 * shmbroker_event_registry_id() - with SHMBROKER_EVENT_SYNCHRONIZED, as
 *      shmbroker_status_registry_id(); else NULL
 * shmbroker_event_json() - all of it, as the broker sent it: the reply to Watch. If lost, the same
 *      as the library writes it.
 * Since: 0.1
 */
int shmbroker_event_kind(const struct shmbroker_event *event);
const char *shmbroker_event_kind_name(const struct shmbroker_event *event);
uint64_t shmbroker_event_sequence(const struct shmbroker_event *event);
uint64_t shmbroker_event_time(const struct shmbroker_event *event);
const struct shmbroker_info *shmbroker_event_info(const struct shmbroker_event *event);
const struct shmbroker_attachment *shmbroker_event_attachment(const struct shmbroker_event *event);
const char *shmbroker_event_cause(const struct shmbroker_event *event);
const char *shmbroker_event_registry_id(const struct shmbroker_event *event);
const char *shmbroker_event_json(const struct shmbroker_event *event);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
