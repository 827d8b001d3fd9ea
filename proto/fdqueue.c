/* SPDX-License-Identifier: MIT */
#include "proto/fdqueue.h"

#include "proto/fd.h"

void fd_queue_deinit(FdQueue *queue) {
        while (queue->n_fds > 0)
                fd_close(fd_queue_pop(queue));
}

/**
 * fd_queue_push() - append a descriptor
 * @queue:      the queue
 * @fd:         the descriptor; it is the queue's from now on, and closed if there is no room
 *
 * Return: 0, or FD_QUEUE_E_FULL.
 */
int fd_queue_push(FdQueue *queue, int fd) {
        if (queue->n_fds == FD_QUEUE_MAX) {
                fd_close(fd);
                return FD_QUEUE_E_FULL;
        }
        queue->fds[(queue->begin + queue->n_fds++) % FD_QUEUE_MAX] = fd;
        return 0;
}

/**
 * fd_queue_pop() - take the first descriptor
 * @queue:      the queue
 *
 * Return: the descriptor, which is the caller's now, or -EBADF if there is none.
 */
int fd_queue_pop(FdQueue *queue) {
        int fd;

        if (queue->n_fds == 0)
                return -EBADF;
        fd = queue->fds[queue->begin];
        queue->begin = (queue->begin + 1) % FD_QUEUE_MAX;
        --queue->n_fds;
        return fd;
}
