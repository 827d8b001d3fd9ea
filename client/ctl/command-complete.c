/* SPDX-License-Identifier: MIT */
/*
 * shmbrokerctl __complete WORD...: how the last word may go on, for the scripts in completion/.
 * What there is comes from the rows that --help is made from, and how a value is completed from
 * what it is called there: FILE, KIND, NAME. A line is a word and, behind a tab, what it is; or
 * ":files PREFIX" or ":command N" for what the shell itself knows best.
 */

#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/doctor/checks.h"
#include "client/ctl/info.h"
#include "client/ctl/search.h"
#include "client/ctl/value.h"

/* A broker that stands still is not waited for. */
#define BROKER_USEC UINT64_C(2000000)

typedef struct Line Line;

struct Line {
        Ctl *ctl;
        const Command *command;
        /* What the value is called that comes now; NULL if none does */
        const char *expects;
        size_t n_operands;
        bool only_operands;
        /* Where the words of another command begin, 0 if there are none yet */
        int other_at;
        /* The last word: what stays, and what is completed */
        const char *kept;
        size_t n_kept;
        const char *current;
};

static const char *const shells[] = { "bash", "zsh", "fish", NULL };

static bool begins(const char *text, const char *beginning) {
        return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Anybody may have given a name: one that is no line, or that looks like what is said to the
 * script, is left out. */
static bool is_safe(const char *word) {
        if (*word == ':')
                return false;
        for (; *word; ++word)
                if ((unsigned char) *word < ' ' || *word == 0x7f)
                        return false;
        return true;
}

/* Offers a word, if the last one may go on so. */
static void offer(const Line *line, const char *before, const char *word, const char *about) {
        size_t n_before = strlen(before), n = strlen(line->current);

        if (n <= n_before
                    ? !begins(before, line->current)
                    : !begins(line->current, before) || !begins(word, line->current + n_before))
                return;
        if (!is_safe(word))
                return;
        (void) printf("%.*s%s%s", (int) line->n_kept, line->kept, before, word);
        (void) printf(about ? "\t%s\n" : "\n", about);
}

/* All up to there stays as it is. */
static void keep(Line *line, const char *end) {
        line->n_kept += (size_t) (end - line->current);
        line->current = end;
}

static void offer_words(const Line *line, const char *const *words) {
        for (; words && *words; ++words)
                offer(line, "", *words, NULL);
}

static void offer_options(const Line *line, const Option *options, size_t n_options) {
        for (size_t i = 0; i < n_options; ++i) {
                char letter[] = { (char) options[i].key, '\0' };

                offer(line, "--", options[i].name, options[i].help);
                if (option_has_letter(&options[i]))
                        offer(line, "-", letter, options[i].help);
        }
}

static void offer_commands(const Line *line) {
        const Ctl *ctl = line->ctl;

        for (size_t i = 0; i < ctl->n_commands; ++i)
                offer(line, "", ctl->commands[i]->name, ctl->commands[i]->summary);
}

static void offer_segments(const Line *line, const char *before, bool ids) {
        _cleanup_(shmbroker_list_freep) struct shmbroker_list *list = NULL;
        Ctl *ctl = line->ctl;

        if (ctl_try_connect(ctl))
                return;
        shmbroker_set_call_timeout(ctl->connection, BROKER_USEC);
        if (shmbroker_list_segments(ctl->connection, NULL, &list))
                return;
        for (size_t i = 0; i < shmbroker_list_count(list); ++i) {
                const struct shmbroker_info *info = shmbroker_list_get(list, i);
                const char *name = shmbroker_info_name(info);
                char id[32];

                (void) snprintf(id, sizeof(id), "%lld", (long long) shmbroker_info_id(info));
                if (ids)
                        offer(line, before, id, name);
                else if (name)
                        offer(line, before, name, NULL);
        }
}

static void offer_objects(const Line *line) {
        _cleanup_(natives_deinit) Natives natives = {};
        const Search search = {};

        if (search_run(line->ctl, &search, &natives))
                return;
        for (size_t i = 0; i < natives.n_items; ++i)
                offer(line, "", natives.items[i].name, NULL);
}

static void offer_checks(const Line *line) {
        for (size_t i = 0; i < check_n_tables; ++i)
                for (const Check *check = check_tables[i]; check->name; ++check)
                        offer(line, "", check->name, check->about);
}

static void offer_users(const Line *line) {
        const struct passwd *user;

        while ((user = getpwent()))
                offer(line, "", user->pw_name, NULL);
        endpwent();
}

static void offer_owner(Line *line) {
        const char *colon = strchr(line->current, ':');
        const struct group *group;

        if (!colon) {
                offer_users(line);
                return;
        }
        keep(line, colon + 1);
        while ((group = getgrent()))
                offer(line, "", group->gr_name, NULL);
        endgrent();
}

static void offer_tenants(const Line *line) {
        _cleanup_(shmbroker_tenants_freep) struct shmbroker_tenants *tenants = NULL;
        Ctl *ctl = line->ctl;

        if (ctl_try_connect(ctl))
                return;
        shmbroker_set_call_timeout(ctl->connection, BROKER_USEC);
        if (shmbroker_list_tenants(ctl->connection, &tenants))
                return;
        for (size_t i = 0; i < shmbroker_tenants_count(tenants); ++i)
                offer(line, "", shmbroker_tenant_name(shmbroker_tenants_get(tenants, i)), NULL);
}

static void offer_processes(const Line *line) {
        DIR *directory = opendir("/proc");
        const struct dirent *entry;

        while (directory && (entry = readdir(directory)))
                if (strchr("123456789", entry->d_name[0]))
                        offer(line, "", entry->d_name, NULL);
        if (directory)
                (void) closedir(directory);
}

/* The shell knows of files, of what may be before them in a word, and how that is quoted. */
static void offer_files(const Line *line) {
        (void) printf(":files %.*s\n", (int) line->n_kept, line->kept);
}

static void offer_addresses(Line *line) {
        if (begins(line->current, "unix:")) {
                keep(line, line->current + strlen("unix:"));
                offer_files(line);
                return;
        }
        offer(line, "", "unix:", "the path of a socket");
        offer(line, "", "system:", "the broker of the host");
        offer(line, "", "user:", "the broker of the user");
        offer(line, "", "admin:", "the administrator's socket of the host's broker");
}

static void offer_columns(const Line *line) {
        const Column *column = line->command ? line->command->columns : NULL;

        for (; column && column->name; ++column)
                offer(line, "", column->name, column->help);
}

/* Of a list with commas, the last part; + before it adds columns. */
static void keep_list(Line *line) {
        const char *comma = strrchr(line->current, ',');

        if (comma)
                keep(line, comma + 1);
        else if (*line->current == '+')
                keep(line, line->current + 1);
}

/* Offers values that are looked up, such as names of segments. Return: whether @argument is one of
 * these. */
static bool offer_found(Line *line, const char *argument) {
        if (strcmp(argument, "NAME") == 0 || strcmp(argument, "PATTERN") == 0)
                offer_segments(line, "", false);
        else if (strcmp(argument, "ID") == 0)
                offer_segments(line, "", true);
        else if (strcmp(argument, "OBJECT") == 0)
                offer_objects(line);
        else if (strcmp(argument, "CHECK") == 0)
                offer_checks(line);
        else if (strcmp(argument, "FILE") == 0)
                offer_files(line);
        else if (strcmp(argument, "ADDRESS") == 0)
                offer_addresses(line);
        else if (strcmp(argument, "USER") == 0)
                offer_users(line);
        else if (strcmp(argument, "OWNER") == 0)
                offer_owner(line);
        else if (strcmp(argument, "PID") == 0)
                offer_processes(line);
        else if (strcmp(argument, "TENANT") == 0)
                offer_tenants(line);
        else
                return false;
        return true;
}

static void offer_value(Line *line, const char *argument) {
        if (offer_found(line, argument))
                return;
        if (strcmp(argument, "PLACE") == 0) {
                offer_segments(line, "shm:", false);
                offer_files(line);
        } else if (begins(argument, "COLUMN")) {
                keep_list(line);
                offer_columns(line);
        } else if (strcmp(argument, "SHELL") == 0) {
                offer_words(line, shells);
        } else {
                if (strcmp(argument, "SEALS") == 0 || strcmp(argument, "EVENTS") == 0)
                        keep_list(line);
                offer_words(line, value_words(argument));
        }
}

static const Option *find_option(const Option *options, size_t n_options, const char *word) {
        size_t n = strcspn(word, "=");

        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];

                if (begins(word, "--") ? strlen(option->name) == n - 2 &&
                                                 strncmp(option->name, word + 2, n - 2) == 0
                                       : option->key == word[1])
                        return option;
        }
        return NULL;
}

