/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': limits and settings of the host, and what is there without a broker. */

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "client/ctl/doctor/checks.h"
#include "client/ctl/managed.h"
#include "client/ctl/posix.h"
#include "client/ctl/size.h"
#include "client/ctl/systemd.h"
#include "client/ctl/sysv.h"
#include "client/ctl/verdict.h"

/* Of linux/magic.h */
#define TMPFS_MAGIC 0x01021994

#define SHM_DIRECTORY "/dev/shm"
#define SHM_MODE 01777

#define HUGE_DIRECTORY "/sys/kernel/mm/hugepages"
#define HUGE_PREFIX "hugepages-"

static uint64_t count_segments(const Doctor *doctor) {
        return doctor->facts.status ? shmbroker_status_segment_count(doctor->facts.status) : 0;
}

/* Each segment takes a watch of the broker's user. */
static void check_watches(Doctor *doctor) {
        uint64_t n_segments = count_segments(doctor), maximum;

        if (read_number("/proc/sys/fs/inotify/max_user_watches", &maximum)) {
                doctor_find(doctor, CHECK_UNKNOWN,
                            "How many inotify watches a user may have cannot be read.");
                return;
        }
        if (maximum > 0 && !is_nearly(n_segments, maximum)) {
                doctor_find(doctor, CHECK_OK,
                            "A user may have %" PRIu64 " inotify watches; number of segments: "
                            "%" PRIu64 ".",
                            maximum, n_segments);
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "A user may have only %" PRIu64 " inotify watches, and there are %" PRIu64
                    " segments: those without one are asked ten times a second instead.",
                    maximum, n_segments);
        doctor_advise_sysctl(doctor, "fs.inotify.max_user_watches",
                             n_segments < 32768 ? 65536 : 2 * n_segments);
}

/* Return: whether there was something to tell. */
static bool find_sysv(Doctor *doctor, const char *name, const char *what, uint64_t used,
                      uint64_t maximum) {
        if (maximum > 0 && !is_nearly(used, maximum))
                return false;
        doctor_find(doctor, CHECK_WARNING,
                    "Of %" PRIu64 " %s that System V segments may have in all (%s), %" PRIu64
                    " are used.",
                    maximum, what, name, used);
        doctor_advise_sysctl(doctor, name, used < 2048 ? 4096 : 2 * used);
        return true;
}

static uint64_t memory_bytes(void) {
        return (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE);
}

static bool find_largest(Doctor *doctor, uint64_t maximum) {
        char text[SIZE_TEXT];

        if (maximum >= memory_bytes() / 2)
                return false;
        doctor_find(doctor, CHECK_NOTE, "A System V segment may have at most %s (kernel.shmmax).",
                    size_format(text, sizeof(text), maximum, false));
        doctor_advise_sysctl(doctor, "kernel.shmmax", memory_bytes());
        return true;
}

static void check_sysv(Doctor *doctor) {
        struct shminfo limits;
        struct shm_info used;
        bool found;

        if (shmctl(0, IPC_INFO, (struct shmid_ds *) (void *) &limits) < 0 ||
            shmctl(0, SHM_INFO, (struct shmid_ds *) (void *) &used) < 0) {
                doctor_find(doctor, errno == ENOSYS ? CHECK_NOTE : CHECK_UNKNOWN,
                            "The kernel does not tell of System V segments: %s.", strerror(errno));
                return;
        }
        found = find_sysv(doctor, "kernel.shmmni", "identifiers", (uint64_t) used.used_ids,
                          limits.shmmni);
        found |= find_sysv(doctor, "kernel.shmall", "pages", used.shm_tot, limits.shmall);
        found |= find_largest(doctor, limits.shmmax);
        if (!found)
                doctor_find(doctor, CHECK_OK,
                            "There are %d System V segments, and may be %lu (kernel.shmmni).",
                            used.used_ids, limits.shmmni);
}

