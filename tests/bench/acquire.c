/* SPDX-License-Identifier: MIT */
/*
 * acquire BUILD_DIR [ROUNDS] - what an Acquire costs beside what it could cost at least, all of it
 * measured in turns in one run, on one processor, because the machine is not as fast in one minute
 * as in the next. What counts is the ratio.
 *
 *   floor        a server that looks at nothing: for each request of 119 bytes it opens one memory
 *                file anew, read-only, and sends it with a reply of 206 bytes
 *   floor, equal the same with messages as long as the broker's
 *   floor, map   the same as the floor, and the client maps and touches what it got
 *   bare         a client that sends shmbrokerd a fixed request and takes the descriptor
 *   watched      the same, while WATCHERS others watch, and read what they are told
 *   direct       shm_open(), mmap(), touch, munmap(), close(), by the program itself
 *   library      shmbroker_acquire(), touch, shmbroker_release()
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "client/include/shmbroker.h"
#include "proto/socket.h"
#include "proto/util.h"

#define SEGMENT_BYTES 1048576
#define OPERATIONS 4000
#define WATCHERS 200
#define WATCH "{\"method\":\"org.shmbroker.Broker.Watch\",\"more\":true}"
#define POSIX_NAME "/shmbroker-bench"
#define REQUEST                                                                                    \
        "{\"method\":\"org.shmbroker.Broker.Acquire\",\"parameters\":{\"name\":\"bench/frame\","   \
        "\"access\":\"readOnly\"}}"

typedef struct Broker Broker;
typedef struct Case Case;

/* One shmbrokerd, and a connection for each way to use it. */
struct Broker {
        char address[128];
        int fd;
        struct shmbroker *connection;
};

struct Case {
        const char *name;
        void (*operate)(const Case *c);
        /* Of a floor */
        size_t n_request;
        size_t n_reply;
        bool map;
        int fd;
        double p50[64];
};

static char directory[] = "/tmp/shmbroker-bench.XXXXXX";
static Broker broker, watched;
static pid_t processes[6];
static size_t n_processes;
static size_t n_broker_reply;

static void check(bool good, const char *what) {
        if (good)
                return;
        fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
        exit(1);
}

static void clean_up(void) {
        char path[256];

        for (size_t i = 0; i < n_processes; ++i) {
                (void) kill(processes[i], SIGTERM);
                (void) waitpid(processes[i], NULL, 0);
        }
        (void) shm_unlink(POSIX_NAME);
        static const char *const files[] = { "1/lock",  "1/state",    "1/mark-key", "1", "2/lock",
                                             "2/state", "2/mark-key", "2",          "." };
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i) {
                (void) snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
                (void) remove(path);
        }
        (void) rmdir(directory);
}

static uint64_t now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}

static void pin(void) {
        cpu_set_t one;

        CPU_ZERO(&one);
        CPU_SET(0, &one);
        check(sched_setaffinity(0, sizeof(one), &one) == 0, "pin to a processor");
}

/* The floor: its messages are not looked at, only counted. */
static struct {
        int memory_fd;
        size_t n_request;
        size_t n_reply;
        size_t n_received;
} server;

