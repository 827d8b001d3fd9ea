/* SPDX-License-Identifier: MIT */
#include "daemon/call/dispatch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/call/held.h"
#include "daemon/life/describe.h"
#include "daemon/life/report.h"
#include "proto/error.h"
#include "proto/interface.h"
#include "proto/message.h"
#include "proto/method.h"
#include "proto/util.h"

#define VENDOR "shmbroker"
#define PRODUCT "shmbrokerd"

/* So much of a client's own text is sent back in an error. */
#define ECHO_MAX 256U

typedef struct Context Context;
typedef union Parameters Parameters;
typedef union Replies Replies;

union Parameters {
        NoParameters none;
        AcquireParameters acquire;
        SegmentParameters segment;
        ListParameters list;
        SetAttributesParameters set_attributes;
        ResizeParameters resize;
        SealParameters seal;
        PublishParameters publish;
        AdoptParameters adopt;
        WatchParameters watch;
        DescriptionParameters description;
};

union Replies {
        GetInfoReply info;
        DescriptionReply description;
        AcquireReply acquire;
        RemoveReply remove;
        SegmentReply segment;
        PublishReply publish;
        StatusReply status;
};

/* One call under way. */
struct Context {
        Service *service;
        Client *client;
        Answer *answer;
        Parameters parameters;
        Replies reply;
        CallFailure failure;
};

static int handle_get_info(Context *c) {
        c->reply.info = (GetInfoReply){
                .vendor = VENDOR,
                .product = PRODUCT,
                .version = PACKAGE_VERSION,
                .url = PACKAGE_URL,
                .interfaces = (1U << interface_names.n_names) - 1,
        };
        return 0;
}

static int handle_get_interface_description(Context *c) {
        static const char *const descriptions[] = {
                [INTERFACE_BROKER] = interface_broker_description,
                [INTERFACE_SERVICE] = interface_service_description,
        };
        unsigned int interface;

        if (!names_find(&interface_names, c->parameters.description.interface, &interface)) {
                c->failure.text = c->parameters.description.interface;
                return CALL_E_NO_INTERFACE;
        }
        c->reply.description = (DescriptionReply){ .description = descriptions[interface] };
        return 0;
}

/* One that has to wait for its name is kept, with the time it has. */
static int handle_acquire(Context *c) {
        const AcquireParameters *parameters = &c->parameters.acquire;
        _cleanup_(pending_freep) Pending *pending = NULL;
        int r;

        r = call_acquire(c->service, c->client, parameters, &c->reply.acquire, &c->answer->acquired,
                         &c->failure);
        if (r != CALL_E_WAIT)
                return r;
        r = pending_new(c->service, c->client, METHOD_ACQUIRE, &pending, &c->failure);
        if (r)
                return r;
        r = pending_wait(pending, c->service, c->client, parameters, &c->failure);
        if (r)
                return r;
        c->answer->pending = steal_ptr(pending);
        return CALL_E_WAIT;
}

static int handle_remove(Context *c) {
        return call_remove(c->service, c->client, &c->parameters.segment, &c->reply.remove,
                           &c->failure);
}

static int handle_stat(Context *c) {
        return call_stat(c->service, c->client, &c->parameters.segment, &c->reply.segment,
                         &c->failure);
}

static int handle_list_attachments(Context *c) {
        return stream_list_attachments(&c->answer->stream, c->service, c->client,
                                       &c->parameters.segment, &c->failure);
}

static int handle_list(Context *c) {
        return stream_list(&c->answer->stream, &c->parameters.list, &c->failure);
}

static int handle_set_attributes(Context *c) {
        return call_set_attributes(c->service, c->client, &c->parameters.set_attributes,
                                   &c->reply.segment, &c->answer->pending, &c->failure);
}

static int handle_resize(Context *c) {
        return call_resize(c->service, c->client, &c->parameters.resize, &c->reply.segment,
                           &c->failure);
}

static int handle_seal(Context *c) {
        return call_seal(c->service, c->client, &c->parameters.seal, &c->reply.segment,
                         &c->answer->pending, &c->failure);
}

static int handle_publish(Context *c) {
        return call_publish(c->service, c->client, &c->parameters.publish, &c->reply.publish,
                            &c->failure);
}

static int handle_adopt(Context *c) {
        return call_adopt(c->service, c->client, &c->parameters.adopt, &c->reply.segment,
                          &c->failure);
}

static int handle_watch(Context *c) {
        return stream_watch(&c->answer->stream, c->service, c->client, &c->parameters.watch,
                            &c->failure);
}

static int handle_list_users(Context *c) {
        return stream_list_users(&c->answer->stream);
}

static int handle_list_tenants(Context *c) {
        return stream_list_tenants(&c->answer->stream);
}

