/* SPDX-License-Identifier: MIT */
#include "proto/name.h"

#include <string.h>

static bool part_valid(const char *part, size_t n_part) {
        if (n_part == 0 || (n_part == 1 && part[0] == '.'))
                return false;
        return n_part != 2 || memcmp(part, "..", 2) != 0;
}

/**
 * name_valid() - may a segment be called so?
 * @name:       the name
 *
 * 1 to 255 bytes: parts of letters, digits and "._+:@-", separated by single slashes. No part is
 * "." or "..", and none of the slashes is the first or the last character. The first character is a
 * letter, a digit, "." or "_".
 */
bool name_valid(const char *name) {
        size_t n_part;

        if (strnlen(name, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX || strchr(NAME_RESERVED, name[0]))
                return false;
        for (;;) {
                n_part = strspn(name, NAME_CHARACTERS);
                if (!part_valid(name, n_part))
                        return false;
                name += n_part;
                if (*name != '/')
                        return *name == '\0';
                ++name;
        }
}

/* file_name_valid() - may a file in a directory be called so? */
bool file_name_valid(const char *name) {
        if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 ||
            strcmp(name, "..") == 0)
                return false;
        return strlen(name) <= FILE_NAME_LENGTH_MAX;
}

/* posix_name_valid() - may a POSIX object be called so? A slash, and behind it what can be a file's
 * name (shm_overview(7)). */
bool posix_name_valid(const char *name) {
        return name[0] == '/' && file_name_valid(name + 1);
}

/* registry_id_valid() - is it 32 digits to the base of 16, in small letters? */
bool registry_id_valid(const char *id) {
        return strspn(id, "0123456789abcdef") == REGISTRY_ID_LENGTH && !id[REGISTRY_ID_LENGTH];
}
