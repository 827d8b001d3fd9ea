/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_HOLDER_H
#define SHMBROKER_CLIENT_CTL_HOLDER_H

/*
 * Who has files open or mapped, as far as the caller may look into processes: what is found is
 * held, what is not found may be held all the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct HeldFile HeldFile;

struct HeldFile {
        dev_t device;
        ino_t inode;
        bool found;
};

void holders_find(HeldFile *files, size_t n_files);

#endif
