/*
 * shmbrokerctl write: fills a segment from a file or from standard input. What does not fit is
 * refused before anything is changed where its size is known, which it is of regular files.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl-size.h"
#include "client/ctl.h"

typedef struct Input Input;
typedef struct WriteOptions WriteOptions;

struct Input {
        int fd;
        const char *name;
        /* What is left of a regular file */
        bool has_size;
        uint64_t size;
};

struct WriteOptions {
        const char *id;
        /* Value of --size */
        const char *size;
        bool has_create;
};

static const Option options[] = {
        ID_OPTION,
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL,
          "create the segment if it does not exist; so if a size is known" },
        { "new", OPTION_NEW, NULL, "create the segment, which must not exist" },
        { "open", OPTION_OPEN, NULL, "do not create the segment" },
};

static void input_close(Input *input) {
        if (input->fd > STDIN_FILENO)
                (void) close(input->fd);
        input->fd = -EBADF;
}

static int input_failed(const Input *input) {
        return ctl_error("%s cannot be read: %s", input->name, strerror(errno));
}

/* Says so by errno, as read(2) would, but before anything is created. */
static bool is_directory(const struct stat *st) {
        errno = EISDIR;
        return S_ISDIR(st->st_mode);
}

static int input_open(const char *path, Input *ret) {
        Input input = { .fd = STDIN_FILENO, .name = "standard input" };
        struct stat st;
        off_t at;

        if (path && strcmp(path, "-") != 0) {
                input.name = path;
                input.fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (input.fd < 0 || fstat(input.fd, &st) < 0 || is_directory(&st)) {
                (void) input_failed(&input);
                input_close(&input);
                return CTL_FAILED;
        }
        at = lseek(input.fd, 0, SEEK_CUR);
        input.has_size = S_ISREG(st.st_mode) && at >= 0;
        if (input.has_size)
                input.size = st.st_size > at ? (uint64_t) (st.st_size - at) : 0;
        *ret = input;
        return 0;
}

/* Return: bytes read, less than @n_space at the end of the input, or -1. */
static ssize_t input_read(const Input *input, char *space, size_t n_space) {
        size_t n_read = 0;

        while (n_read < n_space) {
                ssize_t n = read(input->fd, space + n_read, n_space - n_read);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                n_read += (size_t) n;
        }
        return (ssize_t) n_read;
}

/* The input comes straight into the memory. */
static int fill(const Input *input, const struct shmbroker_segment *segment) {
        char *data = shmbroker_segment_data(segment);
        size_t n_data = (size_t) shmbroker_segment_size(segment), done = 0;
        char beyond;

        while (done < n_data) {
                size_t n_wanted = n_data - done < (1U << 20) ? n_data - done : 1U << 20;
                ssize_t n = input_read(input, data + done, n_wanted);

                if (n < 0) {
                        (void) input_failed(input);
                        return ctl_error("the first %zu bytes or more of the segment were written",
                                         done);
                }
                done += (size_t) n;
                if ((size_t) n < n_wanted)
                        return CTL_SUCCESS;
        }
        if (input_read(input, &beyond, 1) == 0)
                return CTL_SUCCESS;
        return ctl_error("%s is longer than the segment, which was filled with its first %zu bytes",
                         input->name, done);
}

static int segment_missing(const Ctl *ctl, const Input *input) {
        const struct shmbroker_error *error = shmbroker_get_error(ctl->connection);

        if (shmbroker_error_code(error) != -ENOENT || !shmbroker_error_name(error) ||
            input->has_size)
                return ctl_failed(ctl);
        return ctl_error("%s; to create it, say with --size how large",
                         shmbroker_error_message(error));
}

static int write_segment(const Ctl *ctl, const Selector *selector,
                         struct shmbroker_options *acquire, const Input *input) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;

        if (!selector->name)
                shmbroker_options_set_id(acquire, selector->id);
        if (shmbroker_acquire(ctl->connection, selector->name, acquire, &segment))
                return segment_missing(ctl, input);
        /* With --size alone nothing else has said so. */
        if (input->has_size && input->size > shmbroker_segment_size(segment))
                return ctl_error("%s has %" PRIu64 " bytes, the segment %" PRIu64
                                 "; nothing was written",
                                 input->name, input->size, shmbroker_segment_size(segment));
        return fill(input, segment);
}

/* What cannot fit into what would be created is refused before that is. */
static int check_size(const Ctl *ctl, const Input *input, const char *text) {
        uint64_t size = 0;

        if (!text || !input->has_size)
                return 0;
        (void) size_parse(text, &size);
        if (input->size <= size)
                return 0;
        return ctl_usage(ctl, "%s has %" PRIu64 " bytes, which is more than --size", input->name,
                         input->size);
}

static int prepare(Ctl *ctl, const Selector *selector, struct shmbroker_options *acquire,
                   const WriteOptions *given) {
        __attribute__((__cleanup__(input_close))) Input input = { .fd = -EBADF };
        const char *path = ctl->argc > 0 ? *ctl->argv++ : NULL;
        int r;

        if (path)
                --ctl->argc;
        r = ctl_no_operands(ctl);
        if (r)
                return r;
        r = input_open(path, &input);
        if (r)
                return r;
        r = check_size(ctl, &input, given->size);
        if (r)
                return r;
        /* A segment that exists has to be as large as the input is; one that does not will be. */
        if (input.has_size && !given->size)
                shmbroker_options_set_size(acquire, input.size);
        if (!given->has_create && selector->name && (given->size || input.has_size))
                shmbroker_options_set_create(acquire, SHMBROKER_CREATE_ANY);
        r = ctl_connect(ctl);
        return r ? r : write_segment(ctl, selector, acquire, &input);
}

static int run(Ctl *ctl) {
        _cleanup_(shmbroker_options_freep) struct shmbroker_options *acquire = NULL;
        WriteOptions given = {};
        const char *value;
        Selector selector;
        int key, r;

        if (shmbroker_options_new(&acquire))
                return ctl_no_memory();
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == OPTION_ID)
                        given.id = value;
                else if (key == CTL_OPTIONS_WRONG || ctl_acquire_option(ctl, acquire, key, value))
                        return CTL_USAGE;
                if (key == 's')
                        given.size = value;
                if (key == OPTION_CREATE || key == OPTION_NEW || key == OPTION_OPEN)
                        given.has_create = true;
        }
        r = ctl_select(ctl, given.id, &selector);
        return r ? r : prepare(ctl, &selector, acquire, &given);
}

const Command command_write = {
        .name = "write",
        .arguments = "NAME | --id ID [FILE] [OPTION...]",
        .summary = "Fills a segment from a file or standard input, creating it if need be",
        COMMAND_OPTIONS(options),
        .run = run,
};
