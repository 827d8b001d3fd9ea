/* SPDX-License-Identifier: MIT */
#include "client/ctl/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "client/ctl/util.h"

#define OUTPUT_MAX 65536

/**
 * run_command() - run a command and wait for it
 * @command:    for the shell
 * @ret_status: its exit status; negative if it did not exit
 *
 * Return: the beginning of what it prints, to be freed; NULL if it could not be run.
 */
char *run_command(const char *command, int *ret_status) {
        _cleanup_(freep) char *text = malloc(OUTPUT_MAX);
        FILE *stream;
        int status;
        size_t n;

        (void) fflush(stdout);
        stream = text ? popen(command, "re") : NULL;
        if (!stream)
                return NULL;
        n = fread(text, 1, OUTPUT_MAX - 1, stream);
        text[n] = '\0';
        status = pclose(stream);
        *ret_status = status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return steal_ptr(text);
}
