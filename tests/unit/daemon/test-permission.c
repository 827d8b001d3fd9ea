/* SPDX-License-Identifier: MIT */
/* Who may, beside what ipcperms() of the kernel says: as it is written there, and as it does. */

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <unistd.h>

#include "daemon/model/permission.h"
#include "proto/util.h"
#include "tests/support/unit.h"

typedef struct Peer Peer;

#define OWNER 61001
#define CREATOR 61002
#define OTHER 61003
#define OWNER_GROUP 62001
#define CREATOR_GROUP 62002
#define OTHER_GROUP 62003

struct Peer {
        uid_t uid;
        gid_t gid;
        gid_t groups[3];
        size_t n_groups;
};

static const Peer peers[] = {
        { OWNER, OWNER_GROUP, {}, 0 },
        { OWNER, OTHER_GROUP, {}, 0 },
        { CREATOR, OTHER_GROUP, {}, 0 },
        { CREATOR, OWNER_GROUP, { OWNER_GROUP }, 1 },
        { OTHER, OWNER_GROUP, {}, 0 },
        { OTHER, CREATOR_GROUP, {}, 0 },
        { OTHER, OTHER_GROUP, { OTHER_GROUP, OWNER_GROUP }, 2 },
        { OTHER, OTHER_GROUP, { CREATOR_GROUP }, 1 },
        { OTHER, OTHER_GROUP, { 0, 1, 2 }, 3 },
        { OTHER, OTHER_GROUP, {}, 0 },
        { OTHER, 0, {}, 0 },
};

static Credentials credentials_of(const Peer *peer, gid_t *groups) {
        memcpy(groups, peer->groups, sizeof(peer->groups));
        return (Credentials){
                .uid = peer->uid, .gid = peer->gid, .groups = groups, .n_groups = peer->n_groups
        };
}

static const Permission permission = {
        .owner_uid = OWNER,
        .owner_gid = OWNER_GROUP,
        .creator_uid = CREATOR,
        .creator_gid = CREATOR_GROUP,
};

static bool member(const Peer *peer, gid_t gid) {
        bool found = peer->gid == gid;

        for (size_t i = 0; i < peer->n_groups; ++i)
                found = found || peer->groups[i] == gid;
        return found;
}

/* ipc/util.c, without the capability. */
static bool ipcperms(const Permission *p, const Peer *peer, unsigned int flag) {
        unsigned int requested = flag >> 6 | flag >> 3 | flag, granted = p->mode;

        if (peer->uid == p->creator_uid || peer->uid == p->owner_uid)
                granted >>= 6;
        else if (member(peer, p->creator_gid) || member(peer, p->owner_gid))
                granted >>= 3;
        return !(requested & ~granted & 0007);
}

SUITE("permission");
CASE("permission", .setup = unit_fds_begin, .teardown = unit_fds_end, .timeout = 30);

TEST(all_modes) {
        gid_t groups[3];

        for (mode_t mode = 0; mode <= 0777; ++mode)
                for (size_t i = 0; i < ARRAY_SIZE(peers); ++i) {
                        Credentials credentials = credentials_of(&peers[i], groups);
                        Permission p = permission;

                        p.mode = mode;
                        ck_assert_msg(permission_grants(&p, &credentials, false) ==
                                              ipcperms(&p, &peers[i], 0444),
                                      "mode %03o, peer %zu, for reading", mode, i);
                        ck_assert_msg(permission_grants(&p, &credentials, true) ==
                                              ipcperms(&p, &peers[i], 0666),
                                      "mode %03o, peer %zu, for writing", mode, i);
                }
}

TEST(administrator) {
        Credentials admin = { .uid = 0, .gid = OTHER_GROUP, .privileged = true };
        Credentials root = { .uid = 0, .gid = OTHER_GROUP }, group = { .uid = OTHER, .gid = 0 };
        Permission p = permission;

        p.mode = 0;
        ck_assert(permission_grants(&p, &admin, false));
        ck_assert(permission_grants(&p, &admin, true));
        ck_assert(permission_controls(&p, &admin));
        /* Uid 0 is like any other, and so is the group 0. */
        ck_assert(!permission_grants(&p, &root, false));
        ck_assert(!permission_controls(&p, &root));
        ck_assert(!permission_grants(&p, &group, false));
        ck_assert(!permission_controls(&p, &group));
}

