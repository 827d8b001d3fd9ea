/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_PUT_H
#define SHMBROKER_CLIENT_CTL_PUT_H

/*
 * Filling segments: one that exists in its place, a new one before it has its name, so that nobody
 * sees it half full and nothing is left of it if it does not become whole.
 */

#include "client/ctl/acquire.h"
#include "client/ctl/common.h"

typedef struct Put Put;

struct Put {
        Selector target;
        Acquisition acquisition;
        /* The segment that has the name is replaced */
        bool replace;
        /* What it is sealed against before it gets its name */
        unsigned int seals;
        /* Where to begin in a segment that exists */
        uint64_t offset;
        bool quiet;
};

int put_init(Put *put);
void put_deinit(Put *put);
int put_option(const Ctl *ctl, Put *put, int key, const char *value);

int put_new(const Ctl *ctl, Stream *from, const Put *put);
int put_any(const Ctl *ctl, Stream *from, const Put *put);
int put_name(const Ctl *ctl, const Put *put, int64_t id, struct shmbroker_info **ret,
             int64_t *ret_replaced_id);
int put_print(const Ctl *ctl, const struct shmbroker_info *info, int64_t replaced_id);

/* The options that put_option() takes, beside ACQUIRE_OPTIONS. */
#define PUT_OPTIONS                                                                                \
        { "replace", OPTION_REPLACE, NULL, "fill a new one, which then takes the name over" },     \
                { "seal", OPTION_SEAL, "SEALS",                                                    \
                  "seal the new one first: write, futureWrite, ..." },                             \
        {                                                                                          \
                "quiet", 'q', NULL, "show no progress"                                             \
        }

#endif
