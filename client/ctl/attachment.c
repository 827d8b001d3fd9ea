/* SPDX-License-Identifier: MIT */
#include "client/ctl/attachment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "client/ctl/cell.h"
#include "client/ctl/common.h"
#include "client/ctl/process.h"

/* What a column shows of an attachment. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, CellStyle style) {                                     \
                const Holding *holding = item;                                                     \
                                                                                                   \
                (void) style;                                                                      \
                return (expression);                                                               \
        }

/* The same for what may not be known. */
#define NULLABLE_CELL(name, Value, getter, expression)                                             \
        static char *name(const void *item, CellStyle style) {                                     \
                const Holding *holding = item;                                                     \
                Value value;                                                                       \
                                                                                                   \
                (void) style;                                                                      \
                if (getter(holding->attachment, &value))                                           \
                        return cell_text(NULL);                                                    \
                return (expression);                                                               \
        }

/* One that a newer broker has is called as it calls it. */
static const char *access_text(int access, const struct shmbroker_attachment *attachment) {
        switch (access) {
        case SHMBROKER_ACCESS_READ_ONLY:
                return "read";
        case SHMBROKER_ACCESS_READ_WRITE:
                return "read,write";
        default:
                return shmbroker_attachment_access_name(attachment);
        }
}

/* If the process is gone, its number may be another's by now. */
static char *command_of(const Holding *holding, pid_t pid) {
        uint64_t since = UINT64_MAX - UINT32_MAX, pidfd_id;
        int inherited;

        if (shmbroker_attachment_inherited(holding->attachment, &inherited) || inherited)
                return cell_text(NULL);
        if (shmbroker_attachment_pidfd_id(holding->attachment, &pidfd_id) == 0 &&
            !process_has_pidfd_id(pid, pidfd_id))
                return cell_text(NULL);
        (void) shmbroker_attachment_since(holding->attachment, &since);
        return cell_command(pid, since);
}

CELL(segment_id, cell_printf("%" PRId64, shmbroker_info_id(holding->info)))
CELL(segment_name, cell_text(shmbroker_info_name(holding->info)))
CELL(segment_size, cell_size(shmbroker_info_size(holding->info), style))
CELL(attachment_id, cell_printf("%" PRId64, shmbroker_attachment_id(holding->attachment)))
CELL(attachment_tenant, cell_text(shmbroker_attachment_tenant(holding->attachment)))

NULLABLE_CELL(attachment_pid, pid_t, shmbroker_attachment_pid, cell_number((uint64_t) value))
NULLABLE_CELL(attachment_pidfd_id, uint64_t, shmbroker_attachment_pidfd_id, cell_number(value))
NULLABLE_CELL(attachment_user, uid_t, shmbroker_attachment_uid, cell_user(value))
NULLABLE_CELL(attachment_uid, uid_t, shmbroker_attachment_uid, cell_number(value))
NULLABLE_CELL(attachment_access, int, shmbroker_attachment_access,
              cell_text(access_text(value, holding->attachment)))
NULLABLE_CELL(attachment_inherited, int, shmbroker_attachment_inherited,
              cell_text(value ? "yes" : "no"))
NULLABLE_CELL(attachment_since, uint64_t, shmbroker_attachment_since, cell_time(value, style))
NULLABLE_CELL(attachment_command, pid_t, shmbroker_attachment_pid, command_of(holding, value))

#define SHOWN .shown = true
#define NUMBER .number = true, .right = true

