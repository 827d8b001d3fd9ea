/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_PROTO_FAULT_H
#define SHMBROKER_PROTO_FAULT_H

/* The errors of the two interfaces: what a reply says in place of an answer. */

#include <stdint.h>

#include "proto/field.h"

typedef struct Fault Fault;
typedef enum FaultCode FaultCode;
typedef struct LimitFault LimitFault;
typedef struct SegmentBusyFault SegmentBusyFault;
typedef struct SegmentExistsFault SegmentExistsFault;
typedef struct SizeFault SizeFault;
typedef struct TextFault TextFault;

enum FaultCode {
        FAULT_NONE,
        /* org.varlink.service */
        FAULT_INTERFACE_NOT_FOUND,
        FAULT_METHOD_NOT_FOUND,
        FAULT_METHOD_NOT_IMPLEMENTED,
        FAULT_INVALID_PARAMETER,
        FAULT_PERMISSION_DENIED,
        FAULT_EXPECTED_MORE,
        /* org.shmbroker.Broker */
        FAULT_NO_SUCH_SEGMENT,
        FAULT_SEGMENT_EXISTS,
        FAULT_WRONG_SIZE,
        FAULT_LIMIT_REACHED,
        FAULT_SEGMENT_BUSY,
        FAULT_NO_DESCRIPTOR,
        FAULT_NOT_SUPPORTED,
        _FAULT_N,
};

/* An interface, a method, a parameter or a reason. */
struct TextFault {
        uint64_t given;
        const char *text;
};

enum {
        FAULT_SEGMENT_EXISTS_ID,
};

struct SegmentExistsFault {
        uint64_t given;
        int64_t id;
};

enum {
        FAULT_SIZE_BYTES,
        FAULT_SIZE_MINIMUM,
        FAULT_SIZE_MAXIMUM,
};

struct SizeFault {
        uint64_t given;
        int64_t size_bytes;
        int64_t minimum_bytes;
        int64_t maximum_bytes;
};

enum {
        FAULT_LIMIT_NAME,
        FAULT_LIMIT_MAXIMUM,
};

struct LimitFault {
        uint64_t given;
        const char *limit;
        int64_t maximum;
};

struct SegmentBusyFault {
        uint64_t given;
        int64_t attach_count;
};

struct Fault {
        FaultCode code;
        union {
                uint64_t given;
                TextFault text;
                SegmentExistsFault exists;
                SizeFault size;
                LimitFault limit;
                SegmentBusyFault busy;
        };
};

const char *fault_name(FaultCode code);
const Type *fault_type(FaultCode code);
FaultCode fault_find(const char *name);

#endif
