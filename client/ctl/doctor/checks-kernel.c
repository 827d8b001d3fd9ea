/* SPDX-License-Identifier: MIT */
/* Checks of 'doctor': whether the kernel gives the answers that the broker goes by, and enforces
 * what it promises. The broker has tried that, where it runs and as whom. */

#include "client/ctl/doctor/checks.h"

static void check_leases(Doctor *doctor) {
        uint64_t enabled = 1;

        if (doctor_has_feature(doctor, SHMBROKER_FEATURE_LEASES)) {
                doctor_find(doctor, CHECK_OK,
                            "The kernel grants the broker file leases (F_SETLEASE).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The kernel grants the broker no file leases (F_SETLEASE): only the marks of "
                    "attachments say when a segment is not in use any more, and clients can take "
                    "theirs away.");
        (void) read_number("/proc/sys/fs/leases-enable", &enabled);
        if (!enabled)
                doctor_advise_sysctl(doctor, "fs.leases-enable", 1);
        else
                doctor_advise(doctor, "See whether its sandbox forbids fcntl(2) with F_SETLEASE; "
                                      "fs.leases-enable is not what does.");
}

static void check_inotify(Doctor *doctor) {
        uint64_t maximum = 0;

        if (doctor_has_feature(doctor, SHMBROKER_FEATURE_CLOSINGS)) {
                doctor_find(doctor, CHECK_OK,
                            "The kernel tells the broker when a segment is closed (inotify).");
                return;
        }
        doctor_find(doctor, CHECK_WARNING,
                    "The broker has no inotify(7) instance: it asks each segment ten times a "
                    "second whether it is in use.");
        (void) read_number("/proc/sys/fs/inotify/max_user_instances", &maximum);
        doctor_advise_sysctl(doctor, "fs.inotify.max_user_instances",
                             maximum < 512 ? 1024 : 2 * maximum);
}

static void check_truncation(Doctor *doctor) {
        if (doctor_has_feature(doctor, SHMBROKER_FEATURE_NO_TRUNCATE)) {
                doctor_find(doctor, CHECK_OK,
                            "Descriptors of POSIX objects and files cannot be truncated "
                            "(Landlock).");
                return;
        }
        doctor_find(doctor, CHECK_NOTE,
                    "Clients can truncate POSIX objects and files that they get for writing, as "
                    "the broker has no Landlock of Linux 6.2 or newer.");
        doctor_advise(doctor, "For programs that do not trust each other, use memory files; or "
                              "see whether /sys/kernel/security/lsm has landlock, which the "
                              "parameter lsm= of the kernel adds.");
}

static void check_read_only(Doctor *doctor) {
        if (doctor_has_feature(doctor, SHMBROKER_FEATURE_READ_ONLY_MOUNTS)) {
                doctor_find(doctor, CHECK_OK,
                            "Nobody can open readOnly descriptors of POSIX objects and files anew "
                            "for writing.");
                return;
        }
        doctor_find(doctor, CHECK_NOTE,
                    "Owners of POSIX objects and files, and root of a container, can open readOnly "
                    "descriptors of them anew for writing, as the broker has no read-only mounts.");
        doctor_advise(doctor, "shmbroker.service has them; for other brokers, see "
                              "SHMBROKER_READ_ONLY in shmbrokerd(8).");
}

const Check kernel_checks[] = {
        { "leases", "file leases, which tell whether anybody has a segment", NEEDS_ANSWER,
          check_leases },
        { "inotify", "whether the kernel tells that a segment is closed", NEEDS_ANSWER,
          check_inotify },
        { "truncation", "whether clients can truncate POSIX objects and files", NEEDS_ANSWER,
          check_truncation },
        { "read-only", "whether anybody can write by way of a readOnly descriptor", NEEDS_ANSWER,
          check_read_only },
        {},
};
