/* SPDX-License-Identifier: MIT */
#include "client/ctl/doctor/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/ctl/cell.h"
#include "client/ctl/common.h"
#include "client/ctl/systemd.h"

#define SCHEME "unix:"
#define PATH_SYSTEM "/run/shmbroker/socket"
#define NAME "shmbrokerd"
#define USEC_PER_SEC UINT64_C(1000000)

/* One that does not answer within this time hangs. */
#define TIMEOUT_USEC (5 * USEC_PER_SEC)

/**
 * process_value() - what a file of /proc/PID says of something
 * @pid:        the process
 * @file:       a file with a line for each thing
 * @key:        how the line begins
 *
 * Return: the rest of the line without the blanks before it, to be freed; NULL if it is not there.
 */
char *process_value(pid_t pid, const char *file, const char *key) {
        char path[64], line[512];
        char *value = NULL;
        FILE *stream;

        (void) snprintf(path, sizeof(path), "/proc/%jd/%s", (intmax_t) pid, file);
        stream = fopen(path, "re");
        if (!stream)
                return NULL;
        while (!value && fgets(line, sizeof(line), stream)) {
                const char *rest = line + strlen(key);

                if (strncmp(line, key, strlen(key)) == 0)
                        value = strndup(rest + strspn(rest, " \t"),
                                        strcspn(rest + strspn(rest, " \t"), "\n"));
        }
        (void) fclose(stream);
        return value;
}

/* The process that made the socket, if the kernel tells; 0 if not. */
static pid_t find_listener(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct ucred peer = {};
        socklen_t n_peer = sizeof(peer);
        int fd;

        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return 0;
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n_peer) < 0)
                peer.pid = 0;
        (void) close(fd);
        return peer.pid;
}

/* A socket may be systemd's, which starts the broker. */
static bool is_broker(pid_t pid) {
        _cleanup_(freep) char *name = process_value(pid, "status", "Name:");

        return name && strstr(name, NAME);
}

static pid_t find_process(const Facts *facts) {
        _cleanup_(freep) char *main_pid = systemd_value(facts->unit, "MainPID");
        pid_t pid = find_listener(facts->path);

        if (pid > 0 && is_broker(pid))
                return pid;
        pid = main_pid ? (pid_t) atol(main_pid) : 0;
        return pid > 0 && is_broker(pid) ? pid : 0;
}

/* Which of the reasons why a broker cannot be reached it is, only connecting itself tells. */
static int why_unreachable(const struct shmbroker *unreachable) {
        struct shmbroker *connection;
        int r;

        r = shmbroker_connect(shmbroker_get_address(unreachable), &connection);
        if (r)
                return r;
        shmbroker_close(connection);
        return -ENOTCONN;
}

/* The administrator is told of all users, tenants and segments. */
static void become_administrator(Ctl *ctl, Facts *facts) {
        struct shmbroker_status *status;

        if (ctl_try_administrator(ctl))
                return;
        shmbroker_set_call_timeout(ctl->connection, TIMEOUT_USEC);
        if (shmbroker_get_status(ctl->connection, &status))
                return;
        shmbroker_status_free(facts->status);
        facts->status = status;
        facts->connection = ctl->connection;
}

static void ask_broker(Ctl *ctl, Facts *facts) {
        const struct shmbroker_error *error;

        facts->connection = facts->meant;
        shmbroker_set_call_timeout(facts->meant, TIMEOUT_USEC);
        facts->error = shmbroker_get_status(facts->meant, &facts->status);
        if (facts->error) {
                error = shmbroker_get_error(facts->meant);
                facts->reason = cell_text(shmbroker_error_message(error));
                if (shmbroker_error_kind(error) == SHMBROKER_ERROR_UNREACHABLE)
                        facts->error = why_unreachable(facts->meant);
                return;
        }
        become_administrator(ctl, facts);
        /* An older one may not tell. */
        (void) shmbroker_list_users(facts->connection, &facts->users);
        (void) shmbroker_list_tenants(facts->connection, &facts->tenants);
}

static bool is_user(const char *address) {
        if (!address)
                address = getenv("SHMBROKER_ADDRESS");
        return address && strcmp(address, "user:") == 0;
}

/**
 * facts_find() - ask the broker, the kernel and systemd
 * @ctl:        says which broker is meant
 * @ret:        what they say
 *
 * Return: 0, also if nobody answers; or an exit code, and the user was told, if it cannot be known
 *         who is meant.
 */
int facts_find(Ctl *ctl, Facts *ret) {
        Facts facts = {};
        int r;

        r = shmbroker_new(ctl->address, &facts.meant);
        if (r) {
                /* It fails for the same reason, and says so. */
                r = ctl_connect(ctl);
                return r ? r : ctl_no_memory();
        }
        facts.address = shmbroker_get_address(facts.meant);
        facts.path = facts.address + strlen(SCHEME);
        /* The units have theirs there. */
        facts.user = is_user(ctl->address);
        facts.is_service = facts.user || strcmp(facts.path, PATH_SYSTEM) == 0;
        facts.has_systemd = systemd_runs();
        ask_broker(ctl, &facts);
        if (facts.is_service && facts.has_systemd)
                facts.unit = systemd_unit(facts.user);
        facts.pid = find_process(&facts);
        *ret = facts;
        return 0;
}

void facts_deinit(Facts *facts) {
        shmbroker_status_free(facts->status);
        shmbroker_users_free(facts->users);
        shmbroker_tenants_free(facts->tenants);
        shmbroker_close(facts->meant);
        free(facts->reason);
        free(facts->unit);
        *facts = (Facts){};
}

/* facts_systemctl() - the command for the broker's units */
const char *facts_systemctl(const Facts *facts) {
        return facts->user ? "systemctl --user" : "systemctl";
}

/* facts_option() - the absolute path that follows an option on the command line of the broker, to
 * be freed; NULL if there is none, or its process is not known */
char *facts_option(const Facts *facts, const char *option) {
        _cleanup_(freep) char *command = NULL;
        const char *at;

        command = facts->pid > 0 ? cell_command(facts->pid, UINT64_MAX / 2) : NULL;
        at = command ? strstr(command, option) : NULL;
        if (!at || !at[strlen(option)])
                return NULL;
        at += strlen(option) + 1;
        return *at == '/' ? strndup(at, strcspn(at, " ")) : NULL;
}
