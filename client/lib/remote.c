/* SPDX-License-Identifier: MIT */
/* Calls about one segment whose answer is a structure and no descriptor: asking, changing,
 * removing. */

#include "client/lib/remote.h"

#include <errno.h>
#include <stdlib.h>

#include "client/lib/attributes.h"
#include "client/lib/connection.h"
#include "client/lib/detail.h"
#include "client/lib/info.h"
#include "client/lib/segment.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/**
 * segment_begin() - begin a call about one segment
 * @connection: the connection
 * @type:       what becomes of its answers
 * @request:    what is asked
 * @ret:        the call
 *
 * Return: 0, or a negative errno, whose detail is noted on the connection.
 */
int segment_begin(struct shmbroker *connection, const CallType *type, const Request *request,
                  struct shmbroker_call **ret) {
        int r;

        r = call_check_name(&connection->error, request->name);
        if (r)
                return error_trace(r);
        return error_trace(call_begin(connection, type, request, ret));
}

/* @values is what the answer is read into, of type @type; the segment is its member @item. */
static int take_info(struct shmbroker_call *call, const Reply *reply, const Type *type,
                     unsigned int item, void *values) {
        struct shmbroker_info *info = NULL;
        int r;

        r = info_read(reply, type, item, values, &info);
        call->object = info;
        return error_trace(r);
}

static int info_answer(struct shmbroker_call *call, const Reply *reply) {
        SegmentReply values;

        return error_trace(take_info(call, reply, &segment_reply_type, REPLY_ITEM, &values));
}

static const CallType info_type = {
        .brings = CALL_BRINGS_INFO,
        .answer = info_answer,
        .free_object = free,
};

/* info_begin() - begin a call that returns the state of the segment, as segment_begin() */
int info_begin(struct shmbroker *connection, const Request *request, struct shmbroker_call **ret) {
        return error_trace(segment_begin(connection, &info_type, request, ret));
}

/* info_finish() - wait for its end, if it began at all; who asks may not want the state */
int info_finish(int r, struct shmbroker_call *call, struct shmbroker_info **ret) {
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_INFO, ret));
}

int shmbroker_call_take_info(struct shmbroker_call *call, struct shmbroker_info **ret) {
        return call_take(call, CALL_BRINGS_INFO, ret);
}

int shmbroker_stat_start(struct shmbroker *connection, const char *name, int64_t id,
                         struct shmbroker_call **ret) {
        SegmentParameters parameters = {};
        Request request = { .method = METHOD_STAT, .repeatable = true };

        error_clear(&connection->error);
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(info_begin(connection, &request, ret));
}

