/* SPDX-License-Identifier: MIT */
/* What each segment of the load is made like, and whether the broker still says the same. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "proto/util.h"
#include "tests/system/survivor.h"

#define PAGE 4096U

typedef struct Lookup Lookup;
typedef struct Variant Variant;

/* Whoever is in members has it; whoever is in writers as well has it for writing. */
struct Variant {
        unsigned int members;
        unsigned int writers;
        bool named;
        bool removed;
        bool remove_on_last_detach;
        bool lingers;
        bool grows;
        /* Kinds sysv and posix: member 1 has it without the broker, and nobody else where alone is
         * set */
        bool native;
        bool alone;
        /* Kind memfd */
        bool sealed;
};

static const Variant variants[] = {
        { .named = true, .members = 1, .writers = 1 },
        { .members = 1, .writers = 1 },
        { .named = true, .members = 7, .writers = 7 },
        { .remove_on_last_detach = true, .members = 3, .writers = 3 },
        { .named = true, .remove_on_last_detach = true, .members = 4, .writers = 4 },
        { .named = true, .removed = true, .members = 6, .writers = 2 },
        { .removed = true, .members = 1, .writers = 1 },
        { .named = true },
        { .named = true, .grows = true, .members = 1, .writers = 1 },
        { .named = true, .native = true, .members = 5, .writers = 1 },
        { .named = true, .lingers = true },
        { .named = true, .members = 7, .writers = 2 },
        { .remove_on_last_detach = true,
          .native = true,
          .alone = true,
          .members = 2,
          .writers = 2 },
        { .named = true, .sealed = true, .members = 4, .writers = 4 },
};

/* --- making them */

static bool is_native(int kind) {
        return kind == SHMBROKER_KIND_POSIX || kind == SHMBROKER_KIND_SYSV;
}

/* piece_plan() - what the segment of that number is going to be */
void piece_plan(Piece *piece, size_t i) {
        size_t row = i / (USERS * 4) % ARRAY_SIZE(variants);
        const Variant *variant = &variants[row];

        piece->kind = (int) (i / USERS % 4);
        piece->members = variant->members;
        piece->writers = variant->writers;
        piece->removed = variant->removed;
        piece->remove_on_last_detach = variant->remove_on_last_detach;
        piece->lingers = variant->lingers;
        piece->mode = variant->grows ? 0640 : 0600;
        piece->size = PAGE * (1 + row % 3);
        piece->maximum = variant->grows ? 4 * piece->size : 0;
        if (variant->named)
                (void) snprintf(piece->name, sizeof(piece->name), "crowd/%zu", i);
        if (variant->native && is_native(piece->kind)) {
                piece->members = variant->alone ? 0 : piece->members;
                piece->native_member = 1;
                piece->n_native = piece->kind == SHMBROKER_KIND_SYSV;
                piece->other_holder = piece->kind == SHMBROKER_KIND_POSIX;
        }
        piece->sealed = variant->sealed && piece->kind == SHMBROKER_KIND_MEMFD;
        if (piece->sealed)
                piece->writers = 0;
        piece->n_attached = (unsigned int) __builtin_popcount(piece->members);
}

static void note_outside(Piece *piece, const struct shmbroker_info *info) {
        const char *outside = shmbroker_info_posix_name(info) ?: shmbroker_info_file_path(info);

        (void) snprintf(piece->outside, sizeof(piece->outside), "%s", outside ?: "");
        (void) shmbroker_info_shmid(info, &piece->shmid);
}

static void write_words(const struct shmbroker_segment *segment, int64_t id) {
        uint64_t *words = shmbroker_segment_data(segment);

        for (size_t i = N_COUNTERS; i < shmbroker_segment_size(segment) / sizeof(*words); ++i)
                words[i] = word_of(id, i);
}

/**
 * piece_create() - make a segment as it is planned, and fill it
 * @broker:     the connection
 * @piece:      the plan, which gets what the broker says
 *
 * Return: the segment, or NULL if it was not answered, and then errno says why.
 */
struct shmbroker_segment *piece_create(struct shmbroker *broker, Piece *piece) {
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_options *options;
        int r;