static int handle_get_status(Context *c) {
        call_get_status(c->service, c->client, &c->reply.status);
        return 0;
}

static int (*const handlers[_METHOD_N])(Context *context) = {
        [METHOD_GET_INFO] = handle_get_info,
        [METHOD_GET_INTERFACE_DESCRIPTION] = handle_get_interface_description,
        [METHOD_ACQUIRE] = handle_acquire,
        [METHOD_REMOVE] = handle_remove,
        [METHOD_STAT] = handle_stat,
        [METHOD_LIST_ATTACHMENTS] = handle_list_attachments,
        [METHOD_LIST] = handle_list,
        [METHOD_SET_ATTRIBUTES] = handle_set_attributes,
        [METHOD_RESIZE] = handle_resize,
        [METHOD_SEAL] = handle_seal,
        [METHOD_PUBLISH] = handle_publish,
        [METHOD_ADOPT] = handle_adopt,
        [METHOD_WATCH] = handle_watch,
        [METHOD_LIST_USERS] = handle_list_users,
        [METHOD_LIST_TENANTS] = handle_list_tenants,
        [METHOD_GET_STATUS] = handle_get_status,
};

static Fault text_fault(FaultCode code, const char *text) {
        return (Fault){ .code = code, .text = { .text = text } };
}

/* Text of the client's, cut down to what is enough to know it by; the cut is between characters. */
static Fault echo_fault(FaultCode code, const char *text) {
        char *end = (char *) (uintptr_t) text;
        size_t n;

        assert(text);
        n = strlen(text);
        if (n > ECHO_MAX) {
                for (n = ECHO_MAX; ((unsigned char) end[n] & 0xc0) == 0x80; --n)
                        ;
                end[n] = '\0';
        }
        return text_fault(code, text);
}

static Fault not_supported_fault(const char *cause, const char *reason) {
        Fault fault = { .code = FAULT_NOT_SUPPORTED, .not_supported = { .reason = reason } };

        GIVE_VALUE(&fault.not_supported, FAULT_NOT_SUPPORTED_CAUSE, cause, cause);
        return fault;
}

static Fault limit_fault(const LimitReached *limit) {
        Fault fault = { .code = FAULT_LIMIT_REACHED, .limit = { .limit = limit->name } };

        if (limit->maximum != LIMIT_NONE)
                GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_MAXIMUM, maximum,
                           (int64_t) MIN(limit->maximum, (uint64_t) INT64_MAX));
        if (limit->requested == 0)
                return fault;
        GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_REQUESTED, requested,
                   (int64_t) MIN(limit->requested, (uint64_t) INT64_MAX));
        if (limit->used != LIMIT_NONE)
                GIVE_VALUE(&fault.limit, FAULT_LIMIT_REACHED_USED, used,
                           (int64_t) MIN(limit->used, (uint64_t) INT64_MAX));
        return fault;
}

static Fault size_fault(const CallFailure *failure) {
        Fault fault = {
                .code = FAULT_WRONG_SIZE,
                .size = {
                        .minimum_bytes = failure->minimum_bytes,
                        .maximum_bytes = failure->maximum_bytes,
                },
        };

        if (failure->size_bytes >= 0)
                GIVE_VALUE(&fault.size, FAULT_WRONG_SIZE_SIZE_BYTES, size_bytes,
                           failure->size_bytes);
        return fault;
}

/*
 * An answer about segments of kind file waits until what it tells is on the disk: what an Acquire
 * finds as well, which somebody else may be making just now. @n_changes is what had been changed
 * before the call.
 */
static uint64_t find_sync(const Context *c, Method method, uint64_t n_changes) {
        const Sync *sync = &c->service->persist.sync;
        const Segment *segment = c->answer->acquired.segment;
        uint64_t number = 0;

        switch (method) {
        case METHOD_ACQUIRE:
                number = segment ? segment->sync_number : 0;
                break;
        case METHOD_ADOPT:
        case METHOD_PUBLISH:
        case METHOD_REMOVE:
        case METHOD_RESIZE:
        case METHOD_SET_ATTRIBUTES:
                number = sync->n_changes != n_changes ? sync->n_begun + 1 : 0;
                break;
        default:
                break;
        }
        return sync_is_over(sync, number) ? 0 : number;
}

/* Which segment goes if that sync fails. */
static int64_t find_born(const Context *c, Method method) {
        if (method == METHOD_ACQUIRE && c->reply.acquire.created)
                return c->answer->acquired.segment->id;
        return method == METHOD_ADOPT ? c->reply.segment.segment.id : 0;
}

static void answer_after_sync(Context *c, Method method, uint64_t n_changes) {
        c->answer->sync_number = find_sync(c, method, n_changes);
        if (c->answer->sync_number > 0)
                c->answer->born_id = find_born(c, method);
}

