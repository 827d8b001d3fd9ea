/* SPDX-License-Identifier: MIT */
#include "client/ctl/common.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/process.h"
#include "client/ctl/value.h"

#define SYSTEM_ADDRESS "unix:/run/shmbroker/socket"
#define SYSTEM_ADMIN_ADDRESS "unix:/run/shmbroker-admin/socket"

static int no_broker(const char *address, const char *why) {
        (void) ctl_error("there is no broker at %s (%s); start it, or say with --address or "
                         "$SHMBROKER_ADDRESS where it is",
                         address, why);
        return CTL_NO_BROKER;
}

static int say_unconnected(const char *address, int r) {
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return no_broker(address, strerror(-r));
        case -EINVAL:
                (void) ctl_error(
                        "'%s' is not an address; it has to be system:, admin:, user:, or unix: and an "
                        "absolute path",
                        address);
                return CTL_USAGE;
        case -ENXIO:
                return ctl_error("for user:, XDG_RUNTIME_DIR has to be an absolute path");
        default:
                return ctl_error("the broker at %s cannot be connected to: %s", address,
                                 strerror(-r));
        }
}

/* Told with its path, if it has one. */
static int connect_failed(const Ctl *ctl, int r) {
        struct shmbroker *resolved = NULL;
        const char *address = ctl->address;
        int code;

        if (!address)
                address = getenv("SHMBROKER_ADDRESS");
        if (shmbroker_new(ctl->address, &resolved) == 0)
                address = shmbroker_get_address(resolved);
        code = say_unconnected(address ? address : "", r);
        shmbroker_close(resolved);
        return code;
}

/* ctl_admin_address() - where the administrator's socket of a broker is, as shmbrokerd(8) says; to
 * be freed, NULL if memory is short */
char *ctl_admin_address(const char *address) {
        char *admin;

        if (strcmp(address, SYSTEM_ADDRESS) == 0)
                return strdup(SYSTEM_ADMIN_ADDRESS);
        return asprintf(&admin, "%s.admin", address) < 0 ? NULL : admin;
}

DEFINE_CLEANUP(struct shmbroker, shmbroker_close)

/* Whom the broker takes for one: somebody else is not served, even if the socket can be opened. */
static bool is_administrator(const char *path) {
        struct stat state;

        return lstat(path, &state) == 0 && access(path, W_OK) == 0 &&
               (geteuid() == 0 || state.st_uid == geteuid());
}

/* ctl_try_administrator() - connect to the administrator's socket of the broker that is meant.
 * Whoever says where to connect to means that socket, and no other one. Return: 0 or a negative
 * errno, of which nobody was told. */
int ctl_try_administrator(Ctl *ctl) {
        _cleanup_(shmbroker_closep) struct shmbroker *resolved = NULL;
        _cleanup_(freep) char *admin = NULL;

        if (ctl->address && strcmp(ctl->address, "user:") != 0)
                return -ENOTCONN;
        if (shmbroker_new(ctl->address, &resolved))
                return -ENOTCONN;
        admin = ctl_admin_address(shmbroker_get_address(resolved));
        if (!admin || !is_administrator(admin + strlen("unix:")))
                return -ENOTCONN;
        return shmbroker_connect(admin, &ctl->connection);
}

/* ctl_connect_as_user() - connect to the broker that is meant, as a user like others. Return: 0 or
 * an exit code. */
int ctl_connect_as_user(Ctl *ctl) {
        int r;

        r = shmbroker_connect(ctl->address, &ctl->connection);
        return r ? connect_failed(ctl, r) : 0;
}

/* ctl_try_connect() - connect to the broker that is meant, as its administrator where that is
 * possible. Return: 0 or a negative errno, of which nobody was told. */
int ctl_try_connect(Ctl *ctl) {
        return ctl_try_administrator(ctl) ? shmbroker_connect(ctl->address, &ctl->connection) : 0;
}

/* ctl_connect() - the same, and say why not. Return: 0 or an exit code. */
int ctl_connect(Ctl *ctl) {
        int r;

        r = ctl_try_connect(ctl);
        return r ? connect_failed(ctl, r) : 0;
}

/*
 * ctl_sees_processes() - are the pids that the broker tells those of the same processes here? In
 * another pid namespace they are others (pid_namespaces(7)); if the broker does not say, they may
 * be.
 */
bool ctl_sees_processes(const Ctl *ctl) {
        _cleanup_(shmbroker_status_freep) struct shmbroker_status *status = NULL;
        uint64_t theirs;

        return shmbroker_get_status(ctl->connection, &status) == 0 &&
               shmbroker_status_pid_namespace(status, &theirs) == 0 &&
               theirs == process_namespace();
}

