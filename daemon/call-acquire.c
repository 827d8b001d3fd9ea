/* Acquire: open or make a segment, and begin an attachment of it. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/calls.h"
#include "daemon/clock.h"
#include "daemon/describe.h"
#include "daemon/kind.h"
#include "daemon/log.h"
#include "daemon/mark.h"
#include "proto/fd.h"
#include "proto/name.h"
#include "proto/util.h"

#define MODE_DEFAULT 0600

/*
 * Marks that take longer to set than this, several times running, are left out for a while:
 * somebody keeps many locks. Once is nothing, for the host may have had something else to do.
 */
#define MARK_SLOW_USEC 2000U
#define MARK_SLOW_RUNNING 4U
#define MARK_PAUSE_USEC 1000000U

static int not_supported(CallFailure *failure, const char *reason) {
        failure->text = reason;
        return CALL_E_NOT_SUPPORTED;
}

/* The one limit that is the kernel's, and that what has ended meanwhile may have lifted. */
static const char no_descriptors[] = "descriptors";

static int limit(CallFailure *failure, const char *name) {
        failure->limit = (LimitReached){ .name = name };
        return CALL_E_LIMIT;
}

/* Numbers that could not be written down cannot be given away: they might come again. */
static int no_ids(CallFailure *failure) {
        log_error("Nothing can be made, because the state directory cannot be written to.");
        return limit(failure, "memory");
}

static int wrong_size(CallFailure *failure, const Segment *segment) {
        failure->size_bytes = segment ? (int64_t) segment->size_bytes : -1;
        failure->minimum_bytes = segment ? 0 : 1;
        failure->maximum_bytes = segment ? (int64_t) segment->size_bytes : NUMBER_MAX;
        return CALL_E_WRONG_SIZE;
}

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
                return wrong_size(failure, NULL);
        return 0;
}

/* What the kind cannot do is an error, never left out in silence. */
static int check_creation(const AcquireParameters *parameters, CallFailure *failure) {
        Kind kind = GIVEN(parameters, ACQUIRE_KIND) ? (Kind) parameters->kind : KIND_MEMFD;

        if (!GIVEN(parameters, ACQUIRE_SIZE_BYTES))
                return call_invalid(failure, "sizeBytes");
        if (!kind_rows[kind])
                return not_supported(failure, "this broker makes segments of kind memfd only");
        if (GIVEN(parameters, ACQUIRE_KEY))
                return call_invalid(failure, "key");
        if (GIVEN(parameters, ACQUIRE_POSIX_NAME))
                return call_invalid(failure, "posixName");
        if (GIVEN(parameters, ACQUIRE_MAXIMUM_BYTES))
                return not_supported(failure, "this broker makes segments of a fixed size only");
        if (GIVEN(parameters, ACQUIRE_PAGE_BYTES))
                return not_supported(failure, "this broker makes segments of ordinary pages only");
        if (parameters->sealable)
                return not_supported(failure,
                                     "this broker makes segments whose seals are fixed only");
        if (parameters->size_bytes == 0)
                return wrong_size(failure, NULL);
        return 0;
}

/* What may have ended meanwhile is given back before anybody is told of a limit. */
static int take_charge(Service *service, Charge *charge, User *user, Limit what, uint64_t amount,
                       CallFailure *failure) {
        if (charge_take(charge, user, what, amount, &failure->limit) == 0)
                return 0;
        life_catch_up(&service->life);
        return charge_take(charge, user, what, amount, &failure->limit) ? CALL_E_LIMIT : 0;
}

static void fill_segment(Segment *segment, Client *client, const AcquireParameters *parameters) {
        const Credentials *credentials = &client->credentials;

        segment->kind = KIND_MEMFD;
        segment->size_bytes = (uint64_t) parameters->size_bytes;
        segment->permission = (Permission){
                .owner_uid = credentials->uid,
                .owner_gid = credentials->gid,
                .creator_uid = credentials->uid,
                .creator_gid = credentials->gid,
                .mode = GIVEN(parameters, ACQUIRE_MODE) ? (mode_t) parameters->mode : MODE_DEFAULT,
        };
        segment->change_usec = clock_realtime_usec();
        segment->creator_pid = credentials->pid;
        segment->remove_on_last_detach = parameters->remove_on_last_detach;
        segment->lingers = GIVEN(parameters, ACQUIRE_LINGER);
        segment->linger_usec = (uint64_t) parameters->linger_usec;
}

