/* SPDX-License-Identifier: MIT */
/* Any bytes as a reply, read as that of every method and as every error: what a client does. */

#include "proto/message.h"
#include "proto/scan.h"
#include "proto/types.h"
#include "tests/fuzz/fuzz.h"

/* What was read can be written, and read again. */
static void check_again(const Type *type, const void *object) {
        static char memory[1 << 22];
        static union {
                uint64_t given;
                char bytes[16384];
        } again;
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        Reply reply;

        reply_write(&writer, type, object, false);
        fuzz_check(!writer.overflow, "longer than any message");
        fuzz_check(reply_parse(memory, writer.n_data - 1, &reply) == 0,
                   "a reply of ours is broken");
        fuzz_check(reply_read(&reply, type, &again) == 0, "a reply of ours is not understood");
        fuzz_check(again.given == *(const uint64_t *) object, "something was lost");
}

static void read_as(const uint8_t *data, size_t n_data, const Type *type) {
        static union {
                uint64_t given;
                char bytes[16384];
        } object;
        char *copy = fuzz_copy(data, n_data);
        Reply reply;

        fuzz_check(type->size <= sizeof(object), "too little room");
        if (reply_parse(copy, n_data, &reply) == 0 && reply_read(&reply, type, &object) == 0)
                check_again(type, &object);
        free(copy);
}

static void read_fault(const Reply *reply) {
        static char memory[1 << 22];
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        Reply again;
        Fault fault, fault_again;

        reply_read_fault(reply, &fault);
        if (fault.code == FAULT_NONE)
                return;
        reply_write_fault(&writer, &fault);
        fuzz_check(!writer.overflow, "longer than any message");
        fuzz_check(reply_parse(memory, writer.n_data - 1, &again) == 0,
                   "an error of ours is broken");
        reply_read_fault(&again, &fault_again);
        fuzz_check(fault_again.code == fault.code, "another error");
        fuzz_check(fault_again.given == fault.given, "something was lost");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data) {
        char *copy = fuzz_copy(data, n_data);
        Reply reply;
        int r;

        r = reply_parse(copy, n_data, &reply);
        if (r == 0 && reply.error)
                read_fault(&reply);
        free(copy);
        if (r)
                return 0;
        for (size_t i = 0; i < _METHOD_N; ++i)
                if (method_rows[i].reply)
                        read_as(data, n_data, method_rows[i].reply);
        return 0;
}

FUZZ_MAIN("reply")