        if (shmbroker_options_new(&options) < 0)
                abort();
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        shmbroker_options_set_kind(options, piece->kind);
        shmbroker_options_set_size(options, piece->size);
        shmbroker_options_set_mode(options, piece->mode);
        if (piece->maximum > 0)
                shmbroker_options_set_maximum(options, piece->maximum);
        shmbroker_options_set_remove_on_last_detach(options, piece->remove_on_last_detach);
        if (piece->lingers)
                shmbroker_options_set_linger(options, UINT64_C(3600) * 1000000);
        shmbroker_options_set_sealable(options, piece->sealed);
        r = shmbroker_acquire(broker, *piece->name ? piece->name : NULL, options, &segment);
        shmbroker_options_free(options);
        if (r < 0) {
                errno = -r;
                return NULL;
        }
        (void) shmbroker_segment_id(segment, &piece->id);
        note_id(piece->id);
        note_outside(piece, shmbroker_segment_info(segment));
        write_words(segment, piece->id);
        return segment;
}

/* --- looking at them */

static bool same_text(const char *text, const char *other) {
        return text ? strcmp(text, other) == 0 : !*other;
}

/* UINT64_MAX, which no segment has, if it is not known. */
static uint64_t attach_count(const struct shmbroker_info *info) {
        uint64_t count = UINT64_MAX;

        (void) shmbroker_info_attach_count(info, &count);
        return count;
}

static void check_holders(const Piece *piece, const struct shmbroker_info *info) {
        uint64_t n = piece->n_attached + piece->n_native;
        int others = -1;

        if (attach_count(info) != n)
                wrong("segment %lld of kind %s has %llu attachments in place of %llu",
                      (long long) piece->id, shmbroker_info_kind_name(info),
                      (unsigned long long) attach_count(info), (unsigned long long) n);
        if (piece->other_holder && shmbroker_info_other_holders(info, &others) == 0 && others != 1)
                wrong("of segment %lld it is not known that others have it", (long long) piece->id);
}

static void check_object(const Piece *piece, const struct shmbroker_info *info) {
        uint64_t maximum = 0;
        int shmid;

        (void) shmbroker_info_maximum(info, &maximum);
        if (shmbroker_info_size(info) != piece->size || maximum != piece->maximum)
                wrong("segment %lld has size %llu of %llu in place of %llu of %llu",
                      (long long) piece->id, (unsigned long long) shmbroker_info_size(info),
                      (unsigned long long) maximum, (unsigned long long) piece->size,
                      (unsigned long long) piece->maximum);
        if (piece->kind == SHMBROKER_KIND_SYSV &&
            (shmbroker_info_shmid(info, &shmid) < 0 || shmid != piece->shmid))
                wrong("segment %lld has another shmid", (long long) piece->id);
        if (piece->sealed && !(shmbroker_info_seals(info) & SHMBROKER_SEAL_WRITE))
                wrong("segment %lld lost its seal", (long long) piece->id);
}

/* piece_check_info() - is the broker's word of a segment what it has to be? */
void piece_check_info(const Piece *piece, const struct shmbroker_info *info) {
        uint64_t linger;

        if (!same_text(shmbroker_info_name(info), piece->name))
                wrong("segment %lld is called '%s' in place of '%s'", (long long) piece->id,
                      shmbroker_info_name(info) ?: "", piece->name);
        if (shmbroker_info_kind(info) != piece->kind)
                wrong("segment %lld is of kind %s", (long long) piece->id,
                      shmbroker_info_kind_name(info));
        if (shmbroker_info_owner_uid(info) != piece->uid ||
            shmbroker_info_creator_uid(info) != piece->uid ||
            shmbroker_info_mode(info) != piece->mode)
                wrong("segment %lld is user %u's with mode %o in place of %u's with %o",
                      (long long) piece->id, shmbroker_info_owner_uid(info),
                      shmbroker_info_mode(info), piece->uid, piece->mode);
        if (!shmbroker_info_removed(info) != !piece->removed ||
            !shmbroker_info_remove_on_last_detach(info) != !piece->remove_on_last_detach ||
            (shmbroker_info_linger(info, &linger) == 0) != piece->lingers)
                wrong("segment %lld has another life", (long long) piece->id);
        check_object(piece, info);
        check_holders(piece, info);
}

/* Counters never go back: it is the memory that the others write to. */
static void check_counters(Piece *piece, const struct shmbroker_segment *segment) {
        const uint64_t *words = shmbroker_segment_data(segment);

        for (size_t i = 0; i < N_COUNTERS; ++i) {
                uint64_t now = __atomic_load_n(&words[i], __ATOMIC_RELAXED);

                if (now < piece->seen[i])
                        wrong("counter %zu of segment %lld went from %llu to %llu", i,
                              (long long) piece->id, (unsigned long long) piece->seen[i],
                              (unsigned long long) now);
                piece->seen[i] = now;
        }
}

