/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_SEARCH_H
#define SHMBROKER_CLIENT_CTL_SEARCH_H

/* Which objects without a broker are meant, said by the same options wherever they are looked for.
 */

#include "client/ctl/native.h"

typedef struct Search Search;

struct Search {
        /* NULL is any */
        const char *match;
        bool has_uid;
        uid_t uid;
        uint64_t older_usec;
        TableOptions table;
};

#define SEARCH_OPTIONS                                                                             \
        { "owner", 'u', "USER", "only objects of this user, by name or number" }, {                \
                "older-than", OPTION_OLDER_THAN, "TIME",                                           \
                        "only if nothing happened to it for so long, such as 10min, 3d"            \
        }

int search_option(const Ctl *ctl, Search *search, int key, const char *value);
int search_operand(Ctl *ctl, Search *search);
int search_run(Ctl *ctl, const Search *search, Natives *ret);
int search_table(const Ctl *ctl, const Search *search, const Natives *natives, Table **ret);

#endif