static const Option *line_option(const Line *line, const char *word) {
        const Option *option = NULL;

        if (line->command)
                option = find_option(line->command->options, line->command->n_options, word);
        return option ? option : find_option(ctl_common_options, ctl_n_common_options, word);
}

/* What the operand that comes now is called, "" if there is none. */
static const char *line_operand(const Line *line) {
        const char *const *operands = line->command->operands;
        size_t n = 0;

        while (n < OPERANDS_MAX && operands[n])
                ++n;
        if (line->n_operands < n)
                return operands[line->n_operands];
        return n > 0 && strstr(operands[n - 1], "...") ? operands[n - 1] : "";
}

static void read_option(Line *line, const char *word) {
        const Option *option = line_option(line, word);
        const char *value = strchr(word, '=');
        bool apart = begins(word, "--") ? !value : !word[2];

        if (!option)
                return;
        if (option->argument && apart)
                line->expects = option->argument;
        if (option->key == OPTION_USER)
                line->ctl->address = "user:";
        if (option->key == OPTION_ADDRESS && value)
                line->ctl->address = value + 1;
        /* A segment by its number is in the place of its name. */
        if (option->key == OPTION_ID && line->command && line->n_operands == 0 &&
            begins(line_operand(line), "NAME"))
                ++line->n_operands;
}

