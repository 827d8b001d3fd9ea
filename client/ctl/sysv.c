/* SPDX-License-Identifier: MIT */
#include "client/ctl/sysv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/shm.h>

#include "client/ctl/cell.h"
#include "client/ctl/process.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define SYSV_TABLE "/proc/sysvipc/shm"

static uint64_t seconds_usec(time_t seconds) {
        return seconds > 0 ? (uint64_t) seconds * USEC_PER_SEC : 0;
}

/* What is in a place of the kernel's table; for this, unlike IPC_STAT, nobody needs to be allowed
 * to read the segment. */
static int read_place(int index, Native *ret) {
        struct shmid_ds state;
        int shmid;

        shmid = shmctl(index, SHM_STAT_ANY, &state);
        if (shmid < 0)
                return -errno;
        *ret = (Native){
                .kind = NATIVE_SYSV,
                .size = state.shm_segsz,
                .uid = state.shm_perm.uid,
                .gid = state.shm_perm.gid,
                .mode = state.shm_perm.mode & 0777,
                .change_usec = seconds_usec(state.shm_ctime),
                .sysv = {
                        .index = index,
                        .shmid = shmid,
                        .key = (uint32_t) state.shm_perm.__key,
                        .creator_uid = state.shm_perm.cuid,
                        .creator_gid = state.shm_perm.cgid,
                        .creator_pid = state.shm_cpid,
                        .last_pid = state.shm_lpid,
                        .n_attached = state.shm_nattch,
                        .attach_usec = seconds_usec(state.shm_atime),
                        .detach_usec = seconds_usec(state.shm_dtime),
                },
        };
        return 0;
}

static void set_allocated(Natives *natives, int shmid, uint64_t allocated) {
        for (size_t i = 0; i < natives->n_items; ++i) {
                Native *native = &natives->items[i];

                if (native->kind == NATIVE_SYSV && native->sysv.shmid == shmid) {
                        native->has_allocated = true;
                        native->allocated = allocated;
                }
        }
}

/* Memory that is resident or swapped out, which only this file tells. */
static void read_allocated(Natives *natives) {
        FILE *file = fopen(SYSV_TABLE, "re");
        uint64_t resident, swapped;
        char line[512];
        int shmid;

        if (!file)
                return;
        while (fgets(line, sizeof(line), file))
                if (sscanf(line,
                           "%*s %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64
                           " %" SCNu64,
                           &shmid, &resident, &swapped) == 3)
                        set_allocated(natives, shmid, resident + swapped);
        (void) fclose(file);
}

/* sysv_list() - find all segments. Return: 0 or a negative errno. */
int sysv_list(Natives *natives) {
        struct shm_info info;
        int last, r;

        last = shmctl(0, SHM_INFO, (struct shmid_ds *) (void *) &info);
        if (last < 0)
                return errno == ENOSYS ? 0 : -errno;
        for (int i = 0; i <= last; ++i) {
                Native native;

                r = read_place(i, &native);
                /* Places may be free. */
                if (r == -EINVAL || r == -EIDRM)
                        continue;
                if (r)
                        return r;
                native_set_age(&native);
                native.name = cell_printf("sysv/%d", native.sysv.shmid);
                if (!native.name || natives_add(natives, &native))
                        return -ENOMEM;
        }
        read_allocated(natives);
        return 0;
}

static Truth is_alive(pid_t pid, uint64_t before_usec) {
        bool alive;

        if (process_is_alive(pid, before_usec, &alive))
                return TRUTH_UNKNOWN;
        return alive ? TRUTH_YES : TRUTH_NO;
}

static uint64_t last_usec(const NativeSysv *sysv) {
        return sysv->attach_usec > sysv->detach_usec ? sysv->attach_usec : sysv->detach_usec;
}

/**
 * sysv_examine() - find out whether somebody has a segment, or may have it again
 * @native:     the segment
 *
 * The times are of whole seconds, and the next one is not over.
 */
void sysv_examine(Native *native) {
        NativeSysv *sysv = &native->sysv;
        uint64_t last = last_usec(sysv);

        native->held = sysv->n_attached > 0 ? TRUTH_YES : TRUTH_NO;
        sysv->creator_alive = is_alive(sysv->creator_pid, native->change_usec + USEC_PER_SEC);
        sysv->last_alive = last == 0 ? TRUTH_NO : is_alive(sysv->last_pid, last + USEC_PER_SEC);
}

/* Is it the same, and did nothing happen to it? The numbers of segments are used again. */
static bool is_unchanged(const Native *a, const Native *b) {
        return a->sysv.shmid == b->sysv.shmid && a->sysv.key == b->sysv.key && a->size == b->size &&
               a->uid == b->uid && a->gid == b->gid && a->mode == b->mode &&
               a->sysv.creator_uid == b->sysv.creator_uid &&
               a->sysv.creator_pid == b->sysv.creator_pid && a->sysv.last_pid == b->sysv.last_pid &&
               a->change_usec == b->change_usec && a->sysv.attach_usec == b->sysv.attach_usec &&
               a->sysv.detach_usec == b->sysv.detach_usec;
}

/**
 * sysv_remove() - remove a segment if it is as it was when it was found
 * @native:     the segment
 *
 * Who attaches it in the moment between looking and removing keeps the memory, but not the key.
 *
 * Return: 0, NATIVE_E_GONE, NATIVE_E_CHANGED, NATIVE_E_HELD, or a negative errno.
 */
int sysv_remove(const Native *native) {
        Native now = {};
        int r;

        r = read_place(native->sysv.index, &now);
        if (r == -EINVAL || r == -EIDRM)
                return NATIVE_E_GONE;
        if (r)
                return r;
        if (now.sysv.n_attached > 0)
                return now.sysv.shmid == native->sysv.shmid ? NATIVE_E_HELD : NATIVE_E_GONE;
        if (!is_unchanged(native, &now))
                return NATIVE_E_CHANGED;
        if (shmctl(native->sysv.shmid, IPC_RMID, NULL) == 0)
                return 0;
        return errno == EINVAL || errno == EIDRM ? NATIVE_E_GONE : -errno;
}
