/* SPDX-License-Identifier: MIT */
/* The daemon as a process: its options, how it starts and ends, its limits, what systemd sees. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/fd.h"
#include "proto/util.h"
#include "tests/support/fixture.h"
#include "tests/support/unit.h"

#define EXIT_USAGE 2

static void up(void) {
        fixture_up(NULL);
}

static char *in_directory(const char *name) {
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/%s", fixture_directory(), name), 0);
        return path;
}

static void remove_mark_key(void) {
        _cleanup_(freep) char *mark_key = in_directory("other/mark-key");

        (void) remove(mark_key);
}

SUITE("daemon");
CASE("daemon", .setup = up, .teardown = fixture_down, .timeout = 60);

/* What the broker says while it fails goes to the log of the test. */
TEST(usage) {
        static const char *const good[][4] = { { "shmbrokerd", "--help" },
                                               { "shmbrokerd", "--version" } };
        static const char *const wrong[][4] = {
                { "shmbrokerd", "--nonsense" },
                { "shmbrokerd", "argument" },
                { "shmbrokerd", "--address" },
                { "shmbrokerd", "--address", "/run/socket" },
                { "shmbrokerd", "--address", "unix:socket" },
                { "shmbrokerd", "--address", "unix:/run/socket;mode=0600" },
                { "shmbrokerd", "--address", "tcp:127.0.0.1:1" },
                { "shmbrokerd", "--state-directory", "relative" },
                { "shmbrokerd", "--config", "relative" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); ++i)
                ck_assert_int_eq(fixture_run_daemon(good[i]), 0);
        for (size_t i = 0; i < ARRAY_SIZE(wrong); ++i)
                ck_assert_msg(fixture_run_daemon(wrong[i]) == EXIT_USAGE, "%s %s", wrong[i][1],
                              wrong[i][2]);
}

/* What is right and wrong is said beside a broker that runs, and by none. */
TEST(check_config) {
        static const struct {
                const char *text;
                int status;
        } configs[] = {
                { "", 0 },
                { "[limits]\nsegments = 1\n[tenant web]\n[names]\na = root\n", 0 },
                { "[limits]\nsegments = many\n", 78 },
                { "limits\n", 78 },
                /* One tenant's mistake keeps nobody else from a reload. */
                { "[tenant web]\nmode = 9\n", 0 },
                { "[tenant .]\n", 0 },
                { "[names]\na = there-is-no-such-user\n", 78 },
        };
        _cleanup_(freep) char *config = in_directory("config"), *none = in_directory("none");
        const char *arguments[] = { "shmbrokerd", "--check-config", "--config", config, NULL };

        for (size_t i = 0; i < ARRAY_SIZE(configs); ++i) {
                fixture_configure(configs[i].text);
                ck_assert_msg(fixture_run_daemon(arguments) == configs[i].status, "%s",
                              configs[i].text);
        }
        arguments[3] = none;
        ck_assert_int_eq(fixture_run_daemon(arguments), 78);
}

/* A second broker on the same socket, or on the same state, is refused, and the first stays. */
TEST(second) {
        _cleanup_(freep) char *state = in_directory("state"), *other_state = in_directory("other"),
                              *other_path = in_directory("other-socket"),
                              *lock = in_directory("other/lock"),
                              *state_file = in_directory("other/state");
        char other_address[256];
        const char *same_socket[] = { "shmbrokerd",        "--address", fixture_address(),
                                      "--state-directory", other_state, NULL };
        const char *same_state[] = { "shmbrokerd",        "--address", other_address,
                                     "--state-directory", state,       NULL };
        StatusReply status;
        Wire wire;

        (void) snprintf(other_address, sizeof(other_address), "unix:%s", other_path);
        ck_assert_int_eq(fixture_run_daemon(same_socket), 1);
        ck_assert_int_eq(fixture_run_daemon(same_state), 1);
        ck_assert_int_lt(access(other_path, F_OK), 0);
        wire_open(&wire);
        wire_status(&wire, &status);
        wire_close(&wire);
        (void) remove(lock);
        (void) remove(state_file);
        remove_mark_key();
        ck_assert_int_eq(rmdir(other_state), 0);
}

