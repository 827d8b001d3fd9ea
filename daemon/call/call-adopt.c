/* SPDX-License-Identifier: MIT */
/* Adopt: take what exists outside under the broker's care, shared and not copied. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "daemon/call/birth.h"
#include "daemon/call/calls.h"
#include "daemon/call/recover.h"
#include "daemon/kernel/domain.h"
#include "daemon/kind/kinds.h"
#include "daemon/kind/passed-object.h"
#include "daemon/life/describe.h"
#include "proto/fd.h"
#include "proto/name.h"
#include "proto/util.h"

/* Names, numbers and owners of all other objects are the host's. */
static const char tenant_reason[] = "a tenant can hand over memfds alone, by descriptor";

DEFINE_CLEANUP(Segment, segment_free)

/* Exactly one thing is to be adopted. */
static int check_parameters(const AdoptParameters *parameters, CallFailure *failure) {
        static const struct {
                unsigned int field;
                const char *name;
        } sources[] = {
                { ADOPT_SHMID, "shmid" },
                { ADOPT_KEY, "key" },
                { ADOPT_POSIX_NAME, "posixName" },
                { ADOPT_FILE_DESCRIPTOR_INDEX, "fileDescriptorIndex" },
        };
        bool found = false;

        for (size_t i = 0; i < ARRAY_SIZE(sources); ++i) {
                if (!(parameters->given >> sources[i].field & 1U))
                        continue;
                if (found)
                        return call_invalid(failure, sources[i].name);
                found = true;
        }
        if (!found)
                return call_invalid(failure, "shmid");
        if (GIVEN(parameters, ADOPT_POSIX_NAME) && !posix_name_valid(parameters->posix_name))
                return call_invalid(failure, "posixName");
        if (GIVEN(parameters, ADOPT_NAME) && !name_valid(parameters->name))
                return call_invalid(failure, "name");
        return 0;
}

/*
 * A shmid and a key mean something in one IPC namespace only. What the client says of its own is
 * believed, for it harms nobody else; where the kernel tells, that counts as well.
 */
