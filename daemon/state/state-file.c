/* SPDX-License-Identifier: MIT */
#include "daemon/state/state-file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/directory.h"
#include "daemon/base/file.h"
#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "daemon/kernel/domain.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

#define STATE_FILE_NAME "state"
#define STATE_FILE_NEW_NAME "state.new"
#define STATE_FILE_DAMAGED_NAME "state.damaged"
#define STATE_FILE_FORMAT "shmbroker state "
#define STATE_FILE_HEADER STATE_FILE_FORMAT "1\n"

/* So many ids are reserved by one write, and lost by a crash. Attachments come by the million, and
 * an Acquire should not wait for the disk. */
#define SEGMENT_IDS_AT_ONCE 4096
#define ATTACHMENT_IDS_AT_ONCE (INT64_C(1) << 20)

/*
 * A file is rewritten when it is longer than this, and than so many times what holds of it:
 * each byte that is written is copied a bounded number of times.
 */
#define REWRITE_BYTES (64U * 1024)
#define REWRITE_FACTOR 4

/* So much room it has ahead, which nobody else can fill: some three thousand records. */
#define AHEAD_BYTES (1U << 20)

/* Damaged lines that are told of one by one, and damaged files that are kept. */
#define LINES_TOLD 10
#define FILES_KEPT 10

typedef struct Reading Reading;

struct StateFileEntry {
        int64_t id;
        uint64_t offset;
        /* With its newline; 0 as long as nothing is written */
        size_t n_line;
        UT_hash_handle by_id;
};

struct Reading {
        const char *directory;
        /* The highest of all records */
        StateNumbers numbers;
        int64_t first_generation;
        /* The last one of all records */
        char registry_id[REGISTRY_ID_LENGTH + 1];
        bool is_there;
        size_t n_lines;
        size_t n_damaged;
        /* As many records of generations as what is damaged has room for */
        int64_t n_lost;
};

/* --- entries */

static StateFileEntry *entry_find(const StateFile *file, int64_t id) {
        StateFileEntry *entry;

        HASH_FIND(by_id, file->entries, &id, sizeof(id), entry);
        return entry;
}

static StateFileEntry *entry_new(StateFile *file, int64_t id) {
        StateFileEntry *entry = calloc(1, sizeof(*entry));

        if (!entry)
                return NULL;
        entry->id = id;
        HASH_ADD(by_id, file->entries, id, sizeof(entry->id), entry);
        if (!TABLE_HOLDS(entry, by_id)) {
                free(entry);
                return NULL;
        }
        return entry;
}

static void entry_free(StateFile *file, StateFileEntry *entry) {
        file->live_bytes -= entry->n_line;
        HASH_DELETE(by_id, file->entries, entry);
        free(entry);
}

static void entry_set(StateFile *file, StateFileEntry *entry, uint64_t offset, size_t n_line) {
        file->live_bytes += n_line - entry->n_line;
        entry->offset = offset;
        entry->n_line = n_line;
}

static int compare_ids(const void *left, const void *right) {
        const int64_t a = *(const int64_t *) left, b = *(const int64_t *) right;

        return a < b ? -1 : a > b;
}

/* --- files */

/* Begins a new file beside the one that it is to replace, and sees that it is on the disk. */
static int write_new(StateFile *file, const char *data, size_t n_data, int *ret_fd) {
        _cleanup_fd_ int fd = -EBADF;
        ssize_t n = 0;
        int r = 0;

        fd = domain_open_outside(file->directory_fd, STATE_FILE_NEW_NAME,
                                 O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                                 0600);
        if (fd < 0)
                return error_origin(steal_fd(&fd));
        for (size_t at = 0; at < n_data && n >= 0; at += (size_t) n)
                n = write(fd, data + at, n_data - at);
        if (n < 0 || fsync(fd) < 0 ||
            renameat(file->directory_fd, STATE_FILE_NEW_NAME, file->directory_fd, STATE_FILE_NAME) <
                    0) {
                r = -errno;
                /* What it takes up may be what is missing. */
                (void) unlinkat(file->directory_fd, STATE_FILE_NEW_NAME, 0);
                return error_origin(r);
        }
        *ret_fd = steal_fd(&fd);
        return 0;
}

