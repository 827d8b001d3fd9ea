/* SPDX-License-Identifier: MIT */
#include "tests/support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/address.h"
#include "proto/fd.h"
#include "proto/socket.h"
#include "proto/util.h"
#include "tests/support/unit.h"

/* Nothing here takes so long; a test that hangs says where. */
#define PATIENCE_MSEC 20000

static struct {
        pid_t daemon;
        unsigned int n_own_fds;
        unsigned int n_daemon_fds;
        char directory[96];
        char address[128];
} fixture;

pid_t fixture_daemon(void) {
        return fixture.daemon;
}

const char *fixture_address(void) {
        return fixture.address;
}

void fixture_use(const char *address) {
        (void) snprintf(fixture.address, sizeof(fixture.address), "%s", address);
}

const char *fixture_directory(void) {
        return fixture.directory;
}

/* Open descriptors of a process, the one for looking not counted. */
unsigned int count_fds(pid_t pid) {
        struct dirent *entry;
        unsigned int n = 0;
        char path[32];
        DIR *directory;

        (void) snprintf(path, sizeof(path), "/proc/%d/fd", pid);
        directory = opendir(path);
        ck_assert_ptr_nonnull(directory);
        while ((entry = readdir(directory)))
                n += entry->d_name[0] != '.';
        closedir(directory);
        return n - (pid == getpid());
}

char *path_in_build(const char *name) {
        const char *build = getenv("top_builddir");
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/%s", build ? build : ".", name), 0);
        return path;
}

static char *path_in(const char *name) {
        char *path;

        ck_assert_int_ge(asprintf(&path, "%s/%s", fixture.directory, name), 0);
        return path;
}

static void write_file(const char *path, const char *text) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

static void preload(const char *library, const char *variable, const char *value) {
        _cleanup_(freep) char *path = path_in_build(library);

        (void) setenv("LD_PRELOAD", path, true);
        (void) setenv("ASAN_OPTIONS", "verify_asan_link_order=0", true);
        (void) setenv(variable, value, true);
}

static void apply_setup(const Setup *setup) {
        const struct rlimit files = { setup->n_files, setup->n_files };
        char number[16];

        for (int i = 0; i < 64; ++i)
                if (setup->no_capabilities >> i & 1U)
                        (void) prctl(PR_CAPBSET_DROP, i);
        if (setup->n_files > 0)
                (void) setrlimit(RLIMIT_NOFILE, &files);
        if (setup->deny)
                preload("tests/support/.libs/libdeny.so", "SHMBROKER_TEST_DENY", setup->deny);
        if (setup->counter_fd > 0) {
                (void) snprintf(number, sizeof(number), "%d", setup->counter_fd);
                preload("tests/support/.libs/libcount.so", "SHMBROKER_TEST_COUNT", number);
        }
}

