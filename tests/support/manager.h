/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_MANAGER_H
#define SHMBROKER_TESTS_SUPPORT_MANAGER_H

/* Keeps descriptors as systemd's PID 1 does, and starts processes that get them back. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MANAGER_FDS_MAX 1024

typedef enum ManagerTrust ManagerTrust;
typedef struct Manager Manager;
typedef struct ManagerMessage ManagerMessage;
typedef struct ManagerStored ManagerStored;

/* What becomes of messages behind the last barrier that was answered, if their sender is killed. */
enum ManagerTrust {
        /* They are heard */
        MANAGER_TRUST_ALL,
        /* The first half of those behind the last barrier that was sent is */
        MANAGER_TRUST_HALF,
        /* None of them is, for nobody knows any more whose they are */
        MANAGER_TRUST_NONE,
        _MANAGER_TRUST_N,
};

struct ManagerStored {
        char name[256];
        int fd;
};

struct ManagerMessage {
        char text[512];
        int fd;
};

struct Manager {
        char *directory;
        char *address;
        int fd;
        ManagerTrust trust;
        /* FileDescriptorStoreMax=, and what is told of it */
        size_t max;
        const char *told_max;
        /* Reads nothing while this is not 0; shared with the process */
        volatile int *hangs;
        /* Looking for leaks takes longer than all else */
        bool leaks_unasked;
        size_t n_refused;
        size_t n_removed;
        size_t n_stored;
        ManagerStored stored[MANAGER_FDS_MAX];
        size_t n_held;
        ManagerMessage held[MANAGER_FDS_MAX];
};

void manager_begin(Manager *manager, size_t max);
void manager_end(Manager *manager);
/* Lets go of everything. */
void manager_forget(Manager *manager);

/*
 * Runs @child in a process that has what is stored, and does a manager's work until that has ended;
 * its status, as waitpid(2) tells. A child that returns has status 0, and has left no memory
 * behind.
 */
int manager_run(Manager *manager, void (*child)(void *userdata), void *userdata);

ManagerStored *manager_find(Manager *manager, const char *part_of_name);
void manager_remove(Manager *manager, const char *name);
void manager_add(Manager *manager, const char *name, int fd);

#endif