/* IPC_SET and IPC_RMID: owner and creator, whatever the mode says, and no group. */
TEST(controls) {
        gid_t groups[3];

        for (size_t i = 0; i < ARRAY_SIZE(peers); ++i) {
                Credentials credentials = credentials_of(&peers[i], groups);

                for (mode_t mode = 0; mode <= 0777; mode += 0111) {
                        Permission p = permission;

                        p.mode = mode;
                        ck_assert_int_eq(permission_controls(&p, &credentials),
                                         peers[i].uid != OTHER);
                }
        }
}

/* --- the kernel itself, where there is a root to make others of */

typedef struct Attempt Attempt;

struct Attempt {
        const Peer *peer;
        int shmid;
};

static bool become(const Peer *peer) {
        return setgroups(peer->n_groups, peer->groups) == 0 &&
               setresgid(peer->gid, peer->gid, peer->gid) == 0 &&
               setresuid(peer->uid, peer->uid, peer->uid) == 0;
}

static bool can_attach(int shmid, int flags) {
        return shmat(shmid, NULL, flags) != (void *) -1;
}

/* The status says what the kernel grants: 1 for reading, 2 for writing. */
static int attempt(void *userdata) {
        const Attempt *a = userdata;

        if (!become(a->peer))
                return 99;
        return (can_attach(a->shmid, SHM_RDONLY) ? 1 : 0) | (can_attach(a->shmid, 0) ? 2 : 0);
}

static int create(void *userdata) {
        static const Peer creator = { CREATOR, CREATOR_GROUP, {}, 0 };
        int *pipe_fds = userdata, shmid;

        if (!become(&creator))
                return 1;
        shmid = shmget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
        return shmid < 0 || write(pipe_fds[1], &shmid, sizeof(shmid)) != sizeof(shmid);
}

static int make_segment(void) {
        int fds[2], shmid = -1;

        ck_assert_int_eq(pipe(fds), 0);
        ck_assert_int_eq(unit_fork(create, fds), 0);
        ck_assert_int_eq(read(fds[0], &shmid, sizeof(shmid)), sizeof(shmid));
        close(fds[0]);
        close(fds[1]);
        return shmid;
}

TEST(kernel) {
        static const mode_t modes[] = { 0,    0400, 0600, 0040, 0060, 0004, 0006,
                                        0666, 0200, 0264, 0426, 0642, 0044 };
        struct shmid_ds ds;
        gid_t groups[3];
        void *anchor;
        int shmid;

        if (geteuid() != 0)
                return;
        shmid = make_segment();
        anchor = shmat(shmid, NULL, 0);
        /* It goes with the last that has it attached, so with this process at the latest. */
        ck_assert_int_eq(shmctl(shmid, IPC_RMID, NULL), 0);
        ck_assert_ptr_ne(anchor, (void *) -1);
        for (size_t m = 0; m < ARRAY_SIZE(modes); ++m) {
                Permission p = permission;

                p.mode = modes[m];
                ck_assert_int_eq(shmctl(shmid, IPC_STAT, &ds), 0);
                ck_assert_uint_eq(ds.shm_perm.cuid, CREATOR);
                ds.shm_perm.uid = OWNER;
                ds.shm_perm.gid = OWNER_GROUP;
                ds.shm_perm.mode = (unsigned short) modes[m];
                ck_assert_int_eq(shmctl(shmid, IPC_SET, &ds), 0);
                for (size_t i = 0; i < ARRAY_SIZE(peers); ++i) {
                        Attempt a = { .peer = &peers[i], .shmid = shmid };
                        Credentials credentials = credentials_of(&peers[i], groups);
                        int expected = (permission_grants(&p, &credentials, false) ? 1 : 0) |
                                       (permission_grants(&p, &credentials, true) ? 2 : 0);
                        int granted = unit_fork(attempt, &a);

                        ck_assert_msg(granted == expected,
                                      "mode %03o, peer %zu: the kernel says %d, we say %d",
                                      modes[m], i, granted, expected);
                }
        }
        shmdt(anchor);
}
