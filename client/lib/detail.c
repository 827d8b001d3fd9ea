/* SPDX-License-Identifier: MIT */
/*
 * Why a call failed: errno, what the broker said with it, and a sentence for people. Made when it
 * happens, since the reply's text is gone afterwards.
 */

#include "client/lib/detail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/error.h"
#include "client/lib/mapping.h"
#include "client/lib/request.h"
#include "proto/error.h"
#include "proto/util.h"

#define SUBJECT_MAX (NAME_MAX_SHOWN + 32)
#define NAME_MAX_SHOWN 255

/* The name of a parameter, as JSON */
#define PARAMETER_MAX 64

typedef struct Subject Subject;

/* "segment 'x'" or what is outside, to stand in sentences. */
struct Subject {
        char text[SUBJECT_MAX];
};

static Subject subject_of(const Request *request) {
        Subject subject;

        if (request && request->outside)
                (void) snprintf(subject.text, sizeof(subject.text), "%s", request->outside);
        else if (request && request->name)
                (void) snprintf(subject.text, sizeof(subject.text), "segment '%.*s'",
                                NAME_MAX_SHOWN, request->name);
        else if (request && request->id)
                (void) snprintf(subject.text, sizeof(subject.text), "segment with the id %" PRId64,
                                *request->id);
        else
                (void) snprintf(subject.text, sizeof(subject.text), "segment");
        return subject;
}

_printf_(2, 3) static void detail_say(struct shmbroker_error *error, const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
}

static void say_errno(struct shmbroker_error *error, int r) {
        switch (r) {
        case -ECHILD:
                detail_say(error, "the connection to the broker belongs to the parent process");
                break;
        case -ECANCELED:
                detail_say(error, "the connection was closed before the call was done");
                break;
        case -EPROTO:
                detail_say(error, "the broker at %s sent what is no answer", error->address);
                break;
        case -ETIMEDOUT:
                detail_say(error, "the broker at %s did not answer in time", error->address);
                break;
        case -ECONNRESET:
                detail_say(error, "the broker at %s went away before it answered", error->address);
                break;
        default:
                errno = -r;
                detail_say(error, "the call to the broker at %s failed: %m", error->address);
        }
}

static enum shmbroker_error_kind kind_of(int r) {
        switch (r) {
        case -ECANCELED:
        case -ECONNRESET:
                return SHMBROKER_ERROR_CUT_OFF;
        case -ETIMEDOUT:
                return SHMBROKER_ERROR_TIMED_OUT;
        case -EPROTO:
                return SHMBROKER_ERROR_PROTOCOL;
        default:
                return SHMBROKER_ERROR_LOCAL;
        }
}

/**
 * detail_errno() - note that the broker could not be asked
 * @error:      where
 * @r:          negative errno
 *
 * Return: @r.
 */
int detail_errno(struct shmbroker_error *error, int r) {
        int saved = errno;

        error->code = r;
        error->kind = kind_of(r);
        say_errno(error, r);
        errno = saved;
        return error_origin(r);
}

/**
 * detail_unreachable() - note that there is nobody to ask
 * @error:      where
 * @r:          what connect(2) failed with, which would be mistaken for an answer
 *
 * Return: -ENOTCONN.
 */
int detail_unreachable(struct shmbroker_error *error, int r) {
        const char *address = error->address;
        int saved = errno;

        error->code = -ENOTCONN;
        error->kind = SHMBROKER_ERROR_UNREACHABLE;
        errno = -r;
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                detail_say(error, "there is no broker at %s: %m", address);
                break;
        case -EACCES:
        case -EPERM:
                detail_say(error, "you may not connect to the broker at %s: %m", address);
                break;
        default:
                detail_say(error, "the broker at %s cannot be connected to: %m", address);
        }
        errno = saved;
        return error_origin(-ENOTCONN);
}

