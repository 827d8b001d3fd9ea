/* SPDX-License-Identifier: MIT */
/* Acquiring: its options, which several commands have, and the call. */

#include "client/ctl/acquire.h"

#include <errno.h>
#include <unistd.h>

#include "client/ctl/common.h"
#include "client/ctl/value.h"

void acquisition_deinit(Acquisition *acquisition) {
        acquisition->options = shmbroker_options_free(acquisition->options);
}

/* acquisition_init() - nothing is said yet. Return: 0 or an exit code. */
int acquisition_init(Acquisition *acquisition) {
        *acquisition = (Acquisition){};
        return shmbroker_options_new(&acquisition->options) ? ctl_no_memory() : 0;
}

static int set_posix_name(const Ctl *ctl, Acquisition *acquisition, const char *name) {
        int r;

        r = shmbroker_options_set_posix_name(acquisition->options, name);
        if (r == -ENAMETOOLONG)
                return ctl_usage(ctl, "--posix-name: '%s' is too long; 255 bytes are possible",
                                 name);
        return r ? ctl_no_memory() : 0;
}

/* Each one more is trusted as well: creator and owner may be two. */
static int take_owner(const Ctl *ctl, Acquisition *acquisition, const char *value) {
        uid_t uid = 0;
        int r;

        r = value_user(ctl, "--owner", value, &uid);
        if (r)
                return r;
        if (acquisition->n_owners == SHMBROKER_TRUSTED_UIDS_MAX)
                return ctl_usage(ctl, "--owner: there are more than %d users",
                                 SHMBROKER_TRUSTED_UIDS_MAX);
        acquisition->owners[acquisition->n_owners++] = uid;
        (void) shmbroker_options_set_trusted_uids(acquisition->options, acquisition->owners,
                                                  acquisition->n_owners);
        return 0;
}

/* acquisition_is_for() - may the segment be of that user? */
bool acquisition_is_for(const Acquisition *acquisition, uid_t uid) {
        for (size_t i = 0; i < acquisition->n_owners; ++i)
                if (acquisition->owners[i] == uid)
                        return true;
        return acquisition->n_owners == 0;
}

/* acquisition_check_creation() - may a new segment, which is the caller's, be what is meant?
 * Return: 0 or CTL_USAGE. */
int acquisition_check_creation(const Ctl *ctl, const Acquisition *acquisition) {
        if (acquisition_is_for(acquisition, geteuid()))
                return 0;
        return ctl_usage(ctl, "--owner: a new segment would be yours; use --owner with yourself, "
                              "or with a segment that exists");
}

/* What is a number of bytes. */
static int take_size(const Ctl *ctl, Acquisition *acquisition, int key, const char *value) {
        const char *what = key == 's'              ? "--size"
                           : key == OPTION_MAXIMUM ? "--maximum"
                                                   : "--page-size";
        uint64_t size = 0;
        int r;

        r = value_size(ctl, what, value, &size);
        if (r)
                return r;
        switch (key) {
        case 's':
                acquisition->has_size = true;
                acquisition->size = size;
                shmbroker_options_set_size(acquisition->options, size);
                return 0;
        case OPTION_MAXIMUM:
                acquisition->has_maximum = true;
                shmbroker_options_set_maximum(acquisition->options, size);
                return 0;
        default:
                shmbroker_options_set_page_size(acquisition->options, size);
                return 0;
        }
}

/* When it is opened, created, and destroyed. */
static int take_life(const Ctl *ctl, Acquisition *acquisition, int key, const char *value) {
        uint64_t usec = 0;
        int r;

        switch (key) {
        case OPTION_LINGER:
                r = value_time(ctl, "--linger", value, &usec);
                shmbroker_options_set_linger(acquisition->options, usec);
                return r;
        case OPTION_REMOVE_ON_LAST_DETACH:
                acquisition->remove_on_last_detach = true;
                shmbroker_options_set_remove_on_last_detach(acquisition->options, true);
                return 0;
        case OPTION_WAIT:
                r = value_time(ctl, "--wait", value, &usec);
                shmbroker_options_set_wait(acquisition->options, usec);
                return r;
        case OPTION_CREATE:
                acquisition->create = SHMBROKER_CREATE_ANY;
                break;
        case OPTION_NEW:
                acquisition->create = SHMBROKER_CREATE_NEW;
                break;
        case OPTION_OPEN:
                acquisition->create = SHMBROKER_CREATE_OPEN;
                break;
        default:
                return CTL_USAGE;
        }
        acquisition->has_create = true;
        shmbroker_options_set_create(acquisition->options, acquisition->create);
        return 0;
}

/**
 * acquisition_option() - take one of ACQUIRE_OPTIONS, OWNER_OPTION, WAIT_OPTION, --create, --new,
 * --open
 * @ctl:        the command line
 * @acquisition: takes it
 * @key:        which it is
 * @value:      its value
 *
 * Return: 0 or CTL_USAGE.
 */
int acquisition_option(const Ctl *ctl, Acquisition *acquisition, int key, const char *value) {
        struct shmbroker_options *options = acquisition->options;
        uint32_t number = 0;
        mode_t mode = 0;
        int kind = 0, r = 0;

        switch (key) {
        case CTL_OPTIONS_WRONG:
                return CTL_USAGE;
        case 's':
        case OPTION_MAXIMUM:
        case OPTION_PAGE_SIZE:
                return take_size(ctl, acquisition, key, value);
        case 'm':
                r = value_mode(ctl, "--mode", value, &mode);
                shmbroker_options_set_mode(options, mode);
                return r;
        case OPTION_KIND:
                r = value_kind(ctl, "--kind", value, &kind);
                shmbroker_options_set_kind(options, kind);
                return r;
        case OPTION_KEY:
                r = value_key(ctl, "--key", value, &number);
                shmbroker_options_set_key(options, number);
                return r;
        case OPTION_OWNER:
                return take_owner(ctl, acquisition, value);
        case OPTION_POSIX_NAME:
                return set_posix_name(ctl, acquisition, value);
        case OPTION_SEALABLE:
                shmbroker_options_set_sealable(options, true);
                return 0;
        default:
                return take_life(ctl, acquisition, key, value);
        }
}

/* acquire_selected() - acquire the segment that is meant. Return: what the library returns. */
int acquire_selected(const Ctl *ctl, const Selector *selector,
                     const struct shmbroker_options *options, struct shmbroker_segment **ret) {
        return selector->name ? shmbroker_acquire(ctl->connection, selector->name, options, ret)
                              : shmbroker_acquire_id(ctl->connection, selector->id, options, ret);
}

/* acquire() - the same, and say why it failed. Return: 0 or an exit code. */
int acquire(const Ctl *ctl, const Selector *selector, const Acquisition *acquisition,
            struct shmbroker_segment **ret) {
        return acquire_selected(ctl, selector, acquisition->options, ret) ? ctl_failed(ctl) : 0;
}

/**
 * acquire_to_read() - attach a segment to read it
 * @ctl:        its connection is used
 * @selector:   the segment
 * @acquisition: how
 * @ret_segment: the segment, which has to stay as long as the stream
 * @ret:        what is in it
 *
 * Return: 0 or an exit code.
 */
int acquire_to_read(const Ctl *ctl, const Selector *selector, const Acquisition *acquisition,
                    struct shmbroker_segment **ret_segment, Stream *ret) {
        int r;

        shmbroker_options_set_access(acquisition->options, SHMBROKER_ACCESS_READ_ONLY);
        r = acquire(ctl, selector, acquisition, ret_segment);
        if (r)
                return r;
        stream_of_segment(*ret_segment, selector, ret);
        return 0;
}