static int charge_segment(Service *service, Segment *segment, User *user, CallFailure *failure) {
        uint64_t page_bytes = (uint64_t) sysconf(_SC_PAGESIZE);
        uint64_t bytes = (segment->size_bytes + page_bytes - 1) / page_bytes * page_bytes;
        int r;

        r = take_charge(service, &segment->segment_charge, user, LIMIT_SEGMENTS, 1, failure);
        if (r)
                return r;
        return take_charge(service, &segment->bytes_charge, user, LIMIT_BYTES, bytes, failure);
}

static int make_memory(Segment *segment, CallFailure *failure) {
        switch (kind_rows[segment->kind]->create(segment)) {
        case 0:
                return 0;
        case KIND_E_NO_DESCRIPTORS:
                return limit(failure, no_descriptors);
        default:
                return limit(failure, "memory");
        }
}

DEFINE_CLEANUP(Segment, segment_free)

/* Makes a segment, whole, before anybody can find it. */
static int create_segment(Service *service, Client *client, const AcquireParameters *parameters,
                          Segment **ret, CallFailure *failure) {
        _cleanup_(segment_freep) Segment *segment = NULL;
        int r;

        segment = segment_new();
        if (!segment)
                return limit(failure, "memory");
        fill_segment(segment, client, parameters);
        r = charge_segment(service, segment, client->user, failure);
        if (r)
                return r;
        if (GIVEN(parameters, ACQUIRE_NAME)) {
                segment->name = strdup(parameters->name);
                if (!segment->name)
                        return limit(failure, "memory");
        }
        r = make_memory(segment, failure);
        if (r)
                return r;
        (void) snprintf(segment->master_name, sizeof(segment->master_name), "%d",
                        segment->master_fd);
        if (state_segment_id(&service->state, &segment->id))
                return no_ids(failure);
        if (registry_add(&service->registry, segment))
                return limit(failure, "memory");
        life_begin(&service->life, segment);
        ++service->counters.n_created;
        *ret = steal_ptr(segment);
        return 0;
}

/* The order of checks is that of shmget(2): EEXIST, EINVAL, EACCES. */
static int check_existing(const Segment *segment, const Client *client,
                          const AcquireParameters *parameters, Access access,
                          CallFailure *failure) {
        if (create_mode(parameters) == CREATE_NEW) {
                failure->id = segment->id;
                return CALL_E_EXISTS;
        }
        if (GIVEN(parameters, ACQUIRE_SIZE_BYTES) &&
            (uint64_t) parameters->size_bytes > segment->size_bytes)
                return wrong_size(failure, segment);
        if (!permission_grants(&segment->permission, &client->credentials,
                               access == ACCESS_READ_WRITE))
                return CALL_E_DENIED;
        return 0;
}

static Segment *find_existing(Service *service, const AcquireParameters *parameters) {
        Segment *segment = NULL;

        if (GIVEN(parameters, ACQUIRE_NAME))
                segment = registry_find_name(&service->registry, parameters->name);
        else if (GIVEN(parameters, ACQUIRE_ID))
                segment = registry_find(&service->registry, parameters->id);
        if (segment && !life_ask(&service->life, segment))
                segment = NULL;
        return segment;
}

static int find_or_create(Service *service, Client *client, const AcquireParameters *parameters,
                          Access access, Segment **ret, bool *ret_created, CallFailure *failure) {
        Segment *segment = find_existing(service, parameters);
        int r;

        if (segment) {
                r = check_existing(segment, client, parameters, access, failure);
                if (r)
                        return r;
        } else {
                if (!is_private(parameters) && create_mode(parameters) == CREATE_OPEN) {
                        if (parameters->wait_usec != 0)
                                return not_supported(failure,
                                                     "this broker does not wait for segments");
                        return CALL_E_NO_SUCH_SEGMENT;
                }
                r = check_creation(parameters, failure);
                if (r)
                        return r;
                r = create_segment(service, client, parameters, &segment, failure);
                if (r)
                        return r;
                *ret_created = true;
        }
        *ret = segment;
        return 0;
}

static bool set_mark(const Service *service, Segment *segment, int fd, int64_t id) {
        uint64_t begin = clock_monotonic_usec(), end;
        bool marked;

        if (!service->life.census.answers.marks || begin < segment->marks_pause_usec)
                return false;
        marked = mark_set(fd, id);
        end = clock_monotonic_usec();
        segment->n_slow_marks = end - begin > MARK_SLOW_USEC ? segment->n_slow_marks + 1 : 0;
        if (segment->n_slow_marks == MARK_SLOW_RUNNING) {
                segment->marks_pause_usec = end + MARK_PAUSE_USEC;
                segment->n_slow_marks = 0;
        }
        return marked;
}

