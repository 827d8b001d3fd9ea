/* SPDX-License-Identifier: MIT */
#include "daemon/call/streams.h"

#include "daemon/base/clock.h"
#include "daemon/call/recover.h"
#include "daemon/call/status.h"
#include "daemon/life/describe.h"
#include "proto/message.h"

/**
 * stream_list() - begin to list segments
 * @stream:     the stream
 * @parameters: which segments
 * @failure:    details
 *
 * Return: 0, or CALL_E_INVALID_PARAMETER.
 */
int stream_list(Stream *stream, const ListParameters *parameters, CallFailure *failure) {
        Selection selection = {
                .include_removed = parameters->include_removed,
                .has_kind = GIVEN(parameters, LIST_KIND),
                .kind = (Kind) parameters->kind,
                .has_owner = GIVEN(parameters, LIST_OWNER_UID),
                .owner_uid = parameters->owner_uid,
        };

        /* Before anything is begun: a call that fails has one reply. */
        if (GIVEN(parameters, LIST_MATCH_NAME) &&
            !selection_set_pattern(&selection, parameters->match_name))
                return call_invalid(failure, "matchName");
        if (GIVEN(parameters, LIST_TENANT) && !selection_set_tenant(&selection, parameters->tenant))
                return call_invalid(failure, "tenant");
        *stream = (Stream){ .kind = STREAM_SEGMENTS, .selection = selection };
        return 0;
}

/* stream_list_attachments() - begin to list the attachments of a segment; returns what
 * call_find_readable() does */
int stream_list_attachments(Stream *stream, Service *service, Client *client,
                            const SegmentParameters *parameters, CallFailure *failure) {
        Segment *segment;
        int r;

        r = call_find_readable(service, client, parameters, &segment, failure);
        if (r)
                return r;
        *stream = (Stream){ .kind = STREAM_ATTACHMENTS, .segment_id = segment->id };
        return 0;
}

/* stream_list_users() - begin to list users; 0 */
int stream_list_users(Stream *stream) {
        *stream = (Stream){ .kind = STREAM_USERS };
        return 0;
}

/* stream_list_tenants() - begin to list tenants; 0 */
int stream_list_tenants(Stream *stream) {
        *stream = (Stream){ .kind = STREAM_TENANTS };
        return 0;
}

/* stream_watch() - begin to watch; returns what watch_stream_new() does */
int stream_watch(Stream *stream, Service *service, Client *client,
                 const WatchParameters *parameters, CallFailure *failure) {
        WatchStream *watch;
        int r;

        r = watch_stream_new(service, client, parameters, &watch, failure);
        if (r)
                return r;
        *stream = (Stream){ .kind = STREAM_WATCH, .watch = watch };
        return 0;
}

/* stream_end() - forget what was not sent; harmless if there is nothing */
void stream_end(Stream *stream) {
        stream->watch = watch_stream_free(stream->watch);
        stream->kind = STREAM_NONE;
}

/* stream_idle() - is there nothing to be sent until something happens? */
bool stream_idle(const Stream *stream) {
        return stream->kind == STREAM_WATCH && watch_stream_idle(stream->watch);
}

static bool streams_matches(const Stream *stream, const Segment *segment, const Client *client) {
        const Candidate candidate = candidate_of(segment);

        return selection_matches(&stream->selection, &candidate) &&
               tenant_grants(&client->credentials, &segment->permission, candidate.name, false);
}

/* Behind all that were looked at, the next one that is to be listed, settled; NULL if there is
 * none, or none was found in time. What does not match takes time as well. */
static Segment *next_segment(Stream *stream, Service *service, const Client *client,
                             uint64_t end_usec) {
        Segment *segment = registry_next(&service->registry, stream->looked_at_id), *next;

        for (; segment && clock_boottime_usec() < end_usec; segment = next) {
                next = segment->next;
                stream->looked_at_id = segment->id;
                if (!streams_matches(stream, segment, client))
                        continue;
                segment = recover_settle(service, segment);
                if (segment && streams_matches(stream, segment, client))
                        return segment;
        }
        stream->looked_at_all = !segment;
        return NULL;
}

/* The one that was found in an earlier turn, unless it is gone meanwhile. */
static Segment *found_segment(const Stream *stream, Service *service, const Client *client) {
        Segment *segment = stream->pending_id > 0
                                   ? registry_find(&service->registry, stream->pending_id)
                                   : NULL;

        if (!segment || !streams_matches(stream, segment, client))
                return NULL;
        segment = life_settle(&service->life, segment);
        return segment && streams_matches(stream, segment, client) ? segment : NULL;
}

static void write_segment(const Client *client, Segment *segment, bool continues, Writer *writer) {
        ListReply reply = {};

        describe_segment(segment, LOOK_ALL, &reply.segment);
        describe_hide(&client->credentials, &segment->permission, &reply.segment);
        GIVE(&reply, REPLY_ITEM);
        reply_write(writer, &list_reply_type, &reply, continues);
}

/* One is sent when it is known whether another one follows. */
static void write_segments(Stream *stream, Service *service, const Client *client,
                           uint64_t end_usec, Writer *writer) {
        Segment *segment = found_segment(stream, service, client), *next;

        while (writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX) {
                next = next_segment(stream, service, client, end_usec);
                if (!next && !stream->looked_at_all)
                        break;
                if (segment)
                        write_segment(client, segment, next != NULL, writer);
                else if (!next)
                        reply_write(writer, NULL, NULL, false);
                segment = next;
                if (!next) {
                        stream->kind = STREAM_NONE;
                        return;
                }
        }
        stream->pending_id = segment ? segment->id : 0;
}

