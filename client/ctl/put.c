/* SPDX-License-Identifier: MIT */
#include "client/ctl/put.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/change.h"
#include "client/ctl/common.h"
#include "client/ctl/json.h"
#include "client/ctl/value.h"

typedef struct Growing Growing;

/* A segment that grows as it is filled. */
struct Growing {
        const Ctl *ctl;
        const Stream *from;
        int64_t id;
        uint64_t maximum;
};

/* put_init() - nothing is said yet. Return: 0 or an exit code. */
int put_init(Put *put) {
        int r;

        *put = (Put){};
        r = acquisition_init(&put->acquisition);
        if (r)
                return r;
        /* What has no descriptor is written where it is mapped, also what it grows by. */
        shmbroker_options_set_reserve(put->acquisition.options, true);
        return 0;
}

void put_deinit(Put *put) {
        acquisition_deinit(&put->acquisition);
}

/* put_option() - take one of PUT_OPTIONS and ACQUIRE_OPTIONS. Return: 0 or CTL_USAGE. */
int put_option(const Ctl *ctl, Put *put, int key, const char *value) {
        switch (key) {
        case OPTION_REPLACE:
                put->replace = true;
                return 0;
        case OPTION_SEAL:
                shmbroker_options_set_sealable(put->acquisition.options, true);
                return value_seals(ctl, "--seal", value, &put->seals);
        case OPTION_OFFSET:
                return value_size(ctl, "--offset", value, &put->offset);
        case 'q':
                put->quiet = true;
                return 0;
        default:
                return acquisition_option(ctl, &put->acquisition, key, value);
        }
}

/* put_name() - give a segment the name, and nothing to a segment of somebody whom --owner does not
 * mean. Return: 0 or an exit code. */
int put_name(const Ctl *ctl, const Put *put, int64_t id, struct shmbroker_info **ret,
             int64_t *ret_replaced_id) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *attributes = NULL;
        const Acquisition *acquisition = &put->acquisition;

        if (shmbroker_attributes_new(&attributes))
                return ctl_no_memory();
        if (acquisition->n_owners > 0)
                (void) shmbroker_attributes_set_trusted_uids(attributes, acquisition->owners,
                                                             acquisition->n_owners);
        if (shmbroker_publish(ctl->connection, id, put->target.name,
                              put->replace ? SHMBROKER_PUBLISH_REPLACE : 0, attributes, ret,
                              ret_replaced_id))
                return ctl_failed(ctl);
        return 0;
}

/* put_print() - with --json, the segment and the one that it replaced. Return: an exit code. */
int put_print(const Ctl *ctl, const struct shmbroker_info *info, int64_t replaced_id) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        if (!ctl->json)
                return CTL_SUCCESS;
        json_add_text(&json, "segment", shmbroker_info_json(info));
        json_add_id(&json, "replacedId", replaced_id);
        return json_print(&json);
}

static int put_grow(void *userdata, uint64_t size) {
        const Growing *growing = userdata;

        if (size > growing->maximum)
                return ctl_error("%s is longer than the segment can grow, which is %" PRIu64
                                 " bytes",
                                 growing->from->name, growing->maximum);
        if (shmbroker_resize(growing->ctl->connection, NULL, growing->id, size, NULL))
                return ctl_failed(growing->ctl);
        return 0;
}

/* Copies all of it, and lets the segment grow as long as it can. */
static int put_fill(const Ctl *ctl, Stream *from, Stream *to, const Put *put) {
        const struct shmbroker_info *info = shmbroker_segment_info(to->segment);
        Growing growing = { .ctl = ctl, .from = from, .id = shmbroker_info_id(info) };
        Copy copy = { .length = UINT64_MAX, .quiet = put->quiet };
        uint64_t expected = stream_left(from);
        int r;

        if (shmbroker_info_maximum(info, &growing.maximum) == 0) {
                to->grow = put_grow;
                to->userdata = &growing;
        }
        r = stream_copy(from, to, &copy);
        if (r)
                return r;
        if (expected != UINT64_MAX && copy.done < expected)
                return ctl_error("%s became shorter while it was read: %" PRIu64
                                 " bytes in place of %" PRIu64,
                                 from->name, copy.done, expected);
        return 0;
}

/* How large the new one is to be at first. What cannot fit is refused before it is made. */
static int first_size(const Ctl *ctl, const Stream *from, const Put *put, uint64_t *ret) {
        const Acquisition *acquisition = &put->acquisition;
        uint64_t left = stream_left(from);

        if (acquisition->has_size && left != UINT64_MAX && left > acquisition->size &&
            !acquisition->has_maximum)
                return ctl_usage(ctl, "%s has %" PRIu64 " bytes, which is more than --size",
                                 from->name, left);
        if (acquisition->has_size)
                *ret = acquisition->size;
        else if (left != UINT64_MAX)
                *ret = left;
        else if (acquisition->has_maximum)
                *ret = 0;
        else
                return ctl_usage(ctl,
                                 "how long %s is shows only at its end: say with --size how large "
                                 "the segment is to be, or with --maximum how large at most",
                                 from->name);
        return 0;
}

