/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CALL_H
#define SHMBROKER_CALL_H

/* A part of <shmbroker.h>, which is what programs include. */

#include "shmbroker-types.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/*
 * ---- Calls in an event loop -----------------------------------------------------------------
 *
 * Each function that asks the broker has one whose name ends in _start. It takes the same
 * arguments, all of which are copied, begins the call without waiting, and gives a call object.
 * Several calls may be under way on one connection; the broker answers them in their order, and
 * what is sent ahead of the answers is limited here. While they are, functions that wait may be
 * used as well: they wait behind them.
 *
 * An event loop waits until shmbroker_get_fd() can be read and then calls shmbroker_process();
 * shmbroker_next_done() gives the calls that are done.
 *
 * A call that may wait at the broker (shmbroker_options_set_wait()) gets a connection of its own,
 * so that it keeps nothing else from being answered; it counts against the limits of the broker.
 *
 * If the broker goes away, each call is made again on a new connection or fails with -ECONNRESET,
 * as the function without _start does.
 */

/**
 * shmbroker_acquire_start() - begin what shmbroker_acquire() does; the segment is taken by
 *      shmbroker_call_take_segment()
 * shmbroker_acquire_id_start() - begin what shmbroker_acquire_id() does; the same
 * shmbroker_stat_start() - begin what shmbroker_stat() does; the state is taken by
 *      shmbroker_call_take_info()
 * shmbroker_remove_start() - begin what shmbroker_remove() does; the same
 * shmbroker_set_attributes_start() - begin what shmbroker_set_attributes() does; the same
 * shmbroker_resize_start() - begin what shmbroker_resize() does; the same
 * shmbroker_seal_start() - begin what shmbroker_seal() does; the same
 * shmbroker_publish_start() - begin what shmbroker_publish() does; the same, and
 *      shmbroker_call_replaced_id()
 * shmbroker_adopt_sysv_start() - begin what shmbroker_adopt_sysv() does; the same
 * shmbroker_adopt_key_start() - begin what shmbroker_adopt_key() does; the same
 * shmbroker_adopt_posix_start() - begin what shmbroker_adopt_posix() does; the same
 * shmbroker_adopt_fd_start() - begin what shmbroker_adopt_fd() does; the same. The descriptor is
 *      duplicated.
 * shmbroker_list_segments_start() - begin what shmbroker_list_segments() does; the list is taken by
 *      shmbroker_call_take_list()
 * shmbroker_list_attachments_start() - begin what shmbroker_list_attachments() does; they are taken
 *      by shmbroker_call_take_attachments()
 * shmbroker_list_users_start() - begin what shmbroker_list_users() does; they are taken by
 *      shmbroker_call_take_users()
 * shmbroker_list_tenants_start() - begin what shmbroker_list_tenants() does; they are taken by
 *      shmbroker_call_take_tenants()
 * shmbroker_get_status_start() - begin what shmbroker_get_status() does; it is taken by
 *      shmbroker_call_take_status()
 * @connection: the connection
 * @ret:        the call, to be freed by shmbroker_call_free()
 *
 * What cannot be asked fails here, and shmbroker_get_error() tells why; what the broker replies,
 * and that none is there, is the call's result.
 *
 * Return: 0; -EINVAL if an argument is not possible; -EBADF or -EMFILE, of a descriptor that goes
 *         with the call; -ECHILD; -ENOMEM.
 * Since: 0.1
 */
int shmbroker_acquire_start(struct shmbroker *connection, const char *name,
                            const struct shmbroker_options *options, struct shmbroker_call **ret);
int shmbroker_acquire_id_start(struct shmbroker *connection, int64_t id,
                               const struct shmbroker_options *options,
                               struct shmbroker_call **ret);
int shmbroker_stat_start(struct shmbroker *connection, const char *name, int64_t id,
                         struct shmbroker_call **ret);
int shmbroker_remove_start(struct shmbroker *connection, const char *name, int64_t id,
                           unsigned int flags, struct shmbroker_call **ret);
int shmbroker_set_attributes_start(struct shmbroker *connection, const char *name, int64_t id,
                                   const struct shmbroker_attributes *attributes,
                                   struct shmbroker_call **ret);
int shmbroker_resize_start(struct shmbroker *connection, const char *name, int64_t id,
                           uint64_t size, struct shmbroker_call **ret);
int shmbroker_seal_start(struct shmbroker *connection, const char *name, int64_t id,
                         unsigned int seals, struct shmbroker_call **ret);
int shmbroker_publish_start(struct shmbroker *connection, int64_t id, const char *name,
                            unsigned int flags, const struct shmbroker_attributes *attributes,
                            struct shmbroker_call **ret);
int shmbroker_adopt_sysv_start(struct shmbroker *connection, int shmid, const char *name,
                               const struct shmbroker_attributes *attributes,
                               struct shmbroker_call **ret);
int shmbroker_adopt_key_start(struct shmbroker *connection, uint32_t key, const char *name,
                              const struct shmbroker_attributes *attributes,
                              struct shmbroker_call **ret);
int shmbroker_adopt_posix_start(struct shmbroker *connection, const char *posix_name,
                                const char *name, const struct shmbroker_attributes *attributes,
                                struct shmbroker_call **ret);
