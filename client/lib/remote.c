/* SPDX-License-Identifier: MIT */
/* Calls about one segment whose answer is a structure and no descriptor: asking, changing,
 * removing.
 */

#include "client/lib/remote.h"

#include <errno.h>
#include <stdlib.h>

#include "client/lib/attributes.h"
#include "client/lib/call.h"
#include "client/lib/detail.h"
#include "client/lib/info.h"
#include "client/lib/segment.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

/**
 * segment_call() - make a call about one segment
 * @connection: the connection, its detail cleared
 * @request:    the call, but for what follows; its parameters mean the segment already
 * @name:       name of the segment, or NULL
 * @id:         its id, if @name is NULL
 *
 * Return: 0, or a negative errno, whose detail is noted.
 */
int segment_call(struct shmbroker *connection, Request *request, const char *name, int64_t id) {
        int r;

        r = call_check_name(connection, name);
        if (r)
                return error_trace(r);
        request->name = name;
        request->id = name ? NULL : &id;
        request->deadline = request_deadline(connection, 0);
        return error_trace(call_run(connection, request));
}

static int info_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        SegmentReply values;

        (void) connection;
        return error_trace(
                info_read(reply, &segment_reply_type, REPLY_ITEM, &values, request->userdata));
}

/* A call that returns the state of the segment, which who asks may not want. */
static int info_call(struct shmbroker *connection, Request *request, const char *name, int64_t id,
                     struct shmbroker_info **ret) {
        _cleanup_(freep) struct shmbroker_info *info = NULL;
        int r;

        if (!request->answer)
                request->answer = info_answer;
        request->userdata = &info;
        r = segment_call(connection, request, name, id);
        request->userdata = NULL;
        if (r)
                return error_trace(r);
        if (ret)
                *ret = steal_ptr(info);
        return 0;
}

int shmbroker_stat(struct shmbroker *connection, const char *name, int64_t id,
                   struct shmbroker_info **ret) {
        SegmentParameters parameters = {};
        Request request = {
                .method = METHOD_STAT,
                .parameters = &parameters,
                .repeatable = true,
        };

        detail_clear(connection);
        MEAN_SEGMENT(&parameters, name, id);
        return error_trace(info_call(connection, &request, name, id, ret));
}

int shmbroker_segment_refresh(struct shmbroker_segment *segment, struct shmbroker *connection) {
        const Request request = { .name = segment->name, .id = &segment->id };
        struct shmbroker_info *info = NULL;
        uint64_t size;
        int r;

        if (!segment->has_id) {
                detail_clear(connection);
                return detail_parameter(connection, "id", "the id of the segment is not known");
        }
        r = shmbroker_stat(connection, NULL, segment->id, &info);
        if (r)
                return error_trace(r);
        free(segment->fresh);
        segment->fresh = info;
        segment->name = info->values.name;
        size = (uint64_t) info->values.size_bytes;
        r = shmbroker_segment_remap(segment, size);
        return r ? error_trace(detail_local(connection, &request, r, segment->options.locked)) : 0;
}

static int remove_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        RemoveReply values;

        (void) connection;
        return error_trace(info_read(reply, &remove_reply_type, REMOVE_REPLY_SEGMENT, &values,
                                     request->userdata));
}

int shmbroker_remove(struct shmbroker *connection, const char *name, int64_t id, unsigned int flags,
                     struct shmbroker_info **ret) {
        SegmentParameters parameters = {};
        Request request = {
                .method = METHOD_REMOVE,
                .parameters = &parameters,
                /* By name the second call could meet a new segment that has the name now */
                .repeatable = !name,
                .answer = remove_answer,
        };

        detail_clear(connection);
        if (flags)
                return detail_parameter(connection, "flags", "there is no such flag");
        MEAN_SEGMENT(&parameters, name, id);
        return error_trace(info_call(connection, &request, name, id, ret));
}

/* By name a second call could meet a new segment that has the name now: such are not repeated. */
int shmbroker_set_attributes(struct shmbroker *connection, const char *name, int64_t id,
                             const struct shmbroker_attributes *attributes,
                             struct shmbroker_info **ret) {
        SetAttributesParameters parameters = attributes->parameters;
        Request request = {
                .method = METHOD_SET_ATTRIBUTES,
                .parameters = &parameters,
                .repeatable = !name,
        };

        detail_clear(connection);
        MEAN_SEGMENT(&parameters, name, id);
        return error_trace(info_call(connection, &request, name, id, ret));
}