static void bind_read_only(const char *directory, const char *below) {
        char place[512], *slash;

        (void) snprintf(place, sizeof(place), "%s%s", below, directory);
        for (slash = strchr(place + strlen(below) + 1, '/'); slash;
             slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void) mkdir(place, 0755);
                *slash = '/';
        }
        if (mkdir(place, 0755) < 0 || mount(directory, place, NULL, MS_BIND, NULL) < 0 ||
            mount(NULL, place, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
                _exit(97);
}

/* As the unit has it, in a mount namespace of the broker's own. */
static void mount_read_only(void) {
        _cleanup_(freep) char *below = path_in("read-only"), *state = path_in("state");

        (void) mkdir(below, 0755);
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", below, "tmpfs", 0, "mode=0755,size=64k") < 0)
                _exit(97);
        bind_read_only("/dev/shm", below);
        bind_read_only(state, below);
        (void) setenv("SHMBROKER_READ_ONLY", below, true);
}

/* That user may be kept out of where the program is, but not out of what is open already. */
static void exec_as(uid_t uid, const char *program, char *const *arguments) {
        int fd = open(program, O_PATH | O_CLOEXEC);

        if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
                return;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
}

static void exec_daemon(const char *const *arguments, const Setup *setup) {
        _cleanup_(freep) char *program = path_in_build("daemon/shmbrokerd");
        /* execv(3) changes none of them, whatever its prototype says. */
        char *const *words = (char *const *) (uintptr_t) arguments;

        /* A test that dies takes its broker with it. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setup)
                apply_setup(setup);
        if (setup && setup->read_only_mounts)
                mount_read_only();
        if (setup && setup->prepare)
                setup->prepare();
        if (setup && setup->uid > 0)
                exec_as(setup->uid, program, words);
        else
                (void) execv(program, words);
        (void) dprintf(STDERR_FILENO, "cannot execute %s: %s\n", program, strerror(errno));
        _exit(99);
}

int fixture_run_daemon(const char *const *arguments) {
        pid_t pid = fork();
        int status;

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                exec_daemon(arguments, NULL);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

void fixture_configure(const char *text) {
        _cleanup_(freep) char *path = path_in("config");

        write_file(path, text);
}

static void start_daemon(const Setup *setup) {
        _cleanup_(freep) char *state = path_in("state"), *config = path_in("config");
        const char *const arguments[] = { "shmbrokerd",    "--address",
                                          fixture.address, "--state-directory",
                                          state,           "--config",
                                          config,          NULL };

        fixture_configure(setup && setup->config ? setup->config : "");
        fixture.daemon = fork();
        ck_assert_int_ge(fixture.daemon, 0);
        if (fixture.daemon == 0)
                exec_daemon(arguments, setup);
}

static void sleep_msec(long msec) {
        const struct timespec time = { .tv_nsec = msec * 1000000 };

        (void) nanosleep(&time, NULL);
}

static int64_t counter(const StatusReply *status, const char *name) {
        MapEntry entry;

        for (size_t i = 0; map_entry(&status->counters, i, &entry); ++i)
                if (strcmp(entry.key, name) == 0)
                        return entry.value;
        ck_abort_msg("there is no counter %s", name);
        return 0;
}

/* What it does besides when it begins has descriptors for a moment: as many as there are several
 * times. */
static unsigned int count_settled_fds(void) {
        unsigned int n = count_fds(fixture.daemon), n_before;

        for (int n_same = 0, i = 0; n_same < 5 && i < 500; ++i) {
                sleep_msec(2);
                n_before = n;
                n = count_fds(fixture.daemon);
                n_same = n == n_before ? n_same + 1 : 0;
        }
        return n;
}

/* The broker answers as soon as its socket is there; then what it has open is counted. */
static void wait_for_daemon(const Setup *setup) {
        Wire wire;

        for (int i = 0; i < PATIENCE_MSEC / 5; ++i) {
                if (wire_try_open(&wire)) {
                        StatusReply status;

                        wire_status(&wire, &status);
                        /* Each segment that it found again has one, unless it is unavailable; with
                         * read-only mounts two, for tests make those of kinds posix and file then.
                         */
                        fixture.n_daemon_fds =
                                count_settled_fds() - 1 -
                                (setup && setup->read_only_mounts ? 2 : 1) *
                                        (unsigned int) (status.segment_count -
                                                        counter(&status, "segmentsUnavailable"));
                        wire_close(&wire);
                        return;
                }
                ck_assert_int_eq(waitpid(fixture.daemon, NULL, WNOHANG), 0);
                sleep_msec(5);
        }
        ck_abort_msg("the broker does not answer");
}

static void remove_files(void) {
        static const char *const kept[] = { "state/lock",  "state/state", "state/mark-key",
                                            "state/files", "state",       "config",
                                            "read-only",   "tenants/web", "tenants/db",
                                            "tenants" };

        for (size_t i = 0; i < ARRAY_SIZE(kept); ++i) {
                _cleanup_(freep) char *path = path_in(kept[i]);

                (void) remove(path);
        }
        /* The socket and its lock were the broker's to remove: if they are left, this fails. */
        ck_assert_msg(rmdir(fixture.directory) == 0, "something is left in %s", fixture.directory);
}

/* What a broker opens when it is there, so that it has as many descriptors at the end. */
static void make_directories(uid_t uid) {
        static const char *const names[] = { "state", "state/files" };

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                _cleanup_(freep) char *path = path_in(names[i]);

                ck_assert_int_eq(mkdir(path, 0755), 0);
                ck_assert_int_eq(chown(path, uid, (gid_t) -1), 0);
        }
}

void fixture_up(const Setup *setup) {
        _cleanup_(freep) char *directory = unit_directory();

        fixture.n_own_fds = count_fds(getpid());
        (void) snprintf(fixture.directory, sizeof(fixture.directory), "%s", directory);
        (void) snprintf(fixture.address, sizeof(fixture.address), "unix:%s/socket",
                        fixture.directory);
        if (setup && setup->uid > 0)
                ck_assert_int_eq(chown(fixture.directory, setup->uid, (gid_t) -1), 0);
        make_directories(setup && setup->uid > 0 ? setup->uid : (uid_t) -1);
        start_daemon(setup);
        wait_for_daemon(setup);
}

/* The broker has to come back to what it had when it began, by itself and soon. */
static void assert_settled(void) {
        StatusReply status = {};
        unsigned int n_fds = 0;
        Wire wire;

        for (int i = 0; i < PATIENCE_MSEC / 5; ++i) {
                wire_open(&wire);
                wire_status(&wire, &status);
                n_fds = count_fds(fixture.daemon) - 1;
                wire_close(&wire);
                if (status.segment_count == 0 && status.attachment_count == 0 &&
                    status.connection_count == 1 && n_fds == fixture.n_daemon_fds)
                        return;
                sleep_msec(5);
        }
        ck_assert_int_eq(status.segment_count, 0);
        ck_assert_int_eq(status.attachment_count, 0);
        ck_assert_int_eq(status.connection_count, 1);
        ck_assert_uint_eq(n_fds, fixture.n_daemon_fds);
}

static void stop_daemon(int signal_number) {
        int status;

        ck_assert_int_eq(kill(fixture.daemon, signal_number), 0);
        ck_assert_int_eq(waitpid(fixture.daemon, &status, 0), fixture.daemon);
        if (signal_number == SIGTERM)
                ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                              "the broker ended with status %#x", status);
        else
                ck_assert_int_eq(WTERMSIG(status), signal_number);
        fixture.daemon = 0;
}