/* The one place where the codes of calls become errors of the interface. */
static Fault call_fault(int code, const CallFailure *failure) {
        Fault fault = {};

        switch (code) {
        case CALL_E_INVALID_PARAMETER:
                return text_fault(FAULT_INVALID_PARAMETER, failure->text);
        case CALL_E_NO_INTERFACE:
                return echo_fault(FAULT_INTERFACE_NOT_FOUND, failure->text);
        case CALL_E_NO_SUCH_SEGMENT:
                fault.code = FAULT_NO_SUCH_SEGMENT;
                return fault;
        case CALL_E_EXISTS:
                fault.code = FAULT_SEGMENT_EXISTS;
                if (failure->id > 0)
                        GIVE_VALUE(&fault.exists, FAULT_SEGMENT_EXISTS_ID, id, failure->id);
                return fault;
        case CALL_E_DENIED:
                fault.code = FAULT_PERMISSION_DENIED;
                return fault;
        case CALL_E_FOREIGN:
                fault.code = FAULT_FOREIGN_SEGMENT;
                fault.foreign = (ForeignSegmentFault){
                        .id = failure->foreign_id,
                        .owner_uid = failure->owner_uid,
                        .creator_uid = failure->creator_uid,
                };
                return fault;
        case CALL_E_WRONG_SIZE:
                return size_fault(failure);
        case CALL_E_LIMIT:
        case CALL_E_NO_DESCRIPTORS:
                return limit_fault(&failure->limit);
        case CALL_E_BUSY:
                fault.code = FAULT_SEGMENT_BUSY;
                if (failure->attach_count >= 0)
                        GIVE_VALUE(&fault.busy, FAULT_SEGMENT_BUSY_ATTACH_COUNT, attach_count,
                                   failure->attach_count);
                return fault;
        case CALL_E_UNAVAILABLE:
                fault.code = FAULT_SEGMENT_UNAVAILABLE;
                fault.unavailable = (SegmentUnavailableFault){
                        .id = failure->unavailable_id,
                        .cause = failure->cause,
                        .message = failure->message,
                };
                return fault;
        case CALL_E_NO_DESCRIPTOR:
                fault.code = FAULT_NO_DESCRIPTOR;
                return fault;
        case CALL_E_NOT_SUPPORTED:
                return not_supported_fault(failure->reason_cause, failure->reason);
        default:
                assert(false);
                return not_supported_fault("error", "internal error");
        }
}

/* The method that is called, or why it is not to be had. */
static int find_method(const Call *call, Method *ret, Fault *fault) {
        const char *dot;
        int r;

        r = method_find(call->method, ret);
        if (r == METHOD_E_NO_INTERFACE) {
                dot = strrchr(call->method, '.');
                *(char *) (uintptr_t) dot = '\0';
                *fault = echo_fault(FAULT_INTERFACE_NOT_FOUND, call->method);
        } else if (r) {
                *fault = echo_fault(FAULT_METHOD_NOT_FOUND, call->method);
        }
        return r;
}

/* Flags that the method cannot be called with. */
static int check_flags(const Call *call, const MethodRow *row, Fault *fault) {
        bool fds = row->n_fds_in + row->n_fds_out > 0;

        if (call->upgrade)
                *fault = text_fault(FAULT_INVALID_PARAMETER, "upgrade");
        else if (fds && (call->more || call->oneway))
                *fault = text_fault(FAULT_INVALID_PARAMETER, call->more ? "more" : "oneway");
        else if (row->more && !call->more)
                *fault = (Fault){ .code = FAULT_EXPECTED_MORE };
        else
                return 0;
        return CALL_E_INVALID_PARAMETER;
}

/* Keys of the table are constants; one that is not in it is the client's text. */
static Fault unknown_or_wrong(const Type *type, const char *key) {
        for (size_t i = 0; i < type->n_fields; ++i)
                if (type->fields[i].key == key)
                        return text_fault(FAULT_INVALID_PARAMETER, key);
        return echo_fault(FAULT_INVALID_PARAMETER, key);
}

static int dispatch_handled(Context *context, int r, Fault *fault) {
        if (r && r != CALL_E_WAIT) {
                *fault = call_fault(r, &context->failure);
        }
        if (r == CALL_E_LIMIT || r == CALL_E_NO_DESCRIPTORS) {
                ++context->service->counters.n_limits_reached;
                report_limit(context->client->user, context->client->credentials.pid,
                             context->failure.limit.name, "a call is refused");
        }
        return r;
}

