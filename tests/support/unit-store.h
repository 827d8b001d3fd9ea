/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_UNIT_STORE_H
#define SHMBROKER_TESTS_SUPPORT_UNIT_STORE_H

/*
 * A store in a process that may be killed, or have calls fail: what it was promised is in memory
 * that the process shares with the test, and is compared with what the next process gets back.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/state/store.h"
#include "tests/support/manager.h"

#define BOOK_IDS_MAX 20000

typedef struct Book Book;
typedef struct BookItem BookItem;
typedef struct Plan Plan;

/* Calls of the kernel, for Plan. */
enum {
        CALL_SENDMSG = 1 << 0,
        CALL_RECVMSG = 1 << 1,
        CALL_RECV = 1 << 2,
        CALL_CLOSE = 1 << 3,
        CALL_SOCKETPAIR = 1 << 4,
        CALL_PIPE2 = 1 << 5,
        CALL_SOCKET = 1 << 6,
        CALL_CONNECT = 1 << 7,
        CALL_SETSOCKOPT = 1 << 8,
        CALL_EPOLL_CTL = 1 << 9,
        CALL_ALL = (1 << 10) - 1,
};

/* What happens at the so-manieth call of those, from 1 on; never if that is 0. */
struct Plan {
        unsigned int calls;
        unsigned int at;
        /* So many calls in a row, if they fail and the process is not killed */
        unsigned int n;
        int error;
};

struct BookItem {
        ino_t inode;
        bool stored;
        bool dropped;
        bool wrong;
        unsigned int n_seen;
};

struct Book {
        BookItem items[BOOK_IDS_MAX];
        int64_t next_id;
        /* The last plan was carried out */
        bool struck;
        /* All of a visit is done */
        bool visited;
        volatile int flag;
        /* Descriptors in a pair, if not as many as usual */
        size_t pair_max;
        /* Descriptors that are passed, and are none of the store's */
        size_t n_others;
        uint64_t usec;
        uint64_t seed;
};

/* Shared with all processes that are made later. */
extern Book *book;
extern Plan plan;

void book_begin(void);
void book_end(void);
void book_clear(void);
/* All that has to be there was seen once, and nothing twice. */
void book_check(void);

/* A condition in a process of its own, which ends if it does not hold. */
#define REQUIRE(condition)                                                                         \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        child_fail(__FILE__, __LINE__, #condition);                                \
        } while (0)

void child_fail(const char *file, int line, const char *condition) __attribute__((__noreturn__));

/* In the process: what is stored comes back, and is written into the book. False if the plan made
 * that fail. */
bool child_open(Store *store);
int child_visit(int64_t id, int fd, void *userdata);
/* Lets go of the store, and sees that no descriptor is left. */
void child_close(Store *store);
/* Adds one that nobody else has; returns what store_add() does. */
int child_add(Store *store);
int child_try(Store *store, int64_t id);
void child_drop(Store *store, int64_t id, bool now);
/* Does what is due until nothing is. */
void child_settle(Store *store);
/* Gets all back, and does no more. */
void child_look(void *userdata);

/* In the test: the systemd of all stores. */
extern Manager manager;

/* Checked fixture. */
void store_setup(void);
void store_teardown(void);
/* Runs a process, which has to end well. */
void store_run(void (*child)(void *userdata), void *userdata);
/* One that gets all back, and does no more; and all is there. */
void store_look(void);
/* How many are to be there. */
size_t store_count_wanted(void);

#endif
