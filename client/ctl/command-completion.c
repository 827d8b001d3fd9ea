/* SPDX-License-Identifier: MIT */
/*
 * shmbrokerctl completion: scripts by which shells complete our command lines. What there is comes
 * from the rows of commands, options and columns that --help is made from, and how a value is
 * completed from what it is called there: FILE, KIND, NAME. The rest is in completion/.
 */

#include <stdio.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/completion.h"
#include "client/ctl/table.h"
#include "client/ctl/value.h"

#define TABLES "@TABLES@\n"

typedef struct Shell Shell;

struct Shell {
        const char *name;
        const char *script;
        void (*print_tables)(const Ctl *ctl);
};

static const char *const shell_names[] = { "bash", "zsh", "fish", NULL };

/* Those words that a value can be, if there are a few. */
static const char *const *words_of(const char *argument) {
        if (strcmp(argument, "SHELL") == 0)
                return shell_names;
        return value_words(argument);
}

static void print_words(const char *const *words) {
        for (; words && *words; ++words)
                (void) printf(" %s", *words);
}

static void print_columns(const Column *columns) {
        for (; columns && columns->name; ++columns)
                (void) printf(" %s", columns->name);
}

/* All words that are possible, columns included. */
static void print_values(const Command *command, const char *argument) {
        if (strncmp(argument, "COLUMN", strlen("COLUMN")) == 0)
                print_columns(command->columns);
        else
                print_words(words_of(argument));
}

/* Text between single quotes, which none of the rows has; colons and brackets mean something to
 * zsh. */
static void print_escaped(const char *text, const char *special) {
        for (; *text; ++text) {
                if (*text == '\'') {
                        (void) fputs("'\\''", stdout);
                        continue;
                }
                if (strchr(special, *text))
                        (void) putchar('\\');
                (void) putchar(*text);
        }
}

/* --- bash: " --output=COLUMNS -o=COLUMNS --raw -r" */

static void bash_options(const char *name, const Option *options, size_t n_options) {
        (void) printf("\toptions[%s]='", name);
        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];
                const char *equals = option->argument ? "=" : "";
                const char *argument = option->argument ? option->argument : "";

                (void) printf(" --%s%s%s", option->name, equals, argument);
                if (option_has_letter(option))
                        (void) printf(" -%c%s%s", option->key, equals, argument);
        }
        (void) printf("'\n");
}

static void bash_words(const char *argument) {
        (void) printf("\twords[%s]='", argument);
        print_words(words_of(argument));
        (void) printf("'\n");
}

static void bash_tables(const Ctl *ctl) {
        bash_options(".", ctl_common_options, ctl_n_common_options);
        for (size_t i = 0; i < ctl->n_commands; ++i) {
                const Command *command = ctl->commands[i];

                bash_options(command->name, command->options, command->n_options);
                (void) printf("\toperands[%s]='", command->name);
                for (size_t j = 0; j < OPERANDS_MAX && command->operands[j]; ++j)
                        (void) printf("%s%s", j > 0 ? " " : "", command->operands[j]);
                (void) printf("'\n");
                if (!command->columns)
                        continue;
                (void) printf("\tcolumns[%s]='", command->name);
                print_columns(command->columns);
                (void) printf("'\n");
        }
        bash_words("BOOLEAN");
        bash_words("KIND");
        bash_words("SEALS");
        bash_words("SHELL");
}

/* --- zsh: arguments of _arguments, such as '(-o --output)-o+[help]:COLUMNS: function' */

static void zsh_action(const Command *command, const char *argument) {
        size_t n = strcspn(argument, ".");

        (void) printf(":%.*s: _shmbrokerctl_value %.*s", (int) n, argument, (int) n, argument);
        if (command)
                print_values(command, argument);
}

static void zsh_option(const Command *command, const Option *option, const char *text,
                       const char *separator) {
        (void) printf("\t\t'(");
        if (option_has_letter(option))
                (void) printf("-%c ", option->key);
        (void) printf("--%s)%s%s[", option->name, text, option->argument ? separator : "");
        print_escaped(option->help, "[]:");
        (void) putchar(']');
        if (option->argument)
                zsh_action(command, option->argument);
        (void) printf("'\n");
}

static void zsh_options(const Command *command, const Option *options, size_t n_options) {
        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];
                char text[64];

                (void) snprintf(text, sizeof(text), "--%s", option->name);
                zsh_option(command, option, text, "=");
                (void) snprintf(text, sizeof(text), "-%c", option->key);
                if (option_has_letter(option))
                        zsh_option(command, option, text, "+");
        }
}

static void zsh_operands(const Command *command) {
        for (size_t i = 0; i < OPERANDS_MAX && command->operands[i]; ++i) {
                const char *operand = command->operands[i];

                if (strcmp(operand, "COMMAND...") == 0) {
                        (void) printf("\t\t'*:::COMMAND: _shmbrokerctl_command'\n");
                        continue;
                }
                (void) printf("\t\t'%s", strstr(operand, "...") ? "*" : "");
                zsh_action(command, operand);
                (void) printf("'\n");
        }
}