void fixture_restart(int signal_number, const Setup *setup) {
        stop_daemon(signal_number);
        start_daemon(setup);
        wait_for_daemon(setup);
}

/* A signal is handled before whatever is asked afterwards: the loop sees its pipe first, or with
 * it. */
void fixture_hang_up(void) {
        StatusReply status;
        Wire wire;

        ck_assert_int_eq(kill(fixture.daemon, SIGHUP), 0);
        for (int i = 0; i < 3; ++i) {
                wire_open(&wire);
                wire_status(&wire, &status);
                wire_close(&wire);
        }
}

void fixture_down(void) {
        assert_settled();
        stop_daemon(SIGTERM);
        remove_files();
        ck_assert_uint_eq(count_fds(getpid()), fixture.n_own_fds);
}

static bool by_admin;

void wire_as_administrator(bool is_one) {
        by_admin = is_one;
}

bool wire_try_open(Wire *wire) {
        char *admin = NULL;

        if (by_admin)
                ck_assert_int_eq(address_of_admin(fixture.address, &admin), 0);
        *wire = (Wire){ .fd = socket_connect(address_path(admin ? admin : fixture.address)) };
        free(admin);
        return wire->fd >= 0;
}

void wire_open(Wire *wire) {
        ck_assert(wire_try_open(wire));
}

