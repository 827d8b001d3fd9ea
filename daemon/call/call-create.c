/* SPDX-License-Identifier: MIT */
/* The part of Acquire that makes a segment: whole, charged, and only then to be found. */

#include <string.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/call/birth.h"
#include "daemon/call/calls.h"
#include "daemon/kind/hugepages.h"
#include "daemon/kind/kinds.h"
#include "daemon/kind/object-name.h"
#include "proto/util.h"

#define MODE_DEFAULT 0600

/* The size that is promised at first, and the one up to which it may be raised. */
static int check_size(const AcquireParameters *parameters, CallFailure *failure) {
        bool grows = GIVEN(parameters, ACQUIRE_MAXIMUM_BYTES);
        int64_t minimum = grows ? 0 : 1;

        if (grows && (parameters->maximum_bytes < 1 || parameters->maximum_bytes > NUMBER_MAX))
                return call_wrong_size(failure, SIZE_UNKNOWN, 1, NUMBER_MAX);
        if (parameters->size_bytes < minimum)
                return call_wrong_size(failure, SIZE_UNKNOWN, minimum, NUMBER_MAX);
        if (grows && parameters->size_bytes > parameters->maximum_bytes)
                return call_wrong_size(failure, SIZE_UNKNOWN, minimum, parameters->maximum_bytes);
        return 0;
}

static Kind kind_of(const AcquireParameters *parameters) {
        return GIVEN(parameters, ACQUIRE_KIND) ? (Kind) parameters->kind : KIND_MEMFD;
}

/* Which kinds can do what only some can. */
static int check_kind(const KindRow *row, const AcquireParameters *parameters,
                      CallFailure *failure) {
        FoundBy found_by = row->traits.found_by;

        if (GIVEN(parameters, ACQUIRE_KEY) && found_by != FOUND_BY_SHMID)
                return call_invalid(failure, "key");
        if (GIVEN(parameters, ACQUIRE_POSIX_NAME) &&
            (found_by != FOUND_BY_POSIX_NAME || !posix_name_valid(parameters->posix_name)))
                return call_invalid(failure, "posixName");
        if (GIVEN(parameters, ACQUIRE_SEALABLE) && parameters->sealable && !row->seal)
                return call_not_supported(failure, "kind",
                                          "only segments of kind memfd can be sealed");
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES) && !row->huge_pages &&
            parameters->page_bytes != sysconf(_SC_PAGESIZE))
                return call_not_supported(failure, "kind",
                                          "only segments of kinds memfd and sysv can have "
                                          "huge pages");
        return 0;
}

/* What cannot be done is an error, never left out in silence. */
static int check_creation(const Client *client, const AcquireParameters *parameters,
                          CallFailure *failure) {
        const KindRow *row = kind_rows[kind_of(parameters)];
        int r;

        if (!GIVEN(parameters, ACQUIRE_SIZE_BYTES))
                return call_invalid(failure, "sizeBytes");
        r = check_kind(row, parameters, failure);
        if (r)
                return r;
        /* Keys and names of these are the host's, and so would the owner be. */
        if (client->credentials.tenant &&
            (row->traits.found_by == FOUND_BY_SHMID || row->traits.found_by == FOUND_BY_POSIX_NAME))
                return call_not_supported(failure, "tenant",
                                          "a tenant has segments of kinds memfd and file "
                                          "alone: others would be found on the host");
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES) &&
            (parameters->page_bytes & (parameters->page_bytes - 1)) != 0)
                return call_invalid(failure, "pageBytes");
        return check_size(parameters, failure);
}

static void fill_segment(Segment *segment, Client *client, const AcquireParameters *parameters) {
        const Credentials *credentials = &client->credentials;

        kind_set(segment, kind_of(parameters));
        segment->sysv.key = (uint32_t) parameters->key;
        segment->size_bytes = (uint64_t) parameters->size_bytes;
        segment->maximum_bytes = (uint64_t) parameters->maximum_bytes;
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES))
                segment->page_bytes = (uint64_t) parameters->page_bytes;
        segment->sealable = parameters->sealable;
        segment->permission = (Permission){
                .tenant = credentials->tenant,
                .owner_uid = credentials->uid,
                .owner_gid = credentials->gid,
                .creator_uid = credentials->uid,
                .creator_gid = credentials->gid,
                .mode = GIVEN(parameters, ACQUIRE_MODE) ? (mode_t) parameters->mode : MODE_DEFAULT,
        };
        segment->change_usec = clock_realtime_usec();
        segment->creator_pid = credentials->pid;
        segment->remove_on_last_detach = parameters->remove_on_last_detach;
        segment->lingers = GIVEN(parameters, ACQUIRE_LINGER_USEC);
        segment->linger_usec = (uint64_t) parameters->linger_usec;
}

static int name_posix(Segment *segment, const AcquireParameters *parameters, CallFailure *failure) {
        char name[OBJECT_NAME_BYTES];

        object_posix_name(segment->name, segment->id, name);
        if (GIVEN(parameters, ACQUIRE_POSIX_NAME))
                segment->object_name = shared_path_new("", parameters->posix_name + 1);
        else
                segment->object_name = shared_path_new("", name);
        return segment->object_name ? 0 : call_no_memory(failure);
}

