/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': the broker's process, its service, and where it keeps things. */

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "client/ctl/cell.h"
#include "client/ctl/doctor/checks.h"
#include "client/ctl/size.h"
#include "client/ctl/systemd.h"

typedef struct CapabilityText CapabilityText;

struct CapabilityText {
        unsigned int number;
        const char *name;
        const char *lost;
};

/* What the unit gives the broker, LimitNOFILE=; fewer than the second are few for any. */
#define FILES_UNIT 524288
#define FILES_FEW 65536

/* So many memory files take two descriptors in the store. */
#define FILES_PER_QUEUE 100

/* Less free space than that is little for the state file. */
#define SPACE_LITTLE (UINT64_C(16) << 20)

#define STATE_SYSTEM "/var/lib/shmbroker"
#define STATE_OPTION "--state-directory"

static const CapabilityText capabilities[] = {
        { CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE",
          "clients attach System V segments by shmid, and get no descriptors of them" },
        { CAP_CHOWN, "CAP_CHOWN",
          "POSIX objects and files are made for the broker's own user alone" },
        { CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
          "POSIX objects and files of other users cannot be opened" },
        { CAP_FOWNER, "CAP_FOWNER", "POSIX objects and files of other users cannot be removed" },
        { CAP_LEASE, "CAP_LEASE", "who has POSIX objects and files of other users cannot be told" },
};

static bool read_value(Doctor *doctor, const char *file, const char *key, char **ret) {
        *ret = process_value(doctor->facts.pid, file, key);
        if (*ret)
                return true;
        doctor_find(doctor, CHECK_UNKNOWN, "You cannot read /proc/%jd/%s.",
                    (intmax_t) doctor->facts.pid, file);
        return false;
}

/* In the initial user namespace everybody is mapped. */
static void find_namespace(Doctor *doctor) {
        _cleanup_(freep) char *map = process_value(doctor->facts.pid, "uid_map", "");
        unsigned long inside, outside, n;

        if (!map || sscanf(map, "%lu %lu %lu", &inside, &outside, &n) != 3 || n >= UINT32_MAX)
                return;
        doctor_find(doctor, CHECK_NOTE,
                    "The broker runs in a user namespace: users who are not mapped there own and "
                    "create nothing.");
}

/* The effective one is the second. */
static void check_process(Doctor *doctor) {
        _cleanup_(freep) char *uids = NULL, *name = NULL;
        const char *which = doctor->facts.user ? "your own" : "the system's";
        uid_t uid;

        if (!read_value(doctor, "status", "Uid:", &uids))
                return;
        find_namespace(doctor);
        uid = (uid_t) strtoul(uids + strcspn(uids, " \t"), NULL, 10);
        name = cell_user(uid);
        if (uid == 0) {
                doctor_find(doctor, CHECK_NOTE,
                            "The broker, process %jd, runs as root, which it need not.",
                            (intmax_t) doctor->facts.pid);
                doctor_advise(doctor, "Run it as a user that owns nothing else, with the "
                                      "capabilities that are listed in shmbrokerd(8), as "
                                      "shmbroker.service does.");
                return;
        }
        doctor_find(doctor, CHECK_OK, "The broker, %s, is process %jd, and runs as %s.",
                    doctor->facts.is_service ? which : "one of your choice",
                    (intmax_t) doctor->facts.pid, name ? name : "");
}

/* Memory files need none, so a broker without any may be meant to be so. */
static void check_capabilities(Doctor *doctor) {
        bool is_system = doctor->facts.is_service && !doctor->facts.user;
        _cleanup_(freep) char *value = NULL;
        uint64_t effective, missing = 0;

        if (!read_value(doctor, "status", "CapEff:", &value))
                return;
        effective = strtoull(value, NULL, 16);
        for (size_t i = 0; i < ARRAY_SIZE(capabilities); ++i)
                if (!(effective >> capabilities[i].number & 1U))
                        missing |= UINT64_C(1) << i;
        if (!missing) {
                doctor_find(doctor, CHECK_OK, "The broker has all capabilities that it can use.");
                return;
        }
        if (!is_system && missing == (UINT64_C(1) << ARRAY_SIZE(capabilities)) - 1) {
                doctor_find(
                        doctor, CHECK_NOTE,
                        "The broker has no capabilities: it does all with memory files, and of "
                        "other kinds it serves its own user alone, System V segments by shmid.");
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(capabilities); ++i) {
                if (!(missing >> i & 1U))
                        continue;
                doctor_find(doctor, CHECK_WARNING, "The broker has no %s: %s.",
                            capabilities[i].name, capabilities[i].lost);
                doctor_advise(doctor,
                              "Add it to AmbientCapabilities= and CapabilityBoundingSet= of the "
                              "broker's unit, and start the broker again.");
        }
}

