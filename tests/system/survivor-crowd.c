/* SPDX-License-Identifier: MIT */
/* Processes that have segments, and never stop reading and writing, whatever the broker does. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/system/survivor.h"

#define SEGMENTS_BETWEEN_PAUSES 16
#define PAUSE_USEC 2000

typedef struct Member Member;
typedef struct Possession Possession;

typedef enum Step {
        STEP_CREATE,
        STEP_ATTACH,
        STEP_LEAVE,
        STEP_LET_GO,
        STEP_END,
} Step;

/* What a member has of a piece. */
struct Possession {
        struct shmbroker_segment *segment;
        void *native;
        uint64_t *words;
        bool writes;
};

struct Member {
        unsigned int user;
        unsigned int number;
        struct shmbroker *broker;
        Possession possessions[PIECES_MAX];
};

static pid_t pids[USERS * MEMBERS];

static bool is_mine(const Member *member, size_t i) {
        return i % USERS == member->user;
}

/* --- what a member does */

static void have(Possession *possession, struct shmbroker_segment *segment, bool writes) {
        possession->segment = segment;
        possession->words = shmbroker_segment_data(segment);
        possession->writes = writes;
}

static void create(Member *member, Piece *piece, Possession *possession) {
        struct shmbroker_segment *segment = piece_create(member->broker, piece);

        if (!segment) {
                wrong("segment '%s' of kind %d cannot be made: %s", piece->name, piece->kind,
                      shmbroker_error_message(shmbroker_get_error(member->broker)));
                return;
        }
        if (!piece->sealed) {
                have(possession, segment, true);
                return;
        }
        shmbroker_release(segment);
        if (shmbroker_seal(member->broker, NULL, piece->id, SHMBROKER_SEAL_WRITE, NULL) < 0)
                wrong("segment %lld cannot be sealed", (long long) piece->id);
}

static void attach(Member *member, Piece *piece, Possession *possession) {
        bool writes = piece->writers >> member->number & 1U;
        struct shmbroker_segment *segment;
        struct shmbroker_options *options;

        if (shmbroker_options_new(&options) < 0)
                abort();
        shmbroker_options_set_access(options, writes ? SHMBROKER_ACCESS_READ_WRITE
                                                     : SHMBROKER_ACCESS_READ_ONLY);
        if (shmbroker_acquire_id(member->broker, piece->id, options, &segment) < 0)
                wrong("segment %lld cannot be attached: %s", (long long) piece->id,
                      shmbroker_error_message(shmbroker_get_error(member->broker)));
        else
                have(possession, segment, writes);
        shmbroker_options_free(options);
}