const Column holding_columns[] = {
        { "ID", NULL, "segment's number", "segment.id", .cell = segment_id, NUMBER, SHOWN },
        { "NAME", NULL, "its name", "segment.name", .cell = segment_name, SHOWN },
        { "SIZE", NULL, "its size", "segment.sizeBytes", .cell = segment_size, NUMBER },
        { "ATTACHMENT", NULL, "number", "attachment.id", .cell = attachment_id, NUMBER },
        { "PID", NULL, "process that acquired it", "attachment.pid", .cell = attachment_pid, NUMBER,
          SHOWN },
        { "PIDFDID", NULL, "inode of its pidfd", "attachment.process.pidfdId",
          .cell = attachment_pidfd_id, NUMBER },
        { "USER", NULL, "user who did", "attachment.uid", .cell = attachment_user, SHOWN },
        { "UID", NULL, "user's number", "attachment.uid", .cell = attachment_uid, NUMBER },
        { "TENANT", NULL, "tenant whose user it was", "attachment.tenant",
          .cell = attachment_tenant, .rare = true },
        { "ACCESS", NULL, "access", "attachment.access", .cell = attachment_access, SHOWN },
        { "SINCE", NULL, "beginning", "attachment.sinceUSec", .cell = attachment_since,
          .number = true, SHOWN },
        { "INHERITED", NULL, "another process has it now", "attachment.inherited",
          .cell = attachment_inherited, SHOWN },
        { "COMMAND", NULL, "command line of the process", NULL, .cell = attachment_command,
          .wide = true, .process = true, SHOWN },
        {},
};

void holdings_deinit(Holdings *holdings) {
        for (size_t i = 0; i < holdings->n_sets; ++i)
                (void) shmbroker_attachments_free(holdings->sets[i]);
        free(holdings->sets);
        free(holdings->items);
        *holdings = (Holdings){};
}

/* A process that is gone has nothing, even if the broker remembers that it had. */
static bool is_meant(const struct shmbroker_attachment *attachment, const HoldingFilter *filter) {
        int inherited;
        pid_t pid;
        uid_t uid;

        if (filter->pid && (shmbroker_attachment_pid(attachment, &pid) || pid != filter->pid ||
                            shmbroker_attachment_inherited(attachment, &inherited) || inherited))
                return false;
        return !filter->has_uid ||
               (shmbroker_attachment_uid(attachment, &uid) == 0 && uid == filter->uid);
}

/* The set belongs to @holdings from now on in any case. */
static int add_set(Holdings *holdings, struct shmbroker_attachments *set) {
        size_t n_items = holdings->n_items + shmbroker_attachments_count(set);
        struct shmbroker_attachments **sets;
        Holding *items;

        sets = reallocarray(holdings->sets, holdings->n_sets + 1, sizeof(*sets));
        if (!sets) {
                (void) shmbroker_attachments_free(set);
                return -ENOMEM;
        }
        holdings->sets = sets;
        sets[holdings->n_sets++] = set;
        if (n_items == 0)
                return 0;
        items = reallocarray(holdings->items, n_items, sizeof(*items));
        if (!items)
                return -ENOMEM;
        holdings->items = items;
        return 0;
}

/**
 * holdings_add() - ask who has a segment
 * @ctl:        its connection is used
 * @holdings:   what is found goes there
 * @info:       the segment, which has to stay; if it is gone, nobody has it
 * @filter:     which attachments are meant
 *
 * Return: 0 or an exit code.
 */
int holdings_add(const Ctl *ctl, Holdings *holdings, const struct shmbroker_info *info,
                 const HoldingFilter *filter) {
        struct shmbroker_attachments *set;

        /* By number: the name may have passed to another segment meanwhile. */
        if (shmbroker_list_attachments(ctl->connection, NULL, shmbroker_info_id(info), &set))
                return ctl_is_missing(ctl) ? 0 : ctl_failed(ctl);
        if (add_set(holdings, set))
                return ctl_no_memory();
        for (size_t i = 0; i < shmbroker_attachments_count(set); ++i) {
                const struct shmbroker_attachment *attachment = shmbroker_attachments_get(set, i);

                if (is_meant(attachment, filter))
                        holdings->items[holdings->n_items++] = (Holding){ info, attachment };
        }
        return 0;
}

char *holding_json(const void *item) {
        const Holding *holding = item;

        return cell_printf("{\"segment\":%s,\"attachment\":%s}", shmbroker_info_json(holding->info),
                           shmbroker_attachment_json(holding->attachment));
}
