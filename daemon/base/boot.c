/* SPDX-License-Identifier: MIT */
#include "daemon/base/boot.h"

#include <stdio.h>

#include "proto/name.h"

/* boot_id() - 32 digits to the base of 16, which no other boot has; NULL if the kernel does not say
 */
const char *boot_id(void) {
        static char id[REGISTRY_ID_LENGTH + 1];
        size_t n = 0;
        FILE *file;
        int c;

        if (id[0])
                return id;
        file = fopen("/proc/sys/kernel/random/boot_id", "re");
        if (!file)
                return NULL;
        while (n < REGISTRY_ID_LENGTH && (c = fgetc(file)) != EOF)
                if (c != '-')
                        id[n++] = (char) c;
        (void) fclose(file);
        id[n] = '\0';
        if (!registry_id_valid(id))
                id[0] = '\0';
        return id[0] ? id : NULL;
}