/* What is at the address and is no socket stays as it is. */
TEST(no_socket) {
        _cleanup_(freep) char *state = in_directory("other"), *path = in_directory("file"),
                              *lock = in_directory("other/lock"),
                              *state_file = in_directory("other/state");
        char address[256];
        const char *arguments[] = { "shmbrokerd",        "--address", address,
                                    "--state-directory", state,       NULL };
        struct stat st;
        int fd;

        (void) snprintf(address, sizeof(address), "unix:%s", path);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(write(fd, "x", 1), 1);
        close(fd);
        ck_assert_int_eq(fixture_run_daemon(arguments), 1);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 1);
        (void) remove(path);
        (void) remove(lock);
        (void) remove(state_file);
        remove_mark_key();
        ck_assert_int_eq(rmdir(state), 0);
}

/* After a crash: the socket that was left behind is replaced, and no id comes twice. */
TEST(crash) {
        AcquireParameters parameters = {};
        AcquireReply before, after;
        Wire wire;
        int fd, new_fd;

        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        fd = wire_acquire(&wire, &parameters, &before);
        wire_close(&wire);
        fixture_restart(SIGKILL, NULL);
        /* The memory outlives the broker. */
        ck_assert_int_eq(write(fd, "x", 1), 1);
        close(fd);
        wire_open(&wire);
        new_fd = wire_acquire(&wire, &parameters, &after);
        ck_assert_int_gt(after.segment.id, before.segment.id);
        ck_assert_int_gt(after.attachment_id, before.attachment_id);
        close(new_fd);
        wire_close(&wire);
}

/* After an orderly end the ids go on where they were. */
TEST(end) {
        AcquireParameters parameters = {};
        AcquireReply before, after;
        Wire wire;
        int fd;

        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 4096);
        fd = wire_acquire(&wire, &parameters, &before);
        wire_close(&wire);
        fixture_restart(SIGTERM, NULL);
        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        close(wire_acquire(&wire, &parameters, &after));
        ck_assert_int_eq(after.segment.id, before.segment.id + 1);
        wire_close(&wire);
        close(fd);
}

static const char *limit_of(Wire *wire, const AcquireParameters *parameters) {
        static Fault fault;

        ck_assert_int_eq(wire_try_acquire(wire, parameters, &fault), FAULT_LIMIT_REACHED);
        return fault.limit.limit;
}

/* A limit that is met is named, and costs nobody anything; SIGHUP reads it again. */
TEST(limits) {
        static const char limits[] =
                "[limits]\nsegments = 2\nbytesPerUser = 64K\nattachmentsPerUser = 3\n";
        AcquireParameters parameters = {};
        StatusReply status;
        MapEntry entry;
        int fds[3];
        Wire wire;

        fixture_restart(SIGTERM, &(Setup){ .config = limits });
        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 65537);
        ck_assert_str_eq(limit_of(&wire, &parameters), "bytesPerUser");
        fds[0] = wire_create_transient(&wire, "a", 4097);
        /* Charged are whole pages. */
        parameters.size_bytes = 65536 - 8192 + 1;
        ck_assert_str_eq(limit_of(&wire, &parameters), "bytesPerUser");
        fds[1] = wire_create_transient(&wire, "b", 65536 - 8192);
        parameters.size_bytes = 1;
        ck_assert_str_eq(limit_of(&wire, &parameters), "segments");
        fds[2] = wire_open_segment(&wire, "a", ACCESS_READ_ONLY);
        parameters = (AcquireParameters){};
        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
        ck_assert_str_eq(limit_of(&wire, &parameters), "attachmentsPerUser");
        close(fds[2]);
        ck_assert_int_eq(wire_try_acquire(&wire, &parameters, NULL), FAULT_NONE);
        close(fds[0]);
        close(wire_create_transient(&wire, "c", 8192));

        fixture_configure("[limits]\nsegments = 1\nbytesPerUser = nonsense\n");
        fixture_hang_up();
        wire_status(&wire, &status);
        for (size_t i = 0; map_entry(&status.limits, i, &entry); ++i)
                if (strcmp(entry.key, "segments") == 0)
                        ck_assert_int_eq(entry.value, 2);
        fixture_configure("[limits]\nsegments = 1\n");
        fixture_hang_up();
        parameters = (AcquireParameters){};
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        ck_assert_str_eq(limit_of(&wire, &parameters), "segments");
        close(fds[1]);
        wire_close(&wire);
}

