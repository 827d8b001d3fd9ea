/* SPDX-License-Identifier: MIT */
/*
 * survivor storm ROUNDS SEGMENTS SEED - kills a broker so many times under load
 * survivor keep SEGMENTS - has segments, and looks at them as standard input says
 * survivor fill|check|clear COUNT - makes so many memory files, looks for them, removes them
 *
 * For scripts to run in a box (tests/system/boxed.sh), as root; as somebody else all segments are
 * that user's. Whatever is wrong is printed, and makes it fail.
 */

#include "tests/system/survivor.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "proto/util.h"

#define RUN_USEC_MAX 300000
#define AGAIN_USEC_MAX 30000
#define MANY_BYTES 4096

Table *table;

static const uid_t uids[USERS] = { 0, 20001, 20002 };

/* --- what all files share */

void wrong(const char *format, ...) {
        char text[512];
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        printf("FAILED: %s\n", text);
        atomic_store(&table->failed, true);
}

/* Who is not root is that user alone. */
void become(unsigned int user) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (geteuid() != 0 || user == 0)
                return;
        if (setgroups(0, NULL) < 0 || setresgid(uids[user], uids[user], uids[user]) < 0 ||
            setresuid(uids[user], uids[user], uids[user]) < 0)
                abort();
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static struct shmbroker *connect_at(const char *address) {
        struct shmbroker *broker;
        int r = shmbroker_connect(address, &broker);

        if (r < 0) {
                wrong("no broker: %s", strerror(-r));
                exit(1);
        }
        /* The machine may be busy, and the broker has much to find. */
        shmbroker_set_call_timeout(broker, UINT64_C(60) * 1000000);
        return broker;
}

struct shmbroker *connect_broker(void) {
        return connect_at(NULL);
}

/* Sees what is of others, and may remove it. */
static struct shmbroker *connect_administrator(void) {
        struct shmbroker *broker = connect_broker();
        const char *address = shmbroker_get_address(broker);
        char admin[256];

        if (strcmp(address, "unix:/run/shmbroker/socket") == 0)
                (void) snprintf(admin, sizeof(admin), "admin:");
        else
                (void) snprintf(admin, sizeof(admin), "%s.admin", address);
        shmbroker_close(broker);
        return connect_at(admin);
}

/* note_id() - a segment of that number was created, for the first and only time */
void note_id(int64_t id) {
        unsigned char bit = (unsigned char) (1U << id % 8);

        if (id <= 0 || id >= IDS_MAX)
                wrong("there is a segment %lld", (long long) id);
        else if (atomic_fetch_or(&table->ids[id / 8], bit) & bit)
                wrong("there was a segment %lld before", (long long) id);
}

/* word_of() - what is written at a place of a segment; another word at each, and in each */
uint64_t word_of(int64_t id, size_t i) {
        uint64_t word = ((uint64_t) id << 20 | i) * UINT64_C(0x9e3779b97f4a7c15);

        return word ^ word >> 29;
}

/* check_words() - how many words of a segment are not what was written when it was made */
size_t check_words(const struct shmbroker_segment *segment, int64_t id) {
        const uint64_t *words = shmbroker_segment_data(segment);
        size_t n_wrong = 0, n = 4096 / sizeof(*words);

        for (size_t i = N_COUNTERS; i < n; ++i)
                n_wrong += words[i] != word_of(id, i);
        return n_wrong;
}

static uint64_t now_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int parse(const char *text) {
        char *end;
        long number = strtol(text, &end, 10);

        if (*end || end == text || number < 0 || number > INT32_MAX) {
                printf("'%s' is no number\n", text);
                exit(2);
        }
        return (int) number;
}

static int finish(void) {
        return atomic_load(&table->failed) ? 1 : 0;
}

/* --- the broker, as systemd knows it */

/* 0 if there is none. */
static pid_t main_pid(void) {
        char line[32] = "";
        FILE *file;

        file = popen("systemctl show --property MainPID --value shmbroker.service", "re");
        if (file) {
                (void) !fgets(line, sizeof(line), file);
                (void) pclose(file);
        }
        return (pid_t) strtol(line, NULL, 10);
}

static pid_t next_main_pid(pid_t before) {
        pid_t pid;

        do {
                pid = main_pid();
        } while (pid == 0 || pid == before);
        return pid;
}

/* How often it was restarted without losing a segment; negative without an answer. */
static int64_t generation(struct shmbroker *broker) {
        struct shmbroker_status *status;
        int64_t number;

        if (shmbroker_get_status(broker, &status) < 0) {
                wrong("no status: %s", shmbroker_error_message(shmbroker_get_error(broker)));
                return -1;
        }
        number = (int64_t) shmbroker_status_generation(status);
        shmbroker_status_free(status);
        return number;
}

/* --- storm */

