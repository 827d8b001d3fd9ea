/* SPDX-License-Identifier: MIT */
/* shmbrokerctl chmod: who may use segments, in octal or as "g+rw,o-w". */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/change.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/value.h"

static const Option options[] = { ID_OPTION };

/* Bits of 0777 that letters stand for, of which there may be none. */
static mode_t read_letters(const char **at, const char *letters, const mode_t *bits) {
        const char *letter;
        mode_t mode = 0;

        for (; **at && (letter = strchr(letters, **at)); ++*at)
                mode |= bits[letter - letters];
        return mode;
}

/* "u+rw", or "=r" for all; several operations may follow each other, as in "g+r-w". */
static int apply_clause(const char **at, mode_t *mode) {
        static const mode_t classes[] = { 0700, 0070, 0007, 0777 };
        static const mode_t permissions[] = { 0444, 0222, 0111 };
        mode_t who = read_letters(at, "ugoa", classes), what;

        if (!who)
                who = 0777;
        if (!strchr("+-=", **at) || !**at)
                return -EINVAL;
        while (**at && strchr("+-=", **at)) {
                char operation = *(*at)++;

                what = read_letters(at, "rwx", permissions) & who;
                if (operation == '=')
                        *mode = (*mode & ~who) | what;
                else
                        *mode = operation == '+' ? *mode | what : *mode & ~what;
        }
        return 0;
}

/* What chmod(1) would make of the mode. Return: 0 or -EINVAL. */
static int chmod_apply(const char *text, mode_t *mode) {
        for (;; ++text) {
                if (apply_clause(&text, mode) || (*text && *text != ','))
                        return -EINVAL;
                if (!*text)
                        return 0;
        }
}

static int chmod_to(const Ctl *ctl, const Selector *selector, mode_t mode,
                    struct shmbroker_info **ret) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *changes = NULL;

        if (shmbroker_attributes_new(&changes))
                return ctl_no_memory();
        shmbroker_attributes_set_mode(changes, mode);
        return change_attributes(ctl, selector, changes, ret);
}

/* The state of a segment that one may change, and may not be able to read: changing nothing tells
 * it. */
static int state_of(const Ctl *ctl, const Selector *selector, struct shmbroker_info **ret) {
        _cleanup_(shmbroker_attributes_freep) struct shmbroker_attributes *nothing = NULL;

        if (shmbroker_attributes_new(&nothing))
                return ctl_no_memory();
        return change_attributes(ctl, selector, nothing, ret);
}

static int chmod_one(const Ctl *ctl, const Selector *selector, const void *userdata,
                     struct shmbroker_info **ret) {
        _cleanup_(shmbroker_info_freep) struct shmbroker_info *info = NULL;
        const char *text = userdata;
        Selector same = {};
        mode_t mode;
        int r;

        if (text[0] >= '0' && text[0] <= '7')
                return chmod_to(ctl, selector, (mode_t) strtoul(text, NULL, 8), ret);
        r = state_of(ctl, selector, &info);
        if (r)
                return r;
        mode = shmbroker_info_mode(info);
        (void) chmod_apply(text, &mode);
        /* The name may have passed to another segment meanwhile. */
        same.id = shmbroker_info_id(info);
        return chmod_to(ctl, &same, mode, ret);
}

static int check_mode(const Ctl *ctl, const char *text) {
        mode_t mode = 0;

        if (text[0] >= '0' && text[0] <= '9')
                return value_mode(ctl, "MODE", text, &mode);
        if (chmod_apply(text, &mode) == 0)
                return 0;
        return ctl_usage(ctl, "MODE: '%s' is not a mode; 640 and g+rw,o-w are", text);
}

static int chmod_run(Ctl *ctl) {
        const char *id, *mode;
        int r;

        r = change_options(ctl, &id);
        if (r)
                return r;
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the mode is missing, such as 640 or g+r");
        mode = *ctl->argv++;
        --ctl->argc;
        r = check_mode(ctl, mode);
        return r ? r : change_segments(ctl, id, chmod_one, mode);
}

const Command command_chmod = {
        .name = "chmod",
        .arguments = "MODE NAME... | MODE --id ID",
        .operands = { "MODE", "NAME..." },
        .summary = "Changes who may use segments: 640, or g+rw,o-w",
        COMMAND_OPTIONS(options),
        .run = chmod_run,
};
