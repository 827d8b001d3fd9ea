/* SPDX-License-Identifier: MIT */
/* shmbrokerctl: finds the command and runs it. */

#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/help.h"

/* In the order of the help. */
static const Command *const commands[] = {
        /* clang-format off */
        &command_status,
        &command_limits,
        &command_users,
        &command_tenants,
        &command_list,
        &command_show,
        &command_who,
        &command_create,
        &command_adopt,
        &command_publish,
        &command_rm,
        &command_chmod,
        &command_chown,
        &command_set,
        &command_resize,
        &command_seal,
        &command_watch,
        &command_wait,
        &command_cat,
        &command_write,
        &command_cp,
        &command_exec,
        &command_orphans,
        &command_reap,
        &command_doctor,
        &command_completion,
        /* clang-format on */
};

static const Command *find_command(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(commands); ++i)
                if (strcmp(commands[i]->name, name) == 0)
                        return commands[i];
        /* For completion, and for no help. */
        return strcmp(command_complete.name, name) == 0 ? &command_complete : NULL;
}

/*
 * A number from 0 to 2 that is closed at the start would be taken by the next open(), and then data
 * go where they do not belong. Fill them with what fails when it is used, and which programs that
 * are executed do not see.
 */
static void fill_standard_fds(void) {
        for (int fd = 0; fd <= 2; ++fd)
                if (fcntl(fd, F_GETFD) < 0)
                        (void) open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
}

/* What getopt_long() says begins with it. */
static char program[] = "shmbrokerctl";

static int run_command(Ctl *ctl) {
        const char *name = ctl->argc > 0 ? ctl->argv[0] : NULL;
        int code;

        if (!name)
                return ctl_usage(ctl, "a command is missing");
        ctl->command = find_command(name);
        if (!ctl->command)
                return ctl_usage(ctl, "there is no command '%s'", name);
        ctl->argv[0] = program;
        /* GNU: begin anew with other tables */
        optind = 0;
        code = ctl->command->run(ctl);
        ctl->connection = shmbroker_close(ctl->connection);
        return code;
}

int main(int argc, char **argv) {
        Ctl ctl = {
                .commands = commands,
                .n_commands = ARRAY_SIZE(commands),
                .print_help = help_print,
                .argc = argc,
                .argv = argv,
        };
        const char *value;
        int r;

        if (argc > 0)
                argv[0] = program;
        fill_standard_fds();
        (void) setlocale(LC_CTYPE, "");
        r = ctl_option(&ctl, &value);
        ctl_finish(r == CTL_OPTIONS_END ? run_command(&ctl) : CTL_USAGE);
}