static int64_t limit_in_force(Wire *wire, const char *name) {
        StatusReply status;
        MapEntry entry;

        wire_status(wire, &status);
        for (size_t i = 0; map_entry(&status.limits, i, &entry); ++i)
                if (strcmp(entry.key, name) == 0)
                        return entry.value;
        return -1;
}

/* A drop-in has the last word; a wrong one leaves everything as it was. */
TEST(dropins) {
        _cleanup_(freep) char *directory = in_directory("config.d"),
                              *path = in_directory("config.d/50-test.conf");
        static const char good[] = "[limits]\nsegments = 7\n";
        static const char wrong[] = "[limits]\nsegments = x\n";
        Wire wire;

        fixture_configure("[limits]\nsegments = 3\nconnections = 50\n");
        ck_assert_int_eq(mkdir(directory, 0755), 0);
        unit_write_file(path, good, strlen(good));
        fixture_hang_up();
        wire_open(&wire);
        ck_assert_int_eq(limit_in_force(&wire, "segments"), 7);
        ck_assert_int_eq(limit_in_force(&wire, "connections"), 50);
        unit_write_file(path, wrong, strlen(wrong));
        fixture_configure("[limits]\nconnections = 60\n");
        fixture_hang_up();
        ck_assert_int_eq(limit_in_force(&wire, "segments"), 7);
        ck_assert_int_eq(limit_in_force(&wire, "connections"), 50);
        wire_close(&wire);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}

/* Who finds no place is told why, in place of the first answer. */
TEST(connections) {
        Wire wires[4], one_more;
        StatusReply status;
        Fault fault;
        Reply reply;

        fixture_restart(SIGTERM, &(Setup){ .config = "[limits]\nconnectionsPerUser = 4\n" });
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                wire_open(&wires[i]);
                wire_status(&wires[i], &status);
        }
        wire_open(&one_more);
        ck_assert(wire_receive(&one_more, &reply));
        reply_read_fault(&reply, &fault);
        ck_assert_int_eq(fault.code, FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "connectionsPerUser");
        ck_assert_int_eq(fault.limit.maximum, 4);
        ck_assert(!wire_receive(&one_more, &reply));
        wire_close(&one_more);
        wire_status(&wires[0], &status);
        ck_assert_int_eq(status.connection_count, 4);
        /* Who closes one has a place for another one, even if that is seen first. */
        ck_assert_int_eq(kill(fixture_daemon(), SIGSTOP), 0);
        wire_open(&one_more);
        wire_close(&wires[3]);
        ck_assert_int_eq(kill(fixture_daemon(), SIGCONT), 0);
        wires[3] = one_more;
        wire_status(&wires[3], &status);
        ck_assert_int_eq(status.connection_count, 4);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i)
                wire_close(&wires[i]);
}

TEST(wrong_config) {
        static const char *const texts[] = {
                "[limits]\nsegments = -1\n",
                "[limits]\nsegments = 1X\n",
                "[limits]\nsegments = 99999999999999999999\n",
                "[log]\nlevel = loud\n",
                "no section and no value\n",
        };
        _cleanup_(freep) char *state = in_directory("other"), *path = in_directory("other-socket"),
                              *config = in_directory("config"), *missing = in_directory("missing"),
                              *lock = in_directory("other/lock"),
                              *state_file = in_directory("other/state");
        char address[256];
        const char *arguments[] = { "shmbrokerd", "--address", address, "--state-directory",
                                    state,        "--config",  config,  NULL };

        (void) snprintf(address, sizeof(address), "unix:%s", path);
        for (size_t i = 0; i < ARRAY_SIZE(texts); ++i) {
                fixture_configure(texts[i]);
                ck_assert_msg(fixture_run_daemon(arguments) == EX_CONFIG, "%s", texts[i]);
        }
        arguments[6] = missing;
        ck_assert_int_eq(fixture_run_daemon(arguments), EX_CONFIG);
        (void) remove(lock);
        (void) remove(state_file);
        remove_mark_key();
        ck_assert_int_eq(rmdir(state), 0);
}

