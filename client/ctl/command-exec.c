/* SPDX-License-Identifier: MIT */
/* shmbrokerctl exec: becomes another program, which holds an attachment from then on. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/ctl/acquire.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"

/* As a shell has them */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

/* As long as the library takes it */
#define PREFIX_MAX 64

static const Option options[] = {
        ID_OPTION,
        { "read-only", 'r', NULL, "for reading alone" },
        ACQUIRE_OPTIONS,
        { "create", OPTION_CREATE, NULL, "create the segment if it does not exist" },
        { "new", OPTION_NEW, NULL, "create the segment, which must not exist" },
        OWNER_OPTION,
        WAIT_OPTION,
        { "env", OPTION_ENV, "PREFIX", "set PREFIX_FD and so on, in place of SHMBROKER_FD" },
};

static int set_variable(const char *prefix, const char *what, const char *value) {
        char name[PREFIX_MAX + 16];

        (void) snprintf(name, sizeof(name), "%s_%s", prefix, what);
        return value ? setenv(name, value, true) : unsetenv(name);
}

static int set_number(const char *prefix, const char *what, int64_t value) {
        char text[32];

        (void) snprintf(text, sizeof(text), "%" PRId64, value);
        return set_variable(prefix, what, text);
}

/* By which it can be told that the number is still that descriptor. */
static int set_inode(const char *prefix, int fd) {
        struct stat st;
        char text[64];

        if (fstat(fd, &st) < 0)
                return -1;
        (void) snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t) st.st_dev,
                        (uintmax_t) st.st_ino);
        return set_variable(prefix, "INODE", text);
}

static int set_environment(const char *prefix, const struct shmbroker_segment *segment) {
        const struct shmbroker_info *info = shmbroker_segment_info(segment);
        bool read_only = shmbroker_segment_access(segment) == SHMBROKER_ACCESS_READ_ONLY;

        return set_number(prefix, "FD", shmbroker_segment_fd(segment)) ||
               set_inode(prefix, shmbroker_segment_fd(segment)) ||
               set_number(prefix, "SIZE", (int64_t) shmbroker_segment_size(segment)) ||
               set_number(prefix, "ID", shmbroker_info_id(info)) ||
               set_variable(prefix, "NAME", shmbroker_info_name(info)) ||
               set_variable(prefix, "ACCESS", read_only ? "readOnly" : "readWrite");
}

static int exec_pass_on(const char *prefix, const struct shmbroker_segment *segment) {
        int shmid;

        if (shmbroker_segment_fd(segment) < 0 &&
            shmbroker_info_shmid(shmbroker_segment_info(segment), &shmid) == 0)
                return ctl_error(
                        "there is no descriptor to pass on: the broker may not make one of "
                        "a System V segment; the command can attach this one by its shmid, "
                        "%d",
                        shmid);
        if (set_environment(prefix, segment))
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

/* As a shell can name a variable. */
static bool prefix_valid(const char *prefix) {
        static const char letters[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
        size_t n = strspn(prefix, letters);

        return n > 0 && n <= PREFIX_MAX && !prefix[n] && (*prefix < '0' || *prefix > '9');
}

static int exec_parse(Ctl *ctl, Acquisition *acquisition, Selector *selector, const char **prefix) {
        const char *value, *id = NULL;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                r = 0;
                if (key == OPTION_ID)
                        id = value;
                else if (key == OPTION_ENV)
                        *prefix = value;
                else if (key == 'r')
                        shmbroker_options_set_access(acquisition->options,
                                                     SHMBROKER_ACCESS_READ_ONLY);
                else
                        r = acquisition_option(ctl, acquisition, key, value);
                if (r)
                        return r;
        }
        if (!prefix_valid(*prefix))
                return ctl_usage(ctl, "--env: '%s' is not what a variable can begin with", *prefix);
        r = acquisition->has_create ? acquisition_check_creation(ctl, acquisition) : 0;
        r = r ? r : ctl_select(ctl, id, selector);
        if (r)
                return r;
        return ctl->argc > 0 ? 0 : ctl_usage(ctl, "the command to execute is missing");
}

static int exec_run(Ctl *ctl) {
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        _cleanup_(acquisition_deinit) Acquisition acquisition = {};
        const char *prefix = "SHMBROKER";
        Selector selector;
        int r;

        if (acquisition_init(&acquisition))
                return CTL_EXEC_FAILED;
        shmbroker_options_set_map(acquisition.options, 0);
        r = exec_parse(ctl, &acquisition, &selector, &prefix);
        /* What the command inherits is not to be more than it could have acquired itself. */
        r = r ? r : ctl_connect_as_user(ctl);
        r = r ? r : acquire(ctl, &selector, &acquisition, &segment);
        r = r ? r : exec_pass_on(prefix, segment);
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
