/* SPDX-License-Identifier: MIT */
#include "client/ctl/verdict.h"

#include <errno.h>
#include <stdlib.h>

#include "client/ctl/holder.h"
#include "client/ctl/posix.h"
#include "client/ctl/sysv.h"

static bool is_unsettled(const Native *native) {
        return native->kind == NATIVE_POSIX && native->held == TRUTH_UNKNOWN;
}

/* Of those that the kernel does not answer for, some are seen in processes. */
static int look_for_holders(Natives *natives) {
        HeldFile *files;
        size_t n = 0;

        files = calloc(natives->n_items + 1, sizeof(*files));
        if (!files)
                return -ENOMEM;
        for (size_t i = 0; i < natives->n_items; ++i)
                if (is_unsettled(&natives->items[i]))
                        files[n++] = (HeldFile){ .device = natives->items[i].posix.device,
                                                 .inode = natives->items[i].posix.inode };
        holders_find(files, n);
        n = 0;
        for (size_t i = 0; i < natives->n_items; ++i)
                if (is_unsettled(&natives->items[i]) && files[n++].found)
                        natives->items[i].held = TRUTH_YES;
        free(files);
        return 0;
}

/* Of a POSIX object the kernel knows no process that made it. */
static Verdict verdict_unheld(const Native *native) {
        const NativeSysv *sysv = &native->sysv;

        if (native->kind == NATIVE_POSIX)
                return VERDICT_ORPHAN;
        if (sysv->creator_alive == TRUTH_YES || sysv->last_alive == TRUTH_YES)
                return VERDICT_IDLE;
        if (sysv->creator_alive == TRUTH_UNKNOWN || sysv->last_alive == TRUTH_UNKNOWN)
                return VERDICT_UNKNOWN;
        return VERDICT_ORPHAN;
}

static Verdict verdict_of(const Native *native) {
        switch (native->held) {
        case TRUTH_YES:
                return VERDICT_HELD;
        case TRUTH_NO:
                return verdict_unheld(native);
        default:
                return VERDICT_UNKNOWN;
        }
}

/* natives_judge() - find out who has them, and what they are then. Return: 0 or -ENOMEM. */
int natives_judge(Natives *natives) {
        int r;

        for (size_t i = 0; i < natives->n_items; ++i)
                if (natives->items[i].kind == NATIVE_SYSV)
                        sysv_examine(&natives->items[i]);
                else
                        posix_examine(&natives->items[i]);
        r = look_for_holders(natives);
        for (size_t i = 0; i < natives->n_items; ++i)
                natives->items[i].verdict = verdict_of(&natives->items[i]);
        return r;
}
