/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-service.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/call/dispatch.h"
#include "proto/fd.h"
#include "proto/scan.h"
#include "tests/support/unit-segment.h"
#include "tests/support/unit.h"

/* The same room for replies as the daemon has. */
#define SCRATCH_BYTES (64U * 1024)

void unit_service_begin(Service *service) {
        char *directory = unit_directory(), *files = unit_path(directory, "files");

        (void) signal(SIGIO, SIG_IGN);
        (void) signal(SIGXFSZ, SIG_IGN);
        *service = (Service) SERVICE_NULL;
        ck_assert_int_eq(service_init(service, directory, files), 0);
        free(directory);
        free(files);
}

void unit_service_end(Service *service) {
        life_drain(&service->life);
        while (service->registry.first) {
                Segment *segment = service->registry.first;

                ck_assert_msg(unit_remove(&service->life, segment), "segment %lld is still held",
                              (long long) segment->id);
        }
        ck_assert_uint_eq(service->life.census.attachments.n_used, 0);
        ck_assert_ptr_null(service->accounts.users);
        for (size_t i = 0; i < _LIMIT_N; ++i)
                ck_assert_uint_eq(service->accounts.total_used[i], 0);
        service_deinit(service);
}

void unit_client(Client *client, Service *service, uid_t uid, gid_t gid) {
        *client = (Client) CLIENT_NULL;
        client->credentials = (Credentials){ .uid = uid, .gid = gid, .pid = getpid() };
        client->user = accounts_user(&service->accounts, uid);
        process_identify(&client->process, getpid(), -EBADF);
        ck_assert_ptr_nonnull(client->user);
}

static void append(char **all, const Writer *writer) {
        size_t n_all = *all ? strlen(*all) : 0, n = 0;

        ck_assert(!writer->overflow);
        *all = realloc(*all, n_all + writer->n_data + 1);
        ck_assert_ptr_nonnull(*all);
        memcpy(*all + n_all, writer->data, writer->n_data);
        (*all)[n_all + writer->n_data] = '\0';
        for (size_t at = 0; at < writer->n_data; at += n + 1) {
                n = strlen(writer->data + at);
                ck_assert_msg(scan_text(writer->data + at, n) == 0, "broken: %s",
                              writer->data + at);
                if (at + n + 1 < writer->n_data)
                        (*all)[n_all + at + n] = '\n';
        }
}

char *unit_call(Service *service, Client *client, const char *text, int *ret_fd) {
        char *scratch = malloc(SCRATCH_BYTES), *copy = unit_copy(text, strlen(text) + 1),
             *all = NULL;
        Writer writer = WRITER_INIT(scratch, SCRATCH_BYTES);
        Answer answer = ANSWER_NULL;
        int r;

        ck_assert_ptr_nonnull(scratch);
        r = dispatch_call(service, client, copy, strlen(text), &writer, &answer);
        if (r == 0)
                append(&all, &writer);
        while (r == 0 && answer.stream.kind != STREAM_NONE && !stream_idle(&answer.stream)) {
                all = all && *all ? strcat(realloc(all, strlen(all) + 2), "\n") : all;
                writer = (Writer) WRITER_INIT(scratch, SCRATCH_BYTES);
                stream_write(&answer.stream, service, client, USEC_INFINITY, &writer);
                append(&all, &writer);
        }
        stream_end(&answer.stream);
        pending_free(answer.pending);
        if (ret_fd)
                *ret_fd = answer.acquired.fd;
        else
                ck_assert_int_eq(answer.acquired.fd, -EBADF);
        free(copy);
        free(scratch);
        return all;
}