static void serve(evutil_socket_t fd, short what, void *userdata) {
        static char space[65536], reply[65536];
        size_t n = 0;
        char path[64];
        int opened;

        (void) what;
        if (socket_receive((int) fd, space, sizeof(space), NULL, &n))
                (void) event_base_loopbreak(userdata);
        for (server.n_received += n; server.n_received >= server.n_request;
             server.n_received -= server.n_request) {
                (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", server.memory_fd);
                opened = open(path, O_RDONLY | O_CLOEXEC);
                check(socket_send((int) fd, reply, server.n_reply, opened, &n) == 0, "send");
                close(opened);
        }
}

static void run_floor(int fd, const Case *c) {
        struct event_base *base = event_base_new();
        struct event *event;

        server.memory_fd = memfd_create("floor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        server.n_request = c->n_request;
        server.n_reply = c->n_reply;
        check(server.memory_fd >= 0 && ftruncate(server.memory_fd, SEGMENT_BYTES) == 0,
              "memfd_create");
        check(fcntl(server.memory_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0, "seal");
        event = event_new(base, fd, EV_READ | EV_PERSIST, serve, base);
        (void) event_add(event, NULL);
        (void) event_base_dispatch(base);
}

static pid_t start(void) {
        pid_t pid = fork();

        check(pid >= 0, "fork");
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                n_processes = 0;
                pin();
        } else {
                processes[n_processes++] = pid;
        }
        return pid;
}

static void start_floor(Case *c) {
        int pair[2];

        check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        if (start() == 0) {
                close(pair[0]);
                run_floor(pair[1], c);
                _exit(0);
        }
        close(pair[1]);
        c->fd = pair[0];
}

static void start_broker(Broker *b, const char *build, int number) {
        char program[4096], state[256];
        struct shmbroker_options *options;
        struct shmbroker_segment *segment;
        int r = -1;

        check(shmbroker_options_new(&options) == 0, "shmbroker_options_new");
        (void) snprintf(program, sizeof(program), "%s/daemon/shmbrokerd", build);
        (void) snprintf(b->address, sizeof(b->address), "unix:%s/socket-%d", directory, number);
        (void) snprintf(state, sizeof(state), "%s/%d", directory, number);
        if (start() == 0) {
                (void) execl(program, "shmbrokerd", "--address", b->address, "--state-directory",
                             state, "--config", "/dev/null", NULL);
                _exit(1);
        }
        for (int i = 0; i < 400 && r < 0; ++i) {
                r = shmbroker_connect(b->address, &b->connection);
                (void) usleep(5000);
        }
        errno = -r;
        check(r == 0, "shmbroker_connect");
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        shmbroker_options_set_size(options, SEGMENT_BYTES);
        errno = -(r = shmbroker_acquire(b->connection, "bench/frame", options, &segment));
        check(r == 0, "shmbroker_acquire");
        shmbroker_release(segment);
        shmbroker_options_free(options);
        b->fd = socket_connect(b->address + strlen("unix:"));
        check(b->fd >= 0 && fcntl(b->fd, F_SETFL, 0) == 0, "connect");
}

/* A process that reads what many watches are told, on whatever other processors there are. */
static void start_watchers(const Broker *b) {
        static struct pollfd pollers[WATCHERS];
        static char space[65536];
        cpu_set_t all;
        size_t n;

        if (start() > 0)
                return;
        memset(&all, 0xff, sizeof(all));
        (void) sched_setaffinity(0, sizeof(all), &all);
        for (int i = 0; i < WATCHERS; ++i) {
                pollers[i].fd = socket_connect(b->address + strlen("unix:"));
                pollers[i].events = POLLIN;
                check(pollers[i].fd >= 0, "connect");
                check(socket_send(pollers[i].fd, WATCH, sizeof(WATCH), -1, &n) == 0, "send");
        }
        while (poll(pollers, WATCHERS, -1) > 0)
                for (int i = 0; i < WATCHERS; ++i)
                        if (pollers[i].revents)
                                (void) socket_receive(pollers[i].fd, space, sizeof(space), NULL,
                                                      &n);
        _exit(0);
}

static void map_and_touch(int fd, int protection) {
        volatile char *at = mmap(NULL, SEGMENT_BYTES, protection, MAP_SHARED, fd, 0);

        check(at != MAP_FAILED, "mmap");
        if (protection & PROT_WRITE)
                *at = 1;
        else
                (void) *at;
        (void) munmap((void *) (uintptr_t) at, SEGMENT_BYTES);
}

/* One request, one reply that comes whole, one descriptor: as bare as a client can be. */
static size_t exchange(int fd, const char *request, size_t n_request, bool map) {
        static char space[65536];
        union {
                char bytes[CMSG_SPACE(sizeof(int))];
                struct cmsghdr align;
        } control;
        struct iovec part = { .iov_base = space, .iov_len = sizeof(space) };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof(control) };
        ssize_t n;
        int taken;

        check(send(fd, request, n_request, MSG_NOSIGNAL) == (ssize_t) n_request, "send");
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        check(n > 0 && CMSG_FIRSTHDR(&message) != NULL, "receive");
        memcpy(&taken, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(taken));
        if (map)
                map_and_touch(taken, PROT_READ);
        close(taken);
        return (size_t) n;
}

static void operate_floor(const Case *c) {
        static char request[65536];

        (void) exchange(c->fd, request, c->n_request, c->map);
}

static void operate_bare(const Case *c) {
        (void) c;
        n_broker_reply = exchange(broker.fd, REQUEST, sizeof(REQUEST), false);
}

static void operate_watched(const Case *c) {
        (void) c;
        (void) exchange(watched.fd, REQUEST, sizeof(REQUEST), false);
}

static void operate_direct(const Case *c) {
        int fd = shm_open(POSIX_NAME, O_RDWR | O_CLOEXEC, 0);

        (void) c;
        check(fd >= 0, "shm_open");
        map_and_touch(fd, PROT_READ | PROT_WRITE);
        close(fd);
}

static void operate_library(const Case *c) {
        struct shmbroker_segment *segment;

        (void) c;
        check(shmbroker_acquire(broker.connection, "bench/frame", NULL, &segment) == 0,
              "shmbroker_acquire");
        *(volatile char *) shmbroker_segment_data(segment) = 1;
        shmbroker_release(segment);
}

static int compare(const void *a, const void *b) {
        const double *one = a, *other = b;

        return (*one > *other) - (*one < *other);
}

static double median(const double *values, int n) {
        double sorted[OPERATIONS];

        memcpy(sorted, values, (size_t) n * sizeof(*values));
        qsort(sorted, (size_t) n, sizeof(*sorted), compare);
        return sorted[n / 2];
}

static double measure(const Case *c) {
        static double usec[OPERATIONS];
        uint64_t begin;

        for (int i = 0; i < OPERATIONS; ++i) {
                begin = now_nsec();
                c->operate(c);
                usec[i] = (double) (now_nsec() - begin) / 1000;
        }
        return median(usec, OPERATIONS);
}

/* Of each round its own ratio: what drifts, drifts for both. */
static double ratio(const Case *a, const Case *b, int rounds) {
        double ratios[ARRAY_SIZE(a->p50)];

        for (int i = 0; i < rounds; ++i)
                ratios[i] = a->p50[i] / b->p50[i];
        return median(ratios, rounds);
}

enum {
        FLOOR,
        FLOOR_EQUAL,
        FLOOR_MAP,
        BARE,
        WATCHED,
        DIRECT,
        LIBRARY,
        _CASE_N,
};

int main(int argc, char **argv) {
        static Case cases[_CASE_N] = {
                [FLOOR] = { .name = "floor",
                            .operate = operate_floor,
                            .n_request = 119,
                            .n_reply = 206 },
                [FLOOR_EQUAL] = { .name = "floor, equal", .operate = operate_floor },
                [FLOOR_MAP] = { .name = "floor, map",
                                .operate = operate_floor,
                                .n_request = 119,
                                .n_reply = 206,
                                .map = true },
                [BARE] = { .name = "bare", .operate = operate_bare },
                [WATCHED] = { .name = "watched", .operate = operate_watched },
                [DIRECT] = { .name = "direct", .operate = operate_direct },
                [LIBRARY] = { .name = "library", .operate = operate_library },
        };
        int rounds = argc > 2 ? atoi(argv[2]) : 15, fd;

        if (argc < 2 || rounds < 1 || rounds > (int) ARRAY_SIZE(cases[0].p50)) {
                fprintf(stderr, "usage: acquire BUILD_DIR [ROUNDS up to %zu]\n",
                        ARRAY_SIZE(cases[0].p50));
                return 2;
        }
        (void) atexit(clean_up);
        pin();
        check(mkdtemp(directory) != NULL, "mkdtemp");
        start_broker(&broker, argv[1], 1);
        start_broker(&watched, argv[1], 2);
        start_watchers(&watched);
        operate_bare(NULL);
        cases[FLOOR_EQUAL].n_request = sizeof(REQUEST);
        cases[FLOOR_EQUAL].n_reply = n_broker_reply;
        start_floor(&cases[FLOOR]);
        start_floor(&cases[FLOOR_EQUAL]);
        start_floor(&cases[FLOOR_MAP]);
        fd = shm_open(POSIX_NAME, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        check(fd >= 0 && ftruncate(fd, SEGMENT_BYTES) == 0, "shm_open");
        close(fd);

        for (int round = 0; round < rounds; ++round)
                for (int i = 0; i < _CASE_N; ++i)
                        cases[i].p50[round] = measure(&cases[i]);
        printf("%d rounds of %d operations each, one processor; the reply of the broker has %zu bytes\n",
               rounds, OPERATIONS, n_broker_reply);
        for (int i = 0; i < _CASE_N; ++i)
                printf("%-14s p50 %6.2f us\n", cases[i].name, median(cases[i].p50, rounds));
        printf("bare to floor           %.2f\n", ratio(&cases[BARE], &cases[FLOOR], rounds));
        printf("bare to floor, equal    %.2f\n", ratio(&cases[BARE], &cases[FLOOR_EQUAL], rounds));
        printf("watched to bare         %.2f\n", ratio(&cases[WATCHED], &cases[BARE], rounds));
        printf("library to floor, map   %.2f\n", ratio(&cases[LIBRARY], &cases[FLOOR_MAP], rounds));
        printf("library to direct       %.2f\n", ratio(&cases[LIBRARY], &cases[DIRECT], rounds));
        shmbroker_close(broker.connection);
        shmbroker_close(watched.connection);
        return 0;
}
