/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_FAKE_H
#define SHMBROKER_TESTS_SUPPORT_FAKE_H

/*
 * A broker that says what it is told to, in a process of its own: for what a real one has no reason
 * to say, or should not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "client/include/shmbroker.h"

typedef struct Answer Answer;
typedef struct Fake Fake;

/* What a fake does with one connection. */
struct Answer {
        /* Sent when a call has come, without a NUL at its end if it is cut */
        const char *text;
        bool cut;
        /* Its length, if there are NULs in it */
        size_t n_text;
        /* In place of it: several texts, the last one NULL, with a NUL after each */
        const char *const *texts;
        /* So many descriptors with the first byte: memory files of a page, or pipes */
        unsigned int n_fds;
        bool pipes;
        /* Sends the text without end, or nothing after it, until the client hangs up */
        bool forever;
        bool silent;
        /* Does not read, and is gone before it is asked */
        bool deaf;
        /* What has to be in the call; NULL where it does not matter */
        const char *expects;
};

struct Fake {
        char directory[64];
        char path[96];
        char address[108];
        unsigned int n_fds;
        pid_t pid;
        /* A byte for each deaf one that is gone */
        int gone_fd;
};

extern Fake fake;

/* Checked fixture: a directory, in which nothing may be left, and no descriptor either. */
void fake_begin(void);
void fake_end(void);

/* Begins to listen; each connection gets the next answer. */
void fake_start(const Answer *answers, size_t n_answers);
/* Asserts that each answer was asked for, and that there was no connection beyond. */
void fake_stop(void);
struct shmbroker *fake_connect(const Answer *answers, size_t n_answers);
/* Waits until the next one that is deaf has sent its answer and closed the connection. */
void fake_wait_gone(void);
/* Closes the connection, whose last call has to have come to @result, and stops. */
int fake_close(struct shmbroker *connection, int result);

#define PERMISSIONS                                                                                \
        "\"permissions\":{\"ownerUid\":0,\"ownerGid\":0,\"creatorUid\":0,\"creatorGid\":0,"        \
        "\"mode\":384}"
#define SEGMENT_REST                                                                               \
        "\"pageBytes\":4096," PERMISSIONS ",\"changeTimeUSec\":1,\"attachCount\":1,"               \
        "\"removed\":false,\"removeOnLastDetach\":false,\"locked\":false,\"seals\":[],"            \
        "\"adopted\":false}"
#define SEGMENT_OF(size) "{\"id\":1,\"kind\":\"memfd\",\"sizeBytes\":" size "," SEGMENT_REST
#define SEGMENT SEGMENT_OF("4096")
#define ACQUIRED(index, access, segment)                                                           \
        "{\"parameters\":{" index "\"attachmentId\":5,\"created\":false,\"access\":\"" access      \
        "\",\"segment\":" segment "}}"
#define INDEX_0 "\"fileDescriptorIndex\":0,"
#define GOOD ACQUIRED(INDEX_0, "readWrite", SEGMENT)

#endif