int shmbroker_resize(struct shmbroker *connection, const char *name, int64_t id, uint64_t size,
                     struct shmbroker_info **ret) {
        ResizeParameters parameters = { .size_bytes = number_clamp(size) };
        Request request = {
                .method = METHOD_RESIZE,
                .parameters = &parameters,
                .repeatable = !name,
        };

        detail_clear(connection);
        MEAN_SEGMENT(&parameters, name, id);
        return error_trace(info_call(connection, &request, name, id, ret));
}

int shmbroker_seal(struct shmbroker *connection, const char *name, int64_t id, unsigned int seals,
                   struct shmbroker_info **ret) {
        SealParameters parameters = { .seals = seals };
        Request request = {
                .method = METHOD_SEAL,
                .parameters = &parameters,
                .repeatable = !name,
        };

        detail_clear(connection);
        if (seals >> _SEAL_N)
                return detail_parameter(connection, "seals", "there is no such seal");
        MEAN_SEGMENT(&parameters, name, id);
        return error_trace(info_call(connection, &request, name, id, ret));
}

typedef struct Published Published;

struct Published {
        PublishReply reply;
        struct shmbroker_info *info;
};

static int publish_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        Published *published = request->userdata;

        (void) connection;
        return error_trace(info_read(reply, &publish_reply_type, PUBLISH_REPLY_SEGMENT,
                                     &published->reply, &published->info));
}

/* What else of a segment can change in the step that gives it a name. */
static int publish_attributes(struct shmbroker *connection,
                              const struct shmbroker_attributes *attributes,
                              PublishParameters *parameters) {
        const SetAttributesParameters *given = &attributes->parameters;
        int r;

        r = attributes_check(connection, attributes, ATTRIBUTES_LIFE | ATTRIBUTES_MODE);
        if (r)
                return error_trace(r);
        if (GIVEN(given, SET_ATTRIBUTES_MODE))
                GIVE_VALUE(parameters, PUBLISH_MODE, mode, given->mode);
        if (GIVEN(given, SET_ATTRIBUTES_REMOVE_ON_LAST_DETACH))
                GIVE_VALUE(parameters, PUBLISH_REMOVE_ON_LAST_DETACH, remove_on_last_detach,
                           given->remove_on_last_detach);
        if (GIVEN(given, SET_ATTRIBUTES_LINGER_USEC))
                GIVE_VALUE(parameters, PUBLISH_LINGER_USEC, linger_usec, given->linger_usec);
        return 0;
}

static int publish_parameters(struct shmbroker *connection, unsigned int flags,
                              const struct shmbroker_attributes *attributes,
                              PublishParameters *parameters) {
        int r;

        r = call_check_name(connection, parameters->name);
        if (r)
                return error_trace(r);
        if (flags & ~(unsigned int) SHMBROKER_PUBLISH_REPLACE)
                return detail_parameter(connection, "flags", "there is no such flag");
        GIVE_VALUE(parameters, PUBLISH_REPLACE, replace, flags & SHMBROKER_PUBLISH_REPLACE);
        return attributes ? error_trace(publish_attributes(connection, attributes, parameters)) : 0;
}

int shmbroker_publish(struct shmbroker *connection, int64_t id, const char *name,
                      unsigned int flags, const struct shmbroker_attributes *attributes,
                      struct shmbroker_info **ret, int64_t *ret_replaced_id) {
        PublishParameters parameters = { .id = id, .name = name };
        Published published = {};
        Request request = {
                .method = METHOD_PUBLISH,
                .parameters = &parameters,
                .new_name = name,
                .answer = publish_answer,
                .userdata = &published,
        };
        int r;

        detail_clear(connection);
        r = publish_parameters(connection, flags, attributes, &parameters);
        if (r)
                return error_trace(r);
        r = segment_call(connection, &request, NULL, id);
        if (r)
                return error_trace(r);
        if (ret_replaced_id)
                *ret_replaced_id = GIVEN(&published.reply, PUBLISH_REPLY_REPLACED_ID)
                                           ? published.reply.replaced_id
                                           : 0;
        if (ret)
                *ret = published.info;
        else
                free(published.info);
        return 0;
}
