/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_ADDRESS_H
#define SHMBROKER_PROTO_ADDRESS_H

/* Where the broker is: "unix:/path", as in Varlink, or a word for where one is expected. The same
 * rule for daemon, library and command. */

#define ADDRESS_SYSTEM "system:"
#define ADDRESS_USER "user:"
#define ADDRESS_ADMIN "admin:"
#define ADDRESS_OF_SYSTEM "unix:/run/shmbroker/socket"
#define ADDRESS_OF_ADMIN "unix:/run/shmbroker-admin/socket"
#define ADDRESS_VARIABLE "SHMBROKER_ADDRESS"

enum {
        _ADDRESS_E_SUCCESS,
        /* None of those words, and not "unix:" and an absolute path that fits into a socket's name
         */
        ADDRESS_E_INVALID,
        /* XDG_RUNTIME_DIR is not set, or not absolute */
        ADDRESS_E_NO_RUNTIME_DIRECTORY,
};

int address_find(const char *given, char **ret_address);
int address_of_admin(const char *address, char **ret_address);
const char *address_path(const char *address);

#endif
