/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_KIND_HUGEPAGES_H
#define SHMBROKER_DAEMON_KIND_HUGEPAGES_H

/* Which huge pages this host has (hugetlbfs; /sys/kernel/mm/hugepages). */

#include <stdbool.h>
#include <stdint.h>

bool hugepages_exist(uint64_t page_bytes);
uint64_t hugepages_bytes(void);

#endif
