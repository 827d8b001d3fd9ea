/* SPDX-License-Identifier: MIT */
/*
 * Processes that create, acquire, release, publish, change, resize and remove segments all the
 * time, and know of each call that was answered what holds from then on. Of one that was cut
 * off they find out afterwards whether it was done.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/util.h"
#include "tests/system/survivor.h"

#define HANDLES 3
#define PUBLIC_NAMES 3
#define PAUSE_USEC 1000

typedef struct Churner Churner;
typedef struct Slot Slot;

struct Slot {
        Piece *piece;
        struct shmbroker_segment *handles[HANDLES];
};

struct Churner {
        unsigned int number;
        unsigned int random;
        unsigned int n_names;
        int64_t attachment_id;
        struct shmbroker *broker;
        Slot slots[PIECES_PER_CHURNER];
};

static pid_t pids[CHURNERS];

static unsigned int pick(Churner *churner, unsigned int n) {
        return (unsigned int) rand_r(&churner->random) % n;
}

/* Was the call cut off? Anything else that is not 0 is wrong. */
static bool was_cut_off(Churner *churner, int r, const char *what, const Piece *piece) {
        (void) atomic_fetch_add(&table->n_calls, 1);
        if (r == 0)
                return false;
        if (r == -ECONNRESET) {
                (void) atomic_fetch_add(&table->n_cut_off, 1);
                return true;
        }
        wrong("%s of segment %lld, '%s': %s", what, (long long) piece->id, piece->name,
              shmbroker_error_message(shmbroker_get_error(churner->broker)));
        return false;
}

/* --- what becomes of a piece */

static void forget(Piece *piece) {
        atomic_store(&piece->state, piece->id > 0 ? PIECE_GONE : PIECE_NONE);
}

static void note_attachment(Churner *churner, const struct shmbroker_segment *segment) {
        int64_t id;

        if (shmbroker_segment_attachment_id(segment, &id) < 0)
                return;
        if (id <= churner->attachment_id)
                wrong("attachment %lld came after %lld", (long long) id,
                      (long long) churner->attachment_id);
        churner->attachment_id = id;
}

static void note_removed(Piece *piece) {
        *piece->name = '\0';
        piece->removed = true;
        if (piece->n_attached == 0)
                forget(piece);
        else
                atomic_store(&piece->state, PIECE_THERE);
}

/* Asks until there is an answer: 0, or -ENOENT. */
static int ask(Churner *churner, const char *name, int64_t id, struct shmbroker_info **ret) {
        int r;

        do {
                r = shmbroker_stat(churner->broker, name, id, ret);
        } while (r == -ECONNRESET);
        if (r < 0 && r != -ENOENT)
                wrong("segment %lld, '%s', is not told of: %s", (long long) id, name ?: "",
                      shmbroker_error_message(shmbroker_get_error(churner->broker)));
        return r;
}

static int remove_by_id(Churner *churner, int64_t id) {
        int r;

        do {
                r = shmbroker_remove(churner->broker, NULL, id, 0, NULL);
        } while (r == -ECONNRESET);
        return r;
}

/* --- what is done */

/* It exists or not; if so, nobody has it, for its descriptor went with the answer. */
static void find_unanswered(Churner *churner, Piece *piece) {
        struct shmbroker_info *info;

        if (!*piece->name) {
                (void) atomic_fetch_add(&table->n_unknown, 1);
                forget(piece);
                return;
        }
        if (ask(churner, piece->name, 0, &info) == 0) {
                piece->id = shmbroker_info_id(info);
                note_id(piece->id);
                (void) shmbroker_info_shmid(info, &piece->shmid);
                piece_check_info(piece, info);
                shmbroker_info_free(info);
                /* Meanwhile it may have gone by itself. */
                (void) remove_by_id(churner, piece->id);
        }
        forget(piece);
}