int shmbroker_adopt_fd_start(struct shmbroker *connection, int fd, const char *name,
                             const struct shmbroker_attributes *attributes,
                             struct shmbroker_call **ret);
int shmbroker_list_segments_start(struct shmbroker *connection,
                                  const struct shmbroker_filter *filter,
                                  struct shmbroker_call **ret);
int shmbroker_list_attachments_start(struct shmbroker *connection, const char *name, int64_t id,
                                     struct shmbroker_call **ret);
int shmbroker_list_users_start(struct shmbroker *connection, struct shmbroker_call **ret);
int shmbroker_list_tenants_start(struct shmbroker *connection, struct shmbroker_call **ret);
int shmbroker_get_status_start(struct shmbroker *connection, struct shmbroker_call **ret);

/**
 * shmbroker_get_fd() - what an event loop waits for: a descriptor that can be read (POLLIN) when
 *      shmbroker_process() has something to do
 * @connection: the connection
 *
 * It is always the same one, whatever happens to the connection, and an epoll(7) instance with a
 * timer in it: no other events and no times have to be looked after. It is made when it is first
 * asked for, close-on-exec, and remains the connection's: do not close it, and do not read it.
 *
 * Return: the descriptor; -EMFILE, -ENFILE, -ENOMEM, -ECHILD.
 * Since: 0.1
 */
int shmbroker_get_fd(struct shmbroker *connection);

/**
 * shmbroker_process() - go on with the calls under way, without waiting
 * @connection: the connection
 *
 * Populating and locking memory, if the options of an Acquire say so, takes its time here.
 *
 * Return: 1 if shmbroker_next_done() has calls to give, 0 if not yet; -ECHILD.
 * Since: 0.1
 */
int shmbroker_process(struct shmbroker *connection);

/**
 * shmbroker_next_done() - take a call that is done
 * @connection: the connection
 *
 * Each call that was begun by a function in _start is given once, in the order in which they ended.
 *
 * Return: the call, which is still the caller's to free, or NULL if there is none.
 * Since: 0.1
 */
struct shmbroker_call *shmbroker_next_done(struct shmbroker *connection);

/**
 * shmbroker_call_result() - what a call came to
 * @call:       the call
 *
 * Return: -EINPROGRESS if it is not done; 0; what the function without _start returns when it
 *         fails; -ECANCELED if the connection was closed before.
 * Since: 0.1
 */
int shmbroker_call_result(const struct shmbroker_call *call);

/**
 * shmbroker_call_error() - why it failed; it is owned by the call
 * Since: 0.1
 */
const struct shmbroker_error *shmbroker_call_error(const struct shmbroker_call *call);

/**
 * shmbroker_call_set_userdata() - have a call know something of the program's
 * shmbroker_call_userdata() - what that is; NULL at first
 * Since: 0.1
 */
void shmbroker_call_set_userdata(struct shmbroker_call *call, void *userdata);
void *shmbroker_call_userdata(const struct shmbroker_call *call);

/**
 * shmbroker_call_take_segment() - take the segment that a call acquired
 * shmbroker_call_take_info() - take the state of a segment
 * shmbroker_call_take_list() - take the segments that were listed
 * shmbroker_call_take_attachments() - take the attachments that were listed
 * shmbroker_call_take_users() - take the users that were listed
 * shmbroker_call_take_tenants() - take the tenants that were listed
 * shmbroker_call_take_status() - take the state of the broker
 * shmbroker_call_replaced_id() - the segment that was removed for one that was published
 * @call:       the call
 * @ret:        what it brought, which is the caller's from now on
 *
 * Of a list what came so far can be taken before the call is done, again and again; a call of which
 * something was taken is not made again when the broker goes away. What nobody takes is freed with
 * the call.
 *
 * Return: 0; -EINPROGRESS if it is not done; what it failed with; -ENODATA if it brought nothing,
 *         or something else, or it was taken already; -ENOMEM.
 * Since: 0.1
 */
int shmbroker_call_take_segment(struct shmbroker_call *call, struct shmbroker_segment **ret);
int shmbroker_call_take_info(struct shmbroker_call *call, struct shmbroker_info **ret);
int shmbroker_call_take_list(struct shmbroker_call *call, struct shmbroker_list **ret);
int shmbroker_call_take_attachments(struct shmbroker_call *call,
                                    struct shmbroker_attachments **ret);
int shmbroker_call_take_users(struct shmbroker_call *call, struct shmbroker_users **ret);
int shmbroker_call_take_tenants(struct shmbroker_call *call, struct shmbroker_tenants **ret);
int shmbroker_call_take_status(struct shmbroker_call *call, struct shmbroker_status **ret);
int shmbroker_call_replaced_id(const struct shmbroker_call *call, int64_t *ret);

/**
 * shmbroker_call_free() - free a call with what it brought, or cancel it
 * @call:       the call, or NULL
 *
 * One that was not sent yet is not made. What the broker answers to another one is read and
 * dropped, and a private segment that it created is removed again, provided that the connection is
 * not closed before; other calls go on. A call that waits ends at once. It may be freed before and
 * after its connection is closed.
 *
 * Return: NULL.
 * Since: 0.1
 */
struct shmbroker_call *shmbroker_call_free(struct shmbroker_call *call);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
