/* SPDX-License-Identifier: MIT */
#include "tests/support/unit-store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/support/unit.h"

Book *book;
Plan plan;

static unsigned int n_calls;

/* --- calls that fail, or do not come back */

int __real_close(int fd);
int __real_connect(int fd, const struct sockaddr *address, socklen_t n);
int __real_epoll_ctl(int fd, int what, int other_fd, struct epoll_event *event);
int __real_pipe2(int *fds, int flags);
ssize_t __real_recv(int fd, void *space, size_t n, int flags);
ssize_t __real_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_setsockopt(int fd, int level, int option, const void *value, socklen_t n);
int __real_socket(int domain, int type, int protocol);
int __real_socketpair(int domain, int type, int protocol, int *fds);

int __wrap_close(int fd);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n);
int __wrap_epoll_ctl(int fd, int what, int other_fd, struct epoll_event *event);
int __wrap_pipe2(int *fds, int flags);
ssize_t __wrap_recv(int fd, void *space, size_t n, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t n);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_socketpair(int domain, int type, int protocol, int *fds);

static bool strikes(unsigned int call) {
        if (plan.at == 0 || !(plan.calls & call))
                return false;
        ++n_calls;
        if (n_calls < plan.at || n_calls >= plan.at + plan.n)
                return false;
        book->struck = true;
        if (plan.error == 0)
                (void) raise(SIGKILL);
        errno = plan.error;
        return true;
}

int __wrap_close(int fd) {
        return strikes(CALL_CLOSE) ? -1 : __real_close(fd);
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n) {
        return strikes(CALL_CONNECT) ? -1 : __real_connect(fd, address, n);
}

int __wrap_epoll_ctl(int fd, int what, int other_fd, struct epoll_event *event) {
        return strikes(CALL_EPOLL_CTL) ? -1 : __real_epoll_ctl(fd, what, other_fd, event);
}

int __wrap_pipe2(int *fds, int flags) {
        return strikes(CALL_PIPE2) ? -1 : __real_pipe2(fds, flags);
}

