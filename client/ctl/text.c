/* SPDX-License-Identifier: MIT */
#include "client/ctl/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands for a byte: \x1b */
#define ESCAPED_LENGTH 4

/* How many bytes the UTF-8 character here has, if it is one that has a look; 0 if not. */
static size_t plain_length(const unsigned char *at) {
        size_t n = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

        if (n == 1)
                return *at >= 0x20 && *at != 0x7f;
        for (size_t i = 1; i < n; ++i)
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
        /* Control characters, longer than need be, surrogates, beyond the last */
        if ((*at == 0xc2 && at[1] < 0xa0) || (*at == 0xe0 && at[1] < 0xa0) ||
            (*at == 0xed && at[1] >= 0xa0) || (*at == 0xf0 && at[1] < 0x90) ||
            (*at == 0xf4 && at[1] >= 0x90) || *at > 0xf4)
                return 0;
        return n;
}

/**
 * text_escape() - make text of others harmless to terminals, and UTF-8
 * @text:       anything
 *
 * What is no character, or one that terminals obey, becomes \x and two digits, as tables have it;
 * so does the backslash of "\x".
 *
 * Return: the text, to be freed; NULL if memory is short.
 */
char *text_escape(const char *text) {
        char *copy = malloc(strlen(text) * ESCAPED_LENGTH + 1), *to = copy;

        if (!copy)
                return NULL;
        while (*text) {
                bool is_mark = text[0] == '\\' && text[1] == 'x';
                size_t n = is_mark ? 0 : plain_length((const unsigned char *) text);

                if (n > 0) {
                        to = mempcpy(to, text, n);
                        text += n;
                } else {
                        to += sprintf(to, "\\x%02x", (unsigned int) (unsigned char) *text++);
                }
        }
        *to = '\0';
        return copy;
}
