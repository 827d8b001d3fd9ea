/* SPDX-License-Identifier: MIT */
/*
 * shmbrokerctl adopt: puts what exists under the broker's care. A System V segment that the broker
 * may not take is handed over to it first, which only the segment's own people can do.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "client/ctl/acquire.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/info.h"
#include "client/ctl/value.h"

typedef struct Source Source;

/* What is to be adopted: exactly one of these. */
struct Source {
        /* 0 as long as none was said */
        int option;
        int shmid;
        uint32_t key;
        const char *posix_name;
        const char *path;
        int fd;
};

static const Option options[] = {
        { "shmid", OPTION_SHMID, "SHMID", "a System V segment by its identifier" },
        { "key", OPTION_KEY, "KEY", "a System V segment by its key, such as 0x1234" },
        { "posix-name", OPTION_POSIX_NAME, "PNAME", "a POSIX object, such as /frames" },
        { "file", OPTION_FILE, "FILE",
          "a regular file, or a memory file such as /proc/PID/fd/NUMBER" },
        { "remove-on-last-detach", OPTION_REMOVE_ON_LAST_DETACH, NULL,
          "it removes itself when its last user ends" },
        { "linger", OPTION_LINGER, "TIME",
          "or after so long without one, such as 500ms, 10s, 2min" },
};

static int source_option(const Ctl *ctl, Source *source, int key, const char *value) {
        if (source->option)
                return ctl_usage(ctl, "there can be only one of --shmid, --key, --posix-name and "
                                      "--file");
        source->option = key;
        switch (key) {
        case OPTION_SHMID:
                return value_shmid(ctl, "--shmid", value, &source->shmid);
        case OPTION_KEY:
                return value_key(ctl, "--key", value, &source->key);
        case OPTION_POSIX_NAME:
                source->posix_name = value;
                return 0;
        default:
                source->path = value;
                return 0;
        }
}

static int take_option(const Ctl *ctl, Source *source, struct shmbroker_attributes *life, int key,
                       const char *value) {
        uint64_t usec = 0;
        int r;

        switch (key) {
        case OPTION_SHMID:
        case OPTION_KEY:
        case OPTION_POSIX_NAME:
        case OPTION_FILE:
                return source_option(ctl, source, key, value);
        case OPTION_LINGER:
                r = value_time(ctl, "--linger", value, &usec);
                shmbroker_attributes_set_linger(life, usec);
                return r;
        case OPTION_REMOVE_ON_LAST_DETACH:
                shmbroker_attributes_set_remove_on_last_detach(life, true);
                return 0;
        default:
                return CTL_USAGE;
        }
}

static int adopt_parse(Ctl *ctl, Source *source, struct shmbroker_attributes *life,
                       const char **ret_name) {
        const char *value;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = take_option(ctl, source, life, key, value);
                if (r)
                        return r;
        }
        if (!source->option)
                return ctl_usage(ctl, "what to adopt is missing: --shmid, --key, --posix-name or "
                                      "--file");
        if (source->option == OPTION_KEY && source->key == 0)
                return ctl_usage(ctl, "--key: 0 is the key of all segments that have none; "
                                      "--shmid tells them apart");
        if (ctl->argc > 0) {
                *ret_name = *ctl->argv++;
                --ctl->argc;
        }
        return ctl_no_operands(ctl);
}

