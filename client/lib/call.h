/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_CALL_H
#define SHMBROKER_CLIENT_LIB_CALL_H

/*
 * One call: the message, what came of it, and how it ended. How it gets to the broker and its
 * replies back is pipeline.h's matter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/lib/error.h"
#include "client/lib/request.h"
#include "proto/message.h"
#include "proto/util.h"

typedef enum CallBrings CallBrings;
typedef struct CallList CallList;
typedef struct CallType CallType;

/* What a call has for who made it. */
enum CallBrings {
        CALL_BRINGS_NOTHING,
        CALL_BRINGS_SEGMENT,
        CALL_BRINGS_INFO,
        CALL_BRINGS_LIST,
        CALL_BRINGS_ATTACHMENTS,
        CALL_BRINGS_USERS,
        CALL_BRINGS_TENANTS,
        CALL_BRINGS_STATUS,
};

/* settle() may send a second message, and nothing is over. */
enum {
        CALL_GOES_ON = 1,
};

struct CallType {
        CallBrings brings;
        /*
         * Is given each answer. Return: 0, or a negative errno, which ends the connection too, for
         * the answer was not what it has to be.
         */
        int (*answer)(struct shmbroker_call *call, const Reply *reply);
        /* The call is made anew: forget the answers so far. May be NULL. */
        void (*again)(struct shmbroker_call *call);
        /* It came to this, 0 or a negative errno. Return: that, or what becomes of it, or
         * CALL_GOES_ON. May be NULL. */
        int (*settle)(struct shmbroker_call *call, int r);
        /* Gives away what it brought; NULL where that is the object. */
        void *(*take)(struct shmbroker_call *call);
        /* What came so far can be taken before the rest is there */
        bool partial;
        void (*free_object)(void *object);
};

struct CallList {
        struct shmbroker_call *first;
        struct shmbroker_call *last;
};

struct shmbroker_call {
        /* In the list of those under way, or of those that are done */
        struct shmbroker_call *previous;
        struct shmbroker_call *next;
        const CallType *type;
        /* Who made it, NULL when that is closed; and who carries it, which is another one if it
         * may wait, NULL when it is done */
        struct shmbroker *owner;
        struct shmbroker *connection;
        Request request;
        int64_t id;
        char *message;
        size_t n_space;
        size_t n_message;
        size_t n_sent;
        /* Goes with the first byte; negative if there is none */
        int passed_fd;
        uint64_t deadline;
        /* It was made again already */
        bool repeated;
        /* Nobody wants to know any more */
        bool abandoned;
        /* It is over, and this is what it came to: 0 or a negative errno */
        bool done;
        /* The program was told of it */
        bool told;
        bool taken;
        int result;
        void *object;
        int64_t replaced_id;
        void *userdata;
        struct shmbroker_error error;
};

void call_list_append(CallList *list, struct shmbroker_call *call);
void call_list_remove(CallList *list, struct shmbroker_call *call);

int call_check_name(struct shmbroker_error *error, const char *name);
int call_new(struct shmbroker_error *error, const CallType *type, const Request *request,
             struct shmbroker_call **ret);
void call_rewrite(struct shmbroker_call *call, Method method, const void *parameters);
struct shmbroker_call *call_delete(struct shmbroker_call *call);
bool call_takes_fd(const struct shmbroker_call *call);
int call_take(struct shmbroker_call *call, CallBrings brings, void *ret);

DEFINE_CLEANUP(struct shmbroker_call, call_delete)

#endif