/* piece_check_content() - is what is in a segment, attached anew, what was written? */
void piece_check_content(struct shmbroker *broker, Piece *piece) {
        struct shmbroker_segment *segment = NULL;
        struct shmbroker_options *options;
        int r;

        if (shmbroker_options_new(&options) < 0)
                abort();
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_ONLY);
        r = shmbroker_acquire_id(broker, piece->id, options, &segment);
        shmbroker_options_free(options);
        if (r < 0) {
                wrong("segment %lld cannot be attached: %s", (long long) piece->id,
                      shmbroker_error_message(shmbroker_get_error(broker)));
                return;
        }
        if (check_words(segment, piece->id) > 0)
                wrong("segment %lld has another content", (long long) piece->id);
        check_counters(piece, segment);
        shmbroker_release(segment);
}

/* --- all of them */

struct Lookup {
        int64_t id;
        Piece *piece;
        bool found;
};

static int compare_lookups(const void *one, const void *other) {
        int64_t id_one = ((const Lookup *) one)->id, id_other = ((const Lookup *) other)->id;

        return (id_one > id_other) - (id_one < id_other);
}

static size_t add_lookups(Lookup *lookups, size_t n, Piece *pieces, size_t n_pieces) {
        for (size_t i = 0; i < n_pieces; ++i)
                if (pieces[i].id > 0 && atomic_load(&pieces[i].state) != PIECE_NONE)
                        lookups[n++] = (Lookup){ .id = pieces[i].id, .piece = &pieces[i] };
        return n;
}

/* What nobody was told of has no name and nobody who has it. */
static void check_stranger(const struct shmbroker_info *info, size_t *n_strangers) {
        ++*n_strangers;
        if (shmbroker_info_name(info) || attach_count(info) > 0 ||
            *n_strangers > atomic_load(&table->n_unknown))
                wrong("segment %lld, '%s', of %llu attachments, should not be there",
                      (long long) shmbroker_info_id(info), shmbroker_info_name(info) ?: "",
                      (unsigned long long) attach_count(info));
}

static void check_list(const struct shmbroker_list *list, Lookup *lookups, size_t n, bool all) {
        size_t n_strangers = 0;

        for (size_t i = 0; i < shmbroker_list_count(list); ++i) {
                const struct shmbroker_info *info = shmbroker_list_get(list, i);
                Lookup key = { .id = shmbroker_info_id(info) };
                Lookup *lookup = bsearch(&key, lookups, n, sizeof(key), compare_lookups);

                if (!lookup && all)
                        check_stranger(info, &n_strangers);
                if (!lookup)
                        continue;
                lookup->found = true;
                if (atomic_load(&lookup->piece->state) == PIECE_GONE)
                        wrong("segment %lld came back", (long long) key.id);
                else
                        piece_check_info(lookup->piece, info);
        }
        for (size_t i = 0; i < n; ++i)
                if (!lookups[i].found && atomic_load(&lookups[i].piece->state) == PIECE_THERE)
                        wrong("segment %lld, '%s', of kind %d is not there any more",
                              (long long) lookups[i].id, lookups[i].piece->name,
                              lookups[i].piece->kind);
}

/* list_all() - list the removed ones as well; NULL if there is no answer, which is wrong */
struct shmbroker_list *list_all(struct shmbroker *broker) {
        struct shmbroker_list *list = NULL;
        struct shmbroker_filter *filter;

        if (shmbroker_filter_new(&filter) < 0)
                abort();
        shmbroker_filter_set_include_removed(filter, 1);
        if (shmbroker_list_segments(broker, filter, &list) < 0)
                wrong("no segments are listed: %s",
                      shmbroker_error_message(shmbroker_get_error(broker)));
        shmbroker_filter_free(filter);
        return list;
}

/**
 * pieces_check() - is everything there as it has to be, and nothing else?
 * @broker:     the connection, of root
 * @all:        churners pause, so that theirs are looked at, and strangers
 */
void pieces_check(struct shmbroker *broker, bool all) {
        static Lookup lookups[PIECES_MAX + ARRAY_SIZE(table->churned)];
        struct shmbroker_list *list = list_all(broker);
        size_t n;

        if (!list)
                return;
        n = add_lookups(lookups, 0, table->pieces, table->n_pieces);
        if (all)
                n = add_lookups(lookups, n, table->churned, ARRAY_SIZE(table->churned));
        for (size_t i = 0; i < n; ++i)
                lookups[i].found = false;
        qsort(lookups, n, sizeof(*lookups), compare_lookups);
        check_list(list, lookups, n, all);
        shmbroker_list_free(list);
}
