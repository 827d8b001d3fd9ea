/* SPDX-License-Identifier: MIT */
#include "proto/address.h"

#include <errno.h>
#include <stdbool.h>
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
 * @given:      what the user said, or NULL for $SHMBROKER_ADDRESS and, without that, "system:"
 * @ret_address: the address with its path, to be freed
 *
 * "system:" is the system's broker, "admin:" the administrator's socket of that, "user:" the user's
 * own, "unix:" and a path any. Never another one because the first did not answer.
 *
 * Return: 0, ADDRESS_E_INVALID, ADDRESS_E_NO_RUNTIME_DIRECTORY, or -ENOMEM.
 */
int address_find(const char *given, char **ret_address) {
        _cleanup_(freep) char *address = NULL;
        int r;

        if (!given)
                given = getenv(ADDRESS_VARIABLE);
        if (given && strcmp(given, ADDRESS_USER) == 0) {
                r = address_user(&address);
                if (r)
                        return r;
        } else {
                if (!given || strcmp(given, ADDRESS_SYSTEM) == 0)
                        given = ADDRESS_OF_SYSTEM;
                else if (strcmp(given, ADDRESS_ADMIN) == 0)
                        given = ADDRESS_OF_ADMIN;
                address = strdup(given);
                if (!address)
                        return error_origin(-ENOMEM);
        }
        if (!address_valid(address))
                return ADDRESS_E_INVALID;
        *ret_address = steal_ptr(address);
        return 0;
}

/**
 * address_of_admin() - where the administrator's socket of a broker is
 * @address:    the broker's, as address_find() returned it
 * @ret_address: the address with its path, to be freed
 *
 * That of the system's broker is in a directory that nobody has a reason to bind into a container.
 *
 * Return: 0, ADDRESS_E_INVALID if the path is too long, or -ENOMEM.
 */
int address_of_admin(const char *address, char **ret_address) {
        _cleanup_(freep) char *admin = NULL;

        if (strcmp(address, ADDRESS_OF_SYSTEM) == 0)
                admin = strdup(ADDRESS_OF_ADMIN);
        else if (asprintf(&admin, "%s.admin", address) < 0)
                admin = NULL;
        if (!admin)
                return error_origin(-ENOMEM);
        if (!address_valid(admin))
                return ADDRESS_E_INVALID;
        *ret_address = steal_ptr(admin);
        return 0;
}
