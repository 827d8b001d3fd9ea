/* SPDX-License-Identifier: MIT */
/* Calls that bring any number of answers: segments, attachments and users, kept as lists. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/connection.h"
#include "client/lib/detail.h"
#include "client/lib/info.h"
#include "client/lib/remote.h"
#include "client/lib/status.h"
#include "client/lib/value.h"
#include "proto/error.h"
#include "proto/util.h"

#define ITEMS_FIRST 16

typedef struct Items Items;

/* What a call with 'more' brought, in order. */
struct Items {
        void **items;
        size_t n_items;
        size_t n_allocated;
};

struct shmbroker_filter {
        ListParameters parameters;
        char *match_name;
        int kind;
};

/* Each kind of list is one of these. */
struct shmbroker_list {
        Items items;
};

struct shmbroker_attachments {
        Items items;
};

struct shmbroker_users {
        Items items;
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

static void items_free(void *object) {
        Items *items = object;

        items_clear(items);
        free(items);
}

static void items_again(struct shmbroker_call *call) {
        if (call->object)
                items_clear(call->object);
}

/* There is a list also if nothing is on it. */
static Items *items_of(struct shmbroker_call *call) {
        if (!call->object)
                call->object = calloc(1, sizeof(Items));
        return call->object;
}

static void *items_take(struct shmbroker_call *call) {
        void *items = items_of(call);

        call->object = NULL;
        return items;
}

/* The item is the call's from now on in any case, and may be none. */
static int call_add_item(struct shmbroker_call *call, void *item) {
        Items *items;

        if (!item)
                return 0;
        items = items_of(call);
        if (!items) {
                free(item);
                return error_origin(-ENOMEM);
        }
        return error_trace(items_add(items, item));
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
        return error_trace(text_set(&filter->match_name, pattern, PATTERN_MAX));
}

void shmbroker_filter_set_owner(struct shmbroker_filter *filter, uid_t uid) {
        GIVE_VALUE(&filter->parameters, LIST_OWNER_UID, owner_uid, uid);
}

void shmbroker_filter_set_kind(struct shmbroker_filter *filter, int kind) {
        filter->kind = kind;
        GIVE(&filter->parameters, LIST_KIND);
}

void shmbroker_filter_set_include_removed(struct shmbroker_filter *filter, int removed) {
        GIVE_VALUE(&filter->parameters, LIST_INCLUDE_REMOVED, include_removed, removed);
}

static int filter_apply(struct shmbroker_error *error, const struct shmbroker_filter *filter,
                        ListParameters *parameters) {
        if (filter->kind < 0 || filter->kind >= _KIND_N)
                return detail_parameter(error, "kind", "there is no such kind of segment");
        *parameters = filter->parameters;
        parameters->kind = (unsigned int) filter->kind;
        if (filter->match_name)
                GIVE_VALUE(parameters, LIST_MATCH_NAME, match_name, filter->match_name);
        return 0;
}

static int list_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_info *info = NULL;
        ListReply values;
        int r;

        r = info_read(reply, &list_reply_type, REPLY_ITEM, &values, &info);
        return r ? error_trace(r) : error_trace(call_add_item(call, info));
}

static const CallType list_type = {
        .brings = CALL_BRINGS_LIST,
        .answer = list_answer,
        .again = items_again,
        .take = items_take,
        .partial = true,
        .free_object = items_free,
};

int shmbroker_list_segments_start(struct shmbroker *connection,
                                  const struct shmbroker_filter *filter,
                                  struct shmbroker_call **ret) {
        ListParameters parameters = {};
        const Request request = {
                .method = METHOD_LIST,
                .parameters = &parameters,
                .free_text = "matchName",
                .repeatable = true,
        };
        int r;

        error_clear(&connection->error);
        r = filter ? filter_apply(&connection->error, filter, &parameters) : 0;
        return r ? error_trace(r) : error_trace(call_begin(connection, &list_type, &request, ret));
}

int shmbroker_call_take_list(struct shmbroker_call *call, struct shmbroker_list **ret) {
        return call_take(call, CALL_BRINGS_LIST, ret);
}

int shmbroker_list_segments(struct shmbroker *connection, const struct shmbroker_filter *filter,
                            struct shmbroker_list **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_segments_start(connection, filter, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_LIST, ret));
}