/* In the middle of many clients, SIGTERM ends it in order; the fixture looks at the rest. */
TEST(end_while_busy) {
        Wire wires[20];
        Reply reply;
        int fds[20];

        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                char name[16];

                wire_open(&wires[i]);
                (void) snprintf(name, sizeof(name), "%zu", i);
                fds[i] = wire_create(&wires[i], name, 2 << 20);
                ck_assert_int_eq(write(fds[i], "x", 1), 1);
        }
        fixture_restart(SIGTERM, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(wires); ++i) {
                ck_assert(!wire_receive(&wires[i], &reply));
                wire_close(&wires[i]);
                ck_assert_int_eq(pread(fds[i], &(char){ 0 }, 1, 0), 1);
                close(fds[i]);
        }
}

/* A large segment is let go of by a thread: meanwhile others are answered. */
TEST(large) {
        StatusReply status;
        Wire wire;
        int fd;

        wire_open(&wire);
        fd = wire_create_transient(&wire, "a", 256 << 20);
        ck_assert_int_eq(fallocate(fd, 0, 0, 256 << 20), 0);
        close(fd);
        ck_assert_int_eq(wire_stat(&wire, "a", NULL), FAULT_NO_SUCH_SEGMENT);
        wire_status(&wire, &status);
        ck_assert_int_eq(status.segment_count, 0);
        ck_assert_int_eq(status.total_bytes, 0);
        wire_close(&wire);
}

/* The broker has no descriptor left: that is said, passes, and ends nothing. */
TEST(no_descriptors) {
        const Setup setup = { .config = "[limits]\nsegments = 1K\nsegmentsPerUser = 1K\n",
                              .n_files = 48 };
        AcquireParameters parameters = {};
        StatusReply status;
        AcquireReply reply;
        int fds[64], n = 0;
        Fault fault;
        Wire wire;

        fixture_restart(SIGTERM, &setup);
        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        /* What others of this user have under way in sockets counts against the broker's limit too
         * (unix(7), ETOOMANYREFS), as long as they have. */
        for (int i = 0; i < 100 && n <= 16; ++i) {
                while (n < 64 &&
                       wire_call(&wire, METHOD_ACQUIRE, &parameters, &reply, &fault) == FAULT_NONE)
                        fds[n++] = fd_queue_pop(&wire.fds);
                if (n <= 16)
                        usleep(500000);
        }
        ck_assert_int_lt(n, 48);
        ck_assert_int_gt(n, 16);
        ck_assert_int_eq(fault.code, FAULT_LIMIT_REACHED);
        ck_assert_str_eq(fault.limit.limit, "descriptors");
        wire_status(&wire, &status);
        ck_assert_int_eq(status.segment_count, n);
        ck_assert_int_eq(status.attachment_count, n);
        /* Making one takes some more for a moment. */
        for (int i = 0; i < 3; ++i)
                close(fds[--n]);
        fds[n++] = wire_acquire(&wire, &parameters, NULL);
        while (n > 0)
                close(fds[--n]);
        wire_close(&wire);
}

/* The kernel takes no descriptor for passing on: the client is told so, and nothing is left of it.
 */
TEST(not_passed, .end = 2) {
        static const Kind kinds[] = { KIND_MEMFD, KIND_FILE };
        AcquireParameters parameters = {};
        StatusReply status;
        Fault fault;
        Wire wire;

        fixture_restart(SIGTERM, &(Setup){ .deny = "passing" });
        wire_open(&wire);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, 1);
        if (_i == 0) {
                GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        } else {
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, "a");
                GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        }
        for (int i = 0; i < 10; ++i) {
                GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kinds[i % 2]);
                ck_assert_int_eq(wire_try_acquire(&wire, &parameters, &fault), FAULT_LIMIT_REACHED);
                ck_assert_str_eq(fault.limit.limit, "descriptors");
        }
        wire_status(&wire, &status);
        ck_assert_int_eq(status.segment_count, 0);
        ck_assert_int_eq(status.attachment_count, 0);
        wire_close(&wire);
}

/* A kernel that knows no MFD_NOEXEC_SEAL: segments are made without it, and sealed otherwise. */
TEST(older_kernel) {
        SegmentInfo info;
        struct stat st;
        Wire wire;
        int fd;

        fixture_restart(SIGTERM, &(Setup){ .deny = "noexec" });
        wire_open(&wire);
        fd = wire_create_transient(&wire, "a", 4096);
        ck_assert_int_eq(wire_stat(&wire, "a", &info), FAULT_NONE);
        ck_assert_uint_eq(info.seals, 1U << SEAL_SHRINK | 1U << SEAL_GROW | 1U << SEAL_SEAL);
        ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0600);
        close(fd);
        wire_close(&wire);
}

