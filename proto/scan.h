/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_SCAN_H
#define SHMBROKER_PROTO_SCAN_H

/*
 * Is this text one JSON object as the protocol wants it? Decided before anything is read from it,
 * so that the reader can trust it. It is for the text alone: what the members mean is not looked
 * at.
 */

#include <stdbool.h>
#include <stddef.h>

/* Objects and arrays inside each other, the message itself included. */
#define SCAN_DEPTH_MAX 16

enum {
        _SCAN_E_SUCCESS,
        /* Not one strict JSON object: the sender is not worth talking to. */
        SCAN_E_BROKEN,
};

bool scan_utf8(const char *text);
int scan_text(const char *text, size_t n_text);
int scan_message(const char *text, size_t n_text, const char **ret_last);

#endif
