/* SPDX-License-Identifier: MIT */
#include "daemon/call/streams.h"

#include <string.h>

#include "daemon/call/recover.h"
#include "daemon/call/status.h"
#include "daemon/life/describe.h"
#include "daemon/model/name-pattern.h"
#include "proto/message.h"

/**
 * stream_list() - begin to list segments
 * @stream:     the stream
 * @parameters: which segments
 * @failure:    details
 *
 * Return: 0, or CALL_E_INVALID_PARAMETER. Patterns are not longer than names, which bounds what
 * fnmatch(3) has to do.
 */
int stream_list(Stream *stream, const ListParameters *parameters, CallFailure *failure) {
        bool has_pattern = GIVEN(parameters, LIST_MATCH_NAME);

        /* Before anything is begun: a call that fails has one reply. */
        if (has_pattern && strlen(parameters->match_name) >= sizeof(stream->pattern))
                return call_invalid(failure, "matchName");
        *stream = (Stream){ .kind = STREAM_SEGMENTS, .filter = *parameters };
        if (has_pattern)
                (void) strcpy(stream->pattern, parameters->match_name);
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
        const ListParameters *filter = &stream->filter;

        if (segment->removed && !filter->include_removed)
                return false;
        if (GIVEN(filter, LIST_KIND) && segment->kind != (Kind) filter->kind)
                return false;
        if (GIVEN(filter, LIST_OWNER_UID) && segment->permission.owner_uid != filter->owner_uid)
                return false;
        if (GIVEN(filter, LIST_MATCH_NAME) &&
            (!segment->name || !name_pattern_matches(stream->pattern, segment->name)))
                return false;
        return permission_grants(&segment->permission, &client->credentials, false);
}

/* The next segment behind @after_id that is to be listed, settled. */
static Segment *next_segment(const Stream *stream, Service *service, const Client *client,
                             int64_t after_id) {
        Segment *segment, *next;

        for (segment = registry_next(&service->registry, after_id); segment; segment = next) {
                next = segment->next;
                if (!streams_matches(stream, segment, client))
                        continue;
                segment = recover_settle(service, segment);
                if (segment && streams_matches(stream, segment, client))
                        return segment;
        }
        return NULL;
}

/* The one to be sent now: the one that was promised, or if it is gone meanwhile, one behind it. */
static Segment *current_segment(const Stream *stream, Service *service, const Client *client) {
        Segment *segment = stream->pending_id > 0
                                   ? registry_find(&service->registry, stream->pending_id)
                                   : NULL;

        if (segment && streams_matches(stream, segment, client))
                segment = life_settle(&service->life, segment);
        if (segment && streams_matches(stream, segment, client))
                return segment;
        return next_segment(stream, service, client, stream->pending_id);
}

static void write_segments(Stream *stream, Service *service, const Client *client, Writer *writer) {
        Segment *segment = current_segment(stream, service, client), *next;
        ListReply reply = {};

        if (!segment) {
                reply_write(writer, NULL, NULL, false);
                stream->kind = STREAM_NONE;
                return;
        }
        while (segment) {
                next = next_segment(stream, service, client, segment->id);
                describe_segment(segment, LOOK_ALL, &reply.segment);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &list_reply_type, &reply, next != NULL);
                segment = next;
                if (writer->n_allocated - writer->n_data < STREAM_REPLY_MAX)
                        break;
        }
        if (segment)
                stream->pending_id = segment->id;
        else
                stream->kind = STREAM_NONE;
}

static Attachment *find_attachment(const Segment *segment, int64_t from_id) {
        Attachment *attachment;

        DL_FOREACH(segment->attachments, attachment)
                if (attachment->id >= from_id)
                        return attachment;
        return NULL;
}

static void write_attachments(Stream *stream, Service *service, Writer *writer) {
        Segment *segment = life_find(&service->life, stream->segment_id);
        Attachment *attachment = NULL;
        AttachmentReply reply = {};

        if (segment)
                attachment = find_attachment(segment, stream->pending_id);
        if (!attachment)
                reply_write(writer, NULL, NULL, false);
        while (attachment && writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX) {
                describe_attachment(attachment, &reply.attachment);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &attachment_reply_type, &reply, attachment->next != NULL);
                attachment = attachment->next;
        }
        if (attachment)
                stream->pending_id = attachment->id;
        else
                stream->kind = STREAM_NONE;
}

/* The administrator sees all users, and everybody else oneself. */
static const User *next_user(const Service *service, const Client *client, int64_t from_uid) {
        if (client->credentials.privileged)
                return accounts_next(&service->accounts, from_uid - 1);
        return client->user->uid >= from_uid ? client->user : NULL;
}

/* Users are known by what comes behind them: pending_id is the least uid that is still to come. */
static void write_users(Stream *stream, const Service *service, const Client *client,
                        Writer *writer) {
        const User *user = next_user(service, client, stream->pending_id), *next;
        UserReply reply = {};

        if (!user)
                reply_write(writer, NULL, NULL, false);
        while (user && writer->n_allocated - writer->n_data >= STREAM_REPLY_MAX) {
                next = next_user(service, client, (int64_t) user->uid + 1);
                status_describe_user(user, &reply.user);
                GIVE(&reply, REPLY_ITEM);
                reply_write(writer, &user_reply_type, &reply, next != NULL);
                user = next;
        }
        if (user)
                stream->pending_id = user->uid;
        else
                stream->kind = STREAM_NONE;
}

/**
 * stream_write() - make the next replies, as many as there is room for
 * @stream:     a stream that is not STREAM_NONE; it is, when the last reply is made. At least one
 *              is made, but for a stream_idle().
 * @service:    the service
 * @client:     who asked
 * @writer:     empty, with room for more than STREAM_REPLY_MAX
 */
void stream_write(Stream *stream, Service *service, Client *client, Writer *writer) {
        switch (stream->kind) {
        case STREAM_SEGMENTS:
                life_drain(&service->life);
                write_segments(stream, service, client, writer);
                break;
        case STREAM_ATTACHMENTS:
                life_drain(&service->life);
                write_attachments(stream, service, writer);
                break;
        case STREAM_USERS:
                write_users(stream, service, client, writer);
                break;
        case STREAM_WATCH:
                watch_stream_write(stream->watch, writer);
                break;
        case STREAM_NONE:
                break;
        }
}