/* What is made in a directory that stands for another one could not be found again. */
static bool files_are_missing(const Registry *registry) {
        const Segment *segment;

        DL_FOREACH2(registry->unavailable, segment, unavailable_next)
                if (segment->kind == KIND_FILE &&
                    strcmp(segment->unavailable.cause, "missing") == 0)
                        return true;
        return false;
}

static int name_file(Service *service, Segment *segment, CallFailure *failure) {
        Host *host = &service->host;
        char name[OBJECT_NAME_BYTES];

        if (files_are_missing(&service->registry))
                return call_not_supported(failure, "directory",
                                          "the broker's file directory is not the one that has its "
                                          "files; something may have to be mounted there");
        if (host_open_files(host) < 0)
                return call_not_supported(failure, "directory",
                                          "the broker's file directory cannot be opened or made");
        if (!object_file_name(segment_tenant_name(segment), segment->name, segment->id, name))
                return call_not_supported(failure, "name",
                                          "the name is too long for the file of a tenant");
        segment->object_name = shared_path_new(host->files_path, name);
        return segment->object_name ? 0 : call_no_memory(failure);
}

/* Where it is found without the broker. */
static int name_object(Service *service, Segment *segment, const AcquireParameters *parameters,
                       CallFailure *failure) {
        switch (segment->traits->found_by) {
        case FOUND_BY_POSIX_NAME:
                return name_posix(segment, parameters, failure);
        case FOUND_BY_FILE_NAME:
                return name_file(service, segment, failure);
        default:
                return 0;
        }
}

static int make_object(Service *service, Segment *segment, CallFailure *failure) {
        KindFailure kind_failure = {};
        int r;

        r = kind_rows[segment->kind]->create(&service->host, segment, &kind_failure);
        r = call_kind_failure(r, &kind_failure, failure);
        if (r == CALL_E_EXISTS)
                failure->id = birth_find_rival(&service->registry, segment);
        return r;
}

DEFINE_CLEANUP(Segment, segment_free)

static int new_segment(Service *service, Client *client, const AcquireParameters *parameters,
                       Segment **ret, CallFailure *failure) {
        _cleanup_(segment_freep) Segment *segment = segment_new();

        if (!segment)
                return call_no_memory(failure);
        fill_segment(segment, client, parameters);
        if (GIVEN(parameters, ACQUIRE_NAME)) {
                segment->name = strdup(parameters->name);
                if (!segment->name)
                        return call_no_memory(failure);
        }
        if (segment_has_huge_pages(segment) && !hugepages_exist(segment->page_bytes))
                return call_not_supported(failure, "pageSize",
                                          "this host has no pages of that size; its sizes are in "
                                          "/sys/kernel/mm/hugepages");
        if (state_file_segment_id(&service->persist.state_file, &segment->id))
                return call_no_state(failure);
        *ret = steal_ptr(segment);
        return 0;
}

/* It was found by nobody who asked the broker, but may have been from outside. */
static void unmake_object(Service *service, Segment *segment) {
        const KindRow *row = kind_rows[segment->kind];
        KindFailure failure = {};

        if (row->unlink)
                (void) row->unlink(&service->host, segment, &failure);
}

/**
 * call_create_segment() - make a segment, whole, before anybody can find it
 * @service:    the service
 * @client:     who asks, who pays, and who will be creator and owner
 * @parameters: as the interface says; its name, if any, is valid and free
 * @ret:        the segment, the registry's
 * @failure:    details
 *
 * Return: 0, CALL_E_INVALID_PARAMETER, CALL_E_WRONG_SIZE, CALL_E_EXISTS, CALL_E_DENIED,
 *         CALL_E_NOT_SUPPORTED, CALL_E_LIMIT or CALL_E_NO_DESCRIPTORS, and then nothing was made.
 */
int call_create_segment(Service *service, Client *client, const AcquireParameters *parameters,
                        Segment **ret, CallFailure *failure) {
        _cleanup_(segment_freep) Segment *segment = NULL;
        int r;

        /* Whose would it be? */
        if (client->credentials.unmapped ||
            (GIVEN(parameters, ACQUIRE_NAME) &&
             !call_may_name(service, client, client->credentials.tenant, parameters->name)))
                return CALL_E_DENIED;
        r = check_creation(client, parameters, failure);
        if (r)
                return r;
        r = new_segment(service, client, parameters, &segment, failure);
        if (r)
                return r;
        r = birth_charge(service, client, segment, client->user, failure);
        if (r)
                return r;
        r = name_object(service, segment, parameters, failure);
        if (r)
                return r;
        r = make_object(service, segment, failure);
        if (r)
                return r;
        r = birth_new(service, segment, failure);
        if (r) {
                unmake_object(service, segment);
                return r;
        }
        ++service->counters.n_created;
        *ret = steal_ptr(segment);
        return 0;
}