ssize_t __wrap_recv(int fd, void *space, size_t n, int flags) {
        return strikes(CALL_RECV) ? -1 : __real_recv(fd, space, n, flags);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags) {
        return strikes(CALL_RECVMSG) ? -1 : __real_recvmsg(fd, message, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags) {
        return strikes(CALL_SENDMSG) ? -1 : __real_sendmsg(fd, message, flags);
}

int __wrap_setsockopt(int fd, int level, int option, const void *value, socklen_t n) {
        return strikes(CALL_SETSOCKOPT) ? -1 : __real_setsockopt(fd, level, option, value, n);
}

int __wrap_socket(int domain, int type, int protocol) {
        return strikes(CALL_SOCKET) ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_socketpair(int domain, int type, int protocol, int *fds) {
        return strikes(CALL_SOCKETPAIR) ? -1 : __real_socketpair(domain, type, protocol, fds);
}

/* --- the book */

void book_begin(void) {
        book = mmap(NULL, sizeof(*book), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(book, MAP_FAILED);
        book_clear();
}

void book_end(void) {
        (void) munmap(book, sizeof(*book));
        plan = (Plan){};
}

void book_clear(void) {
        memset(book, 0, offsetof(Book, next_id) + sizeof(book->next_id));
        book->next_id = 1;
        book->struck = book->visited = false;
        book->flag = 0;
        plan = (Plan){};
}

void book_check(void) {
        ck_assert(book->visited);
        for (int64_t id = 1; id < book->next_id; ++id) {
                const BookItem *item = &book->items[id];

                ck_assert_msg(!item->wrong, "id %d is another descriptor", (int) id);
                ck_assert_msg(item->n_seen <= 1, "id %d came %u times", (int) id, item->n_seen);
                if (item->stored && !item->dropped)
                        ck_assert_msg(item->n_seen == 1, "id %d is lost", (int) id);
        }
}

/* --- in the process */

void child_fail(const char *file, int line, const char *condition) {
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
        _exit(1);
}

static size_t count_fds(void) {
        DIR *directory = opendir("/proc/self/fd");
        size_t n = 0;

        REQUIRE(directory);
        while (readdir(directory))
                ++n;
        closedir(directory);
        return n;
}

static int new_fd(int64_t id, ino_t *ret_inode) {
        int fd = memfd_create("stored", MFD_CLOEXEC);
        struct stat st;

        REQUIRE(fd >= 0);
        /* A position belongs to the open file description. */
        REQUIRE(lseek(fd, (off_t) id, SEEK_SET) == id);
        REQUIRE(fstat(fd, &st) == 0);
        *ret_inode = st.st_ino;
        return fd;
}

int child_visit(int64_t id, int fd, void *userdata) {
        BookItem *item;
        struct stat st;

        (void) userdata;
        REQUIRE(id > 0 && id < book->next_id);
        item = &book->items[id];
        ++item->n_seen;
        REQUIRE(fcntl(fd, F_GETFD) == FD_CLOEXEC);
        if (fstat(fd, &st) < 0 || st.st_ino != item->inode || lseek(fd, 0, SEEK_CUR) != id)
                item->wrong = true;
        fd_close(fd);
        return item->stored && !item->dropped ? 0 : STORE_E_UNWANTED;
}

bool child_open(Store *store) {
        int r;

        /* Counted from here on, and not what a test does before. */
        n_calls = 0;
        for (int64_t id = 1; id < book->next_id; ++id)
                book->items[id].n_seen = 0;
        book->visited = false;
        r = store_init(store);
        if (r < 0) {
                /* Whoever has no store ends. */
                REQUIRE(book->struck);
                store_deinit(store);
                unit_exit(0);
        }
        if (book->pair_max > 0)
                store->pairs.pair_max = book->pair_max;
        r = store_visit(store, child_visit, NULL);
        book->visited = r == 0;
        REQUIRE(book->visited || book->struck);
        return book->visited;
}

void child_close(Store *store) {
        store_deinit(store);
        plan.at = 0;
        /* Those of the C library, "." and "..", the directory that is read. */
        REQUIRE(count_fds() <= 3 + 2 + 1 + book->n_others);
}

int child_try(Store *store, int64_t id) {
        int fd, r;

        REQUIRE(id < BOOK_IDS_MAX);
        fd = new_fd(id, &book->items[id].inode);
        r = store_add(store, id, fd);
        if (r == 0)
                book->items[id].stored = true;
        fd_close(fd);
        return r;
}

int child_add(Store *store) {
        return child_try(store, book->next_id++);
}

void child_drop(Store *store, int64_t id, bool now) {
        book->items[id].dropped = true;
        store_drop(store, id, now);
}

static bool waits_for_manager(const Store *store) {
        for (const StorePair *pair = store->pairs.first; pair; pair = pair->next)
                if (pair->step == STORE_PAIR_CONFIRM)
                        return true;
        return false;
}

void child_settle(Store *store) {
        struct pollfd poller = { .fd = store->fd, .events = POLLIN };

        while (poll(&poller, 1, waits_for_manager(store) ? 10000 : 0) == 1)
                store_collect(store);
}

Manager manager;

void store_setup(void) {
        unit_fds_begin();
        manager_begin(&manager, 64);
        book_begin();
}

void store_teardown(void) {
        ck_assert_uint_eq(manager.n_refused, 0);
        book_end();
        manager_end(&manager);
        unit_fds_end();
}

void store_run(void (*child)(void *userdata), void *userdata) {
        int status = manager_run(&manager, child, userdata);

        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x",
                      (unsigned) status);
}

void child_look(void *userdata) {
        Store store = STORE_NULL;

        (void) userdata;
        REQUIRE(child_open(&store));
        child_close(&store);
}

void store_look(void) {
        store_run(child_look, NULL);
        book_check();
}

size_t store_count_wanted(void) {
        size_t n = 0;

        for (int64_t id = 1; id < book->next_id; ++id)
                n += book->items[id].stored && !book->items[id].dropped;
        return n;
}