/* The first number is the one in force. */
static bool read_limit(Doctor *doctor, const char *key, uint64_t *ret) {
        _cleanup_(freep) char *value = NULL;

        if (!read_value(doctor, "limits", key, &value))
                return false;
        *ret = strncmp(value, "unlimited", strlen("unlimited")) == 0 ? UINT64_MAX
                                                                     : strtoull(value, NULL, 10);
        return true;
}

/* Who is not root sets at most the hard limit. */
static void advise_files(Doctor *doctor, uint64_t maximum) {
        struct rlimit limit = {};

        (void) getrlimit(RLIMIT_NOFILE, &limit);
        if (geteuid() == 0 || limit.rlim_max >= FILES_UNIT)
                doctor_advise(doctor, "Start the broker after 'ulimit -n %d'.", FILES_UNIT);
        else if (limit.rlim_max > maximum)
                doctor_advise(doctor,
                              "Start the broker after 'ulimit -n %ju'; root can let you have more, "
                              "by 'nofile' in limits.conf(5).",
                              (uintmax_t) limit.rlim_max);
        else
                doctor_advise(doctor, "You may not have more; root can let you, by 'nofile' in "
                                      "limits.conf(5).");
}

static void check_descriptors(Doctor *doctor) {
        uint64_t maximum;

        if (!read_limit(doctor, "Max open files", &maximum))
                return;
        if (maximum >= FILES_FEW) {
                doctor_find(doctor, CHECK_OK, "The broker may have %" PRIu64 " descriptors.",
                            maximum);
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The broker may have only %" PRIu64
                    " descriptors, of which each segment and each connection takes one.",
                    maximum);
        if (doctor->facts.unit)
                doctor_advise(doctor,
                              "Set LimitNOFILE=%d in the unit ('%s edit shmbroker.service'), and "
                              "start the broker again.",
                              FILES_UNIT, facts_systemctl(&doctor->facts));
        else
                advise_files(doctor, maximum);
}

/* Of a unit that is not there systemd tells how it would be. */
static bool has_unit(const Facts *facts) {
        _cleanup_(freep) char *state = systemd_value(facts->unit, "LoadState");

        return state && strcmp(state, "loaded") == 0;
}

static void find_no_unit(Doctor *doctor) {
        const Facts *facts = &doctor->facts;

        if (!facts->has_systemd)
                doctor_find(doctor, CHECK_NOTE,
                            "systemd does not run here, so nothing holds memory files while the "
                            "broker restarts.");
        else if (!facts->is_service)
                doctor_find(doctor, CHECK_NOTE,
                            "The broker is none of systemd's, so nothing holds memory files while "
                            "it restarts.");
        else if (!facts->unit)
                doctor_find(doctor, CHECK_UNKNOWN,
                            "systemd does not tell you how the service is set up.");
        else {
                doctor_find(doctor, CHECK_WARNING, "systemd knows no shmbroker.service.");
                doctor_advise(doctor, "Install the units, then '%s daemon-reload'.",
                              facts_systemctl(facts));
        }
}

static void find_queue(Doctor *doctor, const char *maximum, const char *used) {
        const struct shmbroker_status *status = doctor->facts.status;
        uint64_t n_maximum = strtoull(maximum, NULL, 10), n_needed = 2;

        if (status)
                n_needed += shmbroker_status_segment_count(status) / FILES_PER_QUEUE * 2;
        if (!is_nearly(n_needed, n_maximum)) {
                doctor_find(doctor, CHECK_OK, "systemd holds %s of %s descriptors for the broker.",
                            used ? used : "0", maximum);
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "systemd holds at most %s descriptors for the broker, and its memory files "
                    "take about %" PRIu64 ": not all of them may outlive a restart.",
                    maximum, n_needed);
        doctor_advise(doctor,
                      "Set FileDescriptorStoreMax= and FDSTORE= in Environment= to %" PRIu64
                      " in the unit ('%s edit shmbroker.service').",
                      n_needed < 2048 ? 4096 : 2 * n_needed, facts_systemctl(&doctor->facts));
}

