/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_SEGMENT_H
#define SHMBROKER_DAEMON_MODEL_SEGMENT_H

/* One segment, as the registry keeps it. What is behind it is up to its kind. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/shared-path.h"
#include "daemon/base/table.h"
#include "daemon/model/attachment.h"
#include "daemon/model/limits.h"
#include "daemon/model/permission.h"
#include "proto/types.h"

/* How often, and when, a segment is asked again after an event: see life.c. */
#define SUSPICION_STAGES 3

/* Either forbids what readWrite is for. */
#define SEALS_WRITE (1U << SEAL_WRITE | 1U << SEAL_FUTURE_WRITE)

/* What leads to the end of a segment, as Watch() tells it */
#define CAUSE_CALL "call"
#define CAUSE_LAST_DETACH "lastDetach"
#define CAUSE_LINGER "linger"
#define CAUSE_OUTSIDE "outside"
#define CAUSE_LOST "lost"

/* Two numbers of 32 bits with a colon between them */
#define DEVICE_NAME_MAX 21U

typedef enum FoundBy FoundBy;
typedef struct Reservation Reservation;
typedef struct Count Count;
typedef struct Identity Identity;
typedef struct KindTraits KindTraits;
typedef struct Search Search;
typedef struct Segment Segment;
typedef struct AttachTime AttachTime;
typedef struct Suspicion Suspicion;
typedef struct Sysv Sysv;

/* How the object behind a segment is reached without the broker. */
enum FoundBy {
        FOUND_BY_NOTHING,
        FOUND_BY_SHMID,
        FOUND_BY_POSIX_NAME,
        FOUND_BY_FILE_NAME,
};

/* What is true of all segments of a kind; each kind says it in its row (kind.h). */
struct KindTraits {
        FoundBy found_by;
        /* Others attach it without a descriptor (shmat(2)). The kernel counts these attachments
         * apart and does not tell when one begins, so it has to be asked now and then. */
        bool native;
        /* A lock in memory is the object's own and outlives the broker (shmctl(2), SHM_LOCK). Else
         * it is a mapping of the broker's (mlock(2)). */
        bool lock_lasts;
        /* Lets go of the broker's own attachment, and returns whether the object is still there.
         * NULL if there is no such attachment. */
        bool (*release)(void *anchor, int shmid);
};

/* Something was closed, and it is not settled yet what. */
struct Suspicion {
        bool active;
        unsigned int stage;
        uint64_t due_usec;
        Segment *prev;
        Segment *next;
};

/* How its attachments are counted by their marks, all of them in one or several goes. */
struct Count {
        /* CLOCK_BOOTTIME, when the last count began that came to its end; what it cost, and how
         * many marks it asked for */
        uint64_t done_usec;
        uint64_t cost_usec;
        size_t n_asked;
        /* One that goes on: the id it has come to, 0 if there is none, and the same of it */
        int64_t next_id;
        uint64_t begin_usec;
        uint64_t spent_usec;
        size_t n_asked_now;
        /* Some have ended, and it was not found out yet which */
        bool stale;
};

/* What tells an object from every other, also from one of the same name or number; 0 where the
 * kernel does not say, or there is no descriptor. */
struct Identity {
        uint64_t device;
        uint64_t inode;
        uint64_t birth_usec;
};

/* kind sysv: the segment of the kernel, as it was when it was last looked at. */
struct Sysv {
        int shmid;
        /* 0 is IPC_PRIVATE */
        uint32_t key;
        /* The broker's own attachment, which keeps the segment */
        void *anchor;
        /* shm_perm.uid: the owner, or the broker, if it was handed over to that */
        uid_t uid;
        /* shm_atime, shm_dtime and shm_lpid */
        int64_t attach_sec;
        int64_t detach_sec;
        pid_t last_pid;
        /* SHM_LOCKED */
        bool locked;
};

struct Segment {
        int64_t id;
        /* NULL if it is private, or removed */
        char *name;
        /* What it was called before it was removed */
        char *former_name;
        /* kind_set() sets both */
        Kind kind;
        const KindTraits *traits;
        /* The size that is promised, and the one that it may be raised to; 0 if it is fixed */
        uint64_t size_bytes;
        uint64_t maximum_bytes;
        uint64_t page_bytes;
        /* Memory in use when it was last looked at, negative if it could not be told */
        int64_t allocated_bytes;
        /* As of the last look; of a sealable one, clients may add to them */
        unsigned int seals;
        bool sealable;
        /* Where it is mapped while it is locked in memory, else NULL */
        void *locked_at;
        /* An earlier broker had it locked, and so has this one as soon as it comes to it */
        bool lock_again;
        Charge locked_charge;
        Permission permission;
        /* It was there before the broker took it over */
        bool adopted;

