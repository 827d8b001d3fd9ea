/* SPDX-License-Identifier: MIT */
/* Acquire: open or make a segment, and begin an attachment of it. */

#include "daemon/base/clock.h"
#include "daemon/call/calls.h"
#include "daemon/call/recover.h"
#include "daemon/kernel/mark.h"
#include "daemon/kind/kinds.h"
#include "daemon/life/describe.h"
#include "daemon/model/reservation.h"
#include "proto/fd.h"
#include "proto/name.h"
#include "proto/util.h"

/*
 * Marks that take longer to set than this, several times running, are left out for a while:
 * somebody keeps many locks. Once is nothing, for the host may have had something else to do.
 */
#define MARK_SLOW_USEC 2000U
#define MARK_SLOW_RUNNING 4U
#define MARK_PAUSE_USEC 1000000U

static CreateMode create_mode(const AcquireParameters *parameters) {
        return GIVEN(parameters, ACQUIRE_CREATE) ? (CreateMode) parameters->create : CREATE_OPEN;
}

static bool is_private(const AcquireParameters *parameters) {
        return !GIVEN(parameters, ACQUIRE_NAME) && !GIVEN(parameters, ACQUIRE_ID);
}

/* What goes together; everything that concerns the segment itself is looked at later. */
static int check_parameters(const AcquireParameters *parameters, CallFailure *failure) {
        bool given_create = GIVEN(parameters, ACQUIRE_CREATE);

        if (GIVEN(parameters, ACQUIRE_NAME) && GIVEN(parameters, ACQUIRE_ID))
                return call_invalid(failure, "id");
        if (GIVEN(parameters, ACQUIRE_NAME) && !name_valid(parameters->name))
                return call_invalid(failure, "name");
        if (GIVEN(parameters, ACQUIRE_ID) && create_mode(parameters) != CREATE_OPEN)
                return call_invalid(failure, "create");
        if (is_private(parameters) && given_create && parameters->create != CREATE_NEW)
                return call_invalid(failure, "create");
        if (GIVEN(parameters, ACQUIRE_SIZE_BYTES) &&
            (parameters->size_bytes < 0 || parameters->size_bytes > NUMBER_MAX))
                return call_wrong_size(failure, SIZE_UNKNOWN,
                                       GIVEN(parameters, ACQUIRE_MAXIMUM_BYTES) ? 0 : 1,
                                       NUMBER_MAX);
        return 0;
}

/* The order of checks is that of shmget(2): EEXIST, EINVAL, EACCES. */
static int check_existing(const Segment *segment, const Client *client,
                          const AcquireParameters *parameters, Access access,
                          CallFailure *failure) {
        int r;

        if (create_mode(parameters) == CREATE_NEW) {
                failure->id = segment->id;
                return CALL_E_EXISTS;
        }
        if (GIVEN(parameters, ACQUIRE_SIZE_BYTES) &&
            (uint64_t) parameters->size_bytes > segment->size_bytes)
                return call_wrong_size(failure, (int64_t) segment->size_bytes, 0,
                                       (int64_t) segment->size_bytes);
        if (!tenant_grants(&client->credentials, &segment->permission, segment_called(segment),
                           access == ACCESS_READ_WRITE))
                return CALL_E_DENIED;
        /* Behind the permission: who may not open it need not know whose it is. */
        r = call_check_trusted(client, segment, GIVEN(parameters, ACQUIRE_TRUSTED_UIDS),
                               &parameters->trusted_uids, failure);
        if (r)
                return r;
        if (segment_is_unavailable(segment))
                return call_unavailable(segment, failure);
        if (access == ACCESS_READ_WRITE && segment->seals & SEALS_WRITE)
                return call_not_supported(failure, "sealed",
                                          "the segment is sealed against writing: "
                                          "acquire it readOnly");
        return 0;
}

static Segment *find_existing(Service *service, const Client *client,
                              const AcquireParameters *parameters) {
        Segment *segment = NULL;

        if (GIVEN(parameters, ACQUIRE_NAME))
                segment = registry_find_name(&service->registry, client->credentials.tenant,
                                             parameters->name);
        else if (GIVEN(parameters, ACQUIRE_ID))
                segment = registry_find(&service->registry, parameters->id);
        /* By its name, only what is there for the client is found. */
        if (segment && GIVEN(parameters, ACQUIRE_ID) && !call_sees(client, segment))
                return NULL;
        segment = life_ask(&service->life, recover_try(service, segment));
        if (!segment)
                return NULL;
        /* It may have been removed from outside just now. */
        return GIVEN(parameters, ACQUIRE_NAME) && !segment->name ? NULL : segment;
}

