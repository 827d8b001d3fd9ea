/* SPDX-License-Identifier: MIT */
#include "proto/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "proto/error.h"
#include "proto/util.h"

#define SCHEME "unix:"

/* address_path() - the path in an address that address_find() returned */
const char *address_path(const char *address) {
        return address + strlen(SCHEME);
}

static bool address_valid(const char *address) {
        const struct sockaddr_un *un = NULL;

        if (strncmp(address, SCHEME, strlen(SCHEME)) != 0)
                return false;
        address = address_path(address);
        /* A semicolon begins options in Varlink's addresses, of which there are none here. */
        return address[0] == '/' && strlen(address) < sizeof(un->sun_path) && !strchr(address, ';');
}

static int address_user(char **ret) {
        const char *directory = getenv("XDG_RUNTIME_DIR");

        if (!directory || directory[0] != '/')
                return ADDRESS_E_NO_RUNTIME_DIRECTORY;
        if (asprintf(ret, SCHEME "%s/shmbroker/socket", directory) < 0)
                return error_origin(-ENOMEM);
        return 0;
}

/**
 * address_find() - which broker is meant
 * @given:      what the user said, or NULL
 * @user:       the user's own broker is meant, if @given is NULL
 * @ret_address: the address, to be freed
 *
 * The first one that there is, of @given, the user's own broker if @user, $SHMBROKER_ADDRESS, and
 * the system's. Never another one because the first did not answer.
 *
 * Return: 0, ADDRESS_E_INVALID, ADDRESS_E_NO_RUNTIME_DIRECTORY, or -ENOMEM.
 */
int address_find(const char *given, bool user, char **ret_address) {
        _cleanup_(freep) char *address = NULL;
        int r = 0;

        if (!given && user) {
                r = address_user(&address);
        } else {
                if (!given)
                        given = getenv(ADDRESS_VARIABLE);
                address = strdup(given ? given : ADDRESS_SYSTEM);
                if (!address)
                        r = error_origin(-ENOMEM);
        }
        if (r)
                return r;
        if (!address_valid(address))
                return ADDRESS_E_INVALID;
        *ret_address = steal_ptr(address);
        return 0;
}