        /* What is behind it: the size of the inode, and for kinds posix and file its name, with the
         * directory, NULL if it has none, and when the inode changed, in nanoseconds; of a file,
         * what its directory is */
        uint64_t object_bytes;
        Identity identity;
        /* Its device, as the interface writes it; of use where there is a descriptor */
        char device_name[DEVICE_NAME_MAX + 1];
        Identity directory;
        /* The host was booted since it was written down */
        bool other_boot;
        /* After which sync what was noted of it last is on the disk; 0 of what does not outlive the
         * host: sync.h */
        uint64_t sync_number;
        SharedPath *object_name;
        /* The name outside is one that the next of its kind will want: recover_name() */
        bool misnamed;
        uint64_t object_change_nsec;
        Sysv sysv;
        /* Attachments of kind sysv that were not handed out, as of the last look */
        size_t n_native;
        /* Those who were told a shmid and have not attached it yet */
        Reservation *reservations;

        /* struct shmid_ds; times since the epoch, 0 for never */
        uint64_t attach_usec;
        uint64_t detach_usec;
        uint64_t change_usec;
        pid_t creator_pid;
        pid_t last_pid;

        /* IPC_RMID was asked for; and by what, a word of Watch() that stays, NULL if that is not
         * known */
        bool removed;
        const char *removal_cause;
        bool remove_on_last_detach;
        /* It was attached once, so that its last detach can come */
        bool armed;
        bool lingers;
        uint64_t linger_usec;
        /* CLOCK_BOOTTIME, since when nobody is attached; what linger_usec is counted from */
        uint64_t idle_usec;

        /* The broker's own open file description, and the name of its descriptor in /proc/self/fd;
         * a System V segment may have none */
        int master_fd;
        char master_name[12];
        /* The same of a descriptor (O_PATH) that leads to its object on a read-only mount (host.h),
         * for readOnly descriptors; -EBADF if there is none. It is no description that counts. */
        int read_only_fd;
        char read_only_name[12];
        /* inotify watch, negative if there is none */
        int wd;

        /* Why there is no description of its object; without a cause there is one. CLOCK_BOOTTIME,
         * when it was last looked for */
        Unavailability unavailable;
        uint64_t tried_usec;

        Attachment *attachments;
        size_t n_attachments;
        /* Whether anybody has it open, as of the last time the kernel was asked */
        bool held;
        /* held because the kernel did not say */
        bool unknown;
        /* CLOCK_BOOTTIME: marking took so long that it is left out until then */
        uint64_t marks_pause_usec;
        unsigned int n_slow_marks;
        /* Attachments without a mark that can be probed, and events that no lost mark explains */
        size_t n_unmarked;
        size_t n_unexplained;
        /* Such events while there was no attachment of the former kind; and whether nothing came of
         * any: what ended may have a mark that somebody copied */
        size_t n_leftover;
        bool doubtful;
        /* The attachment that was looked at last for such a reason, because its user met a limit */
        int64_t yielded_id;
        Count count;
        /* life/search.c: marks of an earlier broker are still to be found; NULL if not */
        Search *search;
        /* There may be attachments that are not on record: their number is not known before nobody
         * has the segment */
        bool uncounted;
        Suspicion suspicion;

        /* persist.c: its attach times, or NULL, and whether the state file lacks the last change */
        AttachTime *attach_time;
        bool unwritten;
        /* And whether systemd has its descriptor */
        bool stored;

        Charge segment_charge;
        Charge bytes_charge;
        Charge huge_charge;

        /* events.c: the number of the last event about it, 0 if there was none */
        uint64_t last_event;

        /* registry.c */
        UT_hash_handle by_id;
        UT_hash_handle by_name;
        UT_hash_handle by_wd;
        Segment *prev;
        Segment *next;
        Segment *unavailable_prev;
        Segment *unavailable_next;
        /* life.c: segments that linger and are idle, the next to go first */
        bool lingering;
        Segment *linger_prev;
        Segment *linger_next;
};

Segment *segment_new(void);
Segment *segment_free(Segment *segment);

void segment_attach(Segment *segment, Attachment *attachment);
void segment_attach_found(Segment *segment, Attachment *attachment);
void segment_detach(Segment *segment, Attachment *attachment);
size_t segment_attach_count(const Segment *segment);
bool segment_all_on_record(const Segment *segment);
bool segment_count_known(const Segment *segment);
void segment_set_covered(Segment *segment, Attachment *attachment, bool covered);
void segment_unmark(Segment *segment, Attachment *attachment);
const char *segment_called(const Segment *segment);
const char *segment_tenant_name(const Segment *segment);
bool segment_has_huge_pages(const Segment *segment);
bool segment_is_locked(const Segment *segment);
uint64_t segment_capacity(const Segment *segment);
uint64_t segment_charged_bytes(const Segment *segment);
bool segment_is_unavailable(const Segment *segment);
bool segment_is_reached_outside(const Segment *segment);
bool segment_may_be_uncounted(const Segment *segment);
bool segment_goes_when_free(const Segment *segment);
const char *segment_end_cause(const Segment *segment);
void segment_set_removed(Segment *segment, const char *cause, uint64_t now_usec);

#endif
