/*
 * Options of shmbroker_acquire(): what was said, and whether it can be meant. What the broker
 * checks and names in its answer is left to it.
 */

#include <errno.h>
#include <stdlib.h>

#include "client/internal.h"
#include "proto/error.h"

int shmbroker_options_new(struct shmbroker_options **ret) {
        struct shmbroker_options *options = calloc(1, sizeof(*options));

        if (!options)
                return error_origin(-ENOMEM);
        *ret = options;
        return 0;
}

struct shmbroker_options *shmbroker_options_free(struct shmbroker_options *options) {
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

/* Beyond what can be said the broker finds it as wrong as beyond what is allowed. */
static int64_t clamp(uint64_t value) {
        return (int64_t) MIN(value, (uint64_t) INT64_MAX);
}

void shmbroker_options_set_size(struct shmbroker_options *options, uint64_t size) {
        GIVE_VALUE(&options->acquire, ACQUIRE_SIZE_BYTES, size_bytes, clamp(size));
}

void shmbroker_options_set_mode(struct shmbroker_options *options, mode_t mode) {
        GIVE_VALUE(&options->acquire, ACQUIRE_MODE, mode, mode);
}

void shmbroker_options_set_id(struct shmbroker_options *options, int64_t id) {
        GIVE_VALUE(&options->acquire, ACQUIRE_ID, id, id);
}

void shmbroker_options_set_remove_on_last_detach(struct shmbroker_options *options, int remove) {
        GIVE_VALUE(&options->acquire, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, remove);
}

void shmbroker_options_set_linger(struct shmbroker_options *options, uint64_t linger_usec) {
        GIVE_VALUE(&options->acquire, ACQUIRE_LINGER, linger_usec, clamp(linger_usec));
}

void shmbroker_options_set_wait(struct shmbroker_options *options, uint64_t wait_usec) {
        GIVE_VALUE(&options->acquire, ACQUIRE_WAIT, wait_usec,
                   wait_usec == SHMBROKER_FOREVER ? -1 : clamp(wait_usec));
}

void shmbroker_options_set_no_map(struct shmbroker_options *options, int no_map) {
        options->no_map = no_map;
}

void shmbroker_options_set_populate(struct shmbroker_options *options, int populate) {
        options->populate = populate;
}

static bool enum_valid(int value, int n) {
        return value >= 0 && value < n;
}

/* options_check() - the parameter that cannot even be written down, or NULL */
const char *options_check(const struct shmbroker_options *options) {
        if (!enum_valid(options->create, _CREATE_N))
                return "create";
        if (!enum_valid(options->access, _ACCESS_N))
                return "access";
        if (!enum_valid(options->kind, _KIND_N))
                return "kind";
        return NULL;
}

/* options_apply() - write options that were checked down as parameters of the call */
void options_apply(const struct shmbroker_options *options, AcquireParameters *parameters) {
        *parameters = options->acquire;
        parameters->create = (unsigned int) options->create;
        parameters->access = (unsigned int) options->access;
        parameters->kind = (unsigned int) options->kind;
}