int shmbroker_stat(struct shmbroker *connection, const char *name, int64_t id,
                   struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_stat_start(connection, name, id, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_segment_refresh(struct shmbroker_segment *segment, struct shmbroker *connection) {
        const Request request = { .name = segment->name, .id = &segment->id };
        struct shmbroker_error *error = &connection->error;
        struct shmbroker_info *info = NULL;
        uint64_t size;
        int r;

        if (!segment->has_id) {
                error_clear(error);
                return detail_parameter(error, "id", "the id of the segment is not known");
        }
        r = shmbroker_stat(connection, NULL, segment->id, &info);
        if (r)
                return error_trace(r);
        free(segment->fresh);
        segment->fresh = info;
        segment->name = info->values.name;
        size = (uint64_t) info->values.size_bytes;
        r = shmbroker_segment_remap(segment, size);
        return r ? error_trace(detail_local(error, &request, r, segment->options.locked)) : 0;
}

static int remove_answer(struct shmbroker_call *call, const Reply *reply) {
        RemoveReply values;

        return error_trace(
                take_info(call, reply, &remove_reply_type, REMOVE_REPLY_SEGMENT, &values));
}

static const CallType remove_type = {
        .brings = CALL_BRINGS_INFO,
        .answer = remove_answer,
        .free_object = free,
};

/* By name the second call could meet a new segment that has the name now: such are not repeated. */
int shmbroker_remove_start(struct shmbroker *connection, const char *name, int64_t id,
                           unsigned int flags, struct shmbroker_call **ret) {
        SegmentParameters parameters = {};
        Request request = { .method = METHOD_REMOVE, .repeatable = !name };

        error_clear(&connection->error);
        if (flags)
                return detail_parameter(&connection->error, "flags", "there is no such flag");
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(segment_begin(connection, &remove_type, &request, ret));
}

int shmbroker_remove(struct shmbroker *connection, const char *name, int64_t id, unsigned int flags,
                     struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_remove_start(connection, name, id, flags, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_set_attributes_start(struct shmbroker *connection, const char *name, int64_t id,
                                   const struct shmbroker_attributes *attributes,
                                   struct shmbroker_call **ret) {
        SetAttributesParameters parameters = attributes->parameters;
        Request request = { .method = METHOD_SET_ATTRIBUTES, .repeatable = !name };
        int r;

        error_clear(&connection->error);
        r = attributes_check(&connection->error, attributes, ~ATTRIBUTES_TRUSTED_UIDS);
        if (r)
                return error_trace(r);
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(info_begin(connection, &request, ret));
}

int shmbroker_set_attributes(struct shmbroker *connection, const char *name, int64_t id,
                             const struct shmbroker_attributes *attributes,
                             struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_set_attributes_start(connection, name, id, attributes, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_resize_start(struct shmbroker *connection, const char *name, int64_t id,
                           uint64_t size, struct shmbroker_call **ret) {
        ResizeParameters parameters = { .size_bytes = number_clamp(size) };
        Request request = { .method = METHOD_RESIZE, .repeatable = !name };

        error_clear(&connection->error);
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(info_begin(connection, &request, ret));
}

int shmbroker_resize(struct shmbroker *connection, const char *name, int64_t id, uint64_t size,
                     struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_resize_start(connection, name, id, size, &call);
        return error_trace(info_finish(r, call, ret));
}

int shmbroker_seal_start(struct shmbroker *connection, const char *name, int64_t id,
                         unsigned int seals, struct shmbroker_call **ret) {
        SealParameters parameters = { .seals = seals };
        Request request = { .method = METHOD_SEAL, .repeatable = !name };

        error_clear(&connection->error);
        if (seals >> _SEAL_N)
                return detail_parameter(&connection->error, "seals", "there is no such seal");
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(info_begin(connection, &request, ret));
}

int shmbroker_seal(struct shmbroker *connection, const char *name, int64_t id, unsigned int seals,
                   struct shmbroker_info **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_seal_start(connection, name, id, seals, &call);
        return error_trace(info_finish(r, call, ret));
}

static int publish_answer(struct shmbroker_call *call, const Reply *reply) {
        PublishReply values;
        int r;

        r = take_info(call, reply, &publish_reply_type, PUBLISH_REPLY_SEGMENT, &values);
        if (r)
                return error_trace(r);
        call->replaced_id = GIVEN(&values, PUBLISH_REPLY_REPLACED_ID) ? values.replaced_id : 0;
        return 0;
}

static const CallType publish_type = {
        .brings = CALL_BRINGS_INFO,
        .answer = publish_answer,
        .free_object = free,
};

/* What else of a segment can change in the step that gives it a name. */
static int publish_attributes(struct shmbroker_error *error,
                              const struct shmbroker_attributes *attributes,
                              PublishParameters *parameters) {
        const SetAttributesParameters *given = &attributes->parameters;
        int r;

        r = attributes_check(error, attributes,
                             ATTRIBUTES_LIFE | ATTRIBUTES_MODE | ATTRIBUTES_TRUSTED_UIDS);
        if (r)
                return error_trace(r);
        if (GIVEN(given, SET_ATTRIBUTES_MODE))
                GIVE_VALUE(parameters, PUBLISH_MODE, mode, given->mode);
        if (GIVEN(given, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH))
                GIVE_VALUE(parameters, PUBLISH_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           given->remove_on_last_detach);
        if (GIVEN(given, SET_ATTRIBUTES_LINGER_USEC))
                GIVE_VALUE(parameters, PUBLISH_LINGER_USEC, linger_usec, given->linger_usec);
        if (attributes->trusted_uids.n_values > 0)
                GIVE_VALUE(parameters, PUBLISH_TRUSTED_UIDS, trusted_uids,
                           attributes->trusted_uids);
        return 0;
}

int shmbroker_publish_start(struct shmbroker *connection, int64_t id, const char *name,
                            unsigned int flags, const struct shmbroker_attributes *attributes,
                            struct shmbroker_call **ret) {
        PublishParameters parameters = { .id = id, .name = name };
        const Request request = {
                .method = METHOD_PUBLISH,
                .parameters = &parameters,
                .id = &id,
                .new_name = name,
        };
        struct shmbroker_error *error = &connection->error;
        int r;

        error_clear(error);
        r = call_check_name(error, name);
        if (r)
                return error_trace(r);
        if (flags & ~(unsigned int) SHMBROKER_PUBLISH_REPLACE)
                return detail_parameter(error, "flags", "there is no such flag");
        GIVE_VALUE(&parameters, PUBLISH_REPLACE, replace, flags & SHMBROKER_PUBLISH_REPLACE);
        r = attributes ? publish_attributes(error, attributes, &parameters) : 0;
        if (r)
                return error_trace(r);
        return error_trace(call_begin(connection, &publish_type, &request, ret));
}

int shmbroker_call_replaced_id(const struct shmbroker_call *call, int64_t *ret) {
        if (call->type != &publish_type || !call->done || call->result || call->replaced_id == 0)
                return -ENODATA;
        *ret = call->replaced_id;
        return 0;
}

int shmbroker_publish(struct shmbroker *connection, int64_t id, const char *name,
                      unsigned int flags, const struct shmbroker_attributes *attributes,
                      struct shmbroker_info **ret, int64_t *ret_replaced_id) {
        _cleanup_(shmbroker_call_freep) struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_publish_start(connection, id, name, flags, attributes, &call);
        if (r)
                return error_trace(r);
        r = call_wait(call);
        if (r)
                return error_trace(r);
        if (ret_replaced_id)
                *ret_replaced_id = call->replaced_id;
        return ret ? shmbroker_call_take_info(call, ret) : 0;
}