void wire_open_tenant(Wire *wire, const char *tenant) {
        char path[192];

        (void) snprintf(path, sizeof(path), "%s/tenants/%s/socket", fixture.directory, tenant);
        *wire = (Wire){ .fd = socket_connect(path) };
        ck_assert_int_ge(wire->fd, 0);
}

void wire_close(Wire *wire) {
        frames_deinit(&wire->frames);
        frame_spare_deinit(&wire->spare);
        fd_queue_deinit(&wire->fds);
        wire->fd = fd_close(wire->fd);
}

static void wait_until(const Wire *wire, short events) {
        struct pollfd poller = { .fd = wire->fd, .events = events };

        ck_assert_msg(poll(&poller, 1, PATIENCE_MSEC) == 1, "the broker does not answer");
}

void wire_send(Wire *wire, const char *text, size_t n_text) {
        size_t n_sent = 0;
        int r;

        while (n_text > 0) {
                r = socket_send(wire->fd, text, n_text, -EBADF, &n_sent);
                if (r == SOCKET_E_GONE)
                        return;
                if (r == SOCKET_E_AGAIN) {
                        wait_until(wire, POLLOUT);
                        continue;
                }
                ck_assert_int_eq(r, 0);
                text += n_sent;
                n_text -= n_sent;
        }
}

bool wire_receive(Wire *wire, Reply *ret) {
        size_t n_text, n_space, n_received;
        char *text, *space;
        int r;

        while (frames_next(&wire->frames, &text, &n_text) == FRAMES_WAIT) {
                ck_assert_int_eq(frames_reserve(&wire->frames, &wire->spare, &space, &n_space), 0);
                r = socket_receive(wire->fd, space, n_space, &wire->fds, &n_received);
                if (r == SOCKET_E_GONE)
                        return false;
                if (r == SOCKET_E_AGAIN) {
                        wait_until(wire, POLLIN);
                        continue;
                }
                ck_assert_int_eq(r, 0);
                frames_added(&wire->frames, n_received);
        }
        ck_assert_int_eq(reply_parse(text, n_text, ret), 0);
        return true;
}

FaultCode wire_call(Wire *wire, Method method, const void *parameters, void *answer, Fault *fault) {
        Fault unwanted;
        char text[4096];
        Writer writer = WRITER_INIT(text, sizeof(text));
        Reply reply;

        call_write(&writer, method, parameters);
        ck_assert(!writer.overflow);
        wire_send(wire, writer.data, writer.n_data);
        ck_assert_msg(wire_receive(wire, &reply), "the broker closed the connection");
        if (!fault)
                fault = &unwanted;
        fault->code = FAULT_NONE;
        if (reply.error) {
                reply_read_fault(&reply, fault);
                ck_assert_msg(fault->code != FAULT_NONE, "unknown error %s", reply.error);
                return fault->code;
        }
        if (answer)
                ck_assert_int_eq(reply_read(&reply, method_rows[method].reply, answer), 0);
        return FAULT_NONE;
}

FaultCode wire_try_acquire(Wire *wire, const AcquireParameters *parameters, Fault *fault) {
        AcquireReply reply;
        FaultCode code = wire_call(wire, METHOD_ACQUIRE, parameters, &reply, fault);

        if (code == FAULT_NONE)
                fd_close(fd_queue_pop(&wire->fds));
        return code;
}

int wire_acquire(Wire *wire, const AcquireParameters *parameters, AcquireReply *reply) {
        AcquireReply unwanted;
        Fault fault;
        int fd;

        wire_call(wire, METHOD_ACQUIRE, parameters, reply ? reply : &unwanted, &fault);
        ck_assert_msg(fault.code == FAULT_NONE, "Acquire: %s", fault_rows[fault.code].name);
        fd = fd_queue_pop(&wire->fds);
        ck_assert_int_ge(fd, 0);
        return fd;
}