static void say_local(struct shmbroker_error *error, const Subject *subject, bool locked) {
        switch (error->code) {
        case -EMFILE:
                detail_say(error, "too many descriptors are open to take in that of %s",
                           subject->text);
                break;
        case -EOVERFLOW:
                detail_say(error, "%s is larger than the address space: map a window of it",
                           subject->text);
                break;
        case -EOPNOTSUPP:
                detail_say(error,
                           "%s cannot be mapped for writing, as if sealed against it, or not "
                           "be populated by this kernel",
                           subject->text);
                break;
        case -ENOSPC:
                detail_say(error, "%s cannot be populated: its file system is full", subject->text);
                break;
        case -EADDRINUSE:
                detail_say(error, "%s cannot be mapped at this address: something else is there",
                           subject->text);
                break;
        default:
                errno = -error->code;
                if (locked)
                        detail_say(error, "%s cannot be mapped and locked (see RLIMIT_MEMLOCK): %m",
                                   subject->text);
                else
                        detail_say(error, "%s cannot be mapped: %m", subject->text);
        }
}

/* What cannot be done with a segment that came without a descriptor. */
static int detail_native(struct shmbroker_error *error, const Subject *subject, int code) {
        error->code = -EOPNOTSUPP;
        error->kind = SHMBROKER_ERROR_LOCAL;
        switch (code) {
        case MAP_E_NAMESPACE:
                detail_say(
                        error,
                        "%s cannot be attached: the broker gives no descriptor for it, and its System "
                        "V id means something in the broker's IPC namespace only; the administrator "
                        "can set 'descriptors = everyone' in section [sysv] of shmbroker.conf",
                        subject->text);
                break;
        case MAP_E_OTHER:
                detail_say(
                        error,
                        "%s cannot be attached: the broker has no descriptor for it, and what has its "
                        "System V id here is another segment",
                        subject->text);
                break;
        case MAP_E_PRIVATE_COPY:
                detail_say(
                        error,
                        "%s cannot be mapped as a private copy: the broker has no descriptor for it",
                        subject->text);
                break;
        default:
                detail_say(error,
                           "%s came without a descriptor, and cannot be attached in another way",
                           subject->text);
        }
        return error_origin(error->code);
}

/**
 * detail_local() - note that nothing could be made of what the broker gave
 * @error:      where
 * @request:    what was asked
 * @r:          negative errno, or what native_attach() or map_segment() returned
 * @locked:     whether the memory was to be locked
 *
 * Return: the negative errno.
 */
int detail_local(struct shmbroker_error *error, const Request *request, int r, bool locked) {
        Subject subject = subject_of(request);
        int saved = errno;

        error_clear(error);
        if (r >= MAP_E_NO_DESCRIPTOR)
                return detail_native(error, &subject, r);
        if (r > 0)
                return detail_map(error, r);
        error->code = r;
        error->kind = SHMBROKER_ERROR_LOCAL;
        say_local(error, &subject, locked);
        errno = saved;
        return error_origin(r);
}

/**
 * detail_map() - note that a segment cannot be mapped like this
 * @error:      where
 * @code:       what mapping_check() or map_segment() returned
 *
 * Return: -EINVAL, or 0 if @code is 0.
 */
int detail_map(struct shmbroker_error *error, int code) {
        switch (code) {
        case MAP_E_OFFSET:
                return detail_parameter(error, "offset",
                                        "the window does not begin at a page of the segment");
        case MAP_E_LENGTH:
                return detail_parameter(error, "length",
                                        "the window is longer than what there is of the segment");
        case MAP_E_ADDRESS:
                return detail_parameter(error, "address", "the address is not that of a page");
        default:
                return error_fold(code);
        }
}

/**
 * detail_parameter() - note that something cannot be asked like this
 * @error:      where
 * @parameter:  name of the parameter in the protocol
 * @why:        what is wrong with it, as a sentence
 *
 * Return: -EINVAL.
 */
int detail_parameter(struct shmbroker_error *error, const char *parameter, const char *why) {
        char text[PARAMETER_MAX];
        Writer writer = WRITER_INIT(text, sizeof(text));

        writer_literal(&writer, "{\"parameter\":");
        writer_string(&writer, parameter);
        writer_text(&writer, "}", sizeof("}"));
        error_clear(error);
        error->code = -EINVAL;
        error->kind = SHMBROKER_ERROR_LOCAL;
        error_keep(error, text);
        detail_say(error, "%s", why);
        return error_origin(-EINVAL);
}

