/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_CTL_H
#define SHMBROKER_CLIENT_CTL_CTL_H

/*
 * What the commands of shmbrokerctl share: rows that describe them, options, and errors. A command
 * is one file with one Command, from which parsing, help and the completion of shells are made.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/ctl/util.h"
#include "client/include/shmbroker.h"

typedef struct Column Column;
typedef struct Command Command;
typedef struct Ctl Ctl;
typedef struct Option Option;

/* Exit codes */
enum {
        CTL_SUCCESS = 0,
        CTL_FAILED = 1,
        CTL_USAGE = 2,
        CTL_NO_BROKER = 3,
        CTL_NO_SEGMENT = 4,
        /* exec alone: as env(1) and timeout(1), so that it is not taken for that of the command */
        CTL_EXEC_FAILED = 125,
};

/* What ctl_option() returns beside the keys of options */
enum {
        CTL_OPTIONS_END = -1,
        CTL_OPTIONS_WRONG = -2,
};

#define OPTION_LETTER_MAX UINT8_MAX

/* Keys of options that have no letter of their own; a letter is its own key. */
enum {
        OPTION_CREATE = OPTION_LETTER_MAX + 1,
        OPTION_ENV,
        OPTION_FILE,
        OPTION_ID,
        OPTION_KIND,
        OPTION_LINGER,
        OPTION_LOCKED,
        OPTION_NEW,
        OPTION_OPEN,
        OPTION_OWNER,
        OPTION_REMOVE_ON_LAST_DETACH,
        OPTION_NO_TRUNCATE,
        OPTION_OUTPUT_ALL,
        OPTION_SORT,
        OPTION_CHANGES_ONLY,
        OPTION_EVENTS,
        OPTION_KEY,
        OPTION_LENGTH,
        OPTION_MAXIMUM,
        OPTION_OFFSET,
        OPTION_PAGE_SIZE,
        OPTION_POSIX_NAME,
        OPTION_REPLACE,
        OPTION_SEAL,
        OPTION_SEALABLE,
        OPTION_SHMID,
        OPTION_TENANT,
        OPTION_WAIT,
        OPTION_GONE,
        OPTION_TIMEOUT,
        OPTION_DRY_RUN,
        OPTION_OLDER_THAN,
        OPTION_LIST,
        OPTION_ADDRESS,
        OPTION_USER,
        /* As in util-linux */
        OPTION_HELP = 'h',
        OPTION_JSON = 'J',
        OPTION_VERSION = 'V',
};

/* How many operands of a command are told apart, for completion */
#define OPERANDS_MAX 3

struct Option {
        const char *name;
        int key;
        /* What the value is called, which also says how it is completed; NULL if there is none */
        const char *argument;
        const char *help;
};

static inline bool option_has_letter(const Option *option) {
        return option->key <= OPTION_LETTER_MAX;
}

struct Command {
        const char *name;
        const char *arguments;
        /* One line */
        const char *summary;
        /* What the operands are called, for completion; the last of OPERANDS_MAX is for all others,
         * as is one with "..." */
        const char *operands[OPERANDS_MAX];
        const Option *options;
        size_t n_options;
        /* Of its table, if it prints one; the last has no name */
        const Column *columns;
        int (*run)(Ctl *ctl);
};

struct Ctl {
        /* All commands, in the order of the help, and the function that prints the help */
        const Command *const *commands;
        size_t n_commands;
        void (*print_help)(const Ctl *ctl);
        const char *address;
        bool json;
        /* The command that runs; NULL until it is known */
        const Command *command;
        /* What is left of the command line: before parsing all of it, then the operands */
        int argc;
        char **argv;
        struct shmbroker *connection;
};

/* The options that each command has */
extern const Option ctl_common_options[];
extern const size_t ctl_n_common_options;

int ctl_option(Ctl *ctl, const char **ret_value);
int ctl_no_operands(Ctl *ctl);
int ctl_usage(const Ctl *ctl, const char *format, ...) _printf_(2, 3);
int ctl_error(const char *format, ...) _printf_(1, 2);
int ctl_no_memory(void);
void ctl_finish(int code) __attribute__((__noreturn__));

#define ID_OPTION                                                                                  \
        { "id", OPTION_ID, "ID", "the segment by its number, in place of its name" }

#define COMMAND_OPTIONS(array) .options = (array), .n_options = ARRAY_SIZE(array)

DEFINE_CLEANUP(struct shmbroker_options, shmbroker_options_free)
DEFINE_CLEANUP(struct shmbroker_attributes, shmbroker_attributes_free)
DEFINE_CLEANUP(struct shmbroker_segment, shmbroker_release)
DEFINE_CLEANUP(struct shmbroker_info, shmbroker_info_free)
DEFINE_CLEANUP(struct shmbroker_filter, shmbroker_filter_free)
DEFINE_CLEANUP(struct shmbroker_list, shmbroker_list_free)
DEFINE_CLEANUP(struct shmbroker_attachments, shmbroker_attachments_free)
DEFINE_CLEANUP(struct shmbroker_tenants, shmbroker_tenants_free)
DEFINE_CLEANUP(struct shmbroker_users, shmbroker_users_free)
DEFINE_CLEANUP(struct shmbroker_status, shmbroker_status_free)

#endif