static int make_generation(const StateFile *file, const StateNumbers *numbers, RecordLine *ret) {
        const Record record = {
                .given = 1U << RECORD_GENERATION,
                .generation = { .number = numbers->generation,
                                .end_segment_id = numbers->end_segment_id,
                                .end_attachment_id = numbers->end_attachment_id,
                                .first = file->first_generation,
                                .registry_id = file->registry_id },
        };

        return record_write(&record, ret) ? error_origin(-EOVERFLOW) : 0;
}

/* Everything that holds, with numbers that are new or not, as one text; the caller's. */
static int state_file_gather(const StateFile *file, const StateNumbers *numbers, char **ret_text,
                             size_t *ret_n_text) {
        const size_t n_header = sizeof(STATE_FILE_HEADER) - 1;
        _cleanup_(freep) char *text = NULL;
        StateFileEntry *entry, *next;
        RecordLine line;
        size_t at;
        int r;

        r = make_generation(file, numbers, &line);
        if (r)
                return error_trace(r);
        text = malloc(n_header + line.n_text + file->live_bytes);
        if (!text)
                return error_origin(-ENOMEM);
        memcpy(text, STATE_FILE_HEADER, n_header);
        memcpy(text + n_header, line.text, line.n_text);
        at = n_header + line.n_text;
        HASH_ITER(by_id, file->entries, entry, next) {
                r = file_read_at(file->fd, entry->offset, text + at, entry->n_line);
                if (r)
                        return error_trace(r);
                at += entry->n_line;
        }
        *ret_text = steal_ptr(text);
        *ret_n_text = at;
        return 0;
}

static void reserve_ahead(StateFile *file) {
        if (file->n_bytes + AHEAD_BYTES / 2 <= file->reserved_bytes)
                return;
        file->reserved_bytes = file->n_bytes + AHEAD_BYTES;
        file_reserve(file->fd, file->reserved_bytes);
}

/* Replaces the file by one in which everything holds. On failure the one that is there
 * stays. */
static int state_file_rewrite(StateFile *file, const StateNumbers *numbers) {
        _cleanup_(freep) char *text = NULL;
        StateFileEntry *entry, *next;
        size_t n_text;
        uint64_t at;
        int r, fd = -EBADF;

        r = state_file_gather(file, numbers, &text, &n_text);
        if (r)
                return error_trace(r);
        r = write_new(file, text, n_text, &fd);
        if (r)
                return error_trace(r);
        (void) fd_close(file->fd);
        file->fd = fd;
        file->numbers = *numbers;
        file->n_bytes = n_text;
        file->broken = false;
        file->reserved_bytes = 0, reserve_ahead(file);
        at = n_text - file->live_bytes;
        HASH_ITER(by_id, file->entries, entry, next) {
                entry->offset = at;
                at += entry->n_line;
        }
        return fsync(file->directory_fd) < 0 ? error_origin(-errno) : 0;
}

/**
 * state_file_append() - write one line behind all others, or none of it
 * @file:       the state file
 * @line:       the line
 * @durable:    it has to be on the disk when this returns
 *
 * What was written of a line that cannot be written is taken away again. If that fails, or if it is
 * not certain what is on the disk, the next line needs a file that is written anew: what
 * holds is known from memory, so that whatever is behind it in the old file is left there.
 * Should the daemon end before, a part of a line is found damaged.
 *
 * Return: 0, or a negative errno.
 */
static int state_file_append(StateFile *file, const RecordLine *line, bool durable) {
        ssize_t n;
        int r = 0;

        if (file->broken) {
                r = state_file_rewrite(file, &file->numbers);
                if (r)
                        return error_trace(r);
        }
        n = write(file->fd, line->text, line->n_text);
        if (n < 0) {
                r = -errno;
        } else if ((size_t) n < line->n_text) {
                r = -ENOSPC;
        } else if (durable && fdatasync(file->fd) < 0) {
                r = -errno;
                file->broken = true;
        }
        if (r == 0) {
                file->n_bytes += line->n_text;
                reserve_ahead(file);
                return 0;
        }
        file->reserved_bytes = 0;
        if (ftruncate(file->fd, (off_t) file->n_bytes) < 0)
                file->broken = true;
        return error_origin(r);
}

