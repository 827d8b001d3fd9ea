/* SPDX-License-Identifier: MIT */
#include "tests/support/kinds.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/native.h"

Wire wire;

void kinds_up(const Setup *setup) {
        native_begin();
        fixture_up(setup);
        wire_open(&wire);
}

void kinds_down(void) {
        wire_close(&wire);
        fixture_down();
        native_end();
}

bool capable(unsigned int capability) {
        return prctl(PR_CAPBSET_READ, capability) == 1 && geteuid() == 0;
}

int make_as(Kind kind, uint32_t key, bool transient, AcquireReply *reply) {
        AcquireParameters parameters = {};

        GIVE_VALUE(&parameters, ACQUIRE_NAME, name, NAME);
        GIVE_VALUE(&parameters, ACQUIRE_CREATE, create, CREATE_NEW);
        GIVE_VALUE(&parameters, ACQUIRE_SIZE_BYTES, size_bytes, SIZE);
        GIVE_VALUE(&parameters, ACQUIRE_KIND, kind, kind);
        if (kind == KIND_SYSV)
                GIVE_VALUE(&parameters, ACQUIRE_KEY, key, key);
        if (kind == KIND_POSIX)
                GIVE_VALUE(&parameters, ACQUIRE_POSIX_NAME, posix_name, native_name("0"));
        GIVE_VALUE(&parameters, ACQUIRE_REMOVE_ON_LAST_DETACH, remove_on_last_detach, transient);
        return wire_acquire(&wire, &parameters, reply);
}

SegmentInfo info(void) {
        SegmentInfo info;

        ck_assert_int_eq(wire_stat(&wire, NAME, &info), FAULT_NONE);
        return info;
}

void wait_until_gone(void) {
        SegmentInfo info;

        for (int i = 0; i < 2000; ++i) {
                if (wire_stat(&wire, NAME, &info) == FAULT_NO_SUCH_SEGMENT)
                        return;
                usleep(5000);
        }
        ck_abort_msg("the segment is still there");
}
