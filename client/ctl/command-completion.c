/* SPDX-License-Identifier: MIT */
/* shmbrokerctl completion: the scripts by which shells complete our command lines. They ask
 * command-complete.c. */

#include <stdio.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/completion.h"

typedef struct Shell Shell;

struct Shell {
        const char *name;
        const char *script;
};

static const Shell shells[] = {
        { "bash", completion_bash },
        { "zsh", completion_zsh },
        { "fish", completion_fish },
};

static int completion_run(Ctl *ctl) {
        const char *value, *name;
        int r;

        if (ctl_option(ctl, &value) != CTL_OPTIONS_END)
                return CTL_USAGE;
        if (ctl->argc == 0)
                return ctl_usage(ctl, "the shell is missing: bash, zsh or fish");
        name = *ctl->argv++;
        --ctl->argc;
        r = ctl_no_operands(ctl);
        if (r)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(shells); ++i) {
                if (strcmp(shells[i].name, name) != 0)
                        continue;
                (void) fputs(shells[i].script, stdout);
                return CTL_SUCCESS;
        }
        return ctl_usage(ctl, "there is no completion for '%s', but for bash, zsh and fish", name);
}

const Command command_completion = {
        .name = "completion",
        .arguments = "bash | zsh | fish",
        .operands = { "SHELL" },
        .summary = "Prints a script by which a shell completes command lines",
        .run = completion_run,
};
