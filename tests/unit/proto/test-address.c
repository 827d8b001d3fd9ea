/* SPDX-License-Identifier: MIT */
/* Where the broker is, if somebody says so and if nobody does. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "proto/address.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static void setup(void) {
        unit_fds_begin();
        unsetenv(ADDRESS_VARIABLE);
        unsetenv("XDG_RUNTIME_DIR");
}

static void expect(const char *given, const char *expected) {
        char *address = NULL;

        ck_assert_int_eq(address_find(given, &address), 0);
        ck_assert_str_eq(address, expected);
        ck_assert_str_eq(address_path(address), expected + 5);
        free(address);
}

static void refuse(const char *given, int expected) {
        char untouched, *address = &untouched;

        ck_assert_int_eq(address_find(given, &address), expected);
        ck_assert_ptr_eq(address, &untouched);
}

SUITE("address");
CASE("address", .setup = setup, .teardown = unit_fds_end);

TEST(order) {
        expect(NULL, "unix:/run/shmbroker/socket");
        expect("unix:/a", "unix:/a");
        setenv(ADDRESS_VARIABLE, "unix:/b", 1);
        expect(NULL, "unix:/b");
        expect("unix:/a", "unix:/a");
        setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        expect(NULL, "unix:/b");
        expect("user:", "unix:/run/user/7/shmbroker/socket");
        unsetenv(ADDRESS_VARIABLE);
        expect(NULL, ADDRESS_OF_SYSTEM);
        expect("system:", ADDRESS_OF_SYSTEM);
        setenv(ADDRESS_VARIABLE, "user:", 1);
        expect(NULL, "unix:/run/user/7/shmbroker/socket");
        expect("system:", ADDRESS_OF_SYSTEM);
        setenv(ADDRESS_VARIABLE, "system:", 1);
        expect(NULL, ADDRESS_OF_SYSTEM);
}

/* Never another broker than the one that was meant. */
TEST(no_fall_through) {
        setenv(ADDRESS_VARIABLE, "unix:/b", 1);
        refuse("user:", ADDRESS_E_NO_RUNTIME_DIRECTORY);
        setenv("XDG_RUNTIME_DIR", "", 1);
        refuse("user:", ADDRESS_E_NO_RUNTIME_DIRECTORY);
        setenv("XDG_RUNTIME_DIR", "run", 1);
        refuse("user:", ADDRESS_E_NO_RUNTIME_DIRECTORY);
        setenv("XDG_RUNTIME_DIR", "/run", 1);
        refuse("", ADDRESS_E_INVALID);
        setenv(ADDRESS_VARIABLE, "", 1);
        refuse(NULL, ADDRESS_E_INVALID);
        setenv(ADDRESS_VARIABLE, "/b", 1);
        refuse(NULL, ADDRESS_E_INVALID);
}

TEST(invalid) {
        static const char *const rows[] = {
                "",           "unix",          "unix:",
                "unix:a",     "unix:./a",      "unix:@a",
                "/a",         "UNIX:/a",       " unix:/a",
                "unix: /a",   "tcp:1.2.3.4:5", "unix:/a;mode=0600",
                "unix:///a;", "exec:/bin/a",   "varlink://unix",
                "unix:@/a",   "user",          "user:/a",
                "system",     "system:x",      "USER:",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); ++i)
                refuse(rows[i], ADDRESS_E_INVALID);
}

TEST(length) {
        char address[256] = "unix:/";
        size_t room = sizeof(((struct sockaddr_un *) 0)->sun_path);

        memset(address + 6, 'x', room - 2);
        expect(address, address);
        ck_assert_uint_eq(strlen(address_path(address)), room - 1);
        address[5 + room - 1] = 'x';
        refuse(address, ADDRESS_E_INVALID);
        setenv("XDG_RUNTIME_DIR", address + 5, 1);
        refuse("user:", ADDRESS_E_INVALID);
}