static bool limits_connections(const char *limit) {
        return strcmp(limit, "connections") == 0 || strcmp(limit, "connectionsPerUser") == 0;
}

/* detail_is_refusal() - did the broker refuse the connection, which it closes then? */
bool detail_is_refusal(const struct shmbroker_error *error) {
        const char *limit = shmbroker_error_text(error, "limit");

        return error->fault == FAULT_LIMIT_REACHED && limit && limits_connections(limit);
}

static int limit_errno(const char *limit) {
        if (strcmp(limit, "memory") == 0)
                return -ENOMEM;
        /* It passes: those of others come to be free. */
        if (strcmp(limit, "descriptors") == 0)
                return -EAGAIN;
        return -ENOSPC;
}

/* As shmget(2) and shmctl(2) have it: what belongs to others cannot be changed. */
static int permission_errno(Method method) {
        switch (method) {
        case METHOD_REMOVE:
        case METHOD_SET_ATTRIBUTES:
        case METHOD_RESIZE:
        case METHOD_SEAL:
        case METHOD_PUBLISH:
        case METHOD_ADOPT:
                return -EPERM;
        default:
                return -EACCES;
        }
}

static int fault_errno(const Fault *fault, Method method) {
        switch (fault->code) {
        case FAULT_INTERFACE_NOT_FOUND:
        case FAULT_METHOD_NOT_FOUND:
        case FAULT_METHOD_NOT_IMPLEMENTED:
                return -ENOSYS;
        case FAULT_INVALID_PARAMETER:
        case FAULT_WRONG_SIZE:
                return -EINVAL;
        case FAULT_PERMISSION_DENIED:
                return permission_errno(method);
        case FAULT_FOREIGN_SEGMENT:
                return -EPERM;
        case FAULT_EXPECTED_MORE:
                return -EPROTO;
        case FAULT_NO_SUCH_SEGMENT:
                return -ENOENT;
        case FAULT_SEGMENT_EXISTS:
                return -EEXIST;
        case FAULT_LIMIT_REACHED:
                return limit_errno(fault->limit.limit);
        case FAULT_SEGMENT_BUSY:
                return -EBUSY;
        case FAULT_SEGMENT_UNAVAILABLE:
                return -ENXIO;
        case FAULT_NO_DESCRIPTOR:
                return -EBADMSG;
        case FAULT_NOT_SUPPORTED:
                return -EOPNOTSUPP;
        default:
                /* From a broker that is newer than we are */
                return -EREMOTEIO;
        }
}

/* What is there may not be opened, or what is not there may not be created. */
static const char *acquire_deed(CreateMode create) {
        switch (create) {
        case CREATE_OPEN:
                return "open it like this: its mode does not let you, or it is exported to you "
                       "for reading only";
        case CREATE_NEW:
                return "create it: its name is reserved for others, or exported to your tenant, or "
                       "the broker itself may not";
        default:
                return "open or create it like this: its mode does not let you, or its name is "
                       "reserved for others or exported to your tenant";
        }
}

static const char *method_deed(const Request *request) {
        switch (request->method) {
        case METHOD_ACQUIRE:
                return acquire_deed(request->create);
        case METHOD_REMOVE:
                return "remove it";
        case METHOD_STAT:
        case METHOD_LIST_ATTACHMENTS:
        case METHOD_WATCH:
                return "look at it: its mode does not let you";
        case METHOD_SET_ATTRIBUTES:
                return "change it, which its owner and creator may";
        case METHOD_RESIZE:
                return "resize it, which its owner and creator may";
        case METHOD_SEAL:
                return "seal it, which its owner and creator may";
        case METHOD_PUBLISH:
                return "publish it, replace what has the name, or take a name that is reserved for "
                       "others or exported to your tenant";
        case METHOD_ADOPT:
                return "have it adopted, which its owner and creator may if its name is not "
                       "reserved for others";
        default:
                return "do that";
        }
}

