/* SPDX-License-Identifier: MIT */
#include "client/ctl/info.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/json.h"
#include "client/ctl/size.h"

/* What a column shows of a segment; style says how sizes and times are meant. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, CellStyle style) {                                     \
                const struct shmbroker_info *info = item;                                          \
                                                                                                   \
                (void) style;                                                                      \
                return (expression);                                                               \
        }

/* The same for what may be missing. */
#define NULLABLE_CELL(name, Value, getter, expression)                                             \
        static char *name(const void *item, CellStyle style) {                                     \
                Value value;                                                                       \
                                                                                                   \
                (void) style;                                                                      \
                if (getter(item, &value))                                                          \
                        return cell_text(NULL);                                                    \
                return (expression);                                                               \
        }

CELL(info_id, cell_printf("%" PRId64, shmbroker_info_id(info)))
CELL(info_name, cell_text(shmbroker_info_name(info)))
CELL(info_kind, cell_text(shmbroker_info_kind_name(info)))
CELL(info_size, cell_size(shmbroker_info_size(info), style))
CELL(info_owner, cell_user(shmbroker_info_owner_uid(info)))
CELL(info_group, cell_group(shmbroker_info_owner_gid(info)))
CELL(info_creator, cell_user(shmbroker_info_creator_uid(info)))
CELL(info_creator_group, cell_group(shmbroker_info_creator_gid(info)))
CELL(info_mode, cell_printf("%04o", (unsigned int) shmbroker_info_mode(info)))
CELL(info_uid, cell_number(shmbroker_info_owner_uid(info)))
CELL(info_gid, cell_number(shmbroker_info_owner_gid(info)))
CELL(info_creator_uid, cell_number(shmbroker_info_creator_uid(info)))
CELL(info_creator_gid, cell_number(shmbroker_info_creator_gid(info)))
CELL(info_page, cell_size(shmbroker_info_page_size(info), style))
CELL(info_change_time, cell_time(shmbroker_info_change_time(info), style))
CELL(info_posix_name, cell_text(shmbroker_info_posix_name(info)))
CELL(info_path, cell_text(shmbroker_info_file_path(info)))
CELL(info_tenant, cell_text(shmbroker_info_tenant(info)))
CELL(info_device, cell_text(shmbroker_info_device(info)))
CELL(info_unavailable, cell_text(shmbroker_info_unavailable(info)))

NULLABLE_CELL(info_attached, uint64_t, shmbroker_info_attach_count, cell_number(value))
NULLABLE_CELL(info_maximum, uint64_t, shmbroker_info_maximum, cell_size(value, style))
NULLABLE_CELL(info_allocated, uint64_t, shmbroker_info_allocated, cell_size(value, style))
NULLABLE_CELL(info_creator_pid, pid_t, shmbroker_info_creator_pid, cell_number((uint64_t) value))
NULLABLE_CELL(info_last_pid, pid_t, shmbroker_info_last_pid, cell_number((uint64_t) value))
/* Whoever began after the last change is another process with the same number. */
NULLABLE_CELL(info_command, pid_t, shmbroker_info_creator_pid,
              cell_command(value, shmbroker_info_change_time(item)))
NULLABLE_CELL(info_attach_time, uint64_t, shmbroker_info_attach_time, cell_time(value, style))
NULLABLE_CELL(info_detach_time, uint64_t, shmbroker_info_detach_time, cell_time(value, style))
NULLABLE_CELL(info_others, int, shmbroker_info_other_holders, cell_text(value ? "yes" : "no"))
NULLABLE_CELL(info_key, uint32_t, shmbroker_info_key, cell_printf("0x%08" PRIx32, value))
NULLABLE_CELL(info_inode, uint64_t, shmbroker_info_inode, cell_number(value))
NULLABLE_CELL(info_shmid, int, shmbroker_info_shmid, cell_printf("%d", value))

/* As ls(1) has it, without the type: rw-r----- */
static char *info_permissions(const void *item, CellStyle style) {
        static const char letters[] = "rwxrwxrwx";
        mode_t mode = shmbroker_info_mode(item);
        char text[sizeof(letters)] = "";

        (void) style;
        for (size_t i = 0; letters[i]; ++i)
                text[i] = mode & 0400U >> i ? letters[i] : '-';
        return strdup(text);
}

static char *info_linger(const void *item, CellStyle style) {
        char text[SIZE_TEXT];
        uint64_t usec;

        if (shmbroker_info_linger(item, &usec))
                return cell_text(NULL);
        if (style == CELL_SORT)
                return cell_number(usec);
        return strdup(duration_format(text, sizeof(text), usec));
}

/* Appends a word to a list of them with commas. */
static void add_word(char *text, size_t n_text, const char *word) {
        size_t n = strlen(text);

        (void) snprintf(text + n, n_text - n, "%s%s", n > 0 ? "," : "", word);
}

static char *info_flags(const void *item, CellStyle style) {
        const struct shmbroker_info *info = item;
        char text[SIZE_TEXT] = "";
        uint64_t usec;

        (void) style;
        if (shmbroker_info_removed(info))
                add_word(text, sizeof(text), "removed");
        if (shmbroker_info_remove_on_last_detach(info))
                add_word(text, sizeof(text), "last-detach");
        if (shmbroker_info_linger(info, &usec) == 0)
                add_word(text, sizeof(text), "linger");
        if (shmbroker_info_locked(info))
                add_word(text, sizeof(text), "locked");
        if (shmbroker_info_adopted(info))
                add_word(text, sizeof(text), "adopted");
        if (shmbroker_info_unavailable(info))
                add_word(text, sizeof(text), "unavailable");
        return cell_text(text[0] ? text : NULL);
}

