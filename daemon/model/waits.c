/* SPDX-License-Identifier: MIT */
#include "daemon/model/waits.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/base/table.h"
#include "proto/error.h"

/* All who wait for the same name, first come first. */
struct WaitGroup {
        char name[NAME_LENGTH_MAX + 1];
        Wait *first;
        UT_hash_handle hh;
};

/**
 * waits_add() - begin to wait
 * @waits:      the table
 * @wait:       the waiter's own; it stays where it is until waits_remove()
 * @name:       a valid name
 *
 * Return: 0, or -ENOMEM.
 */
int waits_add(Waits *waits, Wait *wait, const char *name) {
        WaitGroup *group;

        HASH_FIND_STR(waits->by_name, name, group);
        if (!group) {
                group = calloc(1, sizeof(*group));
                if (!group)
                        return error_origin(-ENOMEM);
                (void) strncpy(group->name, name, sizeof(group->name) - 1);
                HASH_ADD_STR(waits->by_name, name, group);
                if (!TABLE_HOLDS(group, hh)) {
                        free(group);
                        return error_origin(-ENOMEM);
                }
        }
        wait->group = group;
        DL_APPEND(group->first, wait);
        return 0;
}

/* waits_remove() - wait no more; nothing happens if @wait does not */
void waits_remove(Waits *waits, Wait *wait) {
        WaitGroup *group = wait->group;

        if (!group)
                return;
        DL_DELETE(group->first, wait);
        wait->group = NULL;
        if (group->first)
                return;
        HASH_DELETE(hh, waits->by_name, group);
        free(group);
}

/* waits_tell() - a segment has got a name; who waits for it keeps waiting until waits_remove() */
void waits_tell(Waits *waits, const char *name) {
        WaitGroup *group;
        Wait *wait;

        HASH_FIND_STR(waits->by_name, name, group);
        if (!group)
                return;
        DL_FOREACH(group->first, wait)
                wait->appeared(wait);
}
