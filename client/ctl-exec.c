/* shmbrokerctl exec: becomes another program, which holds an attachment from then on. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl.h"

/* As a shell has it */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

static const Option options[] = {
        ID_OPTION,
        { "ro", OPTION_READ_ONLY, NULL, "for reading alone" },
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL, "create the segment if it does not exist" },
        { "new", OPTION_NEW, NULL, "create the segment, which must not exist" },
};

static int set_number(const char *name, int64_t value) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%" PRId64, value);
        return setenv(name, text, true);
}

static int set_environment(const struct shmbroker_segment *segment) {
        const struct shmbroker_info *info = shmbroker_segment_info(segment);
        const char *name = shmbroker_info_name(info);
        bool read_only = shmbroker_segment_access(segment) == SHMBROKER_ACCESS_READ_ONLY;

        return set_number("SHMBROKER_FD", shmbroker_segment_fd(segment)) ||
               set_number("SHMBROKER_SIZE", (int64_t) shmbroker_segment_size(segment)) ||
               set_number("SHMBROKER_ID", shmbroker_info_id(info)) ||
               (name ? setenv("SHMBROKER_NAME", name, true) : unsetenv("SHMBROKER_NAME")) ||
               setenv("SHMBROKER_ACCESS", read_only ? "readOnly" : "readWrite", true);
}

static int become(char **argv, const struct shmbroker_segment *segment) {
        int saved;

        if (set_environment(segment))
                return ctl_no_memory();
        if (fcntl(shmbroker_segment_fd(segment), F_SETFD, 0) < 0)
                return ctl_error("the descriptor cannot be passed on: %s", strerror(errno));
        (void) execvp(argv[0], argv);
        saved = errno;
        (void) ctl_error("'%s' cannot be executed: %s", argv[0], strerror(saved));
        return saved == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int run(Ctl *ctl) {
        _cleanup_(shmbroker_options_freep) struct shmbroker_options *acquire = NULL;
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        const char *value, *id = NULL;
        Selector selector;
        int key, r;

        if (shmbroker_options_new(&acquire))
                return ctl_no_memory();
        shmbroker_options_set_no_map(acquire, true);
        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == OPTION_ID)
                        id = value;
                else if (key == OPTION_READ_ONLY)
                        shmbroker_options_set_access(acquire, SHMBROKER_ACCESS_READ_ONLY);
                else if (key == CTL_OPTIONS_WRONG || ctl_acquire_option(ctl, acquire, key, value))
                        return CTL_USAGE;
        }
        r = ctl_select(ctl, id, &selector);
        if (r)
                return r;
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the command to execute is missing");
        r = ctl_connect(ctl);
        if (r)
                return r;
        r = ctl_acquire(ctl, &selector, acquire, &segment);
        return r ? r : become(ctl->argv, segment);
}

const Command command_exec = {
        .name = "exec",
        .arguments = "NAME | --id ID [OPTION...] -- COMMAND [ARGUMENT...]",
        .summary = "Executes a command that holds an attachment of a segment",
        COMMAND_OPTIONS(options),
        .run = run,
};