static int check_namespace(const Service *service, const Client *client,
                           const AdoptParameters *parameters, CallFailure *failure) {
        char path[sizeof("/proc//ns/ipc") + 12];
        uint64_t own = service->host.ipc_namespace;
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;
        bool other;

        if (own == 0)
                return 0;
        (void) snprintf(path, sizeof(path), "/proc/%d/ns/ipc", client->credentials.pid);
        fd = domain_open_outside(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
        other = (GIVEN(parameters, ADOPT_IPC_NAMESPACE) &&
                 (uint64_t) parameters->ipc_namespace != own) ||
                (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino != own);
        if (!other)
                return 0;
        return call_not_supported(failure, "namespace",
                                  "the client is in another IPC namespace than the "
                                  "broker, where that number means something else");
}

static int find_sysv(const Service *service, const Client *client,
                     const AdoptParameters *parameters, Segment *segment, CallFailure *failure) {
        int r;

        r = check_namespace(service, client, parameters, failure);
        if (r)
                return r;
        kind_set(segment, KIND_SYSV);
        segment->sysv.shmid = (int) parameters->shmid;
        if (!GIVEN(parameters, ADOPT_KEY))
                return 0;
        /* With no access asked for, none is checked. */
        segment->sysv.shmid = shmget((key_t) (uint32_t) parameters->key, 0, 0);
        return segment->sysv.shmid < 0 ? CALL_E_NO_SUCH_SEGMENT : 0;
}

/* A name in /dev/shm that may lead to anything: it is not opened before that is clear. */
static int find_posix(const Service *service, const AdoptParameters *parameters, Segment *segment,
                      int *ret_fd, CallFailure *failure) {
        const char *name = parameters->posix_name + 1;
        _cleanup_fd_ int fd = -EBADF;
        struct stat st;

        if (service->host.shm_fd < 0)
                return call_not_supported(failure, "host", "this host has no /dev/shm");
        fd = openat(service->host.shm_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == EMFILE)
                return call_no_descriptors(failure);
        if (fd < 0 || fstat(fd, &st) < 0)
                return CALL_E_NO_SUCH_SEGMENT;
        if (!S_ISREG(st.st_mode))
                return call_not_supported(failure, "notAdoptable",
                                          "what has that name is no shared memory object");
        kind_set(segment, KIND_POSIX);
        segment->object_name = shared_path_new("", name);
        if (!segment->object_name)
                return call_no_memory(failure);
        *ret_fd = steal_fd(&fd);
        return 0;
}

/* What came with the call may be anything as well. */
static int find_passed(const Service *service, Client *client, const AdoptParameters *parameters,
                       Segment *segment, int *ret_fd, CallFailure *failure) {
        PassedObject passed;
        const char *reason;

        if (parameters->file_descriptor_index == 0 && client->passed_other) {
                client->passed_other = false;
                return call_not_supported(failure, "notAdoptable", PASSED_OBJECT_OTHER);
        }
        if (client->passed_fd < 0 || parameters->file_descriptor_index != 0)
                return CALL_E_NO_DESCRIPTOR;
        *ret_fd = client->passed_fd;
        client->passed_fd = -EBADF;
        reason = passed_object_find(&service->host, *ret_fd, &passed);
        if (reason)
                return call_not_supported(failure, "notAdoptable", reason);
        if (client->credentials.tenant && passed.kind != KIND_MEMFD)
                return call_not_supported(failure, "tenant", tenant_reason);
        kind_set(segment, passed.kind);
        if (passed.name[0]) {
                segment->object_name = shared_path_new(
                        segment->traits->found_by == FOUND_BY_FILE_NAME ? service->host.files_path
                                                                        : "",
                        passed.name);
                if (!segment->object_name)
                        return call_no_memory(failure);
        }
        return 0;
}

static int find_object(const Service *service, Client *client, const AdoptParameters *parameters,
                       Segment *segment, int *ret_fd, CallFailure *failure) {
        if (client->credentials.tenant && !GIVEN(parameters, ADOPT_FILE_DESCRIPTOR_INDEX))
                return call_not_supported(failure, "tenant", tenant_reason);
        if (GIVEN(parameters, ADOPT_POSIX_NAME))
                return find_posix(service, parameters, segment, ret_fd, failure);
        if (GIVEN(parameters, ADOPT_FILE_DESCRIPTOR_INDEX))
                return find_passed(service, client, parameters, segment, ret_fd, failure);
        return find_sysv(service, client, parameters, segment, failure);
}

/* The name that it gets if nobody says which, empty for none; it may be one that is none. */
static void default_name(const Segment *segment, char ret[NAME_LENGTH_MAX + 16]) {
        FoundBy found_by = segment->traits->found_by;

        ret[0] = '\0';
        if (found_by == FOUND_BY_POSIX_NAME)
                (void) snprintf(ret, NAME_LENGTH_MAX + 16, "posix%s", segment->object_name->text);
        else if (found_by == FOUND_BY_SHMID && segment->sysv.key != 0)
                (void) snprintf(ret, NAME_LENGTH_MAX + 16, "sysv/0x%08" PRIx32, segment->sysv.key);
        else if (found_by == FOUND_BY_SHMID)
                (void) snprintf(ret, NAME_LENGTH_MAX + 16, "sysv/%d", segment->sysv.shmid);
}

static int set_name(Service *service, const Client *client, const AdoptParameters *parameters,
                    Segment *segment, CallFailure *failure) {
        char by_default[NAME_LENGTH_MAX + 16];
        const char *name = parameters->name;
        Segment *other;

        if (!GIVEN(parameters, ADOPT_NAME)) {
                default_name(segment, by_default);
                name = by_default;
                if (!name[0])
                        return 0;
                if (!name_valid(name))
                        return call_invalid(failure, "name");
        }
        /* What is removed is found by its id alone. */
        if (segment->removed)
                return call_not_supported(failure, "removed", "it is marked for destruction");
        if (!call_may_name(service, client, segment->permission.tenant, name))
                return CALL_E_DENIED;
        other = recover_settle_name(service, segment->permission.tenant, name);
        if (other) {
                failure->id = other->id;
                return CALL_E_EXISTS;
        }
        segment->name = strdup(name);
        return segment->name ? 0 : call_no_memory(failure);
}

/* One inode, or one System V segment, is one segment. Who was given a descriptor of one that is not
 * there for it, as of another tenant's, is not told the number. */
static int check_new(Service *service, const Client *client, const Segment *segment, int fd,
                     CallFailure *failure) {
        struct stat st = {};
        const Segment *other;

        if (fd >= 0 && fstat(fd, &st) < 0)
                return CALL_E_NO_DESCRIPTOR;
        DL_FOREACH(service->registry.first, other) {
                bool same;

                if (segment->traits->found_by == FOUND_BY_SHMID)
                        same = other->kind == segment->kind &&
                               other->sysv.shmid == segment->sysv.shmid;
                else
                        same = kind_has_inode(other, &st);
                if (!same)
                        continue;
                failure->id = call_sees(client, other) ? other->id : 0;
                return CALL_E_EXISTS;
        }
        return 0;
}

static int charge_owner(Service *service, const Client *client, Segment *segment,
                        CallFailure *failure) {
        User *user = accounts_user(service_accounts(service, segment->permission.tenant),
                                   segment->permission.creator_uid);
        int r;

        if (!user)
                return call_no_memory(failure);
        r = birth_charge(service, client, segment, user, failure);
        user_unref(user);
        return r;
}

static void fill_segment(Segment *segment, const AdoptParameters *parameters) {
        segment->adopted = true;
        /* It had its attachments before: there need not be another first one. */
        segment->armed = true;
        segment->remove_on_last_detach = parameters->remove_on_last_detach;
        segment->lingers = GIVEN(parameters, ADOPT_LINGER_USEC);
        segment->linger_usec = (uint64_t) parameters->linger_usec;
}

/* Everything that may keep the broker from it, before the object is touched. */
static int adopt_prepare(Service *service, const Client *client, const AdoptParameters *parameters,
                         Segment *segment, int fd, CallFailure *failure) {
        const KindRow *row = kind_rows[segment->kind];
        KindFailure kind_failure = {};
        int r;

        r = check_new(service, client, segment, fd, failure);
        if (r)
                return r;
        r = row->examine(&service->host, segment, fd, &client->credentials, &kind_failure);
        if (r)
                return call_kind_failure(r, &kind_failure, failure);
        if (segment->size_bytes > NUMBER_MAX)
                return call_not_supported(failure, "notAdoptable", "it is larger than 2^53 bytes");
        segment->permission.tenant = client->credentials.tenant;
        r = set_name(service, client, parameters, segment, failure);
        if (r)
                return r;
        fill_segment(segment, parameters);
        if (state_file_segment_id(&service->persist.state_file, &segment->id))
                return call_no_state(failure);
        return charge_owner(service, client, segment, failure);
}

static int adopt_take(Service *service, Segment *segment, int fd, CallFailure *failure) {
        KindFailure kind_failure = {};
        int r;

        r = kind_rows[segment->kind]->adopt(&service->host, segment, fd, &kind_failure);
        return call_kind_failure(r, &kind_failure, failure);
}

/* @ret_fd is a descriptor of it, if there is one, also on failure. */
static int adopt_object(Service *service, Client *client, const AdoptParameters *parameters,
                        Segment *segment, int *ret_fd, CallFailure *failure) {
        int r;

        r = find_object(service, client, parameters, segment, ret_fd, failure);
        if (r)
                return r;
        r = adopt_prepare(service, client, parameters, segment, *ret_fd, failure);
        if (r)
                return r;
        return adopt_take(service, segment, *ret_fd, failure);
}

/**
 * call_adopt() - take a segment that exists outside under the broker's care
 * @service:    the service
 * @client:     who hands it over: root, or the object's owner
 * @parameters: as the interface says
 * @reply:      the answer
 * @failure:    details
 *
 * Its owner pays for it. If it is to go and nobody has it, it goes after this is answered.
 *
 * Return: 0, CALL_E_INVALID_PARAMETER, CALL_E_NO_DESCRIPTOR, CALL_E_NO_SUCH_SEGMENT, CALL_E_EXISTS,
 *         CALL_E_DENIED, CALL_E_NOT_SUPPORTED, CALL_E_LIMIT or CALL_E_NO_DESCRIPTORS, and then the
 *         object is as it was.
 */
int call_adopt(Service *service, Client *client, const AdoptParameters *parameters,
               SegmentReply *reply, CallFailure *failure) {
        _cleanup_(segment_freep) Segment *segment = NULL;
        _cleanup_fd_ int fd = -EBADF;
        int r;

        r = check_parameters(parameters, failure);
        if (r)
                return r;
        segment = segment_new();
        if (!segment)
                return call_no_memory(failure);
        life_drain(&service->life);
        r = adopt_object(service, client, parameters, segment, &fd, failure);
        if (r) {
                /* It may be anything, and closing it may take long. */
                if (GIVEN(parameters, ADOPT_FILE_DESCRIPTOR_INDEX))
                        client->spent_fd = steal_fd(&fd);
                return r;
        }
        fd = fd_close(fd);
        life_meet(&service->life, segment);
        r = birth_new(service, segment, failure);
        if (r)
                return r;
        ++service->counters.n_adopted;
        describe_segment(segment, LOOK_ALL, &reply->segment);
        life_doubt(&service->life, steal_ptr(segment));
        return 0;
}
