/* What is asked about segments and the broker, and removing: calls that bring no descriptor. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/internal.h"
#include "proto/error.h"

#define ITEMS_FIRST 16

struct shmbroker_filter {
        ListParameters parameters;
        char *match_name;
        int kind;
};

struct shmbroker_list {
        Items items;
};

struct shmbroker_attachments {
        Items items;
};

struct shmbroker_status {
        StatusReply values;
        const char *json;
};

static void items_clear(Items *items) {
        for (size_t i = 0; i < items->n_items; ++i)
                free(items->items[i]);
        free(items->items);
        *items = (Items){};
}

/* The item, which is one piece of memory, belongs to @items from now on in any case. */
static int items_add(Items *items, void *item) {
        if (items->n_items == items->n_allocated) {
                size_t n = items->n_allocated ? items->n_allocated * 2 : ITEMS_FIRST;
                void **grown = reallocarray(items->items, n, sizeof(*grown));

                if (!grown) {
                        free(item);
                        return error_origin(-ENOMEM);
                }
                items->items = grown;
                items->n_allocated = n;
        }
        items->items[items->n_items++] = item;
        return 0;
}

static void items_again(Request *request) {
        items_clear(request->userdata);
}

/* A call about one segment. */
static int segment_call(struct shmbroker *connection, Request *request, const char *name,
                        int64_t id) {
        SegmentParameters parameters = {};
        int r;

        detail_clear(connection);
        r = call_check_name(connection, name);
        if (r)
                return error_trace(r);
        if (name)
                GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        else
                GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        request->parameters = &parameters;
        request->name = name;
        request->id = name ? NULL : &id;
        request->deadline = request_deadline(connection, 0);
        return error_trace(call_run(connection, request));
}

static int stat_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_info *info = NULL;
        struct shmbroker_info **ret = request->userdata;
        SegmentReply values;
        const char *json;
        Reply copy;
        int r;

        (void) connection;
        info = reply_keep(reply, sizeof(*info), "segment", &json, &copy);
        if (!info)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &segment_reply_type, &values))
                return error_origin(-EPROTO);
        r = info_check(&values.segment);
        if (r)
                return error_trace(r);
        info->values = values.segment;
        info->json = json;
        *ret = steal_ptr(info);
        return 0;
}

int shmbroker_stat(struct shmbroker *connection, const char *name, int64_t id,
                   struct shmbroker_info **ret) {
        struct shmbroker_info *info = NULL;
        Request request = {
                .method = METHOD_STAT,
                .repeatable = true,
                .answer = stat_answer,
                .userdata = &info,
        };
        int r;

        r = segment_call(connection, &request, name, id);
        if (r) {
                free(info);
                return error_trace(r);
        }
        *ret = info;
        return 0;
}

static int remove_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        (void) connection;
        if (reply_read(reply, &remove_reply_type, request->userdata))
                return error_origin(-EPROTO);
        return 0;
}

int shmbroker_remove(struct shmbroker *connection, const char *name, int64_t id, int *ret_destroyed,
                     uint64_t *ret_attach_count) {
        RemoveReply reply = {};
        Request request = {
                .method = METHOD_REMOVE,
                /* By name the second call could meet a new segment that has the name now */
                .repeatable = !name,
                .answer = remove_answer,
                .userdata = &reply,
        };
        int r;

        r = segment_call(connection, &request, name, id);
        if (r)
                return error_trace(r);
        if (ret_destroyed)
                *ret_destroyed = reply.destroyed;
        if (ret_attach_count)
                *ret_attach_count = (uint64_t) reply.attach_count;
        return 0;
}

int shmbroker_filter_new(struct shmbroker_filter **ret) {
        struct shmbroker_filter *filter = calloc(1, sizeof(*filter));

        if (!filter)
                return error_origin(-ENOMEM);
        *ret = filter;
        return 0;
}

struct shmbroker_filter *shmbroker_filter_free(struct shmbroker_filter *filter) {
        if (!filter)
                return NULL;
        free(filter->match_name);
        free(filter);
        return NULL;
}

int shmbroker_filter_set_match(struct shmbroker_filter *filter, const char *pattern) {
        char *copy = NULL;

        if (pattern && strlen(pattern) > PATTERN_MAX)
                return error_origin(-ENAMETOOLONG);
        if (pattern) {
                copy = strdup(pattern);
                if (!copy)
                        return error_origin(-ENOMEM);
        }
        free(filter->match_name);
        filter->match_name = copy;
        return 0;
}