static void say_exists(struct shmbroker_error *error, const Request *request,
                       const SegmentExistsFault *fault) {
        Subject subject = subject_of(request);

        if (request->outside)
                detail_say(
                        error,
                        "%s is the broker's already, or another segment has its name (id %" PRId64
                        ")",
                        subject.text, fault->id);
        else if (request->new_name)
                detail_say(error,
                           "the name '%s' is in use: replace what has it, or take another name",
                           request->new_name);
        else if (GIVEN(fault, FAULT_SEGMENT_EXISTS_ID))
                detail_say(error, "%s exists already (id %" PRId64 ")", subject.text, fault->id);
        else
                detail_say(
                        error,
                        "the key, or the name of the object or file, for %s is in use outside the "
                        "broker",
                        subject.text);
}

static void say_resize(struct shmbroker_error *error, const Subject *subject,
                       const WrongSizeFault *fault) {
        if (fault->minimum_bytes < fault->maximum_bytes)
                detail_say(error, "%s can get a size from %" PRId64 " to %" PRId64 " bytes only",
                           subject->text, fault->minimum_bytes, fault->maximum_bytes);
        else
                detail_say(error,
                           "%s has %" PRId64
                           " bytes for ever: to grow it has to be created with a larger maximum",
                           subject->text, fault->maximum_bytes);
}

/* With a size it is that of a segment that is there, else what was asked cannot be created. */
static void say_size(struct shmbroker_error *error, const Subject *subject,
                     const WrongSizeFault *fault) {
        if (GIVEN(fault, FAULT_WRONG_SIZE_SIZE_BYTES))
                detail_say(error, "%s has %" PRId64 " bytes, which is less than asked for",
                           subject->text, fault->size_bytes);
        else
                detail_say(error,
                           "%s can be created with a size from %" PRId64 " to %" PRId64
                           " bytes only",
                           subject->text, fault->minimum_bytes, fault->maximum_bytes);
}

static void say_busy(struct shmbroker_error *error, const Request *request, const Subject *subject,
                     const SegmentBusyFault *fault) {
        const char *which = request->method == METHOD_SEAL
                                    ? ", of which those that can write have to end first"
                                    : ", which have to end first";

        if (GIVEN(fault, FAULT_SEGMENT_BUSY_ATTACH_COUNT))
                detail_say(error, "%s is in use: it has %" PRId64 " attachments%s", subject->text,
                           fault->attach_count, which);
        else
                detail_say(error, "%s is in use: it has attachments%s", subject->text, which);
}

static void say_limit(struct shmbroker_error *error, const LimitReachedFault *fault) {
        if (GIVEN(fault, FAULT_LIMIT_REACHED_MAXIMUM) && GIVEN(fault, FAULT_LIMIT_REACHED_USED) &&
            GIVEN(fault, FAULT_LIMIT_REACHED_REQUESTED))
                detail_say(error,
                           "the broker's limit '%s' of %" PRId64 " is reached: %" PRId64
                           " in use, %" PRId64 " more requested",
                           fault->limit, fault->maximum, fault->used, fault->requested);
        else if (GIVEN(fault, FAULT_LIMIT_REACHED_MAXIMUM))
                detail_say(error, "the broker's limit '%s' of %" PRId64 " is reached", fault->limit,
                           fault->maximum);
        else
                detail_say(error, "the broker has reached its limit '%s'", fault->limit);
}

/* Of two that are meant, as by Publish, the one that an error is about. */
static Subject subject_of_two(const Request *request, const int64_t *id) {
        bool is_meant = !request->id || *request->id == *id;
        const Request about = { .name = is_meant ? request->name : request->new_name, .id = id };

        return subject_of(&about);
}

