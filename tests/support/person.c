/* SPDX-License-Identifier: MIT */
#include "tests/support/person.h"

#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/support/unit.h"

#define PATIENCE_MSEC 20000

typedef struct Order Order;
typedef struct Outcome Outcome;

/* An order without an act is the last one. */
struct Order {
        int (*act)(Wire *wire, void *data);
        char data[ACT_DATA_MAX];
};

struct Outcome {
        int result;
        char data[ACT_DATA_MAX];
};

bool person_possible(void) {
        if (geteuid() == 0)
                return true;
        puts("skip: only root can become another user");
        return false;
}

void person_become(const Person *person) {
        if (setgroups(person->has_group ? 1 : 0, &person->group) < 0 ||
            setresgid(person->gid, person->gid, person->gid) < 0 ||
            setresuid(person->uid, person->uid, person->uid) < 0)
                _exit(1);
        /* Who has changed its user is nobody's to look at, not even its own (prctl(2)); one who has
         * executed a program since is like this. */
        (void) prctl(PR_SET_DUMPABLE, 1);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void act(const Person *person, int fd) {
        Outcome outcome;
        Order order;
        Wire wire;

        person_become(person);
        wire_as_administrator(person->administrator);
        wire_open(&wire);
        while (read(fd, &order, sizeof(order)) == (ssize_t) sizeof(order) && order.act) {
                outcome.result = order.act(&wire, order.data);
                memcpy(outcome.data, order.data, sizeof(outcome.data));
                if (write(fd, &outcome, sizeof(outcome)) != (ssize_t) sizeof(outcome))
                        break;
        }
        wire_close(&wire);
        _exit(0);
}

static int be_there(Wire *wire, void *data) {
        (void) wire;
        (void) data;
        return 0;
}

Actor actor_start(const Person *person) {
        Actor actor;
        int pair[2];
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                close(pair[0]);
                unit_assert_silently();
                act(person, pair[1]);
        }
        close(pair[1]);
        actor = (Actor){ .person = person, .pid = pid, .fd = pair[0] };
        /* Whoever is started is connected, too. */
        ck_assert_int_eq(actor_do(&actor, be_there, NULL, 0), 0);
        return actor;
}

int actor_do(Actor *actor, int (*function)(Wire *wire, void *data), void *data, size_t n_data) {
        struct pollfd poller = { .fd = actor->fd, .events = POLLIN };
        Order order = { .act = function };
        Outcome outcome;

        ck_assert_uint_le(n_data, sizeof(order.data));
        if (n_data > 0)
                memcpy(order.data, data, n_data);
        ck_assert_int_eq(write(actor->fd, &order, sizeof(order)), (ssize_t) sizeof(order));
        ck_assert_msg(poll(&poller, 1, PATIENCE_MSEC) == 1, "%s does not get on",
                      actor->person->name);
        ck_assert_msg(read(actor->fd, &outcome, sizeof(outcome)) == (ssize_t) sizeof(outcome),
                      "%s is gone", actor->person->name);
        if (n_data > 0)
                memcpy(data, outcome.data, n_data);
        return outcome.result;
}

void actor_end(Actor *actor) {
        Order last = { .act = NULL };
        int status;

        ck_assert_int_eq(write(actor->fd, &last, sizeof(last)), (ssize_t) sizeof(last));
        ck_assert_int_eq(waitpid(actor->pid, &status, 0), actor->pid);
        ck_assert_msg(status == 0, "%s ended with status %#x", actor->person->name, status);
        actor->fd = fd_close(actor->fd);
}
