/* SPDX-License-Identifier: MIT */
/*
 * Options of shmbroker_acquire(): what was said, and whether it can be meant. What the broker
 * checks and names in its answer is left to it.
 */

#include "client/lib/options.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/include/shmbroker.h"
#include "client/lib/detail.h"
#include "client/lib/value.h"
#include "proto/error.h"

int shmbroker_options_new(struct shmbroker_options **ret) {
        struct shmbroker_options *options = calloc(1, sizeof(*options));

        if (!options)
                return error_origin(-ENOMEM);
        *ret = options;
        return 0;
}

struct shmbroker_options *shmbroker_options_free(struct shmbroker_options *options) {
        if (!options)
                return NULL;
        free(options->posix_name);
        free(options);
        return NULL;
}

/* What Acquire takes as it is, or as a number that JSON can have; and how to map. */
#define SET_VALUE(setter, Value, row, member)                                                      \
        void setter(struct shmbroker_options *options, Value value) {                              \
                GIVE_VALUE(&options->acquire, row, member, value);                                 \
        }

#define SET_NUMBER(setter, Value, row, member)                                                     \
        void setter(struct shmbroker_options *options, Value value) {                              \
                GIVE_VALUE(&options->acquire, row, member, number_clamp(value));                   \
        }

#define SET_MAP(setter, member)                                                                    \
        void setter(struct shmbroker_options *options, int value) {                                \
                options->map.member = value;                                                       \
        }

void shmbroker_options_set_create(struct shmbroker_options *options, int create) {
        options->create = create;
        GIVE(&options->acquire, ACQUIRE_CREATE);
}

void shmbroker_options_set_access(struct shmbroker_options *options, int access) {
        options->access = access;
        GIVE(&options->acquire, ACQUIRE_ACCESS);
}

void shmbroker_options_set_kind(struct shmbroker_options *options, int kind) {
        options->kind = kind;
        GIVE(&options->acquire, ACQUIRE_KIND);
}

SET_NUMBER(shmbroker_options_set_size, uint64_t, ACQUIRE_SIZE_BYTES, size_bytes)
SET_VALUE(shmbroker_options_set_mode, mode_t, ACQUIRE_MODE, mode)
SET_NUMBER(shmbroker_options_set_maximum, uint64_t, ACQUIRE_MAXIMUM_BYTES, maximum_bytes)
SET_NUMBER(shmbroker_options_set_page_size, uint64_t, ACQUIRE_PAGE_BYTES, page_bytes)
SET_VALUE(shmbroker_options_set_sealable, int, ACQUIRE_SEALABLE, sealable)
SET_VALUE(shmbroker_options_set_key, uint32_t, ACQUIRE_KEY, key)

int shmbroker_options_set_posix_name(struct shmbroker_options *options, const char *name) {
        return error_trace(text_set(&options->posix_name, name, POSIX_NAME_MAX));
}

SET_VALUE(shmbroker_options_set_remove_on_last_detach, int, ACQUIRE_REMOVE_ON_LAST_DETACH,
          remove_on_last_detach)
SET_NUMBER(shmbroker_options_set_linger, uint64_t, ACQUIRE_LINGER_USEC, linger_usec)

void shmbroker_options_set_wait(struct shmbroker_options *options, uint64_t wait_usec) {
        GIVE_VALUE(&options->acquire, ACQUIRE_WAIT_USEC, wait_usec,
                   wait_usec == SHMBROKER_FOREVER ? -1 : number_clamp(wait_usec));
}

int shmbroker_options_set_trusted_uids(struct shmbroker_options *options, const uid_t *uids,
                                       size_t n_uids) {
        int r;

        r = uids ? uids_set(&options->acquire.trusted_uids, uids, n_uids) : 0;
        if (r)
                return error_trace(r);
        options->acquire.given &= ~(UINT64_C(1) << ACQUIRE_TRUSTED_UIDS);
        if (uids)
                GIVE(&options->acquire, ACQUIRE_TRUSTED_UIDS);
        return 0;
}

void shmbroker_options_set_map(struct shmbroker_options *options, int map) {
        options->map.no_map = !map;
}

SET_MAP(shmbroker_options_set_populate, populate)
SET_MAP(shmbroker_options_set_reserve, reserve)
SET_MAP(shmbroker_options_set_private_copy, private_copy)
SET_MAP(shmbroker_options_set_mlock, locked)

void shmbroker_options_set_window(struct shmbroker_options *options, uint64_t offset,
                                  uint64_t length) {
        options->map.offset = offset;
        options->map.length = length;
}

void shmbroker_options_set_address(struct shmbroker_options *options, void *address) {
        options->map.address = address;
}

static bool enum_valid(int value, int n) {
        return value >= 0 && value < n;
}

/**
 * options_check() - can the options be written down as parameters?
 * @error:      where to note what cannot
 * @options:    the options
 *
 * Return: 0, or -EINVAL.
 */
int options_check(struct shmbroker_error *error, const struct shmbroker_options *options) {
        const char *wrong = NULL;

        if (!enum_valid(options->create, _CREATE_N))
                wrong = "create";
        else if (!enum_valid(options->access, _ACCESS_N))
                wrong = "access";
        else if (!enum_valid(options->kind, _KIND_N))
                wrong = "kind";
        if (wrong)
                return detail_parameter(error, wrong, "an option is not one of its enum");
        /* What depends on the segment's own pages is seen when it is there. */
        return detail_map(error, mapping_check(&options->map, (uint64_t) sysconf(_SC_PAGESIZE)));
}

/* options_fit() - do the options say nothing but how to map, and what is in @taken, bits of the
 * rows of Acquire? For functions that ask no broker. */
bool options_fit(const struct shmbroker_options *options, uint64_t taken) {
        return !options->posix_name && !(options->acquire.given & ~taken);
}

/* options_apply() - write options that were checked down as parameters of the call */
void options_apply(const struct shmbroker_options *options, AcquireParameters *parameters) {
        *parameters = options->acquire;
        parameters->create = (unsigned int) options->create;
        parameters->access = (unsigned int) options->access;
        parameters->kind = (unsigned int) options->kind;
        if (options->posix_name)
                GIVE_VALUE(parameters, ACQUIRE_POSIX_NAME, posix_name, options->posix_name);
}