/* As a program that knows nothing of a broker. */
static void attach_natively(const Piece *piece, Possession *possession) {
        int fd = -EBADF;
        void *at = MAP_FAILED;

        if (piece->kind == SHMBROKER_KIND_SYSV) {
                at = shmat(piece->shmid, NULL, 0);
        } else {
                fd = shm_open(piece->outside, O_RDWR, 0);
                if (fd >= 0)
                        at = mmap(NULL, piece->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                fd_close(fd);
        }
        if (at == MAP_FAILED) {
                wrong("segment %lld is not had natively: %m", (long long) piece->id);
                return;
        }
        possession->native = at;
        possession->words = at;
        possession->writes = true;
}

static void let_go(Possession *possession, const Piece *piece) {
        shmbroker_release(possession->segment);
        if (possession->native && piece->kind == SHMBROKER_KIND_SYSV)
                (void) shmdt(possession->native);
        else if (possession->native)
                (void) munmap(possession->native, piece->size);
        *possession = (Possession){};
}

/* Its creator goes on to other things, which may be to remove it. */
static void leave(Member *member, Piece *piece, Possession *possession) {
        char name[sizeof(piece->name)];

        if (!(piece->members & 1U))
                let_go(possession, piece);
        if (piece->removed) {
                memcpy(name, piece->name, sizeof(name));
                *piece->name = '\0';
                if (shmbroker_remove(member->broker, *name ? name : NULL, piece->id, 0, NULL) < 0)
                        wrong("segment %lld cannot be removed", (long long) piece->id);
        }
        atomic_store(&piece->state, PIECE_THERE);
}

static void take_step(Member *member, Step step, Piece *piece, Possession *possession) {
        bool has = piece->members >> member->number & 1U, first = member->number == 0;

        switch (step) {
        case STEP_CREATE:
                if (first) {
                        piece->uid = geteuid();
                        create(member, piece, possession);
                }
                break;
        case STEP_ATTACH:
                if (!first && has)
                        attach(member, piece, possession);
                if (!first && piece->native_member == member->number)
                        attach_natively(piece, possession);
                break;
        case STEP_LEAVE:
                if (first)
                        leave(member, piece, possession);
                break;
        case STEP_LET_GO:
                if (piece->remove_on_last_detach)
                        let_go(possession, piece);
                break;
        case STEP_END:
                let_go(possession, piece);
                break;
        }
}

static void use(const Member *member, const Piece *piece, const Possession *possession,
                size_t round) {
        size_t n_words = piece->size / sizeof(uint64_t), i;

        if (!possession->words)
                return;
        if (possession->writes)
                (void) __atomic_add_fetch(&possession->words[member->number], 1, __ATOMIC_RELAXED);
        i = N_COUNTERS + round * 61 % (n_words - N_COUNTERS);
        if (__atomic_load_n(&possession->words[i], __ATOMIC_RELAXED) != word_of(piece->id, i))
                wrong("process %d reads something else in segment %lld", getpid(),
                      (long long) piece->id);
}

static void use_all(Member *member, unsigned int step) {
        size_t n = 0;

        for (size_t round = 0; atomic_load(&table->step) == step; ++round) {
                for (size_t i = 0; i < table->n_pieces; ++i) {
                        if (!is_mine(member, i))
                                continue;
                        use(member, &table->pieces[i], &member->possessions[i], round);
                        if (++n % SEGMENTS_BETWEEN_PAUSES == 0)
                                (void) usleep(PAUSE_USEC);
                }
                if (table->n_pieces == 0)
                        (void) usleep(PAUSE_USEC);
        }
}

static void be_member(unsigned int user, unsigned int number) {
        static Member member;

        member.user = user;
        member.number = number;
        become(user);
        member.broker = connect_broker();
        for (unsigned int step = STEP_CREATE; step <= STEP_END; ++step) {
                use_all(&member, step);
                for (size_t i = 0; i < table->n_pieces; ++i)
                        if (is_mine(&member, i))
                                take_step(&member, (Step) step, &table->pieces[i],
                                          &member.possessions[i]);
                (void) atomic_fetch_add(&table->n_arrived, 1);
        }
        shmbroker_close(member.broker);
        _exit(0);
}

/* --- for the parent */

/* Has everybody take a step, and waits until it is taken. */
static void step(void) {
        atomic_store(&table->n_arrived, 0);
        (void) atomic_fetch_add(&table->step, 1);
        while (atomic_load(&table->n_arrived) < USERS * MEMBERS) {
                if (waitpid(-1, NULL, WNOHANG) > 0 && atomic_load(&table->step) <= STEP_END) {
                        wrong("a process of the crowd has ended");
                        exit(1);
                }
                (void) usleep(PAUSE_USEC);
        }
}

/* crowd_start() - make so many segments, and have them */
void crowd_start(size_t n_pieces) {
        table->n_pieces = n_pieces;
        for (size_t i = 0; i < n_pieces; ++i)
                piece_plan(&table->pieces[i], i);
        for (unsigned int i = 0; i < USERS * MEMBERS; ++i) {
                pids[i] = fork();
                if (pids[i] == 0)
                        be_member(i % USERS, i / USERS);
                if (pids[i] < 0)
                        abort();
        }
        for (unsigned int i = STEP_CREATE; i <= STEP_LEAVE; ++i)
                step();
}

/* crowd_let_go() - let go of what removes itself then */
void crowd_let_go(void) {
        step();
        for (size_t i = 0; i < table->n_pieces; ++i)
                if (table->pieces[i].remove_on_last_detach)
                        atomic_store(&table->pieces[i].state, PIECE_GONE);
}

/* crowd_end() - let go of everything else */
void crowd_end(void) {
        if (atomic_load(&table->step) <= STEP_LET_GO)
                crowd_let_go();
        step();
        for (size_t i = 0; i < USERS * MEMBERS; ++i)
                (void) waitpid(pids[i], NULL, 0);
        for (size_t i = 0; i < table->n_pieces; ++i) {
                Piece *piece = &table->pieces[i];

                for (size_t j = 0; j < MEMBERS; ++j)
                        if ((piece->writers & piece->members) >> j & 1U && piece->seen[j] == 0)
                                wrong("nobody wrote into segment %lld", (long long) piece->id);
                if (piece->removed)
                        atomic_store(&piece->state, PIECE_GONE);
                piece->n_attached = piece->n_native = 0;
                piece->other_holder = false;
        }
}
