/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SUPPORT_FIXTURE_H
#define SHMBROKER_TESTS_SUPPORT_FIXTURE_H

/*
 * A real shmbrokerd on a socket of its own, and a bare client that speaks to it. When a test is
 * over, its fixture asserts that nothing is left: no segment, attachment or connection in the
 * broker, no descriptor there or here, no file.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <check.h>

#include "proto/fault.h"
#include "proto/fdqueue.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "proto/types.h"

typedef struct Child Child;
typedef struct Setup Setup;
typedef struct Wire Wire;

/* How the broker is started; all of it may be left out. */
struct Setup {
        /* Text of its configuration file */
        const char *config;
        /* Kernel answers that are made to fail: see deny.c */
        const char *deny;
        /* Shared memory in which allocations are counted: see count.c; 0 for none */
        int counter_fd;
        /* RLIMIT_NOFILE; 0 for what this process has */
        unsigned int n_files;
        /* Capabilities that it does not have, as bits; what this process cannot take from it, it
         * has not got either */
        uint64_t no_capabilities;
        /* A user without privileges to be; 0 for who this process is */
        uid_t uid;
        /* It finds its directories mounted read-only as well, which takes root */
        bool read_only_mounts;
        /* Called in the broker's process before it is one; it ends that if it fails */
        void (*prepare)(void);
};

/* One connection. */
struct Wire {
        int fd;
        Frames frames;
        FrameSpare spare;
        FdQueue fds;
};

/* A child that does one step each time it is told to. */
struct Child {
        pid_t pid;
        int control_fd;
};

void fixture_up(const Setup *setup);
void fixture_down(void);
/* For programs that are given a broker: where it is. */
void fixture_use(const char *address);
/* Ends the broker by a signal, SIGTERM or SIGKILL, and starts it again on the same directory. */
void fixture_restart(int signal_number, const Setup *setup);
/* Writes the configuration file. */
void fixture_configure(const char *text);
/* Sends SIGHUP, and waits until it has been heard. */
void fixture_hang_up(void);
pid_t fixture_daemon(void);
const char *fixture_address(void);
const char *fixture_directory(void);
/* Starts another broker with these arguments and waits until it ends; returns its exit status. */
int fixture_run_daemon(const char *const *arguments);

void wire_open(Wire *wire);
/* Connections that this process opens from now on are the administrator's, or anybody's. */
void wire_as_administrator(bool is_one);
bool wire_try_open(Wire *wire);
/* By the socket of a tenant, where that is if nobody says otherwise. */
void wire_open_tenant(Wire *wire, const char *tenant);
void wire_close(Wire *wire);
void wire_send(Wire *wire, const char *text, size_t n_text);
/* Waits for one reply; false if the connection is closed instead. The text is the wire's. */
bool wire_receive(Wire *wire, Reply *ret);
/* Calls, and reads the answer; if it is an error, *fault says which. */
FaultCode wire_call(Wire *wire, Method method, const void *parameters, void *reply, Fault *fault);

/* Asserts that it works, and returns the descriptor. */
int wire_acquire(Wire *wire, const AcquireParameters *parameters, AcquireReply *reply);
int wire_create(Wire *wire, const char *name, int64_t size_bytes);
int wire_create_transient(Wire *wire, const char *name, int64_t size_bytes);
int wire_open_segment(Wire *wire, const char *name, Access access);
/* The descriptor, if there is one, is closed again. */
FaultCode wire_try_acquire(Wire *wire, const AcquireParameters *parameters, Fault *fault);
FaultCode wire_stat(Wire *wire, const char *name, SegmentInfo *ret);
FaultCode wire_stat_id(Wire *wire, int64_t id, SegmentInfo *ret);
FaultCode wire_set_attributes(Wire *wire, const SetAttributesParameters *parameters,
                              SegmentInfo *ret, Fault *fault);
FaultCode wire_remove(Wire *wire, const char *name, RemoveReply *ret);
void wire_status(Wire *wire, StatusReply *ret);
int64_t wire_attach_count(Wire *wire, const char *name);

/* Forks; the child runs @function, which ends it by returning. */
Child child_start(void (*function)(int control_fd, void *userdata), void *userdata);
/* In the child: tell that a step is done, and wait until the next one is wanted. */
void child_step(int control_fd);
/* In the parent: wait until the child has done its step, then let it go on. */
void child_wait(Child *child);
void child_continue(Child *child);
void child_kill(Child *child);
void child_end(Child *child);

unsigned int count_fds(pid_t pid);
char *path_in_build(const char *name);

#endif