static AcquireParameters creation(const char *name, int64_t size_bytes) {
        AcquireParameters parameters = {};

        if (name)
                GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, size_bytes);
        return parameters;
}

int wire_create(Wire *wire, const char *name, int64_t size_bytes) {
        AcquireParameters parameters = creation(name, size_bytes);

        return wire_acquire(wire, &parameters, NULL);
}

int wire_create_transient(Wire *wire, const char *name, int64_t size_bytes) {
        AcquireParameters parameters = creation(name, size_bytes);

        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, true);
        return wire_acquire(wire, &parameters, NULL);
}

int wire_open_segment(Wire *wire, const char *name, Access access) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, name);
        GIVE_VALUE(&parameters, ACQUIRE_ACCESS, access, access);
        return wire_acquire(wire, &parameters, NULL);
}

static FaultCode stat_with(Wire *wire, const SegmentParameters *parameters, SegmentInfo *ret) {
        SegmentReply reply;
        FaultCode code = wire_call(wire, METHOD_STAT, parameters, &reply, NULL);

        if (code == FAULT_NONE && ret)
                *ret = reply.segment;
        return code;
}

FaultCode wire_stat(Wire *wire, const char *name, SegmentInfo *ret) {
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        return stat_with(wire, &parameters, ret);
}

FaultCode wire_stat_id(Wire *wire, int64_t id, SegmentInfo *ret) {
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_ID, id, id);
        return stat_with(wire, &parameters, ret);
}

FaultCode wire_set_attributes(Wire *wire, const SetAttributesParameters *parameters,
                              SegmentInfo *ret, Fault *fault) {
        SegmentReply reply;
        FaultCode code = wire_call(wire, METHOD_SET_ATTRIBUTES, parameters, &reply, fault);

        if (code == FAULT_NONE && ret)
                *ret = reply.segment;
        return code;
}

FaultCode wire_remove(Wire *wire, const char *name, RemoveReply *ret) {
        SegmentParameters parameters = {};

        GIVE_VALUE(&parameters, SEGMENT_NAME, name, name);
        return wire_call(wire, METHOD_REMOVE, &parameters, ret, NULL);
}

void wire_status(Wire *wire, StatusReply *ret) {
        NoParameters parameters = {};

        ck_assert_int_eq(wire_call(wire, METHOD_GET_STATUS, &parameters, ret, NULL), FAULT_NONE);
}

int64_t wire_attach_count(Wire *wire, const char *name) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(wire, name, &info), FAULT_NONE);
        return info.attach_count;
}

Child child_start(void (*function)(int control_fd, void *userdata), void *userdata) {
        int pair[2];
        pid_t pid;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                close(pair[0]);
                unit_assert_silently();
                function(pair[1], userdata);
                unit_exit(0);
        }
        close(pair[1]);
        return (Child){ .pid = pid, .control_fd = pair[0] };
}

void child_step(int control_fd) {
        char byte = '.';

        if (write(control_fd, &byte, 1) != 1 || read(control_fd, &byte, 1) != 1)
                _exit(1);
}

void child_wait(Child *child) {
        struct pollfd poller = { .fd = child->control_fd, .events = POLLIN };
        char byte;

        ck_assert_msg(poll(&poller, 1, PATIENCE_MSEC) == 1, "the child does not get on");
        ck_assert_int_eq(read(child->control_fd, &byte, 1), 1);
}

void child_continue(Child *child) {
        char byte = '.';

        ck_assert_int_eq(write(child->control_fd, &byte, 1), 1);
}

static void child_reap(Child *child) {
        ck_assert_int_eq(waitpid(child->pid, NULL, 0), child->pid);
        child->control_fd = fd_close(child->control_fd);
}

void child_kill(Child *child) {
        ck_assert_int_eq(kill(child->pid, SIGKILL), 0);
        child_reap(child);
}

void child_end(Child *child) {
        child_continue(child);
        child_reap(child);
}
