/* SPDX-License-Identifier: MIT */
/* Calls that bring any number of answers: segments, attachments, users and tenants, kept as lists.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/connection.h"
#include "client/lib/filter.h"
#include "client/lib/info.h"
#include "client/lib/remote.h"
#include "client/lib/status.h"
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

/* A kind of list, which is Items by another name, and the call that brings it; each of its answers
 * is an item, which LIST_answer() adds. */
#define LISTED(list, item, which)                                                                  \
        struct shmbroker_##list {                                                                  \
                Items items;                                                                       \
        };                                                                                         \
                                                                                                   \
        static const CallType list##_type = {                                                      \
                .brings = (which),                                                                 \
                .answer = list##_answer,                                                           \
                .again = items_again,                                                              \
                .take = items_take,                                                                \
                .partial = true,                                                                   \
                .free_object = items_free,                                                         \
        };                                                                                         \
                                                                                                   \
        int shmbroker_call_take_##list(struct shmbroker_call *call,                                \
                                       struct shmbroker_##list **ret) {                            \
                return call_take(call, which, ret);                                                \
        }                                                                                          \
                                                                                                   \
        struct shmbroker_##list *shmbroker_##list##_free(struct shmbroker_##list *list) {          \
                if (list)                                                                          \
                        items_free(&list->items);                                                  \
                return NULL;                                                                       \
        }                                                                                          \
                                                                                                   \
        size_t shmbroker_##list##_count(const struct shmbroker_##list *list) {                     \
                return list->items.n_items;                                                        \
        }                                                                                          \
                                                                                                   \
        const struct shmbroker_##item *shmbroker_##list##_get(const struct shmbroker_##list *list, \
                                                              size_t index) {                      \
                return index < list->items.n_items ? list->items.items[index] : NULL;              \
        }

static int list_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_info *info = NULL;
        ListReply values;
        int r;

        r = info_read(reply, &list_reply_type, REPLY_ITEM, &values, &info);
        return r ? error_trace(r) : error_trace(call_add_item(call, info));
}

LISTED(list, info, CALL_BRINGS_LIST)

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
        if (filter) {
                r = filter_check(filter, &connection->error);
                if (r)
                        return error_trace(r);
                filter_list(filter, &parameters);
        }
        return error_trace(call_begin(connection, &list_type, &request, ret));
}

int shmbroker_list_segments(struct shmbroker *connection, const struct shmbroker_filter *filter,
                            struct shmbroker_list **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_segments_start(connection, filter, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_LIST, ret));
}

static int attachments_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_attachment *attachment = NULL;
        int r;

        r = attachment_read(reply, &attachment);
        return r ? error_trace(r) : error_trace(call_add_item(call, attachment));
}

LISTED(attachments, attachment, CALL_BRINGS_ATTACHMENTS)

int shmbroker_list_attachments_start(struct shmbroker *connection, const char *name, int64_t id,
                                     struct shmbroker_call **ret) {
        SegmentParameters parameters = {};
        Request request = { .method = METHOD_LIST_ATTACHMENTS, .repeatable = true };

        error_clear(&connection->error);
        MEAN_SEGMENT(&request, &parameters, name, id);
        return error_trace(segment_begin(connection, &attachments_type, &request, ret));
}

int shmbroker_list_attachments(struct shmbroker *connection, const char *name, int64_t id,
                               struct shmbroker_attachments **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_attachments_start(connection, name, id, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_ATTACHMENTS, ret));
}

static int users_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_user *user = NULL;
        int r;

        r = user_read(reply, &user);
        return r ? error_trace(r) : error_trace(call_add_item(call, user));
}

LISTED(users, user, CALL_BRINGS_USERS)

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

int shmbroker_list_users(struct shmbroker *connection, struct shmbroker_users **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_users_start(connection, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_USERS, ret));
}

static int tenants_answer(struct shmbroker_call *call, const Reply *reply) {
        struct shmbroker_tenant *tenant = NULL;
        int r;

        r = tenant_read(reply, &tenant);
        return r ? error_trace(r) : error_trace(call_add_item(call, tenant));
}

LISTED(tenants, tenant, CALL_BRINGS_TENANTS)

int shmbroker_list_tenants_start(struct shmbroker *connection, struct shmbroker_call **ret) {
        const NoParameters parameters = {};
        const Request request = {
                .method = METHOD_LIST_TENANTS,
                .parameters = &parameters,
                .repeatable = true,
        };

        error_clear(&connection->error);
        return error_trace(call_begin(connection, &tenants_type, &request, ret));
}

int shmbroker_list_tenants(struct shmbroker *connection, struct shmbroker_tenants **ret) {
        struct shmbroker_call *call = NULL;
        int r;

        r = shmbroker_list_tenants_start(connection, &call);
        return r ? error_trace(r) : error_trace(call_finish(call, CALL_BRINGS_TENANTS, ret));
}