static void check_rmid_forced(Doctor *doctor) {
        uint64_t forced;

        if (read_number("/proc/sys/kernel/shm_rmid_forced", &forced)) {
                doctor_find(doctor, CHECK_UNKNOWN, "kernel.shm_rmid_forced cannot be read.");
                return;
        }
        if (!forced) {
                doctor_find(
                        doctor, CHECK_OK,
                        "System V segments stay without an attachment (kernel.shm_rmid_forced).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The kernel destroys each System V segment at its last detach "
                    "(kernel.shm_rmid_forced): those that only the broker has do not outlive its "
                    "restart, and those of other programs not the last of them.");
        doctor_advise_sysctl(doctor, "kernel.shm_rmid_forced", 0);
}

static void find_fullness(Doctor *doctor) {
        uint64_t size, used;
        char text[2][SIZE_TEXT];
        struct statvfs space;

        if (statvfs(SHM_DIRECTORY, &space) < 0) {
                doctor_find(doctor, CHECK_UNKNOWN,
                            "How full " SHM_DIRECTORY " is cannot be known: "
                            "%s.",
                            strerror(errno));
                return;
        }
        size = (uint64_t) space.f_blocks * space.f_frsize;
        used = size - (uint64_t) space.f_bfree * space.f_frsize;
        (void) size_format(text[0], sizeof(text[0]), used, false);
        (void) size_format(text[1], sizeof(text[1]), size, false);
        /* It may have no limit. */
        if ((size == 0 || !is_nearly(used, size)) &&
            (space.f_files == 0 || !is_nearly(space.f_files - space.f_ffree, space.f_files))) {
                doctor_find(doctor, CHECK_OK, SHM_DIRECTORY " has %s of %s in use.", text[0],
                            size > 0 ? text[1] : "any size");
                return;
        }
        doctor_find(doctor, space.f_bfree == 0 && size > 0 ? CHECK_ERROR : CHECK_WARNING,
                    SHM_DIRECTORY " has %s of %s in use, and %ju of %ju files: programs that write "
                                  "to POSIX objects get SIGBUS when it is full.",
                    text[0], text[1], (uintmax_t) (space.f_files - space.f_ffree),
                    (uintmax_t) space.f_files);
        doctor_advise(doctor, "'shmbrokerctl orphans' and 'shmbrokerctl list --kind posix' show "
                              "what is there; 'mount -o remount,size=75%% " SHM_DIRECTORY "' makes "
                              "it larger.");
}

static void check_shm(Doctor *doctor) {
        struct statfs system;
        struct stat state;

        if (stat(SHM_DIRECTORY, &state) < 0 || !S_ISDIR(state.st_mode) ||
            statfs(SHM_DIRECTORY, &system) < 0) {
                doctor_find(doctor, CHECK_WARNING,
                            "There is no directory " SHM_DIRECTORY ", so "
                            "there are no POSIX objects.");
                doctor_advise(doctor, "'mkdir -p " SHM_DIRECTORY "', and 'mount -t tmpfs -o "
                                      "mode=1777 tmpfs " SHM_DIRECTORY "'.");
                return;
        }
        if (system.f_type != TMPFS_MAGIC) {
                doctor_find(doctor, CHECK_WARNING,
                            SHM_DIRECTORY " is no tmpfs: what is there is "
                                          "not in memory alone.");
                doctor_advise(doctor, "'mount -t tmpfs -o mode=1777 tmpfs " SHM_DIRECTORY "'.");
        }
        if ((state.st_mode & 07777) != SHM_MODE) {
                doctor_find(doctor, CHECK_WARNING,
                            SHM_DIRECTORY " has mode %04o, not 1777, with which everybody may make "
                                          "objects and remove only one's own.",
                            (unsigned int) state.st_mode & 07777);
                doctor_advise(doctor, "'chmod 1777 " SHM_DIRECTORY "'.");
        }
        find_fullness(doctor);
}

/* With it, who has not made an object cannot open it with O_CREAT. */
static uint64_t read_pool(const char *pool, const char *file) {
        char path[512];
        uint64_t n = 0;

        (void) snprintf(path, sizeof(path), HUGE_DIRECTORY "/%s/%s", pool, file);
        (void) read_number(path, &n);
        return n;
}

/* Return: whether there are pages of this size. */
static bool find_pool(Doctor *doctor, const char *pool) {
        uint64_t n = read_pool(pool, "nr_hugepages"), n_free = read_pool(pool, "free_hugepages");
        uint64_t n_reserved = read_pool(pool, "resv_hugepages");

        if (n == 0)
                return false;
        if (n_free > n_reserved) {
                doctor_find(doctor, CHECK_OK,
                            "Of %" PRIu64 " huge pages of %s, %" PRIu64 " are free.", n,
                            pool + strlen(HUGE_PREFIX), n_free - n_reserved);
                return true;
        }
        doctor_find(doctor, CHECK_NOTE, "None of %" PRIu64 " huge pages of %s is free.", n,
                    pool + strlen(HUGE_PREFIX));
        doctor_advise(doctor,
                      "If segments with them are needed, write a larger number to " HUGE_DIRECTORY
                      "/%s/nr_hugepages.",
                      pool);
        return true;
}

static void check_huge(Doctor *doctor) {
        DIR *directory = opendir(HUGE_DIRECTORY);
        const struct dirent *entry;
        bool found = false;

        while (directory && (entry = readdir(directory)))
                if (strncmp(entry->d_name, HUGE_PREFIX, strlen(HUGE_PREFIX)) == 0)
                        found |= find_pool(doctor, entry->d_name);
        if (directory)
                (void) closedir(directory);
        if (!found)
                doctor_find(doctor, CHECK_OK,
                            "No huge pages are set aside, and there need not be any.");
}

/* Of System V, logind leaves those that are attached alone, as the broker's are. */
static void check_logind(Doctor *doctor) {
        _cleanup_(freep) char *lines = NULL, *removes = NULL;

        if (!doctor->facts.has_systemd) {
                doctor_find(doctor, CHECK_OK,
                            "systemd does not run here, and so no logind that removes shared "
                            "memory.");
                return;
        }
        lines = systemd_logind();
        if (!lines) {
                doctor_find(doctor, CHECK_UNKNOWN,
                            "Whether logind removes shared memory cannot be known.");
                return;
        }
        /* That it does is what it does if nothing is said. */
        removes = systemd_value(lines, "RemoveIPC");
        if (removes && !systemd_is_true(removes)) {
                doctor_find(doctor, CHECK_OK, "logind leaves shared memory alone (RemoveIPC=no).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "When the last session of an ordinary user ends, logind removes the POSIX "
                    "objects that belong to that user, those that the broker made included, and "
                    "System V segments that nobody has attached, as while the broker does not run "
                    "(RemoveIPC=yes).");
        doctor_advise(doctor,
                      "To keep them, set RemoveIPC=no in /etc/systemd/logind.conf and restart "
                      "systemd-logind.service, or 'loginctl enable-linger USER' for single users; "
                      "system users are not concerned.");
}

static int list_natives(Doctor *doctor, Natives *natives, Managed *managed) {
        struct shmbroker_filter *filter = NULL;
        int r;

        r = sysv_list(natives);
        r = r ? r : posix_list(natives);
        if (r || !doctor->facts.status)
                return r;
        r = shmbroker_filter_new(&filter);
        if (r == 0) {
                shmbroker_filter_set_include_removed(filter, true);
                r = shmbroker_list_segments(doctor->facts.connection, filter, &managed->segments);
        }
        shmbroker_filter_free(filter);
        return r;
}

static void check_orphans(Doctor *doctor) {
        _cleanup_(natives_deinit) Natives natives = {};
        _cleanup_(managed_deinit) Managed managed = {};
        uint64_t n = 0, bytes = 0;
        char text[SIZE_TEXT];
        int r;

        r = list_natives(doctor, &natives, &managed);
        r = r ? r : natives_judge(&natives);
        if (r) {
                doctor_find(doctor, CHECK_UNKNOWN, "Orphans cannot be looked for: %s.",
                            strerror(-r));
                return;
        }
        for (size_t i = 0; i < natives.n_items; ++i)
                if (natives.items[i].verdict == VERDICT_ORPHAN &&
                    !managed_has(&managed, &natives.items[i])) {
                        ++n;
                        bytes += natives.items[i].size;
                }
        if (n == 0) {
                doctor_find(doctor, CHECK_OK, "No shared memory is left that nobody has.");
                return;
        }
        doctor_find(doctor, CHECK_NOTE,
                    "There %s %" PRIu64 " object%s of shared memory that nobody has, of %s.",
                    n == 1 ? "is" : "are", n, n == 1 ? "" : "s",
                    size_format(text, sizeof(text), bytes, false));
        doctor_advise(doctor, "'shmbrokerctl orphans' lists them, 'shmbrokerctl reap' removes "
                              "them.");
}

const Check host_checks[] = {
        { "inotify-watches", "whether there are watches for all segments", NEEDS_NOTHING,
          check_watches },
        { "sysv", "how many System V segments there may be, and how large", NEEDS_NOTHING,
          check_sysv },
        { "shm-rmid-forced", "whether System V segments stay without users", NEEDS_NOTHING,
          check_rmid_forced },
        { "shm-directory", SHM_DIRECTORY ", where POSIX objects are", NEEDS_NOTHING, check_shm },
        { "huge-pages", "huge pages that are set aside", NEEDS_NOTHING, check_huge },
        { "logind", "whether shared memory of users outlives their sessions", NEEDS_NOTHING,
          check_logind },
        { "orphans", "shared memory that nobody has", NEEDS_NOTHING, check_orphans },
        {},
};