/* In the process: a socket that systemd passes, alone or behind an end of the store's. */
static void pass_fds(int listening_fd, bool stored) {
        char number[16];

        (void) snprintf(number, sizeof(number), "%d", getpid());
        (void) setenv("LISTEN_PID", number, true);
        (void) setenv("LISTEN_FDS", stored ? "2" : "1", true);
        (void) setenv("LISTEN_FDNAMES",
                      stored ? "segments-1-in:shmbroker.socket" : "shmbroker.socket", true);
        /* Both numbers may be in use, and dup2() of a descriptor to itself leaves its flags. */
        listening_fd = fcntl(listening_fd, F_DUPFD, 10);
        (void) dup2(listening_fd, stored ? 4 : 3);
        if (stored)
                (void) dup2(socket(AF_UNIX, SOCK_SEQPACKET, 0), 3);
}

/* Socket activation, sd_listen_fds(3), and what is told, sd_notify(3). */
TEST(activation, .end = 2) {
        _cleanup_(freep) char *program = path_in_build("daemon/shmbrokerd"),
                              *state = in_directory("other"), *lock = in_directory("other/lock"),
                              *state_file = in_directory("other/state"),
                              *path = in_directory("passed"), *notify = in_directory("notify");
        struct sockaddr_un address = { .sun_family = AF_UNIX },
                           notified = { .sun_family = AF_UNIX };
        int listening_fd, notify_fd, fd;
        char text[1024];
        bool ready = false;
        ssize_t n;
        pid_t pid;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        listening_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listening_fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listening_fd, 8), 0);
        (void) snprintf(notified.sun_path, sizeof(notified.sun_path), "%s", notify);
        notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(notify_fd, (struct sockaddr *) &notified, sizeof(notified)), 0);
        pid = fork();
        if (pid == 0) {
                pass_fds(listening_fd, _i > 0);
                (void) setenv("NOTIFY_SOCKET", notify, true);
                (void) execl(program, "shmbrokerd", "--address", "unix:/nonexistent/socket",
                             "--state-directory", state, NULL);
                _exit(99);
        }
        /* READY=1 comes when it answers; a client that connected before has waited. */
        while (!ready) {
                n = recv(notify_fd, text, sizeof(text) - 1, 0);
                ck_assert_int_gt(n, 0);
                text[n] = '\0';
                ready = strstr(text, "READY=1");
                if (strstr(text, "STATUS="))
                        ck_assert_ptr_nonnull(strstr(text, "0 segments"));
        }
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(write(fd, "{\"method\":\"org.varlink.service.GetInfo\"}", 41), 41);
        ck_assert_int_gt(read(fd, text, sizeof(text)), 0);
        close(fd);
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        ck_assert_int_eq(waitpid(pid, &(int){ 0 }, 0), pid);
        /* The socket is systemd's, so it stays. */
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(unlink(notify), 0);
        close(listening_fd);
        close(notify_fd);
        (void) remove(lock);
        (void) remove(state_file);
        remove_mark_key();
        ck_assert_int_eq(rmdir(state), 0);
}

/* On what another version wrote, or nobody, a broker does not begin. */
TEST(wrong_state) {
        static const char *const files[][2] = {
                { "other/state", "shmbroker state 2\n" },
                { "other/state", "something else\n" },
        };
        _cleanup_(freep) char *state = in_directory("other"), *lock = in_directory("other/lock"),
                              *socket_path = in_directory("other-socket");
        char address[256];
        const char *arguments[] = { "shmbrokerd",        "--address", address,
                                    "--state-directory", state,       NULL };

        (void) snprintf(address, sizeof(address), "unix:%s", socket_path);
        ck_assert_int_eq(mkdir(state, 0700), 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i) {
                _cleanup_(freep) char *path = in_directory(files[i][0]), *after = NULL;

                unit_write_file(path, files[i][1], strlen(files[i][1]));
                ck_assert_int_eq(fixture_run_daemon(arguments), 1);
                after = unit_read_file(path, NULL);
                ck_assert_str_eq(after, files[i][1]);
                ck_assert_int_eq(unlink(path), 0);
        }
        (void) remove(lock);
        ck_assert_int_eq(rmdir(state), 0);
}