static void read_operand(Line *line, const char *word, int at) {
        const Ctl *ctl = line->ctl;

        if (line->command) {
                if (begins(line_operand(line), "COMMAND"))
                        line->other_at = at;
                ++line->n_operands;
                return;
        }
        for (size_t i = 0; i < ctl->n_commands; ++i)
                if (strcmp(ctl->commands[i]->name, word) == 0)
                        line->command = ctl->commands[i];
        /* There is none of that name, so that nothing can follow. */
        if (!line->command)
                line->expects = "";
}

/* Goes over the words before the last one. */
static void read_words(Line *line, int n, char **words) {
        for (int i = 0; i < n && !line->other_at; ++i) {
                const char *word = words[i];

                if (line->expects && *line->expects) {
                        if (strcmp(line->expects, "ADDRESS") == 0)
                                line->ctl->address = word;
                        line->expects = NULL;
                } else if (!line->only_operands && strcmp(word, "--") == 0) {
                        line->only_operands = true;
                } else if (!line->only_operands && word[0] == '-' && word[1]) {
                        read_option(line, word);
                } else {
                        read_operand(line, word, i);
                }
        }
}

static void offer_operand(Line *line, int at) {
        char argument[32];
        const char *operand = line_operand(line);

        if (line->other_at || begins(operand, "COMMAND")) {
                (void) printf(":command %d\n", line->other_at ? line->other_at : at);
                return;
        }
        (void) snprintf(argument, sizeof(argument), "%.*s", (int) strcspn(operand, "."), operand);
        offer_value(line, argument);
}

static void offer_all(Line *line, int at) {
        const char *equals = strchr(line->current, '=');
        const Option *option;

        if (line->expects) {
                offer_value(line, line->expects);
        } else if (line->other_at || line->only_operands || line->current[0] != '-') {
                if (line->command)
                        offer_operand(line, at);
                else
                        offer_commands(line);
        } else if (begins(line->current, "--") && equals) {
                option = line_option(line, line->current);
                keep(line, equals + 1);
                if (option && option->argument)
                        offer_value(line, option->argument);
        } else {
                if (line->command)
                        offer_options(line, line->command->options, line->command->n_options);
                offer_options(line, ctl_common_options, ctl_n_common_options);
        }
}

/* Its words are not its own: none is an option here. */
static int complete_run(Ctl *ctl) {
        Line line = { .ctl = ctl };
        int n = ctl->argc - 2;

        if (n < 0)
                return CTL_SUCCESS;
        line.kept = line.current = ctl->argv[n + 1];
        read_words(&line, n, ctl->argv + 1);
        offer_all(&line, n);
        return CTL_SUCCESS;
}

const Command command_complete = {
        .name = "__complete",
        .run = complete_run,
};