void shmbroker_filter_set_owner(struct shmbroker_filter *filter, uid_t uid) {
        GIVE_VALUE(&filter->parameters, LIST_OWNER_UID, owner_uid, uid);
}

void shmbroker_filter_set_kind(struct shmbroker_filter *filter, int kind) {
        filter->kind = kind;
        GIVE(&filter->parameters, LIST_KIND);
}

void shmbroker_filter_set_removed(struct shmbroker_filter *filter, int removed) {
        GIVE_VALUE(&filter->parameters, LIST_INCLUDE_REMOVED, include_removed, removed);
}

static int filter_apply(struct shmbroker *connection, const struct shmbroker_filter *filter,
                        ListParameters *parameters) {
        if (filter->kind < 0 || filter->kind >= _KIND_N)
                return detail_parameter(connection, "kind", "there is no such kind of segment");
        *parameters = filter->parameters;
        parameters->kind = (unsigned int) filter->kind;
        if (filter->match_name)
                GIVE_VALUE(parameters, LIST_MATCH_NAME, match_name, filter->match_name);
        return 0;
}

static int list_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_info *info = NULL;
        const char *json;
        ListReply values;
        Reply copy;
        int r;

        (void) connection;
        info = reply_keep(reply, sizeof(*info), "segment", &json, &copy);
        if (!info)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &list_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM))
                return 0;
        r = info_check(&values.segment);
        if (r)
                return error_trace(r);
        info->values = values.segment;
        info->json = json;
        return error_trace(items_add(request->userdata, steal_ptr(info)));
}

int shmbroker_list_segments(struct shmbroker *connection, const struct shmbroker_filter *filter,
                            struct shmbroker_list **ret) {
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *list = NULL;
        ListParameters parameters = {};
        Request request = {
                .method = METHOD_LIST,
                .parameters = &parameters,
                .repeatable = true,
                .answer = list_answer,
                .again = items_again,
        };
        int r;

        detail_clear(connection);
        if (filter) {
                r = filter_apply(connection, filter, &parameters);
                if (r)
                        return error_trace(r);
        }
        list = calloc(1, sizeof(*list));
        if (!list)
                return detail_errno(connection, -ENOMEM);
        request.userdata = &list->items;
        request.deadline = request_deadline(connection, 0);
        r = call_run(connection, &request);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(list);
        return 0;
}

struct shmbroker_list *shmbroker_list_free(struct shmbroker_list *list) {
        if (!list)
                return NULL;
        items_clear(&list->items);
        free(list);
        return NULL;
}

size_t shmbroker_list_count(const struct shmbroker_list *list) {
        return list->items.n_items;
}

const struct shmbroker_info *shmbroker_list_get(const struct shmbroker_list *list, size_t index) {
        return index < list->items.n_items ? list->items.items[index] : NULL;
}

static int attachments_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_attachment *attachment = NULL;
        AttachmentReply values;
        const char *json;
        Reply copy;

        (void) connection;
        attachment = reply_keep(reply, sizeof(*attachment), "attachment", &json, &copy);
        if (!attachment)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &attachment_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM))
                return 0;
        attachment->values = values.attachment;
        attachment->json = json;
        return error_trace(items_add(request->userdata, steal_ptr(attachment)));
}

int shmbroker_list_attachments(struct shmbroker *connection, const char *name, int64_t id,
                               struct shmbroker_attachments **ret) {
        _cleanup_(shmbroker_attachments_freep) struct shmbroker_attachments *attachments = NULL;
        Request request = {
                .method = METHOD_LIST_ATTACHMENTS,
                .repeatable = true,
                .answer = attachments_answer,
                .again = items_again,
        };
        int r;

        attachments = calloc(1, sizeof(*attachments));
        if (!attachments)
                return detail_errno(connection, -ENOMEM);
        request.userdata = &attachments->items;
        r = segment_call(connection, &request, name, id);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(attachments);
        return 0;
}

struct shmbroker_attachments *shmbroker_attachments_free(
        struct shmbroker_attachments *attachments) {
        if (!attachments)
                return NULL;
        items_clear(&attachments->items);
        free(attachments);
        return NULL;
}