static void create(Churner *churner, Slot *slot) {
        Piece *piece = slot->piece;

        *piece = (Piece){
                .kind = (int) pick(churner, 4),
                .uid = geteuid(),
                .mode = 0600,
                .size = 4096 * (1 + pick(churner, 3)),
                .remove_on_last_detach = pick(churner, 4) == 0,
        };
        if (pick(churner, 4) == 0)
                piece->maximum = 4 * piece->size;
        if (pick(churner, 2) == 0)
                (void) snprintf(piece->name, sizeof(piece->name), "churn/%u/%d/%u", churner->number,
                                getpid(), churner->n_names++);
        atomic_store(&piece->state, PIECE_FLUX);
        slot->handles[0] = piece_create(churner->broker, piece);
        if (was_cut_off(churner, slot->handles[0] ? 0 : -errno, "creation", piece)) {
                find_unanswered(churner, piece);
                return;
        }
        if (!slot->handles[0]) {
                forget(piece);
                return;
        }
        note_attachment(churner, slot->handles[0]);
        piece->n_attached = 1;
        atomic_store(&piece->state, PIECE_THERE);
}

static void attach(Churner *churner, Slot *slot) {
        struct shmbroker_segment **handle = NULL;
        struct shmbroker_options *options;
        int r;

        for (size_t i = 0; i < HANDLES; ++i)
                if (!slot->handles[i])
                        handle = &slot->handles[i];
        if (!handle)
                return;
        if (shmbroker_options_new(&options) < 0)
                abort();
        shmbroker_options_set_access(options, (int) pick(churner, 2));
        do {
                r = shmbroker_acquire_id(churner->broker, slot->piece->id, options, handle);
        } while (was_cut_off(churner, r, "acquiring", slot->piece));
        shmbroker_options_free(options);
        if (r < 0)
                return;
        note_attachment(churner, *handle);
        if (check_words(*handle, slot->piece->id) > 0)
                wrong("segment %lld has another content", (long long) slot->piece->id);
        ++slot->piece->n_attached;
}

static void release(Churner *churner, Slot *slot) {
        size_t i = pick(churner, HANDLES);
        Piece *piece = slot->piece;

        if (!slot->handles[i])
                return;
        slot->handles[i] = shmbroker_release(slot->handles[i]);
        --piece->n_attached;
        if (piece->n_attached == 0 && (piece->removed || piece->remove_on_last_detach))
                forget(piece);
}

static void set_mode(Churner *churner, Slot *slot) {
        static const mode_t modes[] = { 0600, 0640, 0644, 0660 };
        struct shmbroker_attributes *changes;
        mode_t mode = modes[pick(churner, ARRAY_SIZE(modes))];
        int r;

        if (shmbroker_attributes_new(&changes) < 0)
                abort();
        shmbroker_attributes_set_mode(changes, mode);
        do {
                r = shmbroker_set_attributes(churner->broker, NULL, slot->piece->id, changes, NULL);
        } while (was_cut_off(churner, r, "change", slot->piece));
        slot->piece->mode = mode;
        shmbroker_attributes_free(changes);
}

static void resize(Churner *churner, Slot *slot) {
        Piece *piece = slot->piece;
        uint64_t size = piece->size + 512;
        int r;

        if (size > piece->maximum)
                return;
        do {
                r = shmbroker_resize(churner->broker, NULL, piece->id, size, NULL);
        } while (was_cut_off(churner, r, "growth", piece));
        piece->size = size;
}

static void remove_one(Churner *churner, Slot *slot) {
        Piece *piece = slot->piece;
        int r;

        /* Not there any more, because the call before did it. */
        r = remove_by_id(churner, piece->id);
        if (r == -ENOENT && piece->n_attached == 0)
                r = 0;
        if (!was_cut_off(churner, r, "removal", piece))
                note_removed(piece);
}

/* Whoever of this churner's has a name. */
static Piece *find_name(Churner *churner, const char *name) {
        for (size_t i = 0; i < PIECES_PER_CHURNER; ++i) {
                Piece *piece = churner->slots[i].piece;

                if (atomic_load(&piece->state) == PIECE_THERE && strcmp(piece->name, name) == 0)
                        return piece;
        }
        return NULL;
}