static void kill_broker(void) {
        pid_t pid = main_pid();

        if (pid == 0)
                pid = next_main_pid(0);
        (void) kill(pid, SIGKILL);
        /* Some are killed again while they begin. */
        if (rand() % 4 > 0)
                return;
        pid = next_main_pid(pid);
        (void) usleep((useconds_t) (rand() % AGAIN_USEC_MAX));
        (void) kill(pid, SIGKILL);
}

static void check_contents(struct shmbroker *broker) {
        for (size_t i = 0; i < table->n_pieces; ++i)
                if (atomic_load(&table->pieces[i].state) == PIECE_THERE)
                        piece_check_content(broker, &table->pieces[i]);
        for (size_t i = 0; i < ARRAY_SIZE(table->churned); ++i)
                if (atomic_load(&table->churned[i].state) == PIECE_THERE)
                        piece_check_content(broker, &table->churned[i]);
}

static void run_round(struct shmbroker *broker, int round) {
        uint64_t begin;

        (void) usleep((useconds_t) (rand() % RUN_USEC_MAX));
        kill_broker();
        begin = now_usec();
        pieces_check(broker, false);
        printf("round %d: an answer after %llu ms, %llu calls, %llu cut off\n", round,
               (unsigned long long) (now_usec() - begin) / 1000,
               (unsigned long long) atomic_load(&table->n_calls),
               (unsigned long long) atomic_load(&table->n_cut_off));
        churn_pause();
        pieces_check(broker, true);
        check_contents(broker);
        /* And nobody was taken for gone, or stays, because of that. */
        pieces_check(broker, true);
        churn_go_on();
}

static void remove_rest(struct shmbroker *broker) {
        for (size_t i = 0; i < table->n_pieces; ++i) {
                Piece *piece = &table->pieces[i];

                if (atomic_load(&piece->state) != PIECE_THERE)
                        continue;
                if (shmbroker_remove(broker, NULL, piece->id, 0, NULL) < 0)
                        wrong("segment %lld cannot be removed: %s", (long long) piece->id,
                              shmbroker_error_message(shmbroker_get_error(broker)));
                atomic_store(&piece->state, PIECE_GONE);
        }
}

/* Those whose number was never told to anybody; the check before has seen that nobody has them. */
static void remove_strangers(struct shmbroker *broker) {
        struct shmbroker_list *list = list_all(broker);

        if (!list)
                return;
        printf("%zu segments were made for nobody, of %llu that may have been\n",
               shmbroker_list_count(list), (unsigned long long) atomic_load(&table->n_unknown));
        for (size_t i = 0; i < shmbroker_list_count(list); ++i)
                (void) shmbroker_remove(broker, NULL,
                                        shmbroker_info_id(shmbroker_list_get(list, i)), 0, NULL);
        shmbroker_list_free(list);
}

static int storm(int n_rounds, int n_segments, int seed) {
        struct shmbroker *broker;
        int64_t before, after;
        uint64_t begin;

        printf("seed %d\n", seed);
        srand((unsigned int) seed);
        begin = now_usec();
        crowd_start((size_t) n_segments);
        printf("%d segments after %llu ms\n", n_segments,
               (unsigned long long) (now_usec() - begin) / 1000);
        broker = connect_administrator();
        pieces_check(broker, true);
        churn_start((unsigned int) seed);
        before = generation(broker);
        for (int i = 0; i < n_rounds && !atomic_load(&table->failed); ++i)
                run_round(broker, i);
        after = generation(broker);
        printf("generation %lld, then %lld\n", (long long) before, (long long) after);
        churn_end();
        crowd_end();
        pieces_check(broker, true);
        remove_rest(broker);
        pieces_check(broker, true);
        remove_strangers(broker);
        shmbroker_close(broker);
        return finish();
}

/* --- keep */

/* Without a store: what nothing leads to but a descriptor. */
static void lose_stored(void) {
        for (size_t i = 0; i < table->n_pieces; ++i) {
                Piece *piece = &table->pieces[i];

                if (piece->kind == SHMBROKER_KIND_MEMFD || piece->removed)
                        atomic_store(&piece->state, PIECE_GONE);
        }
}

/* What others remove while there is no broker: one that nobody has is gone then. */
static void remove_natively(Piece *piece) {
        int r = -1;

        if (atomic_load(&piece->state) != PIECE_THERE || !*piece->name || piece->lingers ||
            piece->n_attached + piece->n_native > 0 || piece->other_holder)
                return;
        if (piece->kind == SHMBROKER_KIND_POSIX)
                r = shm_unlink(piece->outside);
        else if (piece->kind == SHMBROKER_KIND_SYSV)
                r = shmctl(piece->shmid, IPC_RMID, NULL);
        else if (piece->kind == SHMBROKER_KIND_FILE)
                r = unlink(piece->outside);
        else
                return;
        if (r < 0)
                wrong("segment %lld cannot be removed natively: %m", (long long) piece->id);
        atomic_store(&piece->state, PIECE_GONE);
}

