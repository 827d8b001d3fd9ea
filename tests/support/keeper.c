/* SPDX-License-Identifier: MIT */
/*
 * A service that does nothing but keep descriptors in the store, and compare at each start what
 * comes back with what it wrote down: keeper DIRECTORY N. In DIRECTORY, "state" is what it was
 * promised, and "results" a line for each start. Meant to be killed at any moment.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/state/store.h"
#include "proto/fd.h"
#include "tests/support/unit.h"

#define IDS_MAX 4000000

typedef struct Record Record;

/* Written behind the others: stored, or without an inode dropped. */
struct Record {
        int64_t id;
        uint64_t inode;
};

static uint64_t inodes[IDS_MAX];
static unsigned char n_seen[IDS_MAX];
static int64_t live_ids[IDS_MAX];
static size_t n_live, n_wrong;
static int64_t next_id = 1;
static int state_file_fd = -EBADF;

static void die(const char *what) {
        perror(what);
        exit(EXIT_FAILURE);
}

static void write_record(int64_t id, uint64_t inode) {
        Record record = { id, inode };

        if (write(state_file_fd, &record, sizeof(record)) != sizeof(record))
                die("state");
}

static void read_state_file(void) {
        Record record;
        ssize_t n;

        state_file_fd = open("state", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (state_file_fd < 0)
                die("state");
        while ((n = read(state_file_fd, &record, sizeof(record))) == sizeof(record)) {
                if (record.id <= 0 || record.id >= IDS_MAX)
                        die("id");
                inodes[record.id] = record.inode;
                if (record.id >= next_id)
                        next_id = record.id + 1;
        }
        if (n != 0)
                die("state");
        /* One may be stored that was not written down. */
        ++next_id;
}

static int visit(int64_t id, int visited_fd, void *userdata) {
        _cleanup_fd_ int fd = visited_fd;
        struct stat st;

        (void) userdata;
        if (id <= 0 || id >= IDS_MAX || fstat(fd, &st) < 0)
                die("visit");
        ++n_seen[id];
        if (!inodes[id])
                return STORE_E_UNWANTED;
        /* The inode, and the position of the open file description. */
        if (st.st_ino != inodes[id] || lseek(fd, 0, SEEK_CUR) != id)
                ++n_wrong;
        live_ids[n_live++] = id;
        return 0;
}

static void write_result(const Store *store) {
        FILE *file = fopen("results", "ae");
        size_t n_lost = 0, n_twice = 0, n_found = 0;

        if (!file)
                die("results");
        for (int64_t id = 1; id < next_id; ++id) {
                n_found += inodes[id] && n_seen[id];
                n_lost += inodes[id] && !n_seen[id];
                n_twice += n_seen[id] > 1;
        }
        fprintf(file, "%s found %zu lost %zu twice %zu wrong %zu pairs %zu\n",
                n_lost + n_twice + n_wrong == 0 ? "good" : "BAD", n_found, n_lost, n_twice, n_wrong,
                store->pairs.n_pairs);
        if (fclose(file) != 0)
                die("results");
}

static void add(Store *store) {
        int64_t id = next_id++;
        _cleanup_fd_ int fd = memfd_create("keeper", MFD_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || lseek(fd, id, SEEK_SET) != id || fstat(fd, &st) < 0 || id + 1 >= IDS_MAX)
                die("memfd");
        r = store_add(store, id, fd);
        if (r < 0) {
                errno = -r;
                die("store_add");
        }
        if (r)
                return;
        write_record(id, st.st_ino);
        live_ids[n_live++] = id;
}

static void drop(Store *store, uint64_t *seed) {
        size_t i = unit_below(seed, n_live);
        int64_t id = live_ids[i];

        write_record(id, 0);
        store_drop(store, id, unit_below(seed, 10) == 0);
        live_ids[i] = live_ids[--n_live];
}

int main(int argc, char **argv) {
        uint64_t seed = clock_boottime_usec();
        Store store = STORE_NULL;
        size_t n_max;

        if (argc != 3 || chdir(argv[1]) < 0)
                die(argv[0]);
        n_max = (size_t) strtoul(argv[2], NULL, 10);
        log_open(LOG_INFO);
        read_state_file();
        if (store_init(&store) || store_visit(&store, visit, NULL))
                die("store");
        write_result(&store);
        (void) sd_notify(false, "READY=1");
        for (;;) {
                struct pollfd poller = { .fd = store.fd, .events = POLLIN };

                for (uint64_t n = unit_below(&seed, 20); n > 0; --n)
                        if (unit_below(&seed, n_max) >= n_live / 2)
                                add(&store);
                        else
                                drop(&store, &seed);
                if (poll(&poller, 1, 1) == 1)
                        store_collect(&store);
        }
}
