/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_SYSTEM_SURVIVOR_H
#define SHMBROKER_TESTS_SYSTEM_SURVIVOR_H

/*
 * A load of segments for a broker that is killed: what each has to be like (survivor-piece.c),
 * processes of several users that have them and keep reading and writing (survivor-crowd.c), and
 * others that create, change and remove them all the time (survivor-churn.c). Over the public
 * library alone; everybody shares one table.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/include/shmbroker.h"

/* Users, and processes of each; the first one of them creates. */
#define USERS 3
#define MEMBERS 3
#define CHURNERS_PER_USER 2
#define CHURNERS (USERS * CHURNERS_PER_USER)
#define PIECES_PER_CHURNER 16

#define PIECES_MAX 1200
#define IDS_MAX (1U << 24)

/* The first words of a segment are counters, one for each member that has it for writing. */
#define N_COUNTERS 8

typedef struct Piece Piece;
typedef struct Table Table;

typedef enum PieceState {
        PIECE_NONE,
        PIECE_THERE,
        /* Somebody is doing something to it */
        PIECE_FLUX,
        /* Its id was known once, and it has to be gone */
        PIECE_GONE,
} PieceState;

/* What one segment has to be like. */
struct Piece {
        atomic_int state;
        int64_t id;
        /* "" if it is private or removed */
        char name[64];
        int kind;
        uid_t uid;
        mode_t mode;
        uint64_t size;
        uint64_t maximum;
        bool remove_on_last_detach;
        bool removed;
        bool lingers;
        bool sealed;
        /* Attachments that the broker handed out; those of System V that it did not, and others */
        unsigned int n_attached;
        unsigned int n_native;
        bool other_holder;
        int shmid;
        /* Where it is found without the broker, as a POSIX object's name or a file's path */
        char outside[256];
        /* Which members have it, and which of them may write */
        unsigned int members;
        unsigned int writers;
        unsigned int native_member;
        uint64_t seen[N_COUNTERS];
};

/* Shared by all processes of the test. */
struct Table {
        size_t n_pieces;
        Piece pieces[PIECES_MAX];
        Piece churned[CHURNERS * PIECES_PER_CHURNER];

        /* Somebody found something wrong, and said so */
        atomic_bool failed;
        /* How far the crowd is to be, and how many of its members are there */
        atomic_uint step;
        atomic_uint n_arrived;
        atomic_bool pause;
        atomic_uint n_paused;
        atomic_bool end;
        /* Churners that come from now on start with other random numbers */
        unsigned int seed;

        atomic_ullong n_calls;
        atomic_ullong n_cut_off;
        /* Creations without a name that were never answered: nobody can know their ids */
        atomic_ullong n_unknown;
        atomic_uchar ids[IDS_MAX / 8];
};

extern Table *table;

__attribute__((format(printf, 1, 2))) void wrong(const char *format, ...);
void become(unsigned int user);
struct shmbroker *connect_broker(void);
void note_id(int64_t id);
uint64_t word_of(int64_t id, size_t i);
size_t check_words(const struct shmbroker_segment *segment, int64_t id);

/* survivor-piece.c */
void piece_plan(Piece *piece, size_t i);
struct shmbroker_segment *piece_create(struct shmbroker *broker, Piece *piece);
void piece_check_info(const Piece *piece, const struct shmbroker_info *info);
void piece_check_content(struct shmbroker *broker, Piece *piece);
struct shmbroker_list *list_all(struct shmbroker *broker);
void pieces_check(struct shmbroker *broker, bool all);

/* survivor-crowd.c */
void crowd_start(size_t n_pieces);
void crowd_let_go(void);
void crowd_end(void);

/* survivor-churn.c */
void churn_start(unsigned int seed);
void churn_pause(void);
void churn_go_on(void);
void churn_end(void);

#endif