static void check_store(Doctor *doctor) {
        _cleanup_(freep) char *maximum = NULL, *used = NULL;

        if (!has_unit(&doctor->facts)) {
                find_no_unit(doctor);
                return;
        }
        maximum = systemd_value(doctor->facts.unit, "FileDescriptorStoreMax");
        used = systemd_value(doctor->facts.unit, "NFileDescriptorStore");
        if (maximum)
                find_queue(doctor, maximum, used);
        else
                doctor_find(doctor, CHECK_UNKNOWN,
                            "systemd does not tell how many descriptors it holds for the broker.");
}

static void check_unit(Doctor *doctor) {
        _cleanup_(freep) char *removes = systemd_value(doctor->facts.unit, "RemoveIPC");

        if (!has_unit(&doctor->facts) || !removes) {
                doctor_find(doctor, CHECK_OK, "No unit of systemd's is known to have this broker.");
                return;
        }
        if (!systemd_is_true(removes)) {
                doctor_find(doctor, CHECK_OK,
                            "The unit leaves shared memory alone (RemoveIPC=no).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The unit has RemoveIPC=yes: when the broker stops, systemd removes POSIX "
                    "objects and System V segments of the broker's user.");
        doctor_advise(doctor,
                      "Set RemoveIPC=no in the unit ('%s edit shmbroker.service'); note that "
                      "DynamicUser= implies yes.",
                      facts_systemctl(&doctor->facts));
}

static char *state_of_user(void) {
        const char *directory = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

        if (directory && *directory == '/')
                return cell_printf("%s/shmbroker", directory);
        return home ? cell_printf("%s/.local/state/shmbroker", home) : NULL;
}

static char *find_state(const Facts *facts) {
        char *path = facts_option(facts, STATE_OPTION);

        if (path || !facts->is_service)
                return path;
        return facts->user ? state_of_user() : strdup(STATE_SYSTEM);
}

static void find_space(Doctor *doctor, const char *path) {
        char text[SIZE_TEXT];
        struct statvfs space;
        uint64_t free_bytes;

        if (statvfs(path, &space) < 0) {
                doctor_find(doctor, CHECK_UNKNOWN, "You cannot look at the state directory %s: %s.",
                            path, strerror(errno));
                return;
        }
        free_bytes = (uint64_t) space.f_bavail * space.f_frsize;
        (void) size_format(text, sizeof(text), free_bytes, false);
        if (space.f_flag & ST_RDONLY) {
                doctor_find(doctor, CHECK_ERROR,
                            "The state directory %s cannot be written to, so no segments can be "
                            "made.",
                            path);
                doctor_advise(doctor, "Mount its file system for writing.");
        } else if (free_bytes < SPACE_LITTLE) {
                doctor_find(doctor, free_bytes == 0 ? CHECK_ERROR : CHECK_WARNING,
                            "The state directory %s has %s left; without any, no segments can be "
                            "made.",
                            path, text);
                doctor_advise(doctor, "Make room in its file system.");
        } else {
                doctor_find(doctor, CHECK_OK, "The state directory %s has %s left.", path, text);
        }
}

static void check_state(Doctor *doctor) {
        _cleanup_(freep) char *path = find_state(&doctor->facts);
        struct stat state;

        if (!path) {
                doctor_find(doctor, CHECK_UNKNOWN,
                            "Where the broker keeps its state cannot be known.");
                return;
        }
        if (stat(path, &state) == 0 || errno != ENOENT) {
                find_space(doctor, path);
                return;
        }
        doctor_find(doctor, doctor->facts.error ? CHECK_NOTE : CHECK_WARNING,
                    "There is no state directory %s.", path);
        doctor_advise(doctor, "A broker makes it when it begins.");
}

const Check service_checks[] = {
        { "process", "as which user the broker runs", NEEDS_PROCESS, check_process },
        { "capabilities", "what the broker may do for other users", NEEDS_PROCESS,
          check_capabilities },
        { "descriptors", "how many descriptors the broker may have", NEEDS_PROCESS,
          check_descriptors },
        { "unit", "whether the unit keeps shared memory when the broker stops", NEEDS_NOTHING,
          check_unit },
        { "descriptor-store", "whether memory files outlive a restart", NEEDS_NOTHING,
          check_store },
        { "state", "the directory of what the broker knows at its next start", NEEDS_NOTHING,
          check_state },
        {},
};
