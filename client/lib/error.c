/* SPDX-License-Identifier: MIT */
/* The reason why a call failed, as programs read it. detail.c writes it. */

#include "client/lib/error.h"

#include <errno.h>

int shmbroker_error_code(const struct shmbroker_error *error) {
        return error->code;
}

int shmbroker_error_kind(const struct shmbroker_error *error) {
        return (int) error->kind;
}

const char *shmbroker_error_message(const struct shmbroker_error *error) {
        return error->message;
}

const char *shmbroker_error_name(const struct shmbroker_error *error) {
        return error->name[0] ? error->name : NULL;
}

const char *shmbroker_error_limit(const struct shmbroker_error *error) {
        return error->fault.code == FAULT_LIMIT_REACHED ? error->text : NULL;
}

const char *shmbroker_error_parameter(const struct shmbroker_error *error) {
        return error->fault.code == FAULT_INVALID_PARAMETER ? error->text : NULL;
}

const char *shmbroker_error_reason(const struct shmbroker_error *error) {
        return error->fault.code == FAULT_NOT_SUPPORTED ? error->text : NULL;
}

static int number_of(const struct shmbroker_error *error, FaultCode code, unsigned int row,
                     int64_t value, int64_t *ret) {
        if (error->fault.code != code || !GIVEN(&error->fault, row))
                return -ENODATA;
        *ret = value;
        return 0;
}

int shmbroker_error_limit_maximum(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_LIMIT_REACHED, FAULT_LIMIT_REACHED_MAXIMUM,
                         error->fault.limit.maximum, ret);
}

int shmbroker_error_segment_id(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_SEGMENT_EXISTS, FAULT_SEGMENT_EXISTS_ID,
                         error->fault.exists.id, ret);
}

int shmbroker_error_size(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_WRONG_SIZE, FAULT_WRONG_SIZE_SIZE_BYTES,
                         error->fault.size.size_bytes, ret);
}

int shmbroker_error_minimum_size(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_WRONG_SIZE, FAULT_WRONG_SIZE_MINIMUM_BYTES,
                         error->fault.size.minimum_bytes, ret);
}

int shmbroker_error_maximum_size(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_WRONG_SIZE, FAULT_WRONG_SIZE_MAXIMUM_BYTES,
                         error->fault.size.maximum_bytes, ret);
}

int shmbroker_error_attach_count(const struct shmbroker_error *error, int64_t *ret) {
        return number_of(error, FAULT_SEGMENT_BUSY, FAULT_SEGMENT_BUSY_ATTACH_COUNT,
                         error->fault.busy.attach_count, ret);
}
