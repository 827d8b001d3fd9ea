/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_TYPES_H
#define SHMBROKER_PROTO_TYPES_H

/*
 * The structures of org.shmbroker.Broker and org.varlink.service. interface.h is made of their
 * .varlink files, where the comments are; what the files cannot say is here and in interface.notes.
 */

#include "proto/interface.h"

/* Sizes and times stay within what a double can hold exactly. */
#define NUMBER_MAX (INT64_C(1) << 53)
#define MODE_MAX 0777
#define KEY_MAX INT64_C(0xffffffff)
/* A user or group; -1 is none (chown(2)) */
#define USER_MAX INT64_C(0xfffffffe)
/* SetAttributes: a lingerUSec of LINGER_NEVER takes the time away. */
#define LINGER_NEVER (-1)

/* The one member of each reply of List, ListAttachments, ListUsers and ListTenants */
enum {
        REPLY_ITEM,
};

/*
 * Which segment the parameters of a method mean, as SegmentParameters. Those that take other
 * parameters as well begin with the same two.
 */
#define SEGMENT_MEANT(parameters)                                                                  \
        (&(const SegmentParameters){                                                               \
                .given = (parameters)->given & (1U << SEGMENT_NAME | 1U << SEGMENT_ID),            \
                .name = (parameters)->name,                                                        \
                .id = (parameters)->id,                                                            \
        })

#endif