/* What to do about a limit of the broker's, or about what the host has no more of. */
static const char *limit_hint(const char *limit) {
        if (strcmp(limit, "memory") == 0)
                return "; the host has too little memory: 'shmbrokerctl list --sort -ALLOCATED -o "
                       "+ALLOCATED' shows what uses it";
        if (strcmp(limit, "descriptors") == 0)
                return "; try again, or raise how many descriptors the broker may have "
                       "(LimitNOFILE= of its unit)";
        return "; 'shmbrokerctl limits' shows what is in use and your share, and "
               "shmbroker.conf(5) how to raise the limit";
}

/* What to do about something that is not supported, by the word that says why. */
static const char *cause_hint(const char *cause) {
        static const struct {
                const char *cause;
                const char *hint;
        } rows[] = {
                { "notSealable", "; create it with --sealable" },
                { "unprivileged", "; see 'shmbrokerctl doctor'" },
                { "directory", "; see 'shmbrokerctl doctor'" },
                { "host", "; see 'shmbrokerctl doctor'" },
                { "error", "; see the log of the broker" },
        };

        for (size_t i = 0; cause && i < ARRAY_SIZE(rows); ++i)
                if (strcmp(rows[i].cause, cause) == 0)
                        return rows[i].hint;
        return "";
}

/* What to do about an error, as the rest of the sentence. */
static const char *ctl_hint(const struct shmbroker_error *error) {
        int64_t owner;

        if (shmbroker_error_number(error, "ownerUid", &owner) == 0)
                return "; to accept it, name both with --owner";
        if (shmbroker_error_text(error, "limit"))
                return limit_hint(shmbroker_error_text(error, "limit"));
        switch (shmbroker_error_code(error)) {
        case -ENOENT:
                return "; 'shmbrokerctl list' shows those you may read";
        case -EEXIST:
                return "; choose another name, or remove it first";
        case -EPERM:
                return "; the administrator may as well (root of the host, without --address)";
        case -EBUSY:
                return "; 'shmbrokerctl who' tells who has it";
        case -ENOSYS:
                return "; it is older than this command";
        case -EOPNOTSUPP:
                return cause_hint(shmbroker_error_text(error, "cause"));
        default:
                return "";
        }
}

/* ctl_failed_by() - say why something failed. Return: the exit code. */
int ctl_failed_by(const struct shmbroker_error *error) {
        switch (shmbroker_error_kind(error)) {
        case SHMBROKER_ERROR_REPLIED:
                (void) ctl_error("%s%s", shmbroker_error_message(error), ctl_hint(error));
                return shmbroker_error_code(error) == -ENOENT ? CTL_NO_SEGMENT : CTL_FAILED;
        case SHMBROKER_ERROR_UNREACHABLE:
                (void) ctl_error("%s", shmbroker_error_message(error));
                return CTL_NO_BROKER;
        default:
                return ctl_error("%s", shmbroker_error_message(error));
        }
}

/* ctl_failed() - say why the last call failed. Return: the exit code. */
int ctl_failed(const Ctl *ctl) {
        return ctl_failed_by(shmbroker_get_error(ctl->connection));
}

/* ctl_is_missing() - did the last call fail because there is no such segment? */
bool ctl_is_missing(const Ctl *ctl) {
        const struct shmbroker_error *error = shmbroker_get_error(ctl->connection);

        return shmbroker_error_code(error) == -ENOENT;
}

/**
 * ctl_select() - which segment is meant
 * @ctl:        the command line, whose first operand is taken as the name
 * @id:         value of --id, or NULL
 * @ret:        the segment; a name that is all digits is a name
 *
 * Return: 0 or CTL_USAGE.
 */
int ctl_select(Ctl *ctl, const char *id, Selector *ret) {
        *ret = (Selector){};
        if (id)
                return value_id(ctl, "--id", id, &ret->id);
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the name of a segment is missing");
        ret->name = *ctl->argv++;
        --ctl->argc;
        return 0;
}

/**
 * ctl_begin_segment() - the options of a command about one segment are read; begin
 * @ctl:        the command line
 * @id:         value of --id, or NULL
 * @ret:        the segment
 *
 * Return: 0, and the broker is connected to; or an exit code.
 */
int ctl_begin_segment(Ctl *ctl, const char *id, Selector *ret) {
        int r;

        r = ctl_select(ctl, id, ret);
        if (r)
                return r;
        r = ctl_no_operands(ctl);
        return r ? r : ctl_connect(ctl);
}