/* Lines of standard input, each answered by one. */
static void obey(struct shmbroker *broker, const char *order) {
        if (strcmp(order, "check") == 0) {
                pieces_check(broker, true);
                check_contents(broker);
                pieces_check(broker, true);
        } else if (strcmp(order, "lose-stored") == 0) {
                lose_stored();
        } else if (strcmp(order, "let-go") == 0) {
                crowd_let_go();
        } else if (strcmp(order, "remove-natively") == 0) {
                for (size_t i = 0; i < table->n_pieces; ++i)
                        remove_natively(&table->pieces[i]);
        } else if (strcmp(order, "end") == 0) {
                crowd_end();
                pieces_check(broker, true);
                remove_rest(broker);
                pieces_check(broker, true);
        } else {
                wrong("there is no order '%s'", order);
        }
        if (!atomic_load(&table->failed))
                puts("done");
}

static int keep(int n_segments) {
        struct shmbroker *broker;
        char line[64];

        crowd_start((size_t) n_segments);
        broker = connect_administrator();
        while (!atomic_load(&table->failed) && fgets(line, sizeof(line), stdin)) {
                line[strcspn(line, "\n")] = '\0';
                obey(broker, line);
        }
        shmbroker_close(broker);
        return finish();
}

/* --- many */

static void plan_many(Piece *piece, int i) {
        *piece = (Piece){ .uid = geteuid(), .mode = 0600, .size = MANY_BYTES };
        (void) snprintf(piece->name, sizeof(piece->name), "many/%d", i);
}

static int fill(int n_segments) {
        struct shmbroker *broker = connect_broker();
        uint64_t begin = now_usec();
        Piece piece;

        for (int i = 0; i < n_segments && !atomic_load(&table->failed); ++i) {
                struct shmbroker_segment *segment;

                plan_many(&piece, i);
                segment = piece_create(broker, &piece);
                if (!segment)
                        wrong("there are %d segments and no more: %s", i,
                              shmbroker_error_message(shmbroker_get_error(broker)));
                shmbroker_release(segment);
        }
        printf("%d memory files made in %llu ms\n", n_segments,
               (unsigned long long) (now_usec() - begin) / 1000);
        shmbroker_close(broker);
        return finish();
}

/* Begins with the first call, which waits for the broker to begin. */
static int check(int n_segments) {
        struct shmbroker *broker = connect_broker();
        struct shmbroker_list *list;
        uint64_t begin = now_usec();
        Piece piece;

        (void) generation(broker);
        printf("shown: %d memory files, the first answer %llu ms after SIGKILL\n", n_segments,
               (unsigned long long) (now_usec() - begin) / 1000);
        list = list_all(broker);
        if (!list)
                return 1;
        if (shmbroker_list_count(list) != (size_t) n_segments)
                wrong("there are %zu segments in place of %d", shmbroker_list_count(list),
                      n_segments);
        for (size_t i = 0; i < shmbroker_list_count(list) && !atomic_load(&table->failed); ++i) {
                plan_many(&piece, (int) i);
                piece.id = shmbroker_info_id(shmbroker_list_get(list, i));
                piece_check_info(&piece, shmbroker_list_get(list, i));
                piece_check_content(broker, &piece);
        }
        shmbroker_list_free(list);
        shmbroker_close(broker);
        return finish();
}

static int clear(int n_segments) {
        struct shmbroker *broker = connect_broker();
        Piece piece;

        for (int i = 0; i < n_segments && !atomic_load(&table->failed); ++i) {
                plan_many(&piece, i);
                if (shmbroker_remove(broker, piece.name, 0, 0, NULL) < 0)
                        wrong("segment '%s' cannot be removed", piece.name);
        }
        shmbroker_close(broker);
        return finish();
}

static int run(int argc, char **argv) {
        const char *command = argc > 1 ? argv[1] : "";

        if (argc == 5 && strcmp(command, "storm") == 0)
                return storm(parse(argv[2]), parse(argv[3]), parse(argv[4]));
        if (argc != 3)
                return 2;
        if (strcmp(command, "keep") == 0)
                return keep(parse(argv[2]));
        if (strcmp(command, "fill") == 0)
                return fill(parse(argv[2]));
        if (strcmp(command, "check") == 0)
                return check(parse(argv[2]));
        if (strcmp(command, "clear") == 0)
                return clear(parse(argv[2]));
        return 2;
}

int main(int argc, char **argv) {
        table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                     0);
        if (table == MAP_FAILED)
                return 1;
        /* What is in a buffer would be printed by each child as well. */
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
        return run(argc, argv);
}
