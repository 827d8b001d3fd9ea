/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': the broker that is meant, by what it says itself, and its socket. */

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/cell.h"
#include "client/ctl/common.h"
#include "client/ctl/doctor/checks.h"
#include "client/ctl/limit.h"
#include "client/ctl/size.h"

typedef struct CounterText CounterText;

/* A counter that is 0 where all is well */
struct CounterText {
        const char *name;
        CheckState state;
        /* Of what it is the number */
        const char *meaning;
        const char *advice;
};

static void advise_start(Doctor *doctor) {
        const Facts *facts = &doctor->facts;

        if (facts->is_service && facts->has_systemd)
                doctor_advise(doctor, "Start it: '%s enable --now shmbroker.socket'.",
                              facts_systemctl(facts));
        else if (facts->is_service)
                doctor_advise(doctor,
                              "Start it%s: 'shmbrokerd%s'; or say with --address or "
                              "$SHMBROKER_ADDRESS where it is.",
                              !facts->user && geteuid() != 0 ? " as root" : "",
                              facts->user ? " --user" : "");
        else
                doctor_advise(doctor,
                              "Start it: 'shmbrokerd --address %s%s'; or say with --address or "
                              "$SHMBROKER_ADDRESS where it is.",
                              facts->address,
                              /* The one of the system is root's. */
                              geteuid() != 0 ? " --state-directory DIR" : "");
}

/* Where the log is, if that is known, as the end of a clause. */
static const char *find_log(const Facts *facts) {
        if (!facts->unit)
                return "";
        return facts->user ? " ('journalctl --user --unit shmbroker.service')"
                           : " ('journalctl --unit shmbroker.service')";
}

static void check_answer(Doctor *doctor) {
        const Facts *facts = &doctor->facts;
        char text[SIZE_TEXT];

        switch (facts->error) {
        case 0:
                doctor_find(doctor, CHECK_OK, "The broker at %s answers; it began %s.",
                            facts->address,
                            time_format(text, sizeof(text),
                                        shmbroker_status_start_time(facts->status)));
                return;
        case -ENOENT:
        case -ECONNREFUSED:
                doctor_find(doctor, CHECK_ERROR, "There is no broker at %s (%s).", facts->address,
                            strerror(-facts->error));
                advise_start(doctor);
                return;
        case -EACCES:
                doctor_find(doctor, CHECK_ERROR, "You may not connect to the broker at %s.",
                            facts->address);
                doctor_advise(doctor, "Who may is decided by the mode of the socket and of its "
                                      "directories.");
                return;
        case -ETIMEDOUT:
                doctor_find(doctor, CHECK_ERROR, "The broker at %s does not answer in time.",
                            facts->address);
                doctor_advise(doctor, "If that stays so, look at its log%s, and start it again.",
                              find_log(facts));
                return;
        default:
                doctor_find(doctor, CHECK_ERROR, "The broker at %s cannot be asked: %s.",
                            facts->address, facts->reason ? facts->reason : "");
                doctor_advise(doctor, "Look at its log%s.", find_log(facts));
        }
}

static void check_version(Doctor *doctor) {
        const Facts *facts = &doctor->facts;
        const char *version;

        version = shmbroker_status_version(facts->status);
        if (strcmp(version, PACKAGE_VERSION) == 0) {
                doctor_find(doctor, CHECK_OK, "The broker and this command are version %s.",
                            version);
                return;
        }
        doctor_find(doctor, CHECK_WARNING, "The broker is version %s, and this command is %s.",
                    version, PACKAGE_VERSION);
        if (facts->unit)
                doctor_advise(doctor,
                              "After an upgrade, start the broker again: '%s restart "
                              "shmbroker.service'.",
                              facts_systemctl(facts));
        else
                doctor_advise(doctor, "After an upgrade, start the broker again.");
}

static void find_limit(Doctor *doctor, const Limit *limit) {
        char used[SIZE_TEXT], maximum[SIZE_TEXT];

        (void) size_format(used, sizeof(used), limit->used, !limit->text->bytes);
        (void) size_format(maximum, sizeof(maximum), limit->value, !limit->text->bytes);
        doctor_find(doctor, CHECK_WARNING, "Of the limit '%s' (%s), %s of %s are used.",
                    limit->name, limit->text->meaning, used, maximum);
        doctor_advise(doctor,
                      "'shmbrokerctl users' shows who has how much; '%s' in [limits] of "
                      "shmbroker.conf(5) raises it, once the broker has got SIGHUP%s.",
                      limit->name,
                      doctor->facts.unit && !doctor->facts.user
                              ? " ('systemctl reload shmbroker.service')"
                              : "");
}

