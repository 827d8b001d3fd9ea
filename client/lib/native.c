/* SPDX-License-Identifier: MIT */
/*
 * System V segments that came without a descriptor: attached by shmat(2), which stands for the
 * descriptor then. What is shown of it is map.c's matter.
 */

#include "client/lib/native.h"

#include <errno.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include "client/lib/segment.h"
#include "proto/error.h"

/* native_namespace() - our IPC namespace, as the protocol has it; false if that cannot be told */
bool native_namespace(int64_t *ret) {
        struct stat st;

        if (stat("/proc/self/ns/ipc", &st) < 0)
                return false;
        *ret = (int64_t) st.st_ino;
        return true;
}

/* Is it the segment that the broker means? Who may not look at it has to believe it. */
static bool is_meant(const struct shmbroker_segment *segment) {
        const SegmentInfo *info = &segment->info.values;
        struct shmid_ds ds;

        if (shmctl((int) info->shmid, IPC_STAT, &ds) < 0)
                return errno == EACCES;
        if (ds.shm_segsz < segment->maximum)
                return false;
        /* The kernel takes the key away from what is removed. */
        return !GIVEN(info, INFO_KEY) || ds.shm_perm.mode & SHM_DEST ||
               (uint32_t) ds.shm_perm.__key == (uint32_t) info->key;
}

/**
 * native_attach_at() - attach a segment
 * @segment:    a segment without a descriptor
 * @address:    where, or NULL for where the kernel likes
 * @ret:        where it is, to be ended by native_detach()
 *
 * Return: 0, -EADDRINUSE if something else is there, or what shmat(2) failed with.
 */
int native_attach_at(const struct shmbroker_segment *segment, void *address, void **ret) {
        int flags = segment->access == SHMBROKER_ACCESS_READ_ONLY ? SHM_RDONLY : 0;
        void *data = shmat((int) segment->info.values.shmid, address, flags);

        /* shmat(2) says so as well if the range is in use; the address itself was checked. */
        if (data == (void *) -1)
                return error_origin(errno == EINVAL && address ? -EADDRINUSE : -errno);
        *ret = data;
        return 0;
}

/**
 * native_attach() - attach a segment that came without a descriptor
 * @segment:    the segment, which has its attachment then
 *
 * Return: 0, MAP_E_NO_DESCRIPTOR, MAP_E_NAMESPACE, MAP_E_OTHER, or a negative errno.
 */
int native_attach(struct shmbroker_segment *segment) {
        int64_t namespace;
        int r;

        if (!GIVEN(&segment->info.values, INFO_SHMID))
                return MAP_E_NO_DESCRIPTOR;
        if (segment->ipc_namespace != 0 && native_namespace(&namespace) &&
            namespace != segment->ipc_namespace)
                return MAP_E_NAMESPACE;
        r = native_attach_at(segment, NULL, &segment->native);
        if (r)
                return error_trace(r);
        if (!is_meant(segment)) {
                segment->native = native_detach(segment->native);
                return MAP_E_OTHER;
        }
        return 0;
}

/* native_detach() - end an attachment, or nothing; returns NULL */
void *native_detach(void *native) {
        if (native)
                (void) shmdt(native);
        return NULL;
}
