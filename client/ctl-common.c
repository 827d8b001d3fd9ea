/* What several commands do with the broker: connecting, naming a segment, acquiring, failing. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl-size.h"
#include "client/ctl.h"

#define ADDRESS_SYSTEM "unix:/run/shmbroker/socket"

static int no_broker(const char *address, const char *why) {
        (void) ctl_error("there is no broker at %s (%s); start it, or say with --address or "
                         "$SHMBROKER_ADDRESS where it is",
                         address, why);
        return CTL_NO_BROKER;
}

static int connect_failed(const Ctl *ctl, int r) {
        const char *address = ctl->address;

        if (!address && ctl->user)
                address = "$XDG_RUNTIME_DIR/shmbroker/socket";
        if (!address)
                address = getenv("SHMBROKER_ADDRESS");
        if (!address)
                address = ADDRESS_SYSTEM;
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return no_broker(address, strerror(-r));
        case -EINVAL:
                (void) ctl_error("'%s' is not an address; it has to be unix: and an absolute path",
                                 address);
                return CTL_USAGE;
        case -ENXIO:
                return ctl_error("with --user, XDG_RUNTIME_DIR has to be an absolute path");
        default:
                return ctl_error("the broker at %s cannot be connected to: %s", address,
                                 strerror(-r));
        }
}

/* ctl_connect() - connect to the broker that is meant. Return: 0 or an exit code. */
int ctl_connect(Ctl *ctl) {
        int r;

        if (!ctl->address && ctl->user)
                r = shmbroker_connect_user(&ctl->connection);
        else
                r = shmbroker_connect(ctl->address, &ctl->connection);
        return r ? connect_failed(ctl, r) : 0;
}

/* What to do about it, as the rest of the sentence. */
static const char *hint(int code) {
        switch (code) {
        case -ENOENT:
                return "; 'shmbrokerctl list' shows those you may read";
        case -EEXIST:
                return "; choose another name, or remove it first";
        case -EACCES:
                return "; its mode allows it to others only";
        case -EPERM:
                return "; its owner, its creator and root may";
        case -ENOSPC:
                return "; 'shmbrokerctl status' shows limits and what is in use";
        case -EBUSY:
                return "; 'shmbrokerctl show' tells who has it";
        default:
                return "";
        }
}

/* ctl_failed() - say why the last call failed. Return: the exit code. */
int ctl_failed(const Ctl *ctl) {
        const struct shmbroker_error *error = shmbroker_get_error(ctl->connection);
        int code = shmbroker_error_code(error);

        if (shmbroker_error_name(error))
                return ctl_error("%s%s", shmbroker_error_message(error), hint(code));
        if (code == -ENOENT || code == -ECONNREFUSED)
                return no_broker(shmbroker_get_address(ctl->connection), strerror(-code));
        return ctl_error("%s", shmbroker_error_message(error));
}

/* ctl_parse_id() - a segment's number. Return: 0 or CTL_USAGE. */
int ctl_parse_id(const Ctl *ctl, const char *text, int64_t *ret) {
        char *end;
        intmax_t id;

        errno = 0;
        id = strtoimax(text, &end, 10);
        if (errno || end == text || *end || id < 0)
                return ctl_usage(ctl, "'%s' is not the id of a segment", text);
        *ret = id;
        return 0;
}

/* ctl_parse_kind() - one of enum shmbroker_kind. Return: 0 or CTL_USAGE. */
int ctl_parse_kind(const Ctl *ctl, const char *text, int *ret) {
        static const char *const kinds[] = {
                [SHMBROKER_KIND_MEMFD] = "memfd",
                [SHMBROKER_KIND_POSIX] = "posix",
                [SHMBROKER_KIND_SYSV] = "sysv",
                [SHMBROKER_KIND_FILE] = "file",
        };

        for (size_t i = 0; i < ARRAY_SIZE(kinds); ++i)
                if (strcmp(kinds[i], text) == 0) {
                        *ret = (int) i;
                        return 0;
                }
        return ctl_usage(ctl, "'%s' is not a kind; there are memfd, posix, sysv and file", text);
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
                return ctl_parse_id(ctl, id, &ret->id);
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the name of a segment is missing");
        ret->name = *ctl->argv++;
        --ctl->argc;
        return 0;
}

/**
 * ctl_begin_segment() - begin a command that is about one segment, and has no option but --id
 * @ctl:        the command line
 * @ret:        the segment
 *
 * Return: 0, and the broker is connected to; or an exit status.
 */
int ctl_begin_segment(Ctl *ctl, Selector *ret) {
        const char *value, *id = NULL;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                id = value;
        }
        r = ctl_select(ctl, id, ret);
        if (r)
                return r;
        r = ctl_no_operands(ctl);
        return r ? r : ctl_connect(ctl);
}

static int parse_mode(const Ctl *ctl, const char *text, mode_t *ret) {
        char *end;
        unsigned long mode;

        errno = 0;
        mode = strtoul(text, &end, 8);
        if (errno || end == text || *end || mode > 0777 || text[0] == '-')
                return ctl_usage(ctl, "'%s' is not a mode; it has to be octal, from 0 to 0777",
                                 text);
        *ret = (mode_t) mode;
        return 0;
}

static int parse_size(const Ctl *ctl, const char *text, uint64_t *ret) {
        switch (size_parse(text, ret)) {
        case 0:
                return 0;
        case -ERANGE:
                return ctl_usage(ctl, "the size '%s' is too large", text);
        default:
                return ctl_usage(ctl, "'%s' is not a size; 4096, 64K or 1.5G are", text);
        }
}

static int parse_duration(const Ctl *ctl, const char *text, uint64_t *ret) {
        switch (duration_parse(text, ret)) {
        case 0:
                return 0;
        case -ERANGE:
                return ctl_usage(ctl, "the time '%s' is too long", text);
        default:
                return ctl_usage(ctl, "'%s' is not a time; 500ms, 10s or 2min are", text);
        }
}

/* ctl_acquire_option() - take one of ACQUIRE_OPTIONS. Return: 0 or CTL_USAGE. */
int ctl_acquire_option(const Ctl *ctl, struct shmbroker_options *options, int key,
                       const char *value) {
        uint64_t number = 0;
        mode_t mode = 0;
        int kind = 0, code = 0;

        switch (key) {
        case 's':
                code = parse_size(ctl, value, &number);
                shmbroker_options_set_size(options, number);
                break;
        case 'm':
                code = parse_mode(ctl, value, &mode);
                shmbroker_options_set_mode(options, mode);
                break;
        case OPTION_KIND:
                code = ctl_parse_kind(ctl, value, &kind);
                shmbroker_options_set_kind(options, kind);
                break;
        case OPTION_LINGER:
                code = parse_duration(ctl, value, &number);
                shmbroker_options_set_linger(options, number);
                break;
        case OPTION_REMOVE_ON_LAST_DETACH:
                shmbroker_options_set_remove_on_last_detach(options, true);
                break;
        case OPTION_ANY:
        case OPTION_CREATE:
                shmbroker_options_set_create(options, SHMBROKER_CREATE_ANY);
                break;
        case OPTION_NEW:
                shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
                break;
        default:
                shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        }
        return code;
}

/* ctl_acquire() - acquire the segment that is meant. Return: 0 or an exit code. */
int ctl_acquire(const Ctl *ctl, const Selector *selector, struct shmbroker_options *options,
                struct shmbroker_segment **ret) {
        if (!selector->name)
                shmbroker_options_set_id(options, selector->id);
        if (shmbroker_acquire(ctl->connection, selector->name, options, ret))
                return ctl_failed(ctl);
        return 0;
}