static bool worth_rewriting(const StateFile *file) {
        return file->n_bytes > REWRITE_BYTES && file->n_bytes > file->pause_bytes &&
               file->n_bytes / REWRITE_FACTOR > file->live_bytes;
}

static void rewrite_if_worth(StateFile *file) {
        if (!worth_rewriting(file))
                return;
        file->pause_bytes = 0;
        /* Nothing is lost then: the records are where they were. */
        if (state_file_rewrite(file, &file->numbers) < 0)
                file->pause_bytes = 2 * file->n_bytes;
}

/* --- reading */

static void note_ids(Reading *reading, int64_t end_segment_id) {
        StateNumbers *numbers = &reading->numbers;

        numbers->end_segment_id = MAX(numbers->end_segment_id, end_segment_id);
}

static void note_generation(Reading *reading, const GenerationRecord *record) {
        StateNumbers *numbers = &reading->numbers;

        numbers->generation = MAX(numbers->generation, record->number);
        numbers->end_attachment_id = MAX(numbers->end_attachment_id, record->end_attachment_id);
        note_ids(reading, record->end_segment_id);
        reading->first_generation = MAX(reading->first_generation, record->first);
        if (record->registry_id)
                memcpy(reading->registry_id, record->registry_id, sizeof(reading->registry_id));
}

static void note_damage(Reading *reading, size_t n_text) {
        ++reading->n_damaged;
        reading->n_lost += (int64_t) (n_text / RECORD_GENERATION_MIN) + 1;
        if (reading->n_damaged <= LINES_TOLD)
                log_warning("Line %zu of %s/" STATE_FILE_NAME " is damaged, and is skipped.",
                            reading->n_lines, reading->directory);
}

static int note_segment(StateFile *file, Reading *reading, const SegmentRecord *segment,
                        uint64_t offset, size_t n_line) {
        StateFileEntry *entry = entry_find(file, segment->id);

        if (!entry)
                entry = entry_new(file, segment->id);
        if (!entry)
                return error_origin(-ENOMEM);
        entry_set(file, entry, offset, n_line);
        note_ids(reading, segment->id + 1);
        return 0;
}

static void note_gone(StateFile *file, Reading *reading, int64_t id) {
        StateFileEntry *entry = entry_find(file, id);

        if (entry)
                entry_free(file, entry);
        note_ids(reading, id + 1);
}

static int read_line(StateFile *file, Reading *reading, const char *text, size_t n_text,
                     uint64_t offset) {
        RecordLine memory;
        Record record;

        ++reading->n_lines;
        if (record_read(text, n_text, &memory, &record)) {
                note_damage(reading, n_text);
        } else if (GIVEN(&record, RECORD_SEGMENT)) {
                return error_trace(
                        note_segment(file, reading, &record.segment, offset, n_text + 1));
        } else if (GIVEN(&record, RECORD_GONE)) {
                note_gone(file, reading, record.gone.id);
        } else {
                note_generation(reading, &record.generation);
        }
        return 0;
}

static int read_lines(StateFile *file, Reading *reading, const char *text, size_t n_text) {
        size_t at = sizeof(STATE_FILE_HEADER) - 1;
        const char *end;
        int r;

        reading->n_lines = 1;
        for (; at < n_text; at = (size_t) (end - text) + 1) {
                end = memchr(text + at, '\n', n_text - at);
                if (!end) {
                        /* Cut, maybe by more than this line: numbers may be lost. */
                        ++reading->n_lines;
                        note_damage(reading, n_text - at);
                        reading->registry_id[0] = '\0';
                        break;
                }
                r = read_line(file, reading, text + at, (size_t) (end - text) - at, at);
                if (r)
                        return error_trace(r);
        }
        return 0;
}

