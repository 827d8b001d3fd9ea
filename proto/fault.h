/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FAULT_H
#define SHMBROKER_PROTO_FAULT_H

/* The errors of the two interfaces: what a reply says in place of an answer. */

#include "proto/interface.h"

typedef struct Fault Fault;
typedef struct FaultRow FaultRow;
typedef struct TextFault TextFault;

struct FaultRow {
        /* With its interface, as it stands in "error" */
        const char *name;
        /* Its parameters, in a structure that begins where Fault.given is */
        const Type *type;
};

/* An interface, a method or a parameter: the structures of those that have one string. */
struct TextFault {
        uint64_t given;
        const char *text;
};

struct Fault {
        FaultCode code;
        union {
                uint64_t given;
                TextFault text;
                SegmentExistsFault exists;
                WrongSizeFault size;
                LimitReachedFault limit;
                SegmentBusyFault busy;
                SegmentUnavailableFault unavailable;
                NotSupportedFault not_supported;
                ForeignSegmentFault foreign;
        };
};

/* Made: see interface.awk */
extern const FaultRow fault_rows[_FAULT_N];

FaultCode fault_find(const char *name);

#endif