/* As long as it has no name it goes with us, whatever happens. */
static int put_make(const Ctl *ctl, const Stream *from, const Put *put,
                    struct shmbroker_segment **ret) {
        struct shmbroker_options *options = put->acquisition.options;
        uint64_t size = 0;
        int r;

        r = first_size(ctl, from, put, &size);
        if (r)
                return r;
        shmbroker_options_set_size(options, size);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        shmbroker_options_set_remove_on_last_detach(options, true);
        return shmbroker_acquire(ctl->connection, NULL, options, ret) ? ctl_failed(ctl) : 0;
}

/* Nothing may be mapped for writing then, so that we have it another way meanwhile. */
static int put_seal(const Ctl *ctl, int64_t id, unsigned int seals,
                    struct shmbroker_segment **segment) {
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        struct shmbroker_segment *other;
        Selector selector = { .id = id };
        int r;

        if (!seals)
                return 0;
        r = acquisition_init(&acquisition);
        if (r)
                return r;
        shmbroker_options_set_access(acquisition.options, SHMBROKER_ACCESS_READ_ONLY);
        shmbroker_options_set_map(acquisition.options, 0);
        r = acquire(ctl, &selector, &acquisition, &other);
        if (r)
                return r;
        (void) shmbroker_release(*segment);
        *segment = other;
        return shmbroker_seal(ctl->connection, NULL, id, seals, NULL) ? ctl_failed(ctl) : 0;
}

/* From here on it stays, unless it shall go with its last attachment, which ours must not be. */
static int put_publish(const Ctl *ctl, const Put *put, struct shmbroker_segment **segment) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        int64_t id = shmbroker_info_id(shmbroker_segment_info(*segment)), replaced_id = 0;
        int r;

        r = put_seal(ctl, id, put->seals, segment);
        r = r ? r : put_name(ctl, put, id, NULL, &replaced_id);
        if (r)
                return r;
        r = change_remove_on_last_detach(ctl, id, false, &info);
        if (r)
                return r;
        *segment = shmbroker_release(*segment);
        if (put->acquisition.remove_on_last_detach) {
                info = shmbroker_info_free(info);
                r = change_remove_on_last_detach(ctl, id, true, &info);
        }
        return r ? r : put_print(ctl, info, replaced_id);
}

/* A long copy is not begun in vain. */
static int check_name(const Ctl *ctl, const Put *put) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;

        if (put->replace)
                return 0;
        if (shmbroker_stat(ctl->connection, put->target.name, 0, &info) == 0)
                return ctl_error("segment '%s' exists already (id %" PRId64
                                 "); replace it with --replace, or choose another name",
                                 put->target.name, shmbroker_info_id(info));
        return ctl_is_missing(ctl) ? 0 : ctl_failed(ctl);
}

/**
 * put_new() - make a segment, fill it, and only then give it its name
 * @ctl:        its connection is used
 * @from:       what is in it
 * @put:        the name, and how it is made
 *
 * Return: an exit code.
 */
int put_new(const Ctl *ctl, Stream *from, const Put *put) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        Selector selector = put->target;
        Stream to;
        int r;

        r = check_name(ctl, put);
        r = r ? r : put_make(ctl, from, put, &segment);
        if (r)
                return r;
        stream_of_segment(segment, &selector, &to);
        to.empty = true;
        r = put_fill(ctl, from, &to, put);
        return r ? r : put_publish(ctl, put, &segment);
}

/* As much as it has and can grow is looked at before anything is written, if that is known. */
static int check_room(const Stream *from, const Stream *to) {
        const struct shmbroker_info *info = shmbroker_segment_info(to->segment);
        uint64_t left = stream_left(from), size = to->end;

        (void) shmbroker_info_maximum(info, &size);
        if (to->at > size)
                return ctl_error("%s has %" PRIu64 " bytes, which is less than --offset; nothing "
                                 "was written",
                                 to->name, size);
        if (left != UINT64_MAX && left > size - to->at)
                return ctl_error("%s has %" PRIu64 " bytes, and %s has room for %" PRIu64
                                 "; nothing was written",
                                 from->name, left, to->name, size - to->at);
        return 0;
}

static int put_into(const Ctl *ctl, Stream *from, const Put *put,
                    const struct shmbroker_segment *segment) {
        Stream to;
        int r;

        stream_of_segment(segment, &put->target, &to);
        to.at = put->offset;
        r = check_room(from, &to);
        r = r ? r : put_fill(ctl, from, &to, put);
        return r ? r : put_print(ctl, shmbroker_segment_info(segment), 0);
}

/**
 * put_any() - fill the segment that has the name, or a new one if there is none
 * @ctl:        its connection is used
 * @from:       what is in it
 * @put:        the segment, and how it is made
 *
 * Return: an exit code.
 */
int put_any(const Ctl *ctl, Stream *from, const Put *put) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        const Acquisition *acquisition = &put->acquisition;
        struct shmbroker_options *options = acquisition->options;
        bool may_create =
                put->target.name && !put->offset && acquisition_is_for(acquisition, geteuid()) &&
                !(acquisition->has_create && acquisition->create == SHMBROKER_CREATE_OPEN);
        int r;

        if (put->replace || put->seals ||
            (acquisition->has_create && acquisition->create == SHMBROKER_CREATE_NEW))
                return put_new(ctl, from, put);
        shmbroker_options_set_create(options, SHMBROKER_CREATE_OPEN);
        r = acquire_selected(ctl, &put->target, options, &segment);
        if (r && may_create && ctl_is_missing(ctl))
                return put_new(ctl, from, put);
        return r ? ctl_failed(ctl) : put_into(ctl, from, put, segment);
}