/* A name may come to be; an id, which is never used again, either is there or never will be. */
static int acquire_missing(const AcquireParameters *parameters) {
        if (GIVEN(parameters, ACQUIRE_NAME) && parameters->wait_usec != 0)
                return CALL_E_WAIT;
        return CALL_E_NO_SUCH_SEGMENT;
}

static int find_or_create(Service *service, Client *client, const AcquireParameters *parameters,
                          Access access, Segment **ret, bool *ret_created, CallFailure *failure) {
        Segment *segment = find_existing(service, client, parameters);
        int r;

        if (segment) {
                r = check_existing(segment, client, parameters, access, failure);
                if (r)
                        return r;
        } else {
                if (!is_private(parameters) && create_mode(parameters) == CREATE_OPEN)
                        return acquire_missing(parameters);
                r = call_create_segment(service, client, parameters, &segment, failure);
                if (r)
                        return r;
                *ret_created = true;
        }
        *ret = segment;
        return 0;
}

/*
 * Who may write to a descriptor of a System V segment may truncate it too, under the feet of all
 * others; the configuration says who is trusted not to.
 */
static bool hands_out(HandOut whom, const Segment *segment, const Client *client) {
        switch (whom) {
        case HAND_OUT_NOBODY:
                return false;
        case HAND_OUT_OWNER:
                return permission_controls(&segment->permission, &client->credentials);
        default:
                return true;
        }
}

static bool set_mark(Segment *segment, int fd, int64_t id) {
        uint64_t begin = clock_boottime_usec(), end;
        bool marked;

        if (begin < segment->marks_pause_usec)
                return false;
        marked = mark_set(fd, id);
        end = clock_boottime_usec();
        segment->n_slow_marks = end - begin > MARK_SLOW_USEC ? segment->n_slow_marks + 1 : 0;
        if (segment->n_slow_marks == MARK_SLOW_RUNNING) {
                segment->marks_pause_usec = end + MARK_PAUSE_USEC;
                segment->n_slow_marks = 0;
        }
        return marked;
}

/* Keeps a segment for a client that attaches it by its shmid. */
static int acquire_reserve(Service *service, Client *client, Segment *segment, Charge *charge,
                           Acquired *ret, CallFailure *failure) {
        Reservation *reservation = reservation_new(client, segment, charge);

        if (!reservation)
                return call_no_memory(failure);
        life_reserve(&service->life, segment, reservation);
        *ret = (Acquired){ .segment = segment, .reservation = reservation, .fd = -EBADF };
        return 0;
}

/* A new description for the client, or the word that it gets none. */
static int open_description(const Service *service, const Client *client, const Segment *segment,
                            Access access, int *ret_fd) {
        if (segment->traits->native && access == ACCESS_READ_WRITE &&
            !hands_out(service->sysv_descriptors, segment, client))
                return KIND_E_NATIVE;
        return kind_rows[segment->kind]->open(&service->host, segment, access, ret_fd);
}

/* Opens a description of the client's own and marks it. */
static int acquire_attach(Service *service, Client *client, Segment *segment, Access access,
                          Charge *charge, Acquired *ret, CallFailure *failure) {
        _cleanup_fd_ int fd = -EBADF;
        Attachment *attachment;
        int64_t id;
        int r;

        r = open_description(service, client, segment, access, &fd);
        if (r == KIND_E_NATIVE)
                return acquire_reserve(service, client, segment, charge, ret, failure);
        if (r)
                return call_kind_failure(r, NULL, failure);
        if (state_file_attachment_id(&service->persist.state_file, &id))
                return call_no_state(failure);
        attachment = attachment_new(&service->life.census.attachments);
        if (!attachment)
                return call_no_memory(failure);
        attachment->id = id;
        attachment->uid = client->credentials.uid;
        attachment->process = client->process;
        attachment->access = access;
        attachment->since_usec = clock_realtime_usec();
        attachment->marked = set_mark(segment, fd, id);
        attachment->charge = steal_charge(charge);
        life_attach(&service->life, segment, attachment);
        *ret = (Acquired){ .segment = segment, .attachment = attachment, .fd = steal_fd(&fd) };
        return 0;
}

static void undo_creation(Service *service, Segment *segment) {
        KindFailure failure = {};
        bool destroyed;

        if (segment)
                (void) life_remove(&service->life, segment, &failure, &destroyed);
}

