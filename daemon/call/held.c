/* SPDX-License-Identifier: MIT */
#include "daemon/call/held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

static void held_over(SyncWait *wait, bool failed) {
        Pending *pending = CONTAINER_OF(wait, Pending, sync_wait);

        pending->code = failed ? CALL_E_NOT_SUPPORTED : 0;
        pending_ready(pending);
}

/**
 * held_new() - hold an answer until its sync is over
 * @service:    the service
 * @client:     who gets it
 * @writer:     its text; copied
 * @answer:     what goes with it, whose descriptor is the held answer's after success
 * @ret:        the call that waits
 *
 * What was asked for is done, so that no limit refuses it: there is one for each connection at
 * most.
 *
 * Return: 0, or -ENOMEM.
 */
int held_new(Service *service, Client *client, const Writer *writer, const Answer *answer,
             Pending **ret) {
        const Acquired *acquired = &answer->acquired;
        Pending *pending = calloc(1, sizeof(*pending));

        if (!pending)
                return error_origin(-ENOMEM);
        pending->deadline_usec = USEC_INFINITY;
        pending->fd = -EBADF;
        pending->text = malloc(writer->n_data);
        if (!pending->text) {
                pending_free(pending);
                return error_origin(-ENOMEM);
        }
        memcpy(pending->text, writer->data, writer->n_data);
        pending->n_text = writer->n_data;
        charge_anyway(&pending->charge, client->user, LIMIT_WAITING, 1);
        if (acquired->segment)
                pending->segment_id = acquired->segment->id;
        if (acquired->attachment)
                pending->attachment_id = acquired->attachment->id;
        if (answer->born_id)
                pending->segment_id = answer->born_id;
        pending->is_birth = answer->born_id;
        pending->fd = acquired->fd;
        pending->sync = &service->persist.sync;
        pending->sync_wait.over = held_over;
        sync_wait(pending->sync, &pending->sync_wait, answer->sync_number);
        *ret = pending;
        return 0;
}

/* What it was about when it was held may be gone by now; who gets the descriptor has the memory. */
static void find_again(Segment *segment, Pending *pending, Acquired *ret) {
        Attachment *attachment;

        *ret = (Acquired){
                .segment = segment,
                .fd = steal_fd(&pending->fd),
                .created = pending->is_birth && pending->attachment_id != 0,
        };
        if (!segment || pending->attachment_id == 0)
                return;
        DL_FOREACH(segment->attachments, attachment)
                if (attachment->id == pending->attachment_id)
                        ret->attachment = attachment;
}

/* Nobody was told of it, and nobody may find it after a loss of power. */
static void undo_birth(Service *service, Segment *segment) {
        KindFailure failure = {};
        bool destroyed;

        if (segment && segment->adopted)
                life_forget(&service->life, segment, CAUSE_LOST);
        else if (segment)
                (void) life_remove(&service->life, segment, &failure, &destroyed);
}

/**
 * held_release() - an answer goes out, or its call is undone
 * @service:    the service
 * @pending:    the answer, whose sync is over; stays the caller's
 * @writer:     gets the text
 * @answer:     gets what goes with it
 * @failure:    details
 *
 * What was changed of a segment that was there before holds even if the disk has failed, as far as
 * the broker lives: that was logged.
 *
 * Return: 0, or CALL_E_NOT_SUPPORTED.
 */
int held_release(Service *service, Pending *pending, Writer *writer, Answer *answer,
                 CallFailure *failure) {
        Segment *segment = registry_find(&service->registry, pending->segment_id);

        find_again(segment, pending, &answer->acquired);
        if (pending->is_birth && pending->code) {
                call_acquire_undo(service, &answer->acquired);
                undo_birth(service, registry_find(&service->registry, pending->segment_id));
                return call_no_state(failure);
        }
        /* The sync has changed its inode; who comes next need not look at its name for that. */
        if (pending->is_birth)
                (void) life_ask(&service->life, segment);
        memcpy(writer->data, pending->text, pending->n_text);
        writer->n_data = pending->n_text;
        return 0;
}
