/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TYPES_H
#define SHMBROKER_TYPES_H

/* A part of <shmbroker.h>, which is what programs include: types and enums of all other parts. */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A connection to a broker. */
struct shmbroker;
/* A call that was begun and is waited for in an event loop. */
struct shmbroker_call;
/* Why a call failed. */
struct shmbroker_error;
/* How a segment is acquired. */
struct shmbroker_options;
/* An attachment of a segment, which this process has. */
struct shmbroker_segment;
/* State of one segment at one moment: struct shmid_ds of shmctl(2), and what a broker adds. */
struct shmbroker_info;
/* What is to be changed of a segment. */
struct shmbroker_attributes;
/* Which segments are listed. */
struct shmbroker_filter;
/* Segments that were listed. */
struct shmbroker_list;
/* The attachments of one segment, of this process and others. */
struct shmbroker_attachments;
/* One of them. */
struct shmbroker_attachment;
/* State of a broker. */
struct shmbroker_status;
/* What each user has. */
struct shmbroker_users;
/* What one of them has. */
struct shmbroker_user;
/* Containers and others that have a socket, names and limits of their own. */
struct shmbroker_tenants;
/* One of them. */
struct shmbroker_tenant;
/* News of segments, as they happen. */
struct shmbroker_watch;
/* One piece of it. */
struct shmbroker_event;

/* A time that never comes. */
#define SHMBROKER_FOREVER UINT64_MAX

/* Which kernel object is behind a segment. */
enum shmbroker_kind {
        /* One that this library does not know, of a newer broker: shmbroker_info_kind_name() */
        SHMBROKER_KIND_UNKNOWN = -1,
        /* Sealed memory file (memfd_create(2)), the default */
        SHMBROKER_KIND_MEMFD = 0,
        /* POSIX shared memory object (shm_overview(7)) */
        SHMBROKER_KIND_POSIX = 1,
        /* System V segment (shmget(2)) */
        SHMBROKER_KIND_SYSV = 2,
        /* Regular file, which outlives a reboot */
        SHMBROKER_KIND_FILE = 3
};

/* What to do when the segment exists or does not. */
enum shmbroker_create {
        /* Open if it exists, fail with -ENOENT if it does not; the default */
        SHMBROKER_CREATE_OPEN = 0,
        /* Open if it exists, create if it does not (IPC_CREAT) */
        SHMBROKER_CREATE_ANY = 1,
        /* Create, fail with -EEXIST if it exists (IPC_CREAT | IPC_EXCL) */
        SHMBROKER_CREATE_NEW = 2
};

/* Access of an attachment, enforced by the kernel on the descriptor. */
enum shmbroker_access {
        /* One that this library does not know: shmbroker_attachment_access_name() */
        SHMBROKER_ACCESS_UNKNOWN = -1,
        SHMBROKER_ACCESS_READ_ONLY = 0,
        /* The default */
        SHMBROKER_ACCESS_READ_WRITE = 1
};

/* Seals in force, as bits (F_ADD_SEALS in fcntl(2)). */
enum shmbroker_seal {
        SHMBROKER_SEAL_SHRINK = 1 << 0,
        SHMBROKER_SEAL_GROW = 1 << 1,
        SHMBROKER_SEAL_WRITE = 1 << 2,
        SHMBROKER_SEAL_FUTURE_WRITE = 1 << 3,
        SHMBROKER_SEAL_EXEC = 1 << 4,
        SHMBROKER_SEAL_SEAL = 1 << 5
};

/* What the kernel tells the broker and what is enforced by it, as bits: see shmbrokerd(8). */
enum shmbroker_feature {
        /* Whether anybody has a segment (F_SETLEASE) */
        SHMBROKER_FEATURE_LEASES = 1 << 0,
        /* That something was closed (inotify) */
        SHMBROKER_FEATURE_CLOSINGS = 1 << 1,
        /* Descriptors of POSIX objects and files cannot be truncated (landlock) */
        SHMBROKER_FEATURE_NO_TRUNCATE = 1 << 2,
        /* Nobody can open readOnly ones anew for writing (read-only mounts) */
        SHMBROKER_FEATURE_READ_ONLY_MOUNTS = 1 << 3
};

#endif
