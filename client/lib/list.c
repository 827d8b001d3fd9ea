/* SPDX-License-Identifier: MIT */
/* Calls that bring any number of answers: segments, attachments and users, kept as lists. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/call.h"
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

struct shmbroker_list {
        Items items;
};

struct shmbroker_attachments {
        Items items;
};

struct shmbroker_users {
        Items items;
};

DEFINE_CLEANUP(struct shmbroker_list, shmbroker_list_free)
DEFINE_CLEANUP(struct shmbroker_attachments, shmbroker_attachments_free)
DEFINE_CLEANUP(struct shmbroker_users, shmbroker_users_free)

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
        struct shmbroker_info *info = NULL;
        ListReply values;
        int r;

        (void) connection;
        r = info_read(reply, &list_reply_type, REPLY_ITEM, &values, &info);
        if (r || !info)
                return error_trace(r);
        return error_trace(items_add(request->userdata, info));
}

int shmbroker_list_segments(struct shmbroker *connection, const struct shmbroker_filter *filter,
                            struct shmbroker_list **ret) {
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *list = NULL;
        ListParameters parameters = {};
        Request request = {
                .method = METHOD_LIST,
                .parameters = &parameters,
                .free_text = "matchName",
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
        SegmentParameters parameters = {};
        Request request = {
                .method = METHOD_LIST_ATTACHMENTS,
                .parameters = &parameters,
                .repeatable = true,
                .answer = attachments_answer,
                .again = items_again,
        };
        int r;

        detail_clear(connection);
        attachments = calloc(1, sizeof(*attachments));
        if (!attachments)
                return detail_errno(connection, -ENOMEM);
        request.userdata = &attachments->items;
        MEAN_SEGMENT(&parameters, name, id);
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

static int users_answer(struct shmbroker *connection, Request *request, const Reply *reply) {
        struct shmbroker_user *user = NULL;
        int r;

        (void) connection;
        r = user_read(reply, &user);
        if (r || !user)
                return error_trace(r);
        return error_trace(items_add(request->userdata, user));
}

int shmbroker_list_users(struct shmbroker *connection, struct shmbroker_users **ret) {
        _cleanup_(shmbroker_users_freep) struct shmbroker_users *users = NULL;
        NoParameters parameters = {};
        Request request = {
                .method = METHOD_LIST_USERS,
                .parameters = &parameters,
                .repeatable = true,
                .answer = users_answer,
                .again = items_again,
        };
        int r;

        detail_clear(connection);
        users = calloc(1, sizeof(*users));
        if (!users)
                return detail_errno(connection, -ENOMEM);
        request.userdata = &users->items;
        request.deadline = request_deadline(connection, 0);
        r = call_run(connection, &request);
        if (r)
                return error_trace(r);
        *ret = steal_ptr(users);
        return 0;
}

struct shmbroker_users *shmbroker_users_free(struct shmbroker_users *users) {
        if (!users)
                return NULL;
        items_clear(&users->items);
        free(users);
        return NULL;
}

size_t shmbroker_users_count(const struct shmbroker_users *users) {
        return users->items.n_items;
}

const struct shmbroker_user *shmbroker_users_get(const struct shmbroker_users *users,
                                                 size_t index) {
        return index < users->items.n_items ? users->items.items[index] : NULL;
}