static int check_header(const char *text, size_t n_text) {
        const size_t n_header = sizeof(STATE_FILE_HEADER) - 1,
                     n_format = sizeof(STATE_FILE_FORMAT) - 1;
        size_t at = n_format;

        if (n_text >= n_header && memcmp(text, STATE_FILE_HEADER, n_header) == 0)
                return 0;
        if (n_text <= n_format || memcmp(text, STATE_FILE_FORMAT, n_format) != 0 || text[at] == '0')
                return STATE_FILE_E_DAMAGED;
        while (at < n_text && text[at] >= '0' && text[at] <= '9')
                ++at;
        return at > n_format && at < n_text && text[at] == '\n' ? STATE_FILE_E_NEWER
                                                                : STATE_FILE_E_DAMAGED;
}

static int read_state_file(StateFile *file, Reading *reading) {
        _cleanup_(freep) char *text = NULL;
        struct stat st;
        int r;

        r = domain_open_outside(file->directory_fd, STATE_FILE_NAME,
                                O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
        if (r < 0)
                return r == -ENOENT ? 0 : error_origin(r);
        file->fd = r;
        if (fstat(file->fd, &st) < 0)
                return error_origin(-errno);
        if (!S_ISREG(st.st_mode))
                return STATE_FILE_E_DAMAGED;
        reading->is_there = true;
        file->n_bytes = (uint64_t) st.st_size;
        text = malloc(file->n_bytes + 1);
        if (!text)
                return error_origin(-ENOMEM);
        r = file_read_at(file->fd, 0, text, file->n_bytes);
        if (r)
                return error_trace(r);
        r = check_header(text, file->n_bytes);
        if (r)
                return r;
        return error_trace(read_lines(file, reading, text, file->n_bytes));
}

/* A second name, for the first one is about to be given to another file. */
static int keep_damaged(const StateFile *file, const Reading *reading) {
        char name[FILE_NAME_BYTES];
        int r;

        r = file_keep(file->directory_fd, STATE_FILE_NAME, STATE_FILE_DAMAGED_NAME, FILES_KEPT,
                      name);
        if (r < 0)
                return error_trace(r);
        log_warning("Damaged lines in %s/" STATE_FILE_NAME ": %zu. The file as it was is %s%s.",
                    reading->directory, reading->n_damaged,
                    r == FILE_E_MANY ? "not kept, because there are so many already" : "kept as ",
                    r == FILE_E_MANY ? "" : name);
        return 0;
}

static int write_numbers(StateFile *file, const StateNumbers *numbers) {
        RecordLine line;
        int r;

        r = make_generation(file, numbers, &line);
        if (r)
                return error_trace(r);
        r = state_file_append(file, &line, true);
        if (r)
                return error_trace(r);
        file->numbers = *numbers;
        rewrite_if_worth(file);
        return 0;
}

/* Numbers are given away once under this name; without the state directory they begin anew, and so
 * does the name. */
static int name_registry(StateFile *file, const Reading *reading) {
        unsigned char bytes[REGISTRY_ID_LENGTH / 2];

        memcpy(file->registry_id, reading->registry_id, sizeof(file->registry_id));
        if (file->registry_id[0])
                return 0;
        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return error_origin(-errno);
        for (size_t i = 0; i < sizeof(bytes); ++i)
                (void) snprintf(file->registry_id + 2 * i, 3, "%02x", bytes[i]);
        return 0;
}

/* Reserves numbers behind @end and behind what lost records may have reserved; false if there are
 * not as many. */
static bool reserve_ids(int64_t *end, int64_t n_lost, int64_t at_once, int64_t *ret_next) {
        if (__builtin_mul_overflow(n_lost, at_once, ret_next) ||
            __builtin_add_overflow(*ret_next, *end, ret_next) ||
            __builtin_add_overflow(*ret_next, at_once, end))
                return false;
        return *end <= RECORD_ID_MAX;
}

/* The numbers of this start: none that any record gives away, or one that is lost. */
static int state_file_begin(StateFile *file, const Reading *reading) {
        StateNumbers numbers = reading->numbers;
        int64_t n_lost = reading->n_lost, next_segment_id, next_attachment_id;
        int r;

        numbers.generation += n_lost + 1;
        if (numbers.generation >= RECORD_ID_MAX ||
            !reserve_ids(&numbers.end_segment_id, n_lost, SEGMENT_IDS_AT_ONCE, &next_segment_id) ||
            !reserve_ids(&numbers.end_attachment_id, n_lost, ATTACHMENT_IDS_AT_ONCE,
                         &next_attachment_id))
                return STATE_FILE_E_DAMAGED;
        file->first_generation =
                reading->first_generation > 0 ? reading->first_generation : numbers.generation;
        r = name_registry(file, reading);
        if (r)
                return error_trace(r);
        if (!reading->is_there || reading->n_damaged > 0)
                r = state_file_rewrite(file, &numbers);
        else
                r = write_numbers(file, &numbers);
        if (r)
                return error_trace(r);
        file->next_segment_id = next_segment_id;
        file->next_attachment_id = file->first_attachment_id = next_attachment_id;
        return 0;
}

/**
 * state_file_open() - take a state directory, make it if it is not there, and read its state file
 * @file:       the object, STATE_FILE_NULL before
 * @directory:  absolute path
 *
 * Return: 0, STATE_FILE_E_BUSY, STATE_FILE_E_DAMAGED, STATE_FILE_E_NEWER, or a negative errno;
 * then the files say what they said before. state_file_close() is due in any
 * case.
 */
int state_file_open(StateFile *file, const char *directory) {
        Reading reading = { .directory = directory,
                            .numbers = { .end_segment_id = 1, .end_attachment_id = 1 } };
        int r;

        r = directory_take(directory, &file->directory_fd, &file->lock_fd);
        if (r)
                return r == DIRECTORY_E_BUSY ? STATE_FILE_E_BUSY : error_trace(r);
        r = read_state_file(file, &reading);
        if (r)
                return r;
        file->damaged = reading.n_damaged > 0;
        if (file->damaged) {
                r = keep_damaged(file, &reading);
                if (r)
                        return error_trace(r);
        }
        return state_file_begin(file, &reading);
}

/* state_file_close() - let go of the directory; ids that were not used are not lost by that */
void state_file_close(StateFile *file) {
        StateNumbers numbers = file->numbers;
        StateFileEntry *entry, *next;

        numbers.end_segment_id = file->next_segment_id;
        numbers.end_attachment_id = file->next_attachment_id;
        if (file->lock_fd >= 0 && file->next_segment_id > 0)
                (void) state_file_rewrite(file, &numbers);
        HASH_ITER(by_id, file->entries, entry, next) {
                entry_free(file, entry);
        }
        file->fd = fd_close(file->fd);
        file->lock_fd = fd_close(file->lock_fd);
        file->directory_fd = fd_close(file->directory_fd);
}

static int reserve_more(StateFile *file, int64_t n_segment_ids, int64_t n_attachment_ids) {
        StateNumbers numbers = file->numbers;

        numbers.end_segment_id += n_segment_ids;
        numbers.end_attachment_id += n_attachment_ids;
        return write_numbers(file, &numbers) < 0 ? STATE_FILE_E_NO_IDS : 0;
}

/**
 * state_file_segment_id() - a number that no segment had before, also before a crash
 * @file:       the state file
 * @ret:        the number
 *
 * Return: 0, or STATE_FILE_E_NO_IDS.
 */
int state_file_segment_id(StateFile *file, int64_t *ret) {
        if (file->next_segment_id == file->numbers.end_segment_id &&
            reserve_more(file, SEGMENT_IDS_AT_ONCE, 0))
                return STATE_FILE_E_NO_IDS;
        *ret = file->next_segment_id++;
        return 0;
}

/* state_file_attachment_id() - the same for an attachment */
int state_file_attachment_id(StateFile *file, int64_t *ret) {
        if (file->next_attachment_id == file->numbers.end_attachment_id &&
            reserve_more(file, 0, ATTACHMENT_IDS_AT_ONCE))
                return STATE_FILE_E_NO_IDS;
        *ret = file->next_attachment_id++;
        return 0;
}

/* --- segments */

static int read_segment(const StateFile *file, const StateFileEntry *entry, RecordLine *memory,
                        Record *ret) {
        char text[RECORD_LINE_MAX];
        int r;

        r = file_read_at(file->fd, entry->offset, text, entry->n_line);
        if (r)
                return error_trace(r);
        /* It was read before: somebody has written to the file since. */
        if (record_read(text, entry->n_line - 1, memory, ret) || !GIVEN(ret, RECORD_SEGMENT))
                return error_origin(-EIO);
        return 0;
}

/* The ids of all segments in their order, the caller's. */
static int list_ids(const StateFile *file, int64_t **ret_ids, size_t *ret_n_ids) {
        size_t n_entries = HASH_CNT(by_id, file->entries), n = 0;
        StateFileEntry *entry, *next;
        int64_t *ids;

        ids = calloc(n_entries + 1, sizeof(*ids));
        if (!ids)
                return error_origin(-ENOMEM);
        HASH_ITER(by_id, file->entries, entry, next) {
                ids[n++] = entry->id;
        }
        qsort(ids, n, sizeof(*ids), compare_ids);
        *ret_ids = ids;
        *ret_n_ids = n;
        return 0;
}

/* state_file_has() - is there a segment of that id? */
bool state_file_has(StateFile *file, int64_t id) {
        return entry_find(file, id) != NULL;
}

/* state_file_lost() - note that this start has lost segments; 0, or a negative errno */
int state_file_lost(StateFile *file) {
        if (file->first_generation == file->numbers.generation)
                return 0;
        file->first_generation = file->numbers.generation;
        return error_trace(write_numbers(file, &file->numbers));
}

/**
 * state_file_visit() - call a function for each segment that is there, in the order of their ids
 * @file:       the state file; the function may write to it
 * @visit:      the function; what it is given is of use until it returns
 * @userdata:   for it
 *
 * Return: 0, what the function returned if that was not 0, or a negative errno.
 */
int state_file_visit(StateFile *file, StateFileVisitor *visit, void *userdata) {
        _cleanup_(freep) int64_t *ids = NULL;
        StateFileEntry *entry;
        RecordLine memory;
        Record record;
        size_t n_ids = 0;
        int r;

        r = list_ids(file, &ids, &n_ids);
        if (r)
                return error_trace(r);
        for (size_t i = 0; i < n_ids; ++i) {
                entry = entry_find(file, ids[i]);
                if (!entry)
                        continue;
                r = read_segment(file, entry, &memory, &record);
                if (r)
                        return error_trace(r);
                r = visit(&record.segment, userdata);
                if (r)
                        return r;
        }
        return 0;
}

/**
 * state_file_write_segment() - write down what a segment is now
 * @file:       the state file
 * @segment:    all of it
 *
 * A crash of the daemon does not lose it. A crash of the host loses the memory as well, unless the
 * segment is of kind file; whoever writes that has the file synced afterwards (sync.c).
 *
 * Return: 0, STATE_FILE_E_NO_MEMORY, STATE_FILE_E_NOT_WRITTEN, or -EINVAL if no record can say
 * that.
 */
int state_file_write_segment(StateFile *file, const SegmentRecord *segment) {
        const Record record = { .given = 1U << RECORD_SEGMENT, .segment = *segment };
        StateFileEntry *entry = entry_find(file, segment->id);
        RecordLine line;

        if (record_write(&record, &line))
                return error_origin(-EINVAL);
        if (!entry)
                entry = entry_new(file, segment->id);
        if (!entry)
                return STATE_FILE_E_NO_MEMORY;
        if (state_file_append(file, &line, false) < 0) {
                if (entry->n_line == 0)
                        entry_free(file, entry);
                return STATE_FILE_E_NOT_WRITTEN;
        }
        entry_set(file, entry, file->n_bytes - line.n_text, line.n_text);
        rewrite_if_worth(file);
        return 0;
}

/**
 * state_file_write_gone() - write down that a segment is no more
 * @file:       the state file
 * @id:         the segment; of one that was not written down nothing is written
 *
 * Return: 0, STATE_FILE_E_NOT_WRITTEN.
 */
int state_file_write_gone(StateFile *file, int64_t id) {
        const Record record = { .given = 1U << RECORD_GONE, .gone.id = id };
        StateFileEntry *entry = entry_find(file, id);
        RecordLine line;

        if (!entry)
                return 0;
        if (record_write(&record, &line))
                return error_origin(-EINVAL);
        if (state_file_append(file, &line, false) < 0)
                return STATE_FILE_E_NOT_WRITTEN;
        entry_free(file, entry);
        rewrite_if_worth(file);
        return 0;
}
