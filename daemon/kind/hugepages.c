/* SPDX-License-Identifier: MIT */
#include "daemon/kind/hugepages.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define HUGEPAGES "/sys/kernel/mm/hugepages"
#define KILOBYTE 1024U

/* hugepages_exist() - can there be pages of that size? Whether there are any is another question.
 */
bool hugepages_exist(uint64_t page_bytes) {
        char path[128];

        if (page_bytes % KILOBYTE != 0)
                return false;
        (void) snprintf(path, sizeof(path), HUGEPAGES "/hugepages-%" PRIu64 "kB",
                        page_bytes / KILOBYTE);
        return access(path, F_OK) == 0;
}

/* Pages of one size in the pool, by the name of its directory; 0 if that cannot be read. */
static uint64_t pool_bytes(const char *name) {
        uint64_t kilobytes, n_pages = 0;
        char path[512];
        FILE *file;

        if (sscanf(name, "hugepages-%" SCNu64 "kB", &kilobytes) != 1)
                return 0;
        (void) snprintf(path, sizeof(path), HUGEPAGES "/%s/nr_hugepages", name);
        file = fopen(path, "re");
        if (!file)
                return 0;
        if (fscanf(file, "%" SCNu64, &n_pages) != 1)
                n_pages = 0;
        (void) fclose(file);
        return n_pages * kilobytes * KILOBYTE;
}

/* hugepages_bytes() - how much memory there is in huge pages of all sizes, in use or not */
uint64_t hugepages_bytes(void) {
        DIR *directory = opendir(HUGEPAGES);
        const struct dirent *entry;
        uint64_t bytes = 0;

        if (!directory)
                return 0;
        while ((entry = readdir(directory)))
                bytes += pool_bytes(entry->d_name);
        (void) closedir(directory);
        return bytes;
}