static void zsh_tables(const Ctl *ctl) {
        (void) printf("\tcommon=(\n");
        zsh_options(NULL, ctl_common_options, ctl_n_common_options);
        (void) printf("\t)\n\tsubcommands=(\n");
        for (size_t i = 0; i < ctl->n_commands; ++i) {
                (void) printf("\t\t'%s:", ctl->commands[i]->name);
                print_escaped(ctl->commands[i]->summary, ":");
                (void) printf("'\n");
        }
        (void) printf("\t)\n\t_shmbrokerctl_specs() {\n\t\tcase $1 in\n");
        for (size_t i = 0; i < ctl->n_commands; ++i) {
                const Command *command = ctl->commands[i];

                (void) printf("\t\t%s) specs=(\n", command->name);
                zsh_options(command, command->options, command->n_options);
                zsh_operands(command);
                (void) printf("\t\t) ;;\n");
        }
        (void) printf("\t\tesac\n\t}\n");
}

/* --- fish: a line of "complete" for each */

static void fish_options(const Command *command, const Option *options, size_t n_options) {
        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];

                (void) printf("complete -c shmbrokerctl");
                if (command)
                        (void) printf(" -n '__shmbrokerctl_is %s'", command->name);
                if (option_has_letter(option))
                        (void) printf(" -s %c", option->key);
                (void) printf(" -l %s -d '", option->name);
                print_escaped(option->help, "\\");
                (void) putchar('\'');
                if (option->argument) {
                        (void) printf(" -x -a '(__shmbrokerctl_value %s", option->argument);
                        if (command)
                                print_values(command, option->argument);
                        (void) printf(")'");
                }
                (void) putchar('\n');
        }
}

static void fish_valued(const Option *options, size_t n_options) {
        for (size_t i = 0; i < n_options; ++i)
                if (options[i].argument) {
                        (void) printf(" --%s", options[i].name);
                        if (option_has_letter(&options[i]))
                                (void) printf(" -%c", options[i].key);
                }
}

/* Words for operands, which are the same whatever the command is. */
static void fish_words(void) {
        static const char *const arguments[] = { "SEALS", "SHELL" };

        (void) printf("function __shmbrokerctl_all\n    switch $argv[1]\n");
        for (size_t i = 0; i < ARRAY_SIZE(arguments); ++i) {
                (void) printf("        case %s\n            printf '%%s\\n'", arguments[i]);
                print_words(words_of(arguments[i]));
                (void) putchar('\n');
        }
        (void) printf("    end\nend\n");
}

static void fish_command(const Command *command) {
        (void) printf("complete -c shmbrokerctl -n __shmbrokerctl_no_command -a %s -d '",
                      command->name);
        print_escaped(command->summary, "\\");
        (void) printf("'\n");
        fish_options(command, command->options, command->n_options);
        if (!command->operands[0])
                return;
        (void) printf("complete -c shmbrokerctl -n '__shmbrokerctl_is %s' -a "
                      "'(__shmbrokerctl_operand",
                      command->name);
        for (size_t i = 0; i < OPERANDS_MAX && command->operands[i]; ++i)
                (void) printf(" %s", command->operands[i]);
        (void) printf(")'\n");
}

/* Whether -p takes a value does not depend on the command. */
static void fish_tables(const Ctl *ctl) {
        (void) printf("set -g __shmbrokerctl_valued");
        fish_valued(ctl_common_options, ctl_n_common_options);
        for (size_t i = 0; i < ctl->n_commands; ++i)
                fish_valued(ctl->commands[i]->options, ctl->commands[i]->n_options);
        (void) putchar('\n');
        fish_words();
        fish_options(NULL, ctl_common_options, ctl_n_common_options);
        for (size_t i = 0; i < ctl->n_commands; ++i)
                fish_command(ctl->commands[i]);
}

static const Shell shells[] = {
        { "bash", completion_bash, bash_tables },
        { "zsh", completion_zsh, zsh_tables },
        { "fish", completion_fish, fish_tables },
};

static int completion_print(const Ctl *ctl, const Shell *shell) {
        const char *tables = strstr(shell->script, TABLES);

        (void) fwrite(shell->script, 1, (size_t) (tables - shell->script), stdout);
        shell->print_tables(ctl);
        (void) fputs(tables + strlen(TABLES), stdout);
        return CTL_SUCCESS;
}

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
        for (size_t i = 0; i < ARRAY_SIZE(shells); ++i)
                if (strcmp(shells[i].name, name) == 0)
                        return completion_print(ctl, &shells[i]);
        return ctl_usage(ctl, "there is no completion for '%s', but for bash, zsh and fish", name);
}

const Command command_completion = {
        .name = "completion",
        .arguments = "bash | zsh | fish",
        .operands = { "SHELL" },
        .summary = "Prints a script by which a shell completes command lines",
        .run = completion_run,
};
