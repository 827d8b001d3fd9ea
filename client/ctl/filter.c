/* SPDX-License-Identifier: MIT */
#include "client/ctl/filter.h"

#include <errno.h>

#include "client/ctl/value.h"

static int set_owner(const Ctl *ctl, struct shmbroker_filter *filter, const char *text) {
        uid_t uid = 0;
        int r;

        r = value_user(ctl, "--owner", text, &uid);
        shmbroker_filter_set_owner(filter, uid);
        return r;
}

static int set_kind(const Ctl *ctl, struct shmbroker_filter *filter, const char *text) {
        int kind = 0, r;

        r = value_kind(ctl, "--kind", text, &kind);
        shmbroker_filter_set_kind(filter, kind);
        return r;
}

static int set_tenant(const Ctl *ctl, struct shmbroker_filter *filter, const char *text) {
        int r;

        r = shmbroker_filter_set_tenant(filter, text);
        if (r == -EINVAL || r == -ENAMETOOLONG)
                return ctl_usage(ctl, "--tenant: '%s' is not the name of a tenant", text);
        return r ? ctl_no_memory() : 0;
}

/* filter_option() - take one of FILTER_OPTIONS. Return: 0, an exit code, or FILTER_OTHER. */
int filter_option(const Ctl *ctl, struct shmbroker_filter *filter, int key, const char *value) {
        switch (key) {
        case 'u':
                return set_owner(ctl, filter, value);
        case OPTION_KIND:
                return set_kind(ctl, filter, value);
        case OPTION_TENANT:
                return set_tenant(ctl, filter, value);
        default:
                return FILTER_OTHER;
        }
}

/* filter_operand() - take the operand PATTERN, if there is one. Return: 0 or an exit code. */
int filter_operand(Ctl *ctl, struct shmbroker_filter *filter) {
        int r;

        if (ctl->argc == 0)
                return 0;
        --ctl->argc;
        r = shmbroker_filter_set_match(filter, *ctl->argv++);
        if (r == -ENAMETOOLONG)
                return ctl_usage(ctl, "the pattern is too long; 512 bytes are possible");
        return r ? ctl_no_memory() : 0;
}