static int dispatch_handle(Context *context, const Call *call, const MethodRow **ret_row,
                           Fault *fault) {
        uint64_t n_changes = context->service->persist.sync.n_changes;
        const MethodRow *row;
        const char *key;
        Method method;
        int r;

        if (find_method(call, &method, fault))
                return CALL_E_INVALID_PARAMETER;
        row = &method_rows[method];
        r = check_flags(call, row, fault);
        if (r)
                return r;
        if (call_read(call, row->parameters, &context->parameters, &key)) {
                *fault = unknown_or_wrong(row->parameters, key);
                return CALL_E_INVALID_PARAMETER;
        }
        *ret_row = row;
        r = dispatch_handled(context, handlers[method](context), fault);
        if (r == 0)
                answer_after_sync(context, method, n_changes);
        return r;
}

/**
 * dispatch_call() - answer one call
 * @service:    what the call is about
 * @client:     who calls
 * @text:       the message, terminated by NUL; it is changed
 * @n_text:     its length without the NUL
 * @writer:     empty; gets the reply, or nothing if none is due now
 * @answer:     ANSWER_NULL before; what goes with the reply, or more of them
 *
 * Return: 0, or DISPATCH_E_BROKEN.
 */
int dispatch_call(Service *service, Client *client, char *text, size_t n_text, Writer *writer,
                  Answer *answer) {
        Context context;
        const MethodRow *row;
        Fault fault;
        Call call;
        int r;

        if (call_parse(text, n_text, &call))
                return DISPATCH_E_BROKEN;
        ++service->counters.n_calls;
        context.service = service;
        context.client = client;
        context.answer = answer;
        r = dispatch_handle(&context, &call, &row, &fault);
        if (call.oneway) {
                answer->pending = pending_free(answer->pending);
                return 0;
        }
        if (r == CALL_E_WAIT)
                return 0;
        if (r)
                reply_write_fault(writer, &fault);
        else if (answer->stream.kind == STREAM_NONE)
                reply_write(writer, row->reply, &context.reply, false);
        return 0;
}

/* Looks once more, and no more after that if its time is over. */
static int resume_acquire(Context *c, Pending *pending) {
        AcquireParameters *parameters = &c->parameters.acquire;
        int r;

        *parameters = pending->acquire;
        if (pending_over(pending))
                parameters->wait_usec = 0;
        r = call_acquire(c->service, c->client, parameters, &c->reply.acquire, &c->answer->acquired,
                         &c->failure);
        if (r == CALL_E_WAIT && pending_wait_on(pending, c->service, c->client, &c->failure))
                return CALL_E_LIMIT;
        return r;
}

/* What the worker did; who asked may know, whatever the mode has become. */
static int resume_change(Context *c, const Pending *pending) {
        Segment *segment;

        c->failure = pending->failure;
        if (pending->code)
                return pending->code;
        life_drain(&c->service->life);
        segment = life_find(&c->service->life, pending->segment_id);
        if (!segment)
                return CALL_E_NO_SUCH_SEGMENT;
        if (!sync_is_over(&c->service->persist.sync, segment->sync_number))
                c->answer->sync_number = segment->sync_number;
        describe_segment(segment, LOOK_ALL, &c->reply.segment.segment);
        return 0;
}

/* It was written already. */
static void release_held(Context *c, Pending *pending, Writer *writer) {
        Fault fault;
        int r;

        r = held_release(c->service, pending, writer, c->answer, &c->failure);
        if (dispatch_handled(c, r, &fault))
                reply_write_fault(writer, &fault);
        pending_free(pending);
}

/**
 * dispatch_pending() - answer a call that had to wait
 * @service:    what the call is about
 * @client:     who called
 * @pending:    the call, which is ready, or whose time is over; if it has to wait again it goes
 * into
 *              @answer, and else it is freed
 * @writer:     as for dispatch_call()
 * @answer:     as for dispatch_call()
 */
void dispatch_pending(Service *service, Client *client, Pending *pending, Writer *writer,
                      Answer *answer) {
        Context context = { .service = service, .client = client, .answer = answer };
        Method method = pending->method;
        Fault fault;
        int r;

        pending->ready = false;
        if (pending->text) {
                release_held(&context, pending, writer);
                return;
        }
        r = method == METHOD_ACQUIRE ? resume_acquire(&context, pending)
                                     : resume_change(&context, pending);
        if (r == CALL_E_WAIT) {
                answer->pending = pending;
                return;
        }
        r = dispatch_handled(&context, r, &fault);
        if (r)
                reply_write_fault(writer, &fault);
        else
                reply_write(writer, method_rows[method].reply, &context.reply, false);
        pending_free(pending);
}

/* dispatch_limit() - the reply for a limit that is met outside of a call; a maximum of
 * LIMIT_NONE is not known */
void dispatch_limit(Writer *writer, const LimitReached *reached) {
        Fault fault = limit_fault(reached);

        reply_write_fault(writer, &fault);
}
