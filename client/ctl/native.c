/* SPDX-License-Identifier: MIT */
#include "client/ctl/native.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/ctl/cell.h"
#include "client/ctl/json.h"
#include "client/ctl/size.h"
#include "client/ctl/text.h"

#define ITEMS_FIRST 64
#define USEC_PER_SEC UINT64_C(1000000)

static const char *const kind_names[_NATIVE_KIND_N] = {
        [NATIVE_SYSV] = "sysv",
        [NATIVE_POSIX] = "posix",
};

static const char *const truth_names[_TRUTH_N] = {
        [TRUTH_UNKNOWN] = "unknown",
        [TRUTH_NO] = "no",
        [TRUTH_YES] = "yes",
};

static const char *const truth_json[_TRUTH_N] = {
        [TRUTH_UNKNOWN] = "null",
        [TRUTH_NO] = "false",
        [TRUTH_YES] = "true",
};

static const char *const verdict_names[_VERDICT_N] = {
        [VERDICT_UNKNOWN] = "unknown",
        [VERDICT_HELD] = "held",
        [VERDICT_IDLE] = "idle",
        [VERDICT_ORPHAN] = "orphan",
};

/* What a column shows of an object; NULL where @known is not true. */
#define KNOWN_CELL(name, known, expression)                                                        \
        static char *name(const void *item, CellStyle style) {                                     \
                const Native *native = item;                                                       \
                                                                                                   \
                (void) style;                                                                      \
                return (known) ? (expression) : cell_text(NULL);                                   \
        }

#define CELL(name, expression) KNOWN_CELL(name, true, expression)
#define SYSV_CELL(name, expression) KNOWN_CELL(name, native->kind == NATIVE_SYSV, expression)
#define POSIX_CELL(name, expression) KNOWN_CELL(name, native->kind == NATIVE_POSIX, expression)

static char *cell_age(uint64_t usec, CellStyle style) {
        char text[SIZE_TEXT];

        if (style == CELL_SORT)
                return cell_number(usec);
        return strdup(age_format(text, sizeof(text), usec));
}

/* The last use that it was made: attaching, or mapping and reading, which POSIX objects do not tell
 * from each other. */
static uint64_t access_usec(const Native *native) {
        return native->kind == NATIVE_SYSV ? native->sysv.attach_usec : native->posix.read_usec;
}

CELL(native_name, cell_text(native->name))
CELL(native_kind, cell_text(kind_names[native->kind]))
CELL(native_owner, cell_user(native->uid))
CELL(native_group, cell_group(native->gid))
CELL(native_uid, cell_number(native->uid))
CELL(native_gid, cell_number(native->gid))
CELL(native_mode, cell_printf("%04o", (unsigned int) native->mode))
CELL(native_size, cell_size(native->size, style))
CELL(native_age, cell_age(native->age_usec, style))
CELL(native_held, cell_text(truth_names[native->held]))
CELL(native_verdict, cell_text(verdict_names[native->verdict]))
CELL(native_ctime, cell_time(native->change_usec, style))
KNOWN_CELL(native_allocated, native->has_allocated, cell_size(native->allocated, style))
KNOWN_CELL(native_atime, access_usec(native) > 0, cell_time(access_usec(native), style))
KNOWN_CELL(native_dtime, native->sysv.detach_usec > 0, cell_time(native->sysv.detach_usec, style))
POSIX_CELL(native_mtime, cell_time(native->posix.write_usec, style))
SYSV_CELL(native_creator, cell_user(native->sysv.creator_uid))
SYSV_CELL(native_cuid, cell_number(native->sysv.creator_uid))
SYSV_CELL(native_alive, cell_text(truth_names[native->sysv.creator_alive]))
SYSV_CELL(native_attached, cell_number(native->sysv.n_attached))
SYSV_CELL(native_key, cell_printf("0x%08" PRIx32, native->sysv.key))
SYSV_CELL(native_shmid, cell_printf("%d", native->sysv.shmid))
POSIX_CELL(native_posix_name, cell_printf("/%s", native->name + strlen("posix/")))
KNOWN_CELL(native_cpid, native->sysv.creator_pid > 0,
           cell_number((uint64_t) native->sysv.creator_pid))
KNOWN_CELL(native_lpid, native->sysv.last_pid > 0, cell_number((uint64_t) native->sysv.last_pid))
KNOWN_CELL(native_last_alive, native->sysv.last_pid > 0,
           cell_text(truth_names[native->sysv.last_alive]))