static void check_limits(Doctor *doctor) {
        const Facts *facts = &doctor->facts;
        Limit limits[LIMITS_MAX];
        size_t n_limits, n_before = doctor->n_findings;

        n_limits = limits_get(facts->status, facts->users, limits);
        for (size_t i = 0; i < n_limits; ++i)
                if (limits[i].has_used && is_nearly(limits[i].used, limits[i].value))
                        find_limit(doctor, &limits[i]);
        if (doctor->n_findings == n_before)
                doctor_find(doctor, CHECK_OK, "None of the broker's limits is nearly reached.");
}

static const CounterText counters[] = {
        { "segmentsUnwatched", CHECK_WARNING,
          "Segments without an inotify watch, which are asked ten times a second instead",
          "Raise fs.inotify.max_user_watches, by sysctl(8)." },
        { "segmentsUnavailable", CHECK_WARNING,
          "Segments whose object cannot be opened at the moment",
          "The broker tries again. 'shmbrokerctl list --output ID,NAME,UNAVAILABLE' shows why, and "
          "its log says more." },
        { "limitsReached", CHECK_NOTE,
          "Calls and connections that met a limit since the broker began",
          "'shmbrokerctl limits' shows what is in use, 'journalctl "
          "MESSAGE_ID=f8473f5b21cb499bb9e45945f234d752' whose they were." },
        { "peersBroken", CHECK_NOTE,
          "Connections that were closed, for what came there was no call",
          "'journalctl MESSAGE_ID=9db9a636b3da4292af3ada2486966f73' shows whose they were." },
        { "peersRefused", CHECK_NOTE,
          "Connections that were closed, for there was no place for them",
          "Raise 'connections' in [limits] of shmbroker.conf(5), or LimitNOFILE= of the unit." },
        { "closingsLost", CHECK_NOTE,
          "Times that the queue of inotify(7) was too short, after which all segments are asked",
          "If it grows all the time, raise fs.inotify.max_queued_events, by sysctl(8)." },
};

static void check_counters(Doctor *doctor) {
        const struct shmbroker_status *status = doctor->facts.status;
        size_t n_before = doctor->n_findings;
        int64_t value;

        for (size_t i = 0; i < ARRAY_SIZE(counters); ++i) {
                const CounterText *text = &counters[i];

                if (shmbroker_status_counter_by_name(status, text->name, &value) || value <= 0)
                        continue;
                doctor_find(doctor, text->state, "%s: %" PRId64 " (%s).", text->meaning, value,
                            text->name);
                doctor_advise(doctor, "%s", text->advice);
        }
        if (doctor->n_findings == n_before)
                doctor_find(doctor, CHECK_OK, "None of the broker's counters tells of trouble.");
}

static void find_unreachable(Doctor *doctor, int error) {
        const Facts *facts = &doctor->facts;

        if (error == ENOENT || error == ENOTDIR)
                doctor_find(doctor, CHECK_NOTE, "There is no socket at %s.", facts->path);
        else
                doctor_find(doctor, CHECK_UNKNOWN, "You cannot look at the socket %s: %s.",
                            facts->path, strerror(error));
}

static void find_stale(Doctor *doctor) {
        const Facts *facts = &doctor->facts;

        doctor_find(doctor, CHECK_ERROR,
                    "Nobody listens at the socket %s: a broker that was killed has left it.",
                    facts->path);
        if (facts->unit)
                doctor_advise(doctor, "'%s restart shmbroker.socket' makes it anew.",
                              facts_systemctl(facts));
        else
                doctor_advise(doctor, "A broker that is started there takes its place.");
}

/* Who may go through a directory may connect; who may write to it can put another socket there.
 * Return: whether there was something to tell. */
static bool find_directory(Doctor *doctor, const char *path) {
        struct stat state;

        if (stat(path, &state) < 0)
                return false;
        if ((state.st_mode & (S_IWGRP | S_IWOTH)) && !(state.st_mode & S_ISVTX)) {
                doctor_find(doctor, CHECK_WARNING,
                            "Others than its owner may write to %s (mode %04o), and can put a "
                            "socket of their own in the place of the broker's.",
                            path, (unsigned int) state.st_mode & 07777);
                doctor_advise(doctor, "'chmod go-w %s' forbids it.", path);
                return true;
        }
        if (!doctor->facts.user && !(state.st_mode & S_IXOTH)) {
                _cleanup_(freep) char *owner = cell_user(state.st_uid);

                doctor_find(doctor, CHECK_NOTE,
                            "Others than %s and the group cannot connect, as %s has mode %04o.",
                            owner ? owner : "", path, (unsigned int) state.st_mode & 07777);
                doctor_advise(doctor, "If they should, 'chmod o+x %s' lets them.", path);
                return true;
        }
        return false;
}