/* What Publish gets is the name: a segment that waits for it has a number that nobody was told. */
static void say_denied(struct shmbroker_error *error, const Request *request) {
        const Request about = { .name = request->new_name };
        Subject subject = subject_of(request->new_name ? &about : request);

        detail_say(error, "%s: you may not %s", subject.text, method_deed(request));
}

static void say_foreign(struct shmbroker_error *error, const Request *request,
                        const ForeignSegmentFault *fault) {
        Subject subject = subject_of_two(request, &fault->id);

        detail_say(error,
                   "%s is not of a trusted user: its owner has uid %" PRId64
                   " and its creator uid %" PRId64,
                   subject.text, fault->owner_uid, fault->creator_uid);
}

static void say_unavailable(struct shmbroker_error *error, const Request *request,
                            const SegmentUnavailableFault *fault) {
        Subject subject = subject_of_two(request, &fault->id);

        detail_say(
                error,
                "%s is unavailable at the moment: %s; it comes back by itself, or is forgotten when "
                "it is removed, and its object stays",
                subject.text, fault->message);
}

static void say_fault(struct shmbroker_error *error, const Request *request, const Fault *fault) {
        Subject subject = subject_of(request);

        switch (fault->code) {
        case FAULT_INTERFACE_NOT_FOUND:
        case FAULT_METHOD_NOT_FOUND:
        case FAULT_METHOD_NOT_IMPLEMENTED:
                detail_say(error, "the broker does not know %s", fault->text.text);
                break;
        case FAULT_INVALID_PARAMETER:
                if (request->outside && !request->name && strcmp(fault->text.text, "name") == 0) {
                        detail_say(error,
                                   "%s has a name that no segment can have: give it another one",
                                   subject.text);
                        break;
                }
                detail_say(error, "the broker does not take this value of %s", fault->text.text);
                break;
        case FAULT_PERMISSION_DENIED:
                say_denied(error, request);
                break;
        case FAULT_NO_SUCH_SEGMENT:
                detail_say(error, "there is no %s", subject.text);
                break;
        case FAULT_SEGMENT_EXISTS:
                say_exists(error, request, &fault->exists);
                break;
        case FAULT_WRONG_SIZE:
                if (request->method == METHOD_RESIZE)
                        say_resize(error, &subject, &fault->size);
                else
                        say_size(error, &subject, &fault->size);
                break;
        case FAULT_LIMIT_REACHED:
                say_limit(error, &fault->limit);
                break;
        case FAULT_SEGMENT_BUSY:
                say_busy(error, request, &subject, &fault->busy);
                break;
        case FAULT_SEGMENT_UNAVAILABLE:
                say_unavailable(error, request, &fault->unavailable);
                break;
        case FAULT_FOREIGN_SEGMENT:
                say_foreign(error, request, &fault->foreign);
                break;
        case FAULT_NO_DESCRIPTOR:
                detail_say(error, "the broker did not get the descriptor that belongs to the call");
                break;
        case FAULT_NOT_SUPPORTED:
                detail_say(error, "%s: the broker cannot do this: %s", subject.text,
                           fault->not_supported.reason);
                break;
        default:
                detail_say(error, "%s: the broker replied the error %s", subject.text, error->name);
        }
}

/**
 * detail_fault() - note an error that the broker replied
 * @error:      where
 * @request:    what was asked
 * @reply:      the reply
 *
 * Return: the negative errno for it; -EPROTO, noting nothing, if it is not as that error has to be.
 */
int detail_fault(struct shmbroker_error *error, const Request *request, const Reply *reply) {
        Fault fault;

        error_clear(error);
        /* Reading takes the text apart. */
        if (reply->parameters)
                error_keep(error, reply->parameters);
        reply_read_fault(reply, &fault);
        if (fault.code == FAULT_NONE && fault_find(reply->error) != FAULT_NONE)
                return error_origin(-EPROTO);
        (void) snprintf(error->name, sizeof(error->name), "%s", reply->error);
        error->fault = fault.code;
        error->kind = SHMBROKER_ERROR_REPLIED;
        error->code = fault_errno(&fault, request->method);
        say_fault(error, request, &fault);
        return error_origin(error->code);
}