/* The change is the creation or later. */
KNOWN_CELL(native_command, native->sysv.creator_alive == TRUTH_YES,
           cell_command(native->sysv.creator_pid, native->change_usec + USEC_PER_SEC))

#define SHOWN .shown = true
#define RIGHT .right = true
#define NUMBER .number = true, .right = true

const Column native_columns[] = {
        { "NAME", NULL, "sysv/SHMID or posix/NAME", "name", .cell = native_name, SHOWN },
        { "KIND", NULL, "kind", "kind", .cell = native_kind, SHOWN },
        { "OWNER", "USER", "owner", "permissions.ownerUid", .cell = native_owner, SHOWN },
        { "GROUP", NULL, "group of the owner", "permissions.ownerGid", .cell = native_group },
        { "UID", NULL, "owner's number", "permissions.ownerUid", .cell = native_uid, NUMBER },
        { "GID", NULL, "its group's number", "permissions.ownerGid", .cell = native_gid, NUMBER },
        { "CREATOR", "CUSER", "user who created it", "permissions.creatorUid",
          .cell = native_creator },
        { "CUID", NULL, "creator's number", "permissions.creatorUid", .cell = native_cuid, NUMBER },
        { "MODE", NULL, "permission bits", "permissions.mode", .cell = native_mode, RIGHT },
        { "SIZE", NULL, "size", "sizeBytes", .cell = native_size, NUMBER, SHOWN },
        { "ALLOCATED", NULL, "memory in use", "allocatedBytes", .cell = native_allocated, NUMBER },
        { "AGE", NULL, "since the last thing that happened to it", "ageUSec", .cell = native_age,
          NUMBER, SHOWN },
        { "CPID", NULL, "process that created it", "creatorPid", .cell = native_cpid, NUMBER,
          SHOWN },
        { "ALIVE", NULL, "whether that process lives", "creatorAlive", .cell = native_alive,
          SHOWN },
        { "COMMAND", NULL, "command line of that process", NULL, .cell = native_command,
          .wide = true },
        { "LPID", NULL, "process that attached or detached it last", "lastPid", .cell = native_lpid,
          NUMBER },
        { "LALIVE", NULL, "whether that process lives", "lastAlive", .cell = native_last_alive },
        { "ATTACHED", "NATTCH", "attachments", "attachCount", .cell = native_attached, NUMBER },
        { "HELD", NULL, "whether somebody has it", "held", .cell = native_held, SHOWN },
        { "VERDICT", NULL, "what it is then", "verdict", .cell = native_verdict, SHOWN },
        { "ATIME", "ATTACH", "last attach, or last read or map", "attachTimeUSec readTimeUSec",
          .cell = native_atime, .number = true },
        { "DTIME", "DETACH", "last detach", "detachTimeUSec", .cell = native_dtime,
          .number = true },
        { "MTIME", NULL, "last write or resize", "writeTimeUSec", .cell = native_mtime,
          .number = true },
        { "CTIME", NULL, "creation or last change", "changeTimeUSec", .cell = native_ctime,
          .number = true },
        { "KEY", NULL, "System V key", "key", .cell = native_key, RIGHT },
        { "SHMID", NULL, "System V id", "shmid", .cell = native_shmid, NUMBER },
        { "POSIXNAME", NULL, "POSIX name", "posixName", .cell = native_posix_name },
        {},
};

void native_deinit(Native *native) {
        free(native->name);
        *native = (Native){};
}

void natives_deinit(Natives *natives) {
        for (size_t i = 0; i < natives->n_items; ++i)
                native_deinit(&natives->items[i]);
        free(natives->items);
        *natives = (Natives){};
}

/* natives_add() - append an object, which is moved, also if that fails. Return: 0 or -ENOMEM. */
int natives_add(Natives *natives, Native *native) {
        if (natives->n_items == natives->n_allocated) {
                size_t n = natives->n_allocated ? natives->n_allocated * 2 : ITEMS_FIRST;
                Native *items = reallocarray(natives->items, n, sizeof(*items));

                if (!items) {
                        native_deinit(native);
                        return -ENOMEM;
                }
                natives->items = items;
                natives->n_allocated = n;
        }
        natives->items[natives->n_items++] = *native;
        *native = (Native){};
        return 0;
}

/* native_set_age() - find out how old it is from all its times; not at all if one is to come. Those
 * of System V are of whole seconds, and count from the end of that. */