static int acquire_once(Service *service, Client *client, const AcquireParameters *parameters,
                        Access access, Charge *charge, Acquired *ret, CallFailure *failure) {
        bool created = false;
        Segment *segment;
        int r;

        r = find_or_create(service, client, parameters, access, &segment, &created, failure);
        if (r)
                return r;
        r = acquire_attach(service, client, segment, access, charge, ret, failure);
        if (r == 0)
                ret->created = created;
        else if (created)
                undo_creation(service, segment);
        return r;
}

/*
 * Eight system calls are enough, and six are needed for what there is in any case. Where there was
 * one for the lease, and will be one for the socket, the rest is told as it was last seen.
 */
static unsigned int acquire_affordable(const Service *service, const Client *client,
                                       const Acquired *acquired) {
        const Segment *segment = acquired->segment;
        int n_left = 2 - segment_goes_when_free(segment) - client->must_look;
        unsigned int look = 0;

        /* Of these everything was looked at when it was asked for. */
        if (segment->traits->found_by != FOUND_BY_NOTHING)
                return 0;
        /* Who watches has just been told of the attachment, for which all of it was looked at. */
        if (events_watched(&service->life.events))
                return 0;
        if (acquired->created)
                return LOOK_ALL;
        if (segment->sealable && n_left-- > 0)
                look |= LOOK_SEALS;
        if (n_left > 0)
                look |= LOOK_MEMORY;
        return look;
}

/**
 * call_acquire() - open or make a segment and begin an attachment of it
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @ret:        the attachment and its descriptor, which go with the answer, or a reservation; the
 *              segment owns the attachment, the caller the descriptor, and the client the
 *              reservation
 * @failure:    details
 *
 * For a segment that exists no memory is allocated, and few system calls are made:
 * daemon/ACQUIRE.md has them.
 *
 * Return: 0; CALL_E_WAIT if it is to be called again when a segment has that name, or with a
 *         wait_usec of 0 when the time is over; CALL_E_NO_SUCH_SEGMENT, CALL_E_FOREIGN, or what
 *         call_create_segment() returns.
 */
int call_acquire(Service *service, Client *client, const AcquireParameters *parameters,
                 AcquireReply *reply, Acquired *ret, CallFailure *failure) {
        Access access =
                GIVEN(parameters, ACQUIRE_ACCESS) ? (Access) parameters->access : ACCESS_READ_WRITE;
        _cleanup_(charge_give_back) Charge charge = CHARGE_NULL;
        int r;

        r = check_parameters(parameters, failure);
        if (r)
                return r;
        /* First, because settling what has ended may take segments away. */
        r = call_take_charge(service, client, &charge, client->user, LIMIT_ATTACHMENTS, 1, failure);
        if (r)
                return r;
        r = acquire_once(service, client, parameters, access, &charge, ret, failure);
        if (r == CALL_E_NO_DESCRIPTORS) {
                life_catch_up(&service->life, LIFE_CATCH_UP_USEC);
                r = acquire_once(service, client, parameters, access, &charge, ret, failure);
        }
        if (r)
                return r;
        *reply = (AcquireReply){ .created = ret->created, .access = access };
        if (ret->attachment) {
                GIVE_VALUE(reply, ACQUIRE_REPLY_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
                GIVE_VALUE(reply, ACQUIRE_REPLY_ATTACHMENT_ID, attachment_id, ret->attachment->id);
        } else if (service->host.ipc_namespace > 0) {
                GIVE_VALUE(reply, ACQUIRE_REPLY_IPC_NAMESPACE, ipc_namespace,
                           (int64_t) service->host.ipc_namespace);
        }
        describe_segment(ret->segment, LOOK_LAGS | acquire_affordable(service, client, ret),
                         &reply->segment);
        describe_hide(&client->credentials, &ret->segment->permission, &reply->segment);
        return 0;
}

/* call_acquire_undo() - the answer could not be sent, and nobody got the descriptor; what was made
 * for it goes */
void call_acquire_undo(Service *service, Acquired *acquired) {
        int64_t id = acquired->segment ? acquired->segment->id : 0;

        if (acquired->attachment)
                life_withdraw(&service->life, acquired->segment, acquired->attachment,
                              acquired->fd);
        else
                fd_close(acquired->fd);
        if (acquired->created)
                undo_creation(service, registry_find(&service->registry, id));
        *acquired = (Acquired){ .fd = -EBADF };
}
