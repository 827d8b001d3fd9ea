/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_SOCKET_H
#define SHMBROKER_PROTO_SOCKET_H

/* Bytes and descriptors through Unix sockets, streams and others: the only file that calls
 * sendmsg(2) and recvmsg(2), and the only one that knows control messages. */

#include <stdbool.h>
#include <stddef.h>

#include "proto/fdqueue.h"

enum {
        _SOCKET_E_SUCCESS,
        /* Nothing can be read or written now */
        SOCKET_E_AGAIN,
        /* The other end is closed */
        SOCKET_E_GONE,
        /* Too many descriptors are open or under way, or too little memory; it may pass */
        SOCKET_E_LIMIT,
        /* Descriptors came, but not all could be taken in; those that were are closed */
        SOCKET_E_TRUNCATED,
};

int socket_connect(const char *path);
int socket_send(int fd, const void *data, size_t n_data, int passed_fd, size_t *ret_n_sent);
int socket_receive(int fd, void *space, size_t n_space, FdQueue *fds, size_t *ret_n_received);
int socket_open_datagram(const char *address);
int socket_send_message(int fd, const void *data, size_t n_data, const int *fds, size_t n_fds);
int socket_peek_message(int fd, size_t offset, void *space, size_t n_space, FdQueue *fds,
                        size_t *ret_n_message);
int socket_unread(int fd, size_t *ret_n_unread);
bool socket_hung_up(int fd);

#endif