struct shmbroker_list *shmbroker_list_free(struct shmbroker_list *list) {
        if (list)
                items_free(&list->items);
        return NULL;
}

size_t shmbroker_list_count(const struct shmbroker_list *list) {
        return list->items.n_items;
}

const struct shmbroker_info *shmbroker_list_get(const struct shmbroker_list *list, size_t index) {
        return index < list->items.n_items ? list->items.items[index] : NULL;
}

static int attachments_answer(struct shmbroker_call *call, const Reply *reply) {
        _cleanup_(freep) struct shmbroker_attachment *attachment = NULL;
        AttachmentReply values;
        const char *json;
        Reply copy;

        attachment = reply_keep(reply, sizeof(*attachment), "attachment", &json, &copy);
        if (!attachment)
                return error_origin(-ENOMEM);
        if (reply_read(&copy, &attachment_reply_type, &values))
                return error_origin(-EPROTO);
        if (!GIVEN(&values, REPLY_ITEM))
                return 0;
        attachment->values = values.attachment;
        attachment->json = json;
        return error_trace(call_add_item(call, steal_ptr(attachment)));
}

static const CallType attachments_type = {
        .brings = CALL_BRINGS_ATTACHMENTS,
        .answer = attachments_answer,
        .again = items_again,
        .take = items_take,
        .partial = true,
        .free_object = items_free,
};

int shmbroker_list_attachments_start(struct shmbroker *connection, const char *name, int64_t id,
                                     struct shmbroker_call **ret) {
        SegmentParameters parameters = {};
        Request request = { .method = METHOD_LIST_ATTACHMENTS, .repeatable = true };

        error_clear(&connection->error);
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(segment_begin(connection, &attachments_type, &request, ret));
}

int shmbroker_call_take_attachments(struct shmbroker_call *call,
                                    struct shmbroker_attachments **ret) {
        return call_take(call, CALL_BRINGS_ATTACHMENTS, ret);
}

int shmbroker_list_attachments(struct shmbroker *connection, const char *name, int64_t id,
                               struct shmbroker_attachments **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_attachments_start(connection, name, id, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_ATTACHMENTS, ret));
}

struct shmbroker_attachments *shmbroker_attachments_free(
        struct shmbroker_attachments *attachments) {
        if (attachments)
                items_free(&attachments->items);
        return NULL;
}

size_t shmbroker_attachments_count(const struct shmbroker_attachments *attachments) {
        return attachments->items.n_items;
}

const struct shmbroker_attachment *shmbroker_attachments_get(
        const struct shmbroker_attachments *attachments, size_t index) {
        return index < attachments->items.n_items ? attachments->items.items[index] : NULL;
}

static int users_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_user *user = NULL;
        int r;

        r = user_read(reply, &user);
        return r ? error_trace(r) : error_trace(call_add_item(call, user));
}

static const CallType users_type = {
        .brings = CALL_BRINGS_USERS,
        .answer = users_answer,
        .again = items_again,
        .take = items_take,
        .partial = true,
        .free_object = items_free,
};

int shmbroker_list_users_start(struct shmbroker *connection, struct shmbroker_call **ret) {
        const NoParameters parameters = {};
        const Request request = {
                .method = METHOD_LIST_USERS,
                .parameters = &parameters,
                .repeatable = true,
        };

        error_clear(&connection->error);
        return error_trace(call_begin(connection, &users_type, &request, ret));
}

int shmbroker_call_take_users(struct shmbroker_call *call, struct shmbroker_users **ret) {
        return call_take(call, CALL_BRINGS_USERS, ret);
}

int shmbroker_list_users(struct shmbroker *connection, struct shmbroker_users **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_users_start(connection, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_USERS, ret));
}

struct shmbroker_users *shmbroker_users_free(struct shmbroker_users *users) {
        if (users)
                items_free(&users->items);
        return NULL;
}

size_t shmbroker_users_count(const struct shmbroker_users *users) {
        return users->items.n_items;
}

const struct shmbroker_user *shmbroker_users_get(const struct shmbroker_users *users,
                                                 size_t index) {
        return index < users->items.n_items ? users->items.items[index] : NULL;
}