/* All directories on the way to a path, which has to be absolute. */
static bool find_directories(Doctor *doctor, const char *path) {
        _cleanup_(freep) char *copy = strdup(path);
        bool found = false;

        for (char *at = copy ? dirname(copy) : NULL; at && strcmp(at, "/") != 0; at = dirname(at))
                found |= find_directory(doctor, at);
        return found;
}

/* The very socket that doctor was pointed to. */
static bool is_administrators(const char *address) {
        size_t n = strlen(address), n_end = strlen(".admin");

        return strcmp(address, "unix:/run/shmbroker-admin/socket") == 0 ||
               (n > n_end && strcmp(address + n - n_end, ".admin") == 0);
}

static void find_mode(Doctor *doctor, const struct stat *state) {
        _cleanup_(freep) char *owner = cell_user(state->st_uid), *group = cell_group(state->st_gid);
        const char *path = doctor->facts.path;
        unsigned int mode = (unsigned int) state->st_mode & 0777;

        if (!owner || !group)
                doctor->failed = true;
        else if (mode & S_IWOTH)
                doctor_find(doctor, CHECK_OK, "Everybody may connect to %s, which is %s's.", path,
                            owner);
        else if (doctor->facts.user)
                doctor_find(doctor, CHECK_OK, "Only %s may connect to %s (mode %04o).", owner, path,
                            mode);
        else {
                doctor_find(doctor, CHECK_NOTE, "Only %s%s%s may connect to %s (mode %04o).", owner,
                            mode & S_IWGRP ? " and the group " : "", mode & S_IWGRP ? group : "",
                            path, mode);
                doctor_advise(doctor,
                              "If others should, set SocketMode= of shmbroker.socket, or 'chmod "
                              "666 %s'.",
                              path);
        }
}

static void check_socket(Doctor *doctor) {
        const Facts *facts = &doctor->facts;
        struct stat state;

        if (lstat(facts->path, &state) < 0) {
                find_unreachable(doctor, errno);
                return;
        }
        if (!S_ISSOCK(state.st_mode)) {
                doctor_find(doctor, CHECK_ERROR, "%s is not a socket.", facts->path);
                doctor_advise(doctor, "Move it away: no broker starts there.");
                return;
        }
        if (facts->error == -ECONNREFUSED)
                find_stale(doctor);
        else if (is_administrators(facts->address))
                doctor_find(doctor, CHECK_OK, "%s is the administrator's socket.", facts->path);
        else if (!find_directories(doctor, facts->path))
                find_mode(doctor, &state);
}

static void find_no_administrator(Doctor *doctor, const char *path, int error) {
        const Facts *facts = &doctor->facts;

        if (error != ENOENT && error != ENOTDIR) {
                doctor_find(doctor, CHECK_OK,
                            "You are not the administrator: %s is not yours to look at.", path);
                return;
        }
        doctor_find(doctor, CHECK_NOTE,
                    "There is no administrator's socket at %s: root is a user of the broker like "
                    "others.",
                    path);
        if (facts->unit)
                doctor_advise(
                        doctor,
                        "'%s enable --now shmbroker-admin.socket' and a restart of the broker "
                        "make one.",
                        facts_systemctl(facts));
}

static void check_administrator(Doctor *doctor) {
        _cleanup_(freep) char *admin = is_administrators(doctor->facts.address)
                                               ? strdup(doctor->facts.address)
                                               : ctl_admin_address(doctor->facts.address);
        const char *path = admin ? admin + strlen("unix:") : "";
        struct stat state;

        if (!admin)
                doctor->failed = true;
        else if (lstat(path, &state) < 0)
                find_no_administrator(doctor, path, errno);
        else if (state.st_mode & 0077) {
                doctor_find(
                        doctor, CHECK_WARNING,
                        "The administrator's socket %s has mode %04o: others than its owner may "
                        "open it, whom the broker does not serve.",
                        path, (unsigned int) state.st_mode & 0777);
                doctor_advise(doctor, "'chmod 600 %s'.", path);
        } else {
                doctor_find(doctor, CHECK_OK, "The administrator's socket is %s.", path);
        }
}

const Check broker_checks[] = {
        { "broker", "whether the broker answers", NEEDS_NOTHING, check_answer },
        { "version", "whether broker and command belong together", NEEDS_ANSWER, check_version },
        { "limits", "what the broker allows, and how much of it is used", NEEDS_ANSWER,
          check_limits },
        { "counters", "counters of the broker that tell of trouble", NEEDS_ANSWER, check_counters },
        { "socket", "the broker's socket, and who may connect", NEEDS_NOTHING, check_socket },
        { "administrator", "the administrator's socket, and who may open it", NEEDS_NOTHING,
          check_administrator },
        {},
};
