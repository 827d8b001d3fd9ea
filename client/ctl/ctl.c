/* SPDX-License-Identifier: MIT */
#include "client/ctl/ctl.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "shmbrokerctl"
#define OPTIONS_MAX 32

const Option ctl_common_options[] = {
        { "address", OPTION_ADDRESS, "ADDRESS",
          "where the broker is: system:, admin:, user:, or unix:/path" },
        { "user", OPTION_USER, NULL, "the same as --address user:" },
        { "json", OPTION_JSON, NULL, "print JSON" },
        { "help", OPTION_HELP, NULL, "print this help" },
        { "version", OPTION_VERSION, NULL, "print the version" },
};
const size_t ctl_n_common_options = ARRAY_SIZE(ctl_common_options);

_printf_(1, 0) static void ctl_say(const char *format, va_list arguments) {
        (void) fputs(PROGRAM ": ", stderr);
        (void) vfprintf(stderr, format, arguments);
        (void) fputc('\n', stderr);
}

/* ctl_error() - say what went wrong. Return: CTL_FAILED. */
int ctl_error(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        ctl_say(format, arguments);
        va_end(arguments);
        return CTL_FAILED;
}

/* ctl_usage() - say what is wrong with the command line. Return: CTL_USAGE. */
int ctl_usage(const Ctl *ctl, const char *format, ...) {
        const char *name = ctl->command ? ctl->command->name : "";
        va_list arguments;

        va_start(arguments, format);
        ctl_say(format, arguments);
        va_end(arguments);
        (void) fprintf(stderr, "Try '" PROGRAM "%s%s --help'.\n", *name ? " " : "", name);
        return CTL_USAGE;
}

int ctl_no_memory(void) {
        return ctl_error("out of memory");
}

/* ctl_no_operands() - complain of what is left on the command line. Return: 0 or CTL_USAGE. */
int ctl_no_operands(Ctl *ctl) {
        return ctl->argc > 0 ? ctl_usage(ctl, "'%s' is one argument too many", ctl->argv[0]) : 0;
}

/* ctl_finish() - write buffered output and exit with @code, or with CTL_FAILED if that fails */
void ctl_finish(int code) {
        bool written = __fpending(stdout) > 0;

        errno = 0;
        if (ferror(stdout) || (fclose(stdout) != 0 && (written || errno != EBADF))) {
                code = ctl_error("what was to be printed could not be written: %s",
                                 errno ? strerror(errno) : "output error");
        }
        exit(code);
}

/* getopt_long()'s tables from ours: those of the command, and the common ones. */
static void add_options(const Option *options, size_t n_options, struct option *table,
                        size_t *n_table, char *letters) {
        for (size_t i = 0; i < n_options; ++i) {
                const Option *option = &options[i];

                table[(*n_table)++] = (struct option){
                        .name = option->name,
                        .has_arg = option->argument ? required_argument : no_argument,
                        .val = option->key,
                };
                if (!option_has_letter(option))
                        continue;
                letters += strlen(letters);
                *letters++ = (char) option->key;
                if (option->argument)
                        *letters++ = ':';
                *letters = '\0';
        }
}

/* Options before the command's name end there ("+"), those of a command may stand anywhere. */
static int next_option(const Ctl *ctl) {
        struct option table[OPTIONS_MAX + 1] = {};
        /* ":": a value that is missing is told from an option that is unknown. */
        char letters[2 * OPTIONS_MAX + 3] = ":";
        size_t n_table = 0;

        if (ctl->command)
                add_options(ctl->command->options, ctl->command->n_options, table, &n_table,
                            letters);
        else
                strcpy(letters, "+:");
        add_options(ctl_common_options, ctl_n_common_options, table, &n_table, letters);
        opterr = 0;
        return getopt_long(ctl->argc, ctl->argv, letters, table, NULL);
}

static const Option *find_option(const Option *options, size_t n_options, int key) {
        for (size_t i = 0; i < n_options; ++i)
                if (options[i].key == key)
                        return &options[i];
        return NULL;
}

/* What getopt_long() did not like. */
static int wrong_option(const Ctl *ctl, int key) {
        const char *text = optind > 0 ? ctl->argv[optind - 1] : "";
        const Option *option = NULL;

        if (optopt && ctl->command)
                option = find_option(ctl->command->options, ctl->command->n_options, optopt);
        if (optopt && !option)
                option = find_option(ctl_common_options, ctl_n_common_options, optopt);
        if (option && key == ':')
                return ctl_usage(ctl, "--%s needs a value, %s", option->name, option->argument);
        if (option)
                return ctl_usage(ctl, "--%s takes no value", option->name);
        if (optopt)
                return ctl_usage(ctl, "there is no option '-%c'", optopt);
        return ctl_usage(ctl, "there is no option '%s', or more than one that begins so", text);
}

static bool take_common_option(Ctl *ctl, int key) {
        switch (key) {
        case OPTION_ADDRESS:
                ctl->address = optarg;
                return true;
        case OPTION_USER:
                ctl->address = "user:";
                return true;
        case OPTION_JSON:
                ctl->json = true;
                return true;
        case OPTION_HELP:
                ctl->print_help(ctl);
                ctl_finish(CTL_SUCCESS);
        case OPTION_VERSION:
                (void) printf(PROGRAM " %s\n", PACKAGE_VERSION);
                ctl_finish(CTL_SUCCESS);
        default:
                return false;
        }
}

/**
 * ctl_option() - take the next option off the command line
 * @ctl:        the command line; after the last option, only operands are left of it
 * @ret_value:  the option's value, if it has one
 *
 * Return: the option's key, CTL_OPTIONS_END, or CTL_OPTIONS_WRONG, of which the user was told.
 */
int ctl_option(Ctl *ctl, const char **ret_value) {
        int key;

        do
                key = next_option(ctl);
        while (take_common_option(ctl, key));
        if (key == '?' || key == ':') {
                (void) wrong_option(ctl, key);
                return CTL_OPTIONS_WRONG;
        }
        if (key == -1) {
                ctl->argc -= optind;
                ctl->argv += optind;
                return CTL_OPTIONS_END;
        }
        *ret_value = optarg;
        return key;
}