/* Opens a description of the client's own and marks it. */
static int attach(Service *service, Client *client, Segment *segment, Access access, Charge *charge,
                  Acquired *ret, CallFailure *failure) {
        _cleanup_fd_ int fd = -EBADF;
        Attachment *attachment;
        int64_t id;

        if (state_attachment_id(&service->state, &id))
                return no_ids(failure);
        switch (kind_rows[segment->kind]->open(segment, service->proc_fd, access, &fd)) {
        case 0:
                break;
        case KIND_E_NO_DESCRIPTORS:
                return limit(failure, no_descriptors);
        default:
                return limit(failure, "memory");
        }
        attachment = attachment_new(&service->life.census.attachments);
        if (!attachment)
                return limit(failure, "memory");
        attachment->id = id;
        attachment->uid = client->credentials.uid;
        attachment->process = client->process;
        attachment->access = access;
        attachment->since_usec = clock_realtime_usec();
        attachment->marked = set_mark(service, segment, fd, id);
        attachment->charge = steal_charge(charge);
        life_attach(&service->life, segment, attachment);
        *ret = (Acquired){ .segment = segment, .attachment = attachment, .fd = steal_fd(&fd) };
        return 0;
}

static int acquire(Service *service, Client *client, const AcquireParameters *parameters,
                   Access access, Charge *charge, Acquired *ret, bool *ret_created,
                   CallFailure *failure) {
        bool created = false;
        Segment *segment;
        int r;

        r = find_or_create(service, client, parameters, access, &segment, &created, failure);
        if (r)
                return r;
        r = attach(service, client, segment, access, charge, ret, failure);
        if (r && created)
                (void) life_remove(&service->life, segment);
        if (r == 0)
                *ret_created = created;
        return r;
}

/**
 * call_acquire() - open or make a segment and begin an attachment of it
 * @service:    the service
 * @client:     who asks
 * @parameters: as the interface says
 * @reply:      the answer
 * @ret:        the attachment and its descriptor, which go with the answer; the segment owns the
 *              attachment, the caller the descriptor
 * @failure:    details
 *
 * For a segment that exists no memory is allocated, and few system calls are made:
 * daemon/ACQUIRE.md has them.
 *
 * Return: 0, or a code.
 */
int call_acquire(Service *service, Client *client, const AcquireParameters *parameters,
                 AcquireReply *reply, Acquired *ret, CallFailure *failure) {
        Access access =
                GIVEN(parameters, ACQUIRE_ACCESS) ? (Access) parameters->access : ACCESS_READ_WRITE;
        _cleanup_(charge_give_back) Charge charge = CHARGE_NULL;
        bool created = false, fresh;
        int r;

        r = check_parameters(parameters, failure);
        if (r)
                return r;
        /* First, because settling what has ended may take segments away. */
        r = take_charge(service, &charge, client->user, LIMIT_ATTACHMENTS, 1, failure);
        if (r)
                return r;
        r = acquire(service, client, parameters, access, &charge, ret, &created, failure);
        if (r == CALL_E_LIMIT && failure->limit.name == no_descriptors) {
                life_catch_up(&service->life);
                r = acquire(service, client, parameters, access, &charge, ret, &created, failure);
        }
        if (r)
                return r;
        /* Eight system calls are enough: where there was one for the lease and will be one for the
         * socket, the memory in use is told as it was last seen. */
        fresh = created || !client->must_look || !segment_goes_when_free(ret->segment);
        *reply = (AcquireReply){ .created = created, .access = access };
        GIVE_VALUE(reply, ACQUIRED_FILE_DESCRIPTOR_INDEX, file_descriptor_index, 0);
        GIVE_VALUE(reply, ACQUIRED_ATTACHMENT_ID, attachment_id, ret->attachment->id);
        describe_segment(ret->segment, fresh, &reply->segment);
        return 0;
}

/* call_acquire_undo() - the answer could not be sent, and nobody got the descriptor */
void call_acquire_undo(Service *service, Acquired *acquired) {
        life_withdraw(&service->life, acquired->segment, acquired->attachment, acquired->fd);
        *acquired = (Acquired){ .fd = -EBADF };
}
