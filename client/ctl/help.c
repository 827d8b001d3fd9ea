/* SPDX-License-Identifier: MIT */
#include "client/ctl/help.h"

#include <stdio.h>

#include "client/ctl/table.h"

#define PROGRAM "shmbrokerctl"

static void print_options(const Option *options, size_t n_options) {
        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];
                char text[64];
                char letter[8] = "    ";

                if (option_has_letter(option))
                        (void) snprintf(letter, sizeof(letter), "-%c, ", option->key);
                (void) snprintf(text, sizeof(text), "%s--%s%s%s", letter, option->name,
                                option->argument ? " " : "",
                                option->argument ? option->argument : "");
                (void) printf("  %-30s  %s\n", text, option->help);
        }
}

static void print_columns(const Column *columns) {
        (void) printf("\nColumns:\n");
        for (; columns->name; ++columns) {
                (void) printf("  %-12s  %s", columns->name, columns->help);
                if (columns->alias)
                        (void) printf("; also %s", columns->alias);
                (void) printf("%s\n", columns->shown ? " *" : "");
        }
        (void) printf("Those with * are there without --output.\n");
}

static void print_commands(const Ctl *ctl) {
        (void) printf("Usage: " PROGRAM " [OPTION...] COMMAND ...\n\n"
                      "Shows and uses the shared memory segments of a broker.\n\nCommands:\n");
        for (size_t i = 0; i < ctl->n_commands; ++i)
                (void) printf("  %-10s  %s\n", ctl->commands[i]->name, ctl->commands[i]->summary);
}

/* help_print() - print the help of the command that runs, or of all commands if none does */
void help_print(const Ctl *ctl) {
        const Command *command = ctl->command;

        if (command)
                (void) printf("Usage: " PROGRAM " %s %s\n\n%s.\n", command->name,
                              command->arguments, command->summary);
        else
                print_commands(ctl);
        (void) printf("\nOptions:\n");
        if (command)
                print_options(command->options, command->n_options);
        print_options(ctl_common_options, ctl_n_common_options);
        if (command && command->columns)
                print_columns(command->columns);
        if (!command)
                (void) printf("\n'" PROGRAM " COMMAND --help' tells more. See also " PROGRAM
                              "(1).\n");
}