static bool shows_attachment(const Segment *segment, const Attachment *attachment,
                             const Client *client) {
        return tenant_sees_attachment(&client->credentials, &segment->permission,
                                      attachment_tenant(attachment));
}

/* The first that is shown, of that id or a higher one; attachments come in the order of ids. */
static Attachment *find_attachment(const Segment *segment, const Client *client,
                                   Attachment *attachment, int64_t from_id) {
        for (; attachment; attachment = attachment->next)
                if (attachment->id >= from_id && shows_attachment(segment, attachment, client))
                        return attachment;
        return NULL;
}

static void write_attachments(Stream *stream, Service *service, const Client *client,
                              uint64_t end_usec, Writer *writer) {
        Segment *segment = life_find(&service->life, stream->segment_id);
        Attachment *attachment = NULL, *next;
        AttachmentReply reply = {};

        if (segment)
                attachment =
                        find_attachment(segment, client, segment->attachments, stream->pending_id);
        if (!attachment)
                reply_write(writer, NULL, NULL, false);
        while (attachment && writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX &&
               clock_boottime_usec() < end_usec) {
                next = find_attachment(segment, client, attachment->next, 0);
                describe_attachment(attachment, &reply.attachment);
                describe_inherited(attachment, &reply.attachment);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &attachment_reply_type, &reply, next != NULL);
                attachment = next;
        }
        if (attachment)
                stream->pending_id = attachment->id;
        else
                stream->kind = STREAM_NONE;
}

/* Users come in the order of tenants, the host before all, and then of uids. */
static int64_t user_place(int64_t tenant_number, int64_t uid) {
        return tenant_number << 32 | uid;
}

static int64_t place_of(const User *user) {
        const Tenant *tenant = user->accounts->tenant;

        return user_place(tenant ? tenant->number : 0, user->uid);
}

static const User *find_user(const Service *service, int64_t from) {
        const User *user = NULL;
        const Tenant *tenant;

        if (from <= user_place(0, UINT32_MAX))
                user = accounts_next(&service->accounts, from - 1);
        for (tenant = tenants_next(&service->tenants, from >> 32); tenant && !user;
             tenant = tenant->next)
                user = accounts_next(&tenant->accounts, MAX(from, user_place(tenant->number, 0)) -
                                                                user_place(tenant->number, 0) - 1);
        return user;
}

/* The administrator sees all users, and everybody else oneself. */
static const User *next_user(const Service *service, const Client *client, int64_t from) {
        if (client->credentials.privileged)
                return find_user(service, from);
        return place_of(client->user) >= from ? client->user : NULL;
}

/* Users are known by what comes behind them: pending_id is the least place that is still to come.
 */
static void write_users(Stream *stream, const Service *service, const Client *client,
                        Writer *writer) {
        const User *user = next_user(service, client, stream->pending_id), *next;
        UserReply reply = {};

        if (!user)
                reply_write(writer, NULL, NULL, false);
        while (user && writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX) {
                next = next_user(service, client, place_of(user) + 1);
                status_describe_user(user, &reply.user);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &user_reply_type, &reply, next != NULL);
                user = next;
        }
        if (user)
                stream->pending_id = place_of(user);
        else
                stream->kind = STREAM_NONE;
}

static const Tenant *next_tenant(const Service *service, const Client *client, int64_t from) {
        const Tenant *tenant = client->credentials.tenant;

        if (client->credentials.privileged)
                return tenants_next(&service->tenants, from);
        return tenant && tenant->number >= from ? tenant : NULL;
}

static void write_tenants(Stream *stream, const Service *service, const Client *client,
                          Writer *writer) {
        const Tenant *tenant = next_tenant(service, client, stream->pending_id), *next;
        TenantReply reply = {};

        if (!tenant)
                reply_write(writer, NULL, NULL, false);
        while (tenant && writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX) {
                next = next_tenant(service, client, tenant->number + 1);
                status_describe_tenant(tenant, &reply.tenant);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &tenant_reply_type, &reply, next != NULL);
                tenant = next;
        }
        if (tenant)
                stream->pending_id = tenant->number;
        else
                stream->kind = STREAM_NONE;
}

/**
 * stream_write() - make the next replies, as many as there is room and time for; maybe none
 * @stream:     a stream that is not STREAM_NONE; it is, when the last reply is made
 * @service:    the service
 * @client:     who asked
 * @end_usec:   clock_boottime_usec() when it is enough
 * @writer:     empty, with room for more than STREAM_REPLY_MAX
 */
void stream_write(Stream *stream, Service *service, Client *client, uint64_t end_usec,
                  Writer *writer) {
        switch (stream->kind) {
        case STREAM_SEGMENTS:
                life_drain(&service->life);
                write_segments(stream, service, client, end_usec, writer);
                break;
        case STREAM_ATTACHMENTS:
                life_drain(&service->life);
                write_attachments(stream, service, client, end_usec, writer);
                break;
        case STREAM_USERS:
                write_users(stream, service, client, writer);
                break;
        case STREAM_TENANTS:
                write_tenants(stream, service, client, writer);
                break;
        case STREAM_WATCH:
                watch_stream_write(stream->watch, end_usec, writer);
                break;
        case STREAM_NONE:
                break;
        }
}
