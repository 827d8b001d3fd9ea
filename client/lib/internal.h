/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_INTERNAL_H
#define SHMBROKER_CLIENT_LIB_INTERNAL_H

/*
 * What the files of libshmbroker share. A call is made in steps that never block: connect, send it,
 * take its answers. Who has an event loop takes them as descriptors and time allow; the blocking
 * functions are the same steps with waiting between them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/include/shmbroker.h"
#include "proto/fault.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "proto/method.h"
#include "proto/types.h"
#include "proto/util.h"

/* The longest call: every parameter of Acquire, or a pattern whose every byte is escaped. */
#define CALL_MAX 4096
#define PATTERN_MAX 512
#define POSIX_NAME_MAX 255

#define DEADLINE_NEVER UINT64_MAX

typedef struct MapOptions MapOptions;
typedef struct Request Request;
typedef struct Acquire Acquire;

struct shmbroker_error {
        /* Negative errno that was returned, 0 after success */
        int code;
        /* What the broker said, its text in text; FAULT_NONE if it did not, or not that we know */
        Fault fault;
        char name[128];
        char text[256];
        char message[768];
};

struct shmbroker {
        char *address;
        pid_t pid;
        uint64_t timeout_usec;
        /* Programs close descriptors they do not know, so the socket is known by its inode too */
        int fd;
        dev_t device;
        ino_t inode;
        Frames frames;
        FrameSpare spare;
        FdQueue fds;
        /* The other end took no more; what it sent before may still be read */
        bool refused;
        /* Between two tries to connect: how long, and until when */
        uint64_t pause;
        uint64_t retry_at;
        /* A descriptor came that could not be taken in */
        bool truncated;
        size_t n_out;
        size_t n_sent;
        char out[CALL_MAX];
        /* The call under way, or NULL */
        Request *request;
        /* What shmbroker_acquire_start() began, or NULL */
        Acquire *acquire;
        struct shmbroker_error error;
};

typedef enum RequestState RequestState;

enum RequestState {
        REQUEST_CONNECTING,
        REQUEST_SENDING,
        REQUEST_RECEIVING,
};

struct Request {
        Method method;
        const void *parameters;
        /* What it is about, for messages; both may be missing */
        const char *name;
        const int64_t *id;
        /* What it is about instead, if that is no segment yet */
        const char *outside;
        /* A name that it shall get, which others may have */
        const char *new_name;
        /* The parameter that is text which nobody has looked at yet, NULL if there is none */
        const char *free_text;
        /* A descriptor that goes with its first byte, NULL if there is none */
        const int *passed_fd;
        uint64_t deadline;
        /* It creates and destroys nothing that it would not the second time */
        bool repeatable;
        /*
         * Is given each answer. Return: 0, or a negative errno, which ends the connection too, for
         * the answer was not what it has to be.
         */
        int (*answer)(struct shmbroker *connection, Request *request, const Reply *reply);
        /* The call begins anew: forget the answers so far. May be NULL. */
        void (*again)(Request *request);
        void *userdata;

        /* How far it is; all of it begins as zero */
        RequestState state;
        /* It was made again already */
        bool repeated;
        /* The detail of its failure is noted */
        bool noted;
        unsigned int n_late;
};

/* What a step came to. */
enum {
        CALL_WAIT,
        CALL_DONE,
        CALL_ANSWER,
};

/* How memory is mapped. */
struct MapOptions {
        bool no_map;
        bool populate;
        bool reserve;
        bool private_copy;
        bool locked;
        /* NULL is where the kernel likes */
        void *address;
        uint64_t offset;
        /* 0 is up to the end */
        uint64_t length;
};

struct shmbroker_options {
        AcquireParameters acquire;
        char *posix_name;
        /* Enums as they were given, checked at use */
        int create;
        int access;
        int kind;
        MapOptions map;
};

/* Text and strings stand behind it, in the same memory. */
struct shmbroker_info {
        SegmentInfo values;
        const char *json;
};

struct shmbroker_attachment {
        AttachmentInfo values;
        const char *json;
};

/* connection.c */
uint64_t deadline_after(uint64_t usec);
uint64_t deadline_left(uint64_t deadline);
bool deadline_passed(uint64_t deadline);
int connection_new(const char *address, struct shmbroker **ret);
int connection_connect(struct shmbroker *connection);
int connection_check(const struct shmbroker *connection);
void connection_drop(struct shmbroker *connection);
int connection_poll(int fd, short events, uint64_t until);
int connection_send(struct shmbroker *connection);
int connection_receive(struct shmbroker *connection, bool takes_fds);

/* call.c */
uint64_t request_deadline(const struct shmbroker *connection, uint64_t more_usec);
int call_begin(struct shmbroker *connection, Request *request);
int call_step(struct shmbroker *connection);
short call_events(const struct shmbroker *connection);
uint64_t call_until(const struct shmbroker *connection);
int call_wait(const struct shmbroker *connection, uint64_t until);
void call_abandon(struct shmbroker *connection);
int call_run(struct shmbroker *connection, Request *request);
int call_check_name(struct shmbroker *connection, const char *name);

/* detail.c */
void detail_clear(struct shmbroker *connection);
bool detail_is_refusal(const struct shmbroker *connection);
int detail_errno(struct shmbroker *connection, int r);
int detail_local(struct shmbroker *connection, const Request *request, int r, bool locked);
int detail_fault(struct shmbroker *connection, const Request *request, const Reply *reply);
int detail_map(struct shmbroker *connection, int code);
int detail_parameter(struct shmbroker *connection, const char *parameter, const char *why);

/* native.c */
bool native_namespace(int64_t *ret);

/* options.c */
int64_t number_clamp(uint64_t value);
int text_set(char **text, const char *value, size_t n_max);
int options_check(struct shmbroker *connection, const struct shmbroker_options *options);
void options_apply(const struct shmbroker_options *options, AcquireParameters *parameters);

/* info.c */
void *reply_keep(const Reply *reply, size_t n_head, const char *key, const char **ret_json,
                 Reply *ret_copy);
int info_check(const SegmentInfo *info);
int info_read(const Reply *reply, const Type *type, unsigned int row, void *values,
              struct shmbroker_info **ret);

/* status.c */
int user_read(const Reply *reply, struct shmbroker_user **ret);

/* remote.c */
int segment_call(struct shmbroker *connection, Request *request, const char *name, int64_t id);

/* Says in the parameters of a call which segment it is about. */
#define MEAN_SEGMENT(parameters, wanted_name, wanted_id)                                           \
        do {                                                                                       \
                if (wanted_name)                                                                   \
                        GIVE_VALUE((parameters), SEGMENT_NAME, name, (wanted_name));               \
                else                                                                               \
                        GIVE_VALUE((parameters), SEGMENT_ID, id, (wanted_id));                     \
        } while (false)

DEFINE_CLEANUP(struct shmbroker, shmbroker_close)

#endif