static char *info_seals(const void *item, CellStyle style) {
        static const char *const names[] = { "shrink",      "grow", "write",
                                             "futureWrite", "exec", "seal" };
        unsigned int seals = shmbroker_info_seals(item);
        char text[SIZE_TEXT] = "";

        (void) style;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (seals & 1U << i)
                        add_word(text, sizeof(text), names[i]);
        return cell_text(text[0] ? text : NULL);
}

bool info_is_held(const struct shmbroker_info *info) {
        uint64_t count;

        return shmbroker_info_attach_count(info, &count) != 0 || count > 0;
}

#define SHOWN .shown = true
#define RIGHT .right = true
#define NUMBER .number = true, .right = true
#define TWIN .twin = true

const Column info_columns[] = {
        { "ID", NULL, "number", "id", .cell = info_id, NUMBER, SHOWN },
        { "NAME", NULL, "name", "name", .cell = info_name, SHOWN },
        { "KIND", NULL, "kind", "kind", .cell = info_kind, SHOWN },
        { "SIZE", NULL, "size as asked for", "sizeBytes", .cell = info_size, NUMBER, SHOWN },
        { "MAXIMUM", NULL, "size it can grow to", "maximumBytes", .cell = info_maximum, NUMBER },
        { "ALLOCATED", NULL, "memory in use", "allocatedBytes", .cell = info_allocated, NUMBER },
        { "PAGE", NULL, "page size", "pageBytes", .cell = info_page, NUMBER },
        { "ATTACHED", "NATTCH", "attachments", "attachCount", .cell = info_attached, NUMBER,
          SHOWN },
        { "TENANT", NULL, "tenant whose it is", "tenant", .cell = info_tenant, .rare = true },
        { "OTHERS", NULL, "held outside the broker", "otherHolders", .cell = info_others },
        { "OWNER", "USER", "owner", "permissions.ownerUid", .cell = info_owner, SHOWN },
        { "GROUP", NULL, "group of the owner", "permissions.ownerGid", .cell = info_group },
        { "UID", NULL, "owner's number", "permissions.ownerUid", .cell = info_uid, NUMBER, TWIN },
        { "GID", NULL, "its group's number", "permissions.ownerGid", .cell = info_gid, NUMBER,
          TWIN },
        { "CREATOR", "CUSER", "creator", "permissions.creatorUid", .cell = info_creator },
        { "CGROUP", NULL, "group of the creator", "permissions.creatorGid",
          .cell = info_creator_group },
        { "CUID", NULL, "creator's number", "permissions.creatorUid", .cell = info_creator_uid,
          NUMBER, TWIN },
        { "CGID", NULL, "its group's number", "permissions.creatorGid", .cell = info_creator_gid,
          NUMBER, TWIN },
        { "MODE", NULL, "permission bits", "permissions.mode", .cell = info_mode, RIGHT, SHOWN },
        { "PERMS", NULL, "permissions in letters", "permissions.mode", .cell = info_permissions,
          TWIN },
        { "FLAGS", "STATUS", "what is special about it",
          "removed removeOnLastDetach lingerUSec locked adopted unavailable", .cell = info_flags,
          SHOWN },
        { "LINGER", NULL, "stays so long unattached", "lingerUSec", .cell = info_linger, NUMBER },
        { "SEALS", NULL, "seals in force", "seals", .cell = info_seals },
        { "CPID", NULL, "process that created it", "creatorPid", .cell = info_creator_pid, NUMBER },
        { "COMMAND", NULL, "command line of that process", NULL, .cell = info_command, .wide = true,
          .process = true },
        { "LPID", NULL, "process that acquired it last", "lastPid", .cell = info_last_pid, NUMBER },
        { "ATIME", "ATTACH", "last attach", "attachTimeUSec", .cell = info_attach_time,
          .number = true },
        { "DTIME", "DETACH", "last detach", "detachTimeUSec", .cell = info_detach_time,
          .number = true },
        { "CTIME", NULL, "last change", "changeTimeUSec", .cell = info_change_time,
          .number = true },
        { "KEY", NULL, "System V key", "key", .cell = info_key, RIGHT },
        { "SHMID", NULL, "System V id", "shmid", .cell = info_shmid, NUMBER },
        { "POSIXNAME", NULL, "POSIX name", "posixName", .cell = info_posix_name },
        { "PATH", NULL, "path of the file", "filePath", .cell = info_path },
        { "INODE", NULL, "inode of the object", "inode", .cell = info_inode, NUMBER },
        { "DEVICE", NULL, "its device", "device", .cell = info_device },
        { "UNAVAILABLE", NULL, "why it cannot be opened now", "unavailable",
          .cell = info_unavailable },
        {},
};

int info_print(const Ctl *ctl, const struct shmbroker_info *info) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        if (ctl->json) {
                json_add_text(&json, "segment", shmbroker_info_json(info));
                return json_print(&json);
        }
        /* What other commands take: a private segment has nothing but its number. */
        if (shmbroker_info_name(info))
                (void) puts(shmbroker_info_name(info));
        else
                (void) printf("%" PRId64 "\n", shmbroker_info_id(info));
        return CTL_SUCCESS;
}
