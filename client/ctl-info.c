#include "client/ctl-info.h"

#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl-size.h"
#include "client/ctl.h"

#define NOTHING "-"

char *cell_text(const char *text) {
        return strdup(text ? text : NOTHING);
}

char *cell_printf(const char *format, ...) {
        va_list arguments;
        char *text;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        return n < 0 ? NULL : text;
}

char *cell_user(uid_t uid) {
        const struct passwd *user = getpwuid(uid);

        return user ? strdup(user->pw_name) : cell_printf("%ju", (uintmax_t) uid);
}

static char *cell_group(gid_t gid) {
        const struct group *group = getgrgid(gid);

        return group ? strdup(group->gr_name) : cell_printf("%ju", (uintmax_t) gid);
}

char *cell_time(uint64_t usec) {
        char text[SIZE_TEXT];

        return strdup(time_format(text, sizeof(text), usec));
}

static char *cell_size(uint64_t size, bool bytes) {
        char text[SIZE_TEXT];

        return strdup(size_format(text, sizeof(text), size, bytes));
}

/* What a column shows of a segment; bytes says how sizes are meant. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, bool bytes) {                                          \
                const struct shmbroker_info *info = item;                                          \
                                                                                                   \
                (void) bytes;                                                                      \
                return (expression);                                                               \
        }

/* The same for what may be missing. */
#define NULLABLE_CELL(name, Value, getter, expression)                                             \
        static char *name(const void *item, bool bytes) {                                          \
                Value value;                                                                       \
                                                                                                   \
                (void) bytes;                                                                      \
                if (getter(item, &value))                                                          \
                        return cell_text(NULL);                                                    \
                return (expression);                                                               \
        }

CELL(info_id, cell_printf("%" PRId64, shmbroker_info_id(info)))
CELL(info_name, cell_text(shmbroker_info_name(info)))
CELL(info_kind, cell_text(shmbroker_info_kind_name(info)))
CELL(info_size, cell_size(shmbroker_info_size(info), bytes))
CELL(info_attached, cell_printf("%" PRIu64, shmbroker_info_attach_count(info)))
CELL(info_owner, cell_user(shmbroker_info_owner_uid(info)))
CELL(info_group, cell_group(shmbroker_info_owner_gid(info)))
CELL(info_creator, cell_user(shmbroker_info_creator_uid(info)))
CELL(info_creator_group, cell_group(shmbroker_info_creator_gid(info)))
CELL(info_mode, cell_printf("%04o", (unsigned int) shmbroker_info_mode(info)))
CELL(info_page, cell_size(shmbroker_info_page_size(info), bytes))
CELL(info_change_time, cell_time(shmbroker_info_change_time(info)))
CELL(info_posix_name, cell_text(shmbroker_info_posix_name(info)))
CELL(info_path, cell_text(shmbroker_info_file_path(info)))

NULLABLE_CELL(info_maximum, uint64_t, shmbroker_info_maximum, cell_size(value, bytes))
NULLABLE_CELL(info_allocated, uint64_t, shmbroker_info_allocated, cell_size(value, bytes))
NULLABLE_CELL(info_creator_pid, pid_t, shmbroker_info_creator_pid,
              cell_printf("%jd", (intmax_t) value))
NULLABLE_CELL(info_last_pid, pid_t, shmbroker_info_last_pid, cell_printf("%jd", (intmax_t) value))
NULLABLE_CELL(info_attach_time, uint64_t, shmbroker_info_attach_time, cell_time(value))
NULLABLE_CELL(info_detach_time, uint64_t, shmbroker_info_detach_time, cell_time(value))
NULLABLE_CELL(info_others, int, shmbroker_info_other_holders, cell_text(value ? "yes" : "no"))
NULLABLE_CELL(info_key, uint32_t, shmbroker_info_key, cell_printf("0x%08" PRIx32, value))
NULLABLE_CELL(info_shmid, int, shmbroker_info_shmid, cell_printf("%d", value))

static char *info_linger(const void *item, bool bytes) {
        char text[SIZE_TEXT];
        uint64_t usec;

        (void) bytes;
        if (shmbroker_info_linger(item, &usec))
                return cell_text(NULL);
        return strdup(duration_format(text, sizeof(text), usec));
}

/* Appends a word to a list of them with commas. */
static void add_word(char *text, size_t n_text, const char *word) {
        size_t n = strlen(text);

        (void) snprintf(text + n, n_text - n, "%s%s", n > 0 ? "," : "", word);
}

static char *info_flags(const void *item, bool bytes) {
        const struct shmbroker_info *info = item;
        char text[SIZE_TEXT] = "";
        uint64_t usec;

        (void) bytes;
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
        return cell_text(text[0] ? text : NULL);
}

static char *info_seals(const void *item, bool bytes) {
        static const char *const names[] = { "shrink",      "grow", "write",
                                             "futureWrite", "exec", "seal" };
        unsigned int seals = shmbroker_info_seals(item);
        char text[SIZE_TEXT] = "";

        (void) bytes;
        for (size_t i = 0; i < ARRAY_SIZE(names); ++i)
                if (seals & 1U << i)
                        add_word(text, sizeof(text), names[i]);
        return cell_text(text[0] ? text : NULL);
}

#define SHOWN .shown = true
#define RIGHT .right = true

const Column info_columns[] = {
        { .name = "ID", .help = "number", .cell = info_id, RIGHT, SHOWN },
        { .name = "NAME", .help = "name", .cell = info_name, SHOWN },
        { .name = "KIND", .help = "kind", .cell = info_kind, SHOWN },
        { .name = "SIZE", .help = "size as asked for", .cell = info_size, RIGHT, SHOWN },
        { .name = "MAXIMUM", .help = "size it can grow to", .cell = info_maximum, RIGHT },
        { .name = "ALLOCATED", .help = "memory in use", .cell = info_allocated, RIGHT },
        { .name = "PAGE", .help = "page size", .cell = info_page, RIGHT },
        { .name = "ATTACHED", .help = "attachments", .cell = info_attached, RIGHT, SHOWN },
        { .name = "OTHERS", .help = "held outside the broker", .cell = info_others },
        { .name = "OWNER", .help = "owner", .cell = info_owner, SHOWN },
        { .name = "GROUP", .help = "group of the owner", .cell = info_group },
        { .name = "CREATOR", .help = "creator", .cell = info_creator },
        { .name = "CGROUP", .help = "group of the creator", .cell = info_creator_group },
        { .name = "MODE", .help = "permission bits", .cell = info_mode, RIGHT, SHOWN },
        { .name = "FLAGS", .help = "what is special about it", .cell = info_flags, SHOWN },
        { .name = "LINGER", .help = "stays so long unattached", .cell = info_linger, RIGHT },
        { .name = "SEALS", .help = "seals in force", .cell = info_seals },
        { .name = "CPID", .help = "process that created it", .cell = info_creator_pid, RIGHT },
        { .name = "LPID", .help = "process that acquired it last", .cell = info_last_pid, RIGHT },
        { .name = "ATIME", .help = "last attach", .cell = info_attach_time },
        { .name = "DTIME", .help = "last detach", .cell = info_detach_time },
        { .name = "CTIME", .help = "last change", .cell = info_change_time },
        { .name = "KEY", .help = "System V key", .cell = info_key, RIGHT },
        { .name = "SHMID", .help = "System V id", .cell = info_shmid, RIGHT },
        { .name = "POSIXNAME", .help = "POSIX name", .cell = info_posix_name },
        { .name = "PATH", .help = "path of the file", .cell = info_path },
};
const size_t n_info_columns = ARRAY_SIZE(info_columns);
