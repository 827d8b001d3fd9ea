/* SPDX-License-Identifier: MIT */
/* shmbrokerctl exec: becomes another program, which holds an attachment from then on. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl/acquire.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"

/* As a shell has them */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

static const Option options[] = {
        ID_OPTION,
        { "ro", OPTION_READ_ONLY, NULL, "for reading alone" },
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL, "create the segment if it does not exist" },
        { "new", OPTION_NEW, NULL, "create the segment, which must not exist" },
        WAIT_OPTION,
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

static int exec_pass_on(const struct shmbroker_segment *segment) {
        int shmid;

        if (shmbroker_segment_fd(segment) < 0 &&
            shmbroker_info_shmid(shmbroker_segment_info(segment), &shmid) == 0)
                return ctl_error(
                        "there is no descriptor to pass on: the broker may not make one of "
                        "a System V segment; the command can attach this one by its shmid, "
                        "%d",
                        shmid);
        if (set_environment(segment))
                return ctl_no_memory();
        if (fcntl(shmbroker_segment_fd(segment), F_SETFD, 0) < 0)
                return ctl_error("the descriptor cannot be passed on: %s", strerror(errno));
        return 0;
}

static int exec_become(char **argv) {
        int saved;

        (void) execvp(argv[0], argv);
        saved = errno;
        (void) ctl_error("'%s' cannot be executed: %s", argv[0], strerror(saved));
        return saved == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int exec_parse(Ctl *ctl, Acquisition *acquisition, Selector *selector) {
        const char *value, *id = NULL;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = 0;
                if (key == OPTION_ID)
                        id = value;
                else if (key == OPTION_READ_ONLY)
                        shmbroker_options_set_access(acquisition->options,
                                                     SHMBROKER_ACCESS_READ_ONLY);
                else
                        r = acquisition_option(ctl, acquisition, key, value);
                if (r)
                        return r;
        }
        r = ctl_select(ctl, id, selector);
        if (r)
                return r;
        return ctl->argc > 0 ? 0 : ctl_usage(ctl, "the command to execute is missing");
}

static int exec_run(Ctl *ctl) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        Selector selector;
        int r;

        if (acquisition_init(&acquisition))
                return CTL_EXEC_FAILED;
        shmbroker_options_set_map(acquisition.options, 0);
        r = exec_parse(ctl, &acquisition, &selector);
        r = r ? r : ctl_connect(ctl);
        r = r ? r : acquire(ctl, &selector, &acquisition, &segment);
        r = r ? r : exec_pass_on(segment);
        return r ? CTL_EXEC_FAILED : exec_become(ctl->argv);
}

const Command command_exec = {
        .name = "exec",
        .arguments = "NAME | --id ID [OPTION...] -- COMMAND [ARGUMENT...]",
        .operands = { "NAME", "COMMAND..." },
        .summary = "Executes a command that holds an attachment of a segment",
        COMMAND_OPTIONS(options),
        .run = exec_run,
};
