/* SPDX-License-Identifier: MIT */
#include "client/ctl/managed.h"

#include <errno.h>
#include <string.h>

#include "client/ctl/common.h"

/*
 * A broker that was asked for has to be there. The one that would be asked otherwise need not: what
 * a broker manages it also has, and so the kernel tells.
 */
static int connect_if_there(Ctl *ctl, bool *ret) {
        int r;

        if (ctl->address) {
                *ret = true;
                return ctl_connect(ctl);
        }
        r = ctl_try_connect(ctl);
        *ret = r == 0;
        return r == 0 || r == -ENOENT || r == -ECONNREFUSED || r == -EACCES ? 0 : ctl_connect(ctl);
}

/* managed_get() - ask what there is; removed segments are still somebody's. Return: 0 or an exit
 * code, and the user was told. */
int managed_get(Ctl *ctl, Managed *ret) {
        _cleanup_(shmbroker_filter_freep) struct shmbroker_filter *filter = NULL;
        bool is_there;
        int r;

        r = connect_if_there(ctl, &is_there);
        if (r || !is_there)
                return r;
        if (shmbroker_filter_new(&filter))
                return ctl_no_memory();
        shmbroker_filter_set_include_removed(filter, true);
        return shmbroker_list_segments(ctl->connection, filter, &ret->segments) ? ctl_failed(ctl)
                                                                                : 0;
}

void managed_deinit(Managed *managed) {
        managed->segments = shmbroker_list_free(managed->segments);
}

static bool is_same(const struct shmbroker_info *info, const Native *native) {
        const char *name = shmbroker_info_posix_name(info);
        int shmid;

        if (native->kind == NATIVE_SYSV)
                return shmbroker_info_shmid(info, &shmid) == 0 && shmid == native->sysv.shmid;
        /* The broker's begins with a slash. */
        return name && strcmp(name, native->name + strlen("posix")) == 0;
}

bool managed_has(const Managed *managed, const Native *native) {
        if (!managed->segments)
                return false;
        for (size_t i = 0; i < shmbroker_list_count(managed->segments); ++i)
                if (is_same(shmbroker_list_get(managed->segments, i), native))
                        return true;
        return false;
}