/* What of a Publish that was not answered was done. That is all of it, or nothing. */
static bool was_published(Churner *churner, const Piece *piece, Piece *replaced, const char *name) {
        struct shmbroker_info *info;
        int64_t holder;

        holder = ask(churner, name, 0, &info) == 0 ? shmbroker_info_id(info) : 0;
        if (holder > 0)
                shmbroker_info_free(info);
        /* Of those with a name outside, that goes first, and the other one may not have it yet. */
        if (holder == 0 && replaced && replaced->kind != SHMBROKER_KIND_MEMFD) {
                note_removed(replaced);
                return false;
        }
        if (holder != piece->id && holder != (replaced ? replaced->id : 0))
                wrong("'%s' is segment %lld, in place of %lld or %lld", name, (long long) holder,
                      (long long) piece->id, (long long) (replaced ? replaced->id : 0));
        return holder == piece->id;
}

static void publish(Churner *churner, Slot *slot) {
        Piece *piece = slot->piece, *replaced;
        char name[sizeof(piece->name)];
        int r;

        if (*piece->name || piece->removed)
                return;
        (void) snprintf(name, sizeof(name), "public/%u/%d/%u", churner->number, getpid(),
                        pick(churner, PUBLIC_NAMES));
        replaced = find_name(churner, name);
        r = shmbroker_publish(churner->broker, piece->id, name, SHMBROKER_PUBLISH_REPLACE, NULL,
                              NULL, NULL);
        if (was_cut_off(churner, r, "publishing", piece) &&
            !was_published(churner, piece, replaced, name))
                return;
        memcpy(piece->name, name, sizeof(name));
        if (replaced)
                note_removed(replaced);
}

static void act(Churner *churner) {
        static void (*const acts[])(Churner * churner, Slot * slot) = {
                attach, attach, release, release, release, set_mode, resize, remove_one, publish,
        };
        Slot *slot = &churner->slots[pick(churner, PIECES_PER_CHURNER)];

        if (atomic_load(&slot->piece->state) != PIECE_THERE)
                create(churner, slot);
        else
                acts[pick(churner, ARRAY_SIZE(acts))](churner, slot);
}

static void rest(void) {
        if (!atomic_load(&table->pause))
                return;
        (void) atomic_fetch_add(&table->n_paused, 1);
        while (atomic_load(&table->pause))
                (void) usleep(PAUSE_USEC);
        (void) atomic_fetch_sub(&table->n_paused, 1);
}

static void clear(Churner *churner) {
        for (size_t i = 0; i < PIECES_PER_CHURNER; ++i) {
                Slot *slot = &churner->slots[i];

                for (size_t j = 0; j < HANDLES; ++j)
                        slot->handles[j] = shmbroker_release(slot->handles[j]);
                slot->piece->n_attached = 0;
                if (atomic_load(&slot->piece->state) != PIECE_THERE)
                        continue;
                (void) remove_by_id(churner, slot->piece->id);
                forget(slot->piece);
        }
}

static void be_churner(unsigned int number, unsigned int seed) {
        static Churner churner;

        churner.number = number;
        churner.random = seed + number;
        for (size_t i = 0; i < PIECES_PER_CHURNER; ++i)
                churner.slots[i].piece = &table->churned[number * PIECES_PER_CHURNER + i];
        become(number % USERS);
        churner.broker = connect_broker();
        while (!atomic_load(&table->end)) {
                act(&churner);
                rest();
        }
        clear(&churner);
        shmbroker_close(churner.broker);
        _exit(0);
}

/* --- for the parent */

void churn_start(unsigned int seed) {
        for (unsigned int i = 0; i < CHURNERS; ++i) {
                pids[i] = fork();
                if (pids[i] == 0)
                        be_churner(i, seed);
                if (pids[i] < 0)
                        abort();
        }
}

/* churn_pause() - returns when no call is under way any more */
void churn_pause(void) {
        atomic_store(&table->pause, true);
        while (atomic_load(&table->n_paused) < CHURNERS) {
                if (waitpid(-1, NULL, WNOHANG) > 0) {
                        wrong("a process that churns has ended");
                        exit(1);
                }
                (void) usleep(PAUSE_USEC);
        }
}

void churn_go_on(void) {
        atomic_store(&table->pause, false);
        while (atomic_load(&table->n_paused) > 0)
                (void) usleep(PAUSE_USEC);
}

void churn_end(void) {
        atomic_store(&table->end, true);
        for (unsigned int i = 0; i < CHURNERS; ++i)
                (void) waitpid(pids[i], NULL, 0);
}
