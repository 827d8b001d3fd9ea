/* SPDX-License-Identifier: MIT */
#include "client/ctl/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "client/ctl/util.h"

typedef struct Files Files;

struct Files {
        HeldFile *items;
        size_t n_items;
};

static void directory_close(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

static void file_close(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static void holder_found(const Files *files, dev_t device, ino_t inode) {
        for (size_t i = 0; i < files->n_items; ++i)
                if (files->items[i].device == device && files->items[i].inode == inode)
                        files->items[i].found = true;
}

/* Lines such as "7f00-7f10 rw-s 00000000 00:1a 7 /dev/shm/a" */
static void look_at_mappings(const Files *files, const char *process) {
        _cleanup_(file_close) FILE *file = NULL;
        _cleanup_(freep) char *line = NULL;
        unsigned int major, minor;
        char path[64];
        uintmax_t inode;
        size_t n = 0;

        (void) snprintf(path, sizeof(path), "/proc/%.20s/maps", process);
        file = fopen(path, "re");
        while (file && getline(&line, &n, file) > 0)
                if (sscanf(line, "%*s %*s %*s %x:%x %ju", &major, &minor, &inode) == 3)
                        holder_found(files, makedev(major, minor), (ino_t) inode);
}

static void look_at_descriptors(const Files *files, const char *process) {
        _cleanup_(directory_close) DIR *directory = NULL;
        const struct dirent *entry;
        struct stat state;
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
        directory = opendir(path);
        while (directory && (entry = readdir(directory)))
                if (fstatat(dirfd(directory), entry->d_name, &state, 0) == 0)
                        holder_found(files, state.st_dev, state.st_ino);
}

/**
 * holders_find() - look for files in the processes that the caller may look into
 * @files:      the files, of which those that are found are marked
 * @n_files:    how many
 */
void holders_find(HeldFile *files, size_t n_files) {
        _cleanup_(directory_close) DIR *directory = n_files > 0 ? opendir("/proc") : NULL;
        Files all = { files, n_files };
        const struct dirent *entry;

        while (directory && (entry = readdir(directory))) {
                if (!isdigit((unsigned char) entry->d_name[0]))
                        continue;
                look_at_mappings(&all, entry->d_name);
                look_at_descriptors(&all, entry->d_name);
        }
}
