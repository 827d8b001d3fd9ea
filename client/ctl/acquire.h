/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_ACQUIRE_H
#define SHMBROKER_CLIENT_CTL_ACQUIRE_H

/* Acquiring a segment: what the command line says of it, and the call. */

#include "client/ctl/common.h"
#include "client/ctl/stream.h"

typedef struct Acquisition Acquisition;

/* The options for the call, and what of them commands have to know. */
struct Acquisition {
        struct shmbroker_options *options;
        bool has_size;
        uint64_t size;
        bool has_maximum;
        bool remove_on_last_detach;
        bool has_create;
        int create;
        /* Whose the segment has to be; none for anybody's */
        uid_t owners[SHMBROKER_TRUSTED_UIDS_MAX];
        size_t n_owners;
};

int acquisition_init(Acquisition *acquisition);
void acquisition_deinit(Acquisition *acquisition);
int acquisition_option(const Ctl *ctl, Acquisition *acquisition, int key, const char *value);

bool acquisition_is_for(const Acquisition *acquisition, uid_t uid);
int acquisition_check_creation(const Ctl *ctl, const Acquisition *acquisition);

int acquire_selected(const Ctl *ctl, const Selector *selector,
                     const struct shmbroker_options *options, struct shmbroker_segment **ret);
int acquire(const Ctl *ctl, const Selector *selector, const Acquisition *acquisition,
            struct shmbroker_segment **ret);
int acquire_to_read(const Ctl *ctl, const Selector *selector, const Acquisition *acquisition,
                    struct shmbroker_segment **ret_segment, Stream *ret);

/* Of commands that create. */
#define ACQUIRE_OPTIONS                                                                            \
        { "size", 's', "SIZE", "size to create with, such as 4096, 64K, 1.5G" },                   \
                { "maximum", OPTION_MAXIMUM, "SIZE", "size that it can grow to" },                 \
                { "page-size", OPTION_PAGE_SIZE, "SIZE", "of huge pages of that size" },           \
                { "mode", 'm', "MODE", "permission bits to create with, in octal (0600)" },        \
                { "kind", OPTION_KIND, "KIND",                                                     \
                  "kind to create: memfd, posix, sysv or file (memfd)" },                          \
                { "key", OPTION_KEY, "KEY", "key of a sysv segment, such as 0x1234" },             \
                { "posix-name", OPTION_POSIX_NAME, "PNAME", "name of a posix segment" },           \
                { "sealable", OPTION_SEALABLE, NULL, "it may be sealed later" },                   \
                { "remove-on-last-detach", OPTION_REMOVE_ON_LAST_DETACH, NULL,                     \
                  "what is created removes itself when its last user ends" },                      \
        {                                                                                          \
                "linger", OPTION_LINGER, "TIME",                                                   \
                        "or after so long without one, such as 500ms, 10s, 2min"                   \
        }

#define OWNER_OPTION                                                                               \
        { "owner", OPTION_OWNER, "USER", "fail if owner or creator is another user; repeatable" }

#define WAIT_OPTION                                                                                \
        { "wait", OPTION_WAIT, "TIME", "wait that long for the segment to exist" }

#endif