void native_set_age(Native *native) {
        const uint64_t times[] = { native->change_usec, native->sysv.attach_usec,
                                   native->sysv.detach_usec, native->posix.read_usec,
                                   native->posix.write_usec };
        struct timespec time;
        uint64_t now;

        (void) clock_gettime(CLOCK_REALTIME, &time);
        now = (uint64_t) time.tv_sec * USEC_PER_SEC + (uint64_t) time.tv_nsec / 1000;
        native->age_usec = UINT64_MAX;
        for (size_t i = 0; i < ARRAY_SIZE(times); ++i) {
                uint64_t since = times[i] + (native->kind == NATIVE_SYSV ? USEC_PER_SEC : 0);
                uint64_t age = now > since ? now - since : 0;

                if (age < native->age_usec)
                        native->age_usec = age;
        }
}

/* Numbers for people who read them, and null where there is none. */
static const char *native_number(char text[SIZE_TEXT], bool known, uint64_t value) {
        if (!known)
                return "null";
        (void) snprintf(text, SIZE_TEXT, "%" PRIu64, value);
        return text;
}

/* A name of others as JSON. */
static char *native_quote(const char *text) {
        char *escaped = text_escape(text), *quoted = escaped ? json_quote(escaped) : NULL;

        free(escaped);
        return quoted;
}

/* The members that System V segments have, or POSIX objects in their place. */
static char *json_of_kind(const Native *native) {
        char attach[SIZE_TEXT], detach[SIZE_TEXT], creator[SIZE_TEXT], last[SIZE_TEXT];
        const NativeSysv *sysv = &native->sysv;
        char *quoted, *json;

        if (native->kind == NATIVE_SYSV)
                return cell_printf(
                        "\"attachTimeUSec\":%s,\"detachTimeUSec\":%s,\"creatorPid\":%s,"
                        "\"creatorAlive\":%s,\"lastPid\":%s,\"lastAlive\":%s,"
                        "\"attachCount\":%" PRIu64 ",\"key\":%" PRIu32 ",\"shmid\":%d",
                        native_number(attach, sysv->attach_usec > 0, sysv->attach_usec),
                        native_number(detach, sysv->detach_usec > 0, sysv->detach_usec),
                        native_number(creator, sysv->creator_pid > 0, (uint64_t) sysv->creator_pid),
                        truth_json[sysv->creator_alive],
                        native_number(last, sysv->last_pid > 0, (uint64_t) sysv->last_pid),
                        truth_json[sysv->last_pid > 0 ? sysv->last_alive : TRUTH_UNKNOWN],
                        sysv->n_attached, sysv->key, sysv->shmid);
        quoted = native_quote(native->name + strlen("posix"));
        json = !quoted ? NULL
                       : cell_printf("\"readTimeUSec\":%" PRIu64 ",\"writeTimeUSec\":%" PRIu64
                                     ",\"creatorPid\":null,\"creatorAlive\":null,\"posixName\":%s",
                                     native->posix.read_usec, native->posix.write_usec, quoted);
        free(quoted);
        return json;
}

/* native_json() - all of it; names of the interface where it has them too. NULL: no memory */
char *native_json(const void *item) {
        const Native *native = item;
        bool is_sysv = native->kind == NATIVE_SYSV;
        char allocated[SIZE_TEXT], creator_uid[SIZE_TEXT], creator_gid[SIZE_TEXT];
        char *quoted, *rest, *json = NULL;

        quoted = native_quote(native->name);
        rest = json_of_kind(native);
        if (quoted && rest)
                json = cell_printf(
                        "{\"name\":%s,\"kind\":\"%s\",\"sizeBytes\":%" PRIu64
                        ",\"allocatedBytes\":%s,\"permissions\":{\"ownerUid\":%ju,"
                        "\"ownerGid\":%ju,\"creatorUid\":%s,\"creatorGid\":%s,"
                        "\"mode\":%u},\"ageUSec\":%" PRIu64 ",\"changeTimeUSec\":%" PRIu64
                        ",\"held\":%s,\"verdict\":\"%s\",%s}",
                        quoted, kind_names[native->kind], native->size,
                        native_number(allocated, native->has_allocated, native->allocated),
                        (uintmax_t) native->uid, (uintmax_t) native->gid,
                        native_number(creator_uid, is_sysv, native->sysv.creator_uid),
                        native_number(creator_gid, is_sysv, native->sysv.creator_gid),
                        (unsigned int) native->mode, native->age_usec, native->change_usec,
                        truth_json[native->held], verdict_names[native->verdict], rest);
        free(rest);
        free(quoted);
        return json;
}