/* With the caller's own rights, and without waiting for anybody at the other end. */
static int source_open(Source *source) {
        if (source->option != OPTION_FILE)
                return 0;
        source->fd = open(source->path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (source->fd < 0)
                return ctl_error("'%s' cannot be opened: %s", source->path, strerror(errno));
        return 0;
}

static void source_close(Source *source) {
        if (source->fd >= 0)
                (void) close(source->fd);
}

/* What was looked for is no segment yet: what there is shows something else than for others. */
static int adopt_failed(const Ctl *ctl, const Source *source) {
        const struct shmbroker_error *error = shmbroker_get_error(ctl->connection);
        const char *reason = shmbroker_error_text(error, "reason");

        if (ctl_is_missing(ctl))
                return ctl_error("%s; 'ipcs -m' and 'ls /dev/shm' show what there is",
                                 shmbroker_error_message(error));
        if (source->path && reason)
                return ctl_error("'%s' cannot be adopted: %s", source->path, reason);
        return ctl_failed(ctl);
}

/* Return: what the library returns. */
static int adopt_any(const Ctl *ctl, const Source *source, const struct shmbroker_attributes *life,
                     const char *name, struct shmbroker_info **ret) {
        struct shmbroker *broker = ctl->connection;

        switch (source->option) {
        case OPTION_SHMID:
                return shmbroker_adopt_sysv(broker, source->shmid, name, life, ret);
        case OPTION_KEY:
                return shmbroker_adopt_key(broker, source->key, name, life, ret);
        case OPTION_POSIX_NAME:
                return shmbroker_adopt_posix(broker, source->posix_name, name, life, ret);
        default:
                return shmbroker_adopt_fd(broker, source->fd, name, life, ret);
        }
}

/* --- handing over */

/* The user that the broker is; asked before, since the next call forgets why one failed. */
static int broker_user(const Ctl *ctl, bool *ret_known, uid_t *ret) {
        _cleanup_(shmbroker_status_freep) struct shmbroker_status *status = NULL;

        if (shmbroker_get_status(ctl->connection, &status))
                return ctl_failed(ctl);
        *ret_known = shmbroker_status_uid(status, ret) == 0;
        return 0;
}

/* The segment as it is, if it is its owner who asks, and who could have it back afterwards: its
 * creator, or root. */
static bool may_hand_over(const Source *source, int *ret_shmid, struct shmid_ds *ret) {
        uid_t uid = geteuid();

        *ret_shmid = source->shmid;
        if (source->option == OPTION_KEY)
                *ret_shmid = shmget((key_t) source->key, 0, 0);
        if (*ret_shmid < 0 || shmctl(*ret_shmid, IPC_STAT, ret) < 0)
                return false;
        return ret->shm_perm.cuid == uid || (ret->shm_perm.uid == uid && uid == 0);
}

/* It was handed over, and that was not enough. */
static int take_back(const Ctl *ctl, const Source *source, int shmid, struct shmid_ds *before) {
        int code = adopt_failed(ctl, source);

        if (shmctl(shmid, IPC_SET, before) < 0)
                return ctl_error("the System V segment %d was handed over to the broker for that, "
                                 "and cannot be taken back: %s",
                                 shmid, strerror(errno));
        (void) ctl_error("the System V segment %d was handed over to the broker for that, and has "
                         "its owner and mode back",
                         shmid);
        return code;
}

/**
 * adopt_handed_over() - hand a System V segment over to a broker that refused to take it
 * @ctl:        its last call was refused
 * @source:     the segment
 * @uid:        who the broker is
 * @life:       how long it is to stay
 * @name:       name that it shall have, or NULL
 * @ret:        its state afterwards
 *
 * If that cannot be done, or does not help, the segment is as it was before.
 *
 * Return: 0 or an exit code.
 */
static int adopt_handed_over(const Ctl *ctl, const Source *source, uid_t uid,
                             const struct shmbroker_attributes *life, const char *name,
                             struct shmbroker_info **ret) {
        struct shmid_ds before, after;
        int shmid;

        if (!may_hand_over(source, &shmid, &before))
                return adopt_failed(ctl, source);
        after = before;
        after.shm_perm.uid = uid;
        after.shm_perm.mode |= 0600;
        /* The broker has it already: the reason is another one. */
        if (uid == before.shm_perm.uid && after.shm_perm.mode == before.shm_perm.mode)
                return adopt_failed(ctl, source);
        if (shmctl(shmid, IPC_SET, &after) < 0)
                return adopt_failed(ctl, source);
        if (adopt_any(ctl, source, life, name, ret))
                return take_back(ctl, source, shmid, &before);
        (void) ctl_error("the System V segment %d belongs to the broker now, which is user %ju: it "
                         "was handed over",
                         shmid, (uintmax_t) uid);
        return 0;
}

static int adopt_sysv(const Ctl *ctl, const Source *source, const struct shmbroker_attributes *life,
                      const char *name, struct shmbroker_info **ret) {
        uid_t uid = 0;
        bool known = false;
        int r;

        r = broker_user(ctl, &known, &uid);
        if (r)
                return r;
        r = adopt_any(ctl, source, life, name, ret);
        if (r == -EOPNOTSUPP && known)
                return adopt_handed_over(ctl, source, uid, life, name, ret);
        return r ? adopt_failed(ctl, source) : 0;
}

static int run_with(Ctl *ctl, Source *source, struct shmbroker_attributes *life) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        const char *name = NULL;
        int r;

        r = adopt_parse(ctl, source, life, &name);
        r = r ? r : source_open(source);
        r = r ? r : ctl_connect(ctl);
        if (r)
                return r;
        if (source->option == OPTION_SHMID || source->option == OPTION_KEY)
                r = adopt_sysv(ctl, source, life, name, &info);
        else if (adopt_any(ctl, source, life, name, &info))
                r = adopt_failed(ctl, source);
        return r ? r : info_print(ctl, info);
}

static int adopt_run(Ctl *ctl) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *life = NULL;
        _cleanup_(source_close) Source source = { .fd = -EBADF };

        return shmbroker_attributes_new(&life) ? ctl_no_memory() : run_with(ctl, &source, life);
}

const Command command_adopt = {
        .name = "adopt",
        .arguments = "[NAME] --shmid SHMID | --key KEY | --posix-name PNAME | --file FILE",
        .operands = { "NEW" },
        .summary = "Puts shared memory that exists under the broker's care",
        COMMAND_OPTIONS(options),
        .run = adopt_run,
};
