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

void shmbroker_options_set_size(struct shmbroker_options *options, uint64_t size) {
        GIVE_VALUE(&options->acquire, ACQUIRE_SIZE_BYTES, size_bytes, number_clamp(size));
}

void shmbroker_options_set_mode(struct shmbroker_options *options, mode_t mode) {
        GIVE_VALUE(&options->acquire, ACQUIRE_MODE, mode, mode);
}

void shmbroker_options_set_maximum(struct shmbroker_options *options, uint64_t maximum) {
        GIVE_VALUE(&options->acquire, ACQUIRE_MAXIMUM_BYTES, maximum_bytes, number_clamp(maximum));
}

void shmbroker_options_set_page_size(struct shmbroker_options *options, uint64_t page_size) {
        GIVE_VALUE(&options->acquire, ACQUIRE_PAGE_BYTES, page_bytes, number_clamp(page_size));
}

void shmbroker_options_set_sealable(struct shmbroker_options *options, int sealable) {
        GIVE_VALUE(&options->acquire, ACQUIRE_SEALABLE, sealable, sealable);
}

void shmbroker_options_set_key(struct shmbroker_options *options, uint32_t key) {
        GIVE_VALUE(&options->acquire, ACQUIRE_KEY, key, key);
}

int shmbroker_options_set_posix_name(struct shmbroker_options *options, const char *name) {
        return error_trace(text_set(&options->posix_name, name, POSIX_NAME_MAX));
}

void shmbroker_options_set_remove_on_last_detach(struct shmbroker_options *options, int remove) {
        GIVE_VALUE(&options->acquire, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, remove);
}

void shmbroker_options_set_linger(struct shmbroker_options *options, uint64_t linger_usec) {
        GIVE_VALUE(&options->acquire, ACQUIRE_LINGER_USEC, linger_usec, number_clamp(linger_usec));
}

void shmbroker_options_set_wait(struct shmbroker_options *options, uint64_t wait_usec) {
        GIVE_VALUE(&options->acquire, ACQUIRE_WAIT_USEC, wait_usec,
                   wait_usec == SHMBROKER_FOREVER ? -1 : number_clamp(wait_usec));
}

void shmbroker_options_set_map(struct shmbroker_options *options, int map) {
        options->map.no_map = !map;
}

void shmbroker_options_set_populate(struct shmbroker_options *options, int populate) {
        options->map.populate = populate;
}

void shmbroker_options_set_reserve(struct shmbroker_options *options, int reserve) {
        options->map.reserve = reserve;
}

void shmbroker_options_set_private_copy(struct shmbroker_options *options, int private_copy) {
        options->map.private_copy = private_copy;
}

void shmbroker_options_set_mlock(struct shmbroker_options *options, int locked) {
        options->map.locked = locked;
}

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
 * @connection: where to note what cannot
 * @options:    the options
 *
 * Return: 0, or -EINVAL.
 */
int options_check(struct shmbroker *connection, const struct shmbroker_options *options) {
        const char *wrong = NULL;

        if (!enum_valid(options->create, _CREATE_N))
                wrong = "create";
        else if (!enum_valid(options->access, _ACCESS_N))
                wrong = "access";
        else if (!enum_valid(options->kind, _KIND_N))
                wrong = "kind";
        if (wrong)
                return detail_parameter(connection, wrong, "an option is not one of its enum");
        /* What depends on the segment's own pages is seen when it is there. */
        return detail_map(connection,
                          mapping_check(&options->map, (uint64_t) sysconf(_SC_PAGESIZE)));
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