size_t shmbroker_attachments_count(const struct shmbroker_attachments *attachments) {
        return attachments->items.n_items;
}

const struct shmbroker_attachment *shmbroker_attachments_get(
        const struct shmbroker_attachments *attachments, size_t index) {
        return index < attachments->items.n_items ? attachments->items.items[index] : NULL;
}

int64_t shmbroker_attachment_id(const struct shmbroker_attachment *attachment) {
        return attachment->values.id;
}

#define GET(getter, Result, row, member)                                                           \
        int getter(const struct shmbroker_attachment *attachment, Result *ret) {                   \
                if (!GIVEN(&attachment->values, row))                                              \
                        return -ENODATA;                                                           \
                *ret = (Result) attachment->values.member;                                         \
                return 0;                                                                          \
        }

GET(shmbroker_attachment_pid, pid_t, ATTACHMENT_PID, pid)
GET(shmbroker_attachment_uid, uid_t, ATTACHMENT_UID, uid)
GET(shmbroker_attachment_access, int, ATTACHMENT_ACCESS, access)
GET(shmbroker_attachment_since, uint64_t, ATTACHMENT_SINCE, since_usec)

int shmbroker_attachment_inherited(const struct shmbroker_attachment *attachment) {
        return attachment->values.inherited;
}

const char *shmbroker_attachment_json(const struct shmbroker_attachment *attachment) {
        return attachment->json;
}

static int status_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_status *status = NULL;
        struct shmbroker_status **ret = request->userdata;
        const char *json;
        Reply copy;

        (void) connection;
        status = reply_keep(reply, sizeof(*status), NULL, &json, &copy);
        if (!status)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &status_reply_type, &status->values))
                return error_origin(-EPROTO);
        status->json = json;
        *ret = steal_ptr(status);
        return 0;
}

int shmbroker_get_status(struct shmbroker *connection, struct shmbroker_status **ret) {
        NoParameters parameters = {};
        struct shmbroker_status *status = NULL;
        Request request = {
                .method = METHOD_GET_STATUS,
                .parameters = &parameters,
                .repeatable = true,
                .answer = status_answer,
                .userdata = &status,
        };
        int r;

        detail_clear(connection);
        request.deadline = request_deadline(connection, 0);
        r = call_run(connection, &request);
        if (r) {
                free(status);
                return error_trace(r);
        }
        *ret = status;
        return 0;
}

struct shmbroker_status *shmbroker_status_free(struct shmbroker_status *status) {
        free(status);
        return NULL;
}

const char *shmbroker_status_version(const struct shmbroker_status *status) {
        return status->values.version;
}

uint64_t shmbroker_status_start_time(const struct shmbroker_status *status) {
        return (uint64_t) status->values.start_time_usec;
}

uint64_t shmbroker_status_generation(const struct shmbroker_status *status) {
        return (uint64_t) status->values.generation;
}

uint64_t shmbroker_status_segment_count(const struct shmbroker_status *status) {
        return (uint64_t) status->values.segment_count;
}

uint64_t shmbroker_status_attachment_count(const struct shmbroker_status *status) {
        return (uint64_t) status->values.attachment_count;
}

uint64_t shmbroker_status_connection_count(const struct shmbroker_status *status) {
        return (uint64_t) status->values.connection_count;
}

uint64_t shmbroker_status_total_bytes(const struct shmbroker_status *status) {
        return (uint64_t) status->values.total_bytes;
}

uint64_t shmbroker_status_allocated_bytes(const struct shmbroker_status *status) {
        return (uint64_t) status->values.allocated_bytes;
}

const char *shmbroker_status_json(const struct shmbroker_status *status) {
        return status->json;
}

static int map_get(const Map *map, size_t index, const char **ret_name, int64_t *ret_value) {
        if (index >= map->n_entries)
                return -ENODATA;
        *ret_name = map->entries[index].key;
        *ret_value = map->entries[index].value;
        return 0;
}

int shmbroker_status_limit(const struct shmbroker_status *status, size_t index,
                           const char **ret_name, int64_t *ret_value) {
        return map_get(&status->values.limits, index, ret_name, ret_value);
}

int shmbroker_status_counter(const struct shmbroker_status *status, size_t index,
                             const char **ret_name, int64_t *ret_value) {
        return map_get(&status->values.counters, index, ret_name, ret_value);
}
