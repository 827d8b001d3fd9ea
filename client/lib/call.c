/* SPDX-License-Identifier: MIT */
/* A call from when it is written down to when what it brought is taken. */

#include "client/lib/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/detail.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/name.h"
#include "proto/scan.h"

/* The longest message: every parameter of Acquire, or a pattern whose every byte is escaped. */
#define MESSAGE_MAX 4096

/* Room for a second message, which has an id and nothing else. */
#define MESSAGE_SECOND_MAX 128

void call_list_append(CallList *list, struct shmbroker_call *call) {
        call->previous = list->last;
        call->next = NULL;
        if (list->last)
                list->last->next = call;
        else
                list->first = call;
        list->last = call;
}

void call_list_remove(CallList *list, struct shmbroker_call *call) {
        if (call->previous)
                call->previous->next = call->next;
        else
                list->first = call->next;
        if (call->next)
                call->next->previous = call->previous;
        else
                list->last = call->previous;
        call->previous = call->next = NULL;
}

/* call_check_name() - a name that no segment can have is not sent: it could break the message */
int call_check_name(struct shmbroker_error *error, const char *name) {
        if (!name || name_valid(name))
                return 0;
        return detail_parameter(
                error, "name",
                "no segment can have this name: letters, digits and ._+:@- are possible, none of +:@- "
                "first, with single slashes between them");
}

static size_t text_size(const char *text) {
        return text ? strlen(text) + 1 : 0;
}

/* What is given to begin a call with may be gone before it ends. */
static void keep_text(const char **text, char **at) {
        size_t n = text_size(*text);

        if (n == 0)
                return;
        memcpy(*at, *text, n);
        *text = *at;
        *at += n;
}

static struct shmbroker_call *call_allocate(const Request *request, const Writer *writer) {
        size_t n_space = MAX(writer->n_data, (size_t) MESSAGE_SECOND_MAX);
        struct shmbroker_call *call;
        char *at;

        call = calloc(1, sizeof(*call) + n_space + text_size(request->name) +
                                 text_size(request->outside) + text_size(request->new_name));
        if (!call)
                return NULL;
        at = (char *) (call + 1);
        call->message = memcpy(at, writer->data, writer->n_data);
        call->n_message = writer->n_data;
        call->n_space = n_space;
        at += n_space;
        call->request = *request;
        keep_text(&call->request.name, &at);
        keep_text(&call->request.outside, &at);
        keep_text(&call->request.new_name, &at);
        if (request->id) {
                call->id = *request->id;
                call->request.id = &call->id;
        }
        call->request.parameters = call->request.passed_fd = NULL;
        call->passed_fd = -EBADF;
        return call;
}

static int call_keep_fd(struct shmbroker_call *call, int fd) {
        call->passed_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
        return call->passed_fd < 0 ? error_origin(-errno) : 0;
}

/**
 * call_new() - write a call down
 * @error:      where to note what is wrong
 * @type:       what becomes of its answers
 * @request:    what is asked; nothing of it is needed afterwards
 * @ret:        the call, which is nobody's yet and has no deadline, to be freed by call_delete()
 *
 * Return: 0, -EINVAL if a text is not UTF-8, -EMSGSIZE, -ENOMEM, or, where a descriptor goes with
 *         it, -EBADF or -EMFILE.
 */
int call_new(struct shmbroker_error *error, const CallType *type, const Request *request,
             struct shmbroker_call **ret) {
        _cleanup_(call_deletep) struct shmbroker_call *call = NULL;
        char message[MESSAGE_MAX];
        Writer writer = WRITER_INIT(message, sizeof(message));
        int r;

        call_write(&writer, request->method, request->parameters);
        if (writer.overflow)
                return detail_errno(error, -EMSGSIZE);
        /* The broker hangs up on what is not UTF-8. */
        if (request->free_text && scan_text(writer.data, writer.n_data - 1))
                return detail_parameter(error, request->free_text, "the text is not UTF-8");
        call = call_allocate(request, &writer);
        if (!call)
                return detail_errno(error, -ENOMEM);
        r = request->passed_fd ? call_keep_fd(call, *request->passed_fd) : 0;
        if (r)
                return detail_errno(error, r);
        call->type = type;
        call->error.address = error->address;
        *ret = steal_ptr(call);
        return 0;
}

/* call_rewrite() - another message for a call: the same with other numbers, or a short one */
void call_rewrite(struct shmbroker_call *call, Method method, const void *parameters) {
        Writer writer = WRITER_INIT(call->message, call->n_space);

        call_write(&writer, method, parameters);
        call->request.method = method;
        call->n_message = writer.n_data;
        call->n_sent = 0;
}

/* call_delete() - free a call that is in no list, with what it brought */
struct shmbroker_call *call_delete(struct shmbroker_call *call) {
        if (!call)
                return NULL;
        if (call->object)
                call->type->free_object(call->object);
        error_clear(&call->error);
        fd_close(call->passed_fd);
        free(call);
        return NULL;
}

/* call_takes_fd() - may its answer bring a descriptor? */
bool call_takes_fd(const struct shmbroker_call *call) {
        return method_rows[call->request.method].n_fds_out > 0;
}

/**
 * call_take() - take what a call brought
 * @call:       the call
 * @brings:     what that has to be
 * @ret:        where a pointer to it goes, which is the caller's
 *
 * Return: 0; -EINPROGRESS; what the call failed with; -ENODATA if there is nothing, or something
 *         else, or it was taken; -ENOMEM.
 */
int call_take(struct shmbroker_call *call, CallBrings brings, void *ret) {
        void *object;

        if (call->type->brings != brings || call->taken)
                return -ENODATA;
        if (!call->done && !call->type->partial)
                return -EINPROGRESS;
        if (call->done && call->result)
                return call->result;
        object = call->type->take ? call->type->take(call) : steal_ptr(call->object);
        if (!object)
                return call->type->partial ? error_origin(-ENOMEM) : -ENODATA;
        call->taken = call->done;
        /* What was taken would come once more. */
        call->request.repeatable = false;
        memcpy(ret, &object, sizeof(object));
        return 0;
}

int shmbroker_call_result(const struct shmbroker_call *call) {
        return call->done ? call->result : -EINPROGRESS;
}

const struct shmbroker_error *shmbroker_call_error(const struct shmbroker_call *call) {
        return &call->error;
}

void shmbroker_call_set_userdata(struct shmbroker_call *call, void *userdata) {
        call->userdata = userdata;
}

void *shmbroker_call_userdata(const struct shmbroker_call *call) {
        return call->userdata;
}
