/* SPDX-License-Identifier: MIT */
/*
 * Any lines as a state file: what is a record holds, nothing else does, and the next start
 * finds the same. A line gets the checksum that it has to have, unless it begins with '#': that is
 * left out, and the rest is as it is.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/state/checksum.h"
#include "daemon/state/state-file.h"
#include "tests/fuzz/fuzz.h"

#define HEADER "shmbroker state 1\n"
#define HEADER_LENGTH (sizeof(HEADER) - 1)
#define LINES_MAX 512

typedef struct Model Model;
typedef struct Row Row;

/* Where the record of a segment is that was read last, or that none holds. */
struct Row {
        int64_t id;
        const char *text;
        size_t n_text;
};

struct Model {
        Row rows[LINES_MAX];
        size_t n_rows;
        size_t n_visited;
        int64_t last_id;
        int64_t end_segment_id;
        int64_t end_attachment_id;
        int64_t generation;
};

static char directory[64];

/* --- the directory goes with this process, however that ends */

static void remove_files(void) {
        static const char *const names[] = { "state", "state.new", "state.damaged", "lock" };
        char path[128];

        for (size_t i = 0; i < ARRAY_SIZE(names); ++i) {
                (void) snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
                (void) unlink(path);
        }
}

static void start(void) {
        int fds[2];
        char byte;
        pid_t pid;

        log_set_level(LOG_EMERG);
        /* Where writing to the disk takes no time. */
        (void) snprintf(directory, sizeof(directory), "%s/shmbroker-fuzz-XXXXXX",
                        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        fuzz_check(mkdtemp(directory), "%s", strerror(errno));
        fuzz_check(pipe2(fds, O_CLOEXEC) == 0, "%s", strerror(errno));
        pid = fork();
        fuzz_check(pid >= 0, "%s", strerror(errno));
        if (pid > 0) {
                close(fds[0]);
                return;
        }
        (void) setpgid(0, 0);
        close(fds[1]);
        /* Whoever waits for what this one has open would wait for it. */
        for (int fd = 0; fd < 64; ++fd)
                if (fd != fds[0])
                        close(fd);
        (void) read(fds[0], &byte, 1);
        remove_files();
        (void) rmdir(directory);
        _exit(0);
}

/* --- the file */

/* The lines with their checksums, behind a first line that is right; the caller's. */
static char *make_text(const uint8_t *data, size_t n_data, size_t *ret_n) {
        size_t n_max = HEADER_LENGTH + n_data + 9 * LINES_MAX, n = HEADER_LENGTH, n_line;
        const char *at = (const char *) data, *end = at + n_data, *newline;
        char *text = fuzz_copy("", 0);
        char digits[16];

        text = realloc(text, n_max + 1);
        fuzz_check(text, "no memory");
        memcpy(text, HEADER, HEADER_LENGTH);
        for (int i = 0; at < end && i < LINES_MAX; ++i, at += n_line) {
                newline = memchr(at, '\n', (size_t) (end - at));
                n_line = newline ? (size_t) (newline - at) + 1 : (size_t) (end - at);
                if (*at == '#') {
                        memcpy(text + n, at + 1, n_line - 1);
                        n += n_line - 1;
                        continue;
                }
                (void) snprintf(digits, sizeof(digits), "%08x ",
                                checksum(at, newline ? n_line - 1 : n_line));
                memcpy(text + n, digits, 9);
                memcpy(text + n + 9, at, n_line);
                n += 9 + n_line;
        }
        *ret_n = n;
        return text;
}

static void write_text(const char *text, size_t n_text) {
        char path[128];
        int fd;

        remove_files();
        (void) snprintf(path, sizeof(path), "%s/state", directory);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        fuzz_check(fd >= 0 && write(fd, text, n_text) == (ssize_t) n_text, "%s", strerror(errno));
        close(fd);
}

/* --- what it has to say */

static Row *find_row(Model *model, int64_t id) {
        for (size_t i = 0; i < model->n_rows; ++i)
                if (model->rows[i].id == id)
                        return &model->rows[i];
        fuzz_check(model->n_rows < LINES_MAX, "more records than lines");
        model->rows[model->n_rows] = (Row){ .id = id };
        return &model->rows[model->n_rows++];
}

static void note_line(Model *model, const char *text, size_t n_text) {
        static RecordLine memory;
        static Record record;
        char *copy = fuzz_copy(text, n_text);
        int64_t end = 0;
        Row *row;

        if (record_read(copy, n_text, &memory, &record) == 0) {
                if (GIVEN(&record, RECORD_GENERATION)) {
                        end = record.generation.end_segment_id;
                        model->end_attachment_id =
                                MAX(model->end_attachment_id, record.generation.end_attachment_id);
                        model->generation = MAX(model->generation, record.generation.number);
                } else if (GIVEN(&record, RECORD_SEGMENT)) {
                        row = find_row(model, record.segment.id);
                        *row = (Row){ record.segment.id, text, n_text };
                        end = row->id + 1;
                } else {
                        row = find_row(model, record.gone.id);
                        row->text = NULL;
                        end = row->id + 1;
                }
        }
        model->end_segment_id = MAX(model->end_segment_id, end);
        free(copy);
}

static void read_text(Model *model, const char *text, size_t n_text) {
        const char *at = text + HEADER_LENGTH, *end = text + n_text, *newline;

        for (; (newline = memchr(at, '\n', (size_t) (end - at))); at = newline + 1)
                note_line(model, at, (size_t) (newline - at));
}

static int visit(const SegmentRecord *segment, void *userdata) {
        Model *model = userdata;
        const Record record = { .given = 1U << RECORD_SEGMENT, .segment = *segment };
        Row *row = find_row(model, segment->id);
        static RecordLine line;

        fuzz_check(segment->id > model->last_id, "not in order");
        model->last_id = segment->id;
        ++model->n_visited;
        fuzz_check(row->text, "a segment that is not there");
        fuzz_check(record_write(&record, &line) == 0, "it cannot be written");
        fuzz_check(line.n_text == row->n_text + 1 && memcmp(line.text, row->text, row->n_text) == 0,
                   "another record");
        return 0;
}

static void check_start(Model *model) {
        StateFile state_file = STATE_FILE_NULL;
        size_t n = 0;
        int64_t id;
        int r;

        r = state_file_open(&state_file, directory);
        if (r == STATE_FILE_E_DAMAGED) {
                fuzz_check(model->end_segment_id > RECORD_ID_MAX / 2 ||
                                   model->end_attachment_id > RECORD_ID_MAX / 2 ||
                                   model->generation > RECORD_ID_MAX / 2,
                           "numbers are not used up");
        } else {
                fuzz_check(r == 0, "%d", r);
                fuzz_check(state_file.numbers.generation > model->generation,
                           "a generation comes again");
                model->generation = state_file.numbers.generation;
                model->n_visited = 0;
                model->last_id = 0;
                fuzz_check(state_file_visit(&state_file, visit, model) == 0,
                           "it cannot be visited");
                for (size_t i = 0; i < model->n_rows; ++i)
                        n += model->rows[i].text != NULL;
                fuzz_check(n == model->n_visited, "%zu are there, and not %zu", model->n_visited,
                           n);
                fuzz_check(state_file_segment_id(&state_file, &id) == 0, "no id");
                fuzz_check(id >= model->end_segment_id, "an id comes again");
                model->end_segment_id = id + 1;
                fuzz_check(state_file_attachment_id(&state_file, &id) == 0, "no attachment id");
                fuzz_check(id >= model->end_attachment_id, "an attachment id comes again");
                model->end_attachment_id = id + 1;
        }
        state_file_close(&state_file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data) {
        static Model model;
        size_t n_text;
        char *text;

        if (directory[0] == '\0')
                start();
        model = (Model){ .end_segment_id = 1, .end_attachment_id = 1 };
        text = make_text(data, n_data, &n_text);
        write_text(text, n_text);
        read_text(&model, text, n_text);
        check_start(&model);
        check_start(&model);
        free(text);
        return 0;
}

FUZZ_MAIN("state-file")
