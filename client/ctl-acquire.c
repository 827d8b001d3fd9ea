/* Acquiring: its options, which several commands have, and the call. */

#include "client/ctl-value.h"

/* ctl_acquire_option() - take one of ACQUIRE_OPTIONS. Return: 0 or CTL_USAGE. */
int ctl_acquire_option(const Ctl *ctl, struct shmbroker_options *options, int key,
                       const char *value) {
        uint64_t number = 0;
        mode_t mode = 0;
        int kind = 0, code = 0;

        switch (key) {
        case 's':
                code = value_size(ctl, "--size", value, &number);
                shmbroker_options_set_size(options, number);
                break;
        case 'm':
                code = value_mode(ctl, "--mode", value, &mode);
                shmbroker_options_set_mode(options, mode);
                break;
        case OPTION_KIND:
                code = value_kind(ctl, "--kind", value, &kind);
                shmbroker_options_set_kind(options, kind);
                break;
        case OPTION_LINGER:
                code = value_time(ctl, "--linger", value, &number);
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
