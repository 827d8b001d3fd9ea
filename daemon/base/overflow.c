/* SPDX-License-Identifier: MIT */
#include "daemon/base/overflow.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

/* Where the kernel does not say. */
#define OVERFLOW_ID 65534

/* Every id but the last, which is none, is mapped to itself in the initial namespace. */
static bool map_has_all(const char *path) {
        FILE *file = fopen(path, "re");
        uint64_t inside, outside, n, sum = 0;

        if (!file)
                return true;
        while (fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &n) == 3)
                sum += n;
        (void) fclose(file);
        return sum >= UINT32_MAX;
}

static unsigned int read_id(const char *path) {
        FILE *file = fopen(path, "re");
        unsigned int id = OVERFLOW_ID;

        if (!file)
                return id;
        if (fscanf(file, "%u", &id) != 1)
                id = OVERFLOW_ID;
        (void) fclose(file);
        return id;
}

/* overflow_find() - what ids that are not mapped look like in our user namespace, if there are any
 */
Overflow overflow_find(void) {
        return (Overflow){
                .has_uid = !map_has_all("/proc/self/uid_map"),
                .has_gid = !map_has_all("/proc/self/gid_map"),
                .uid = read_id("/proc/sys/kernel/overflowuid"),
                .gid = read_id("/proc/sys/kernel/overflowgid"),
        };
}
