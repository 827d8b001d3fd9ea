/* SPDX-License-Identifier: MIT */
#include "proto/fault.h"

#include <string.h>

#include "proto/util.h"

typedef struct FaultRow FaultRow;

/* The parameters of an error are read into, and written from, the union in Fault. */
struct FaultRow {
        const char *name;
        Type type;
};

#define ROWS(array) .fields = (array), .n_fields = ARRAY_SIZE(array)
#define TEXT(key)                                                                                  \
        { FIELD_ROW(TextFault, text, key), .type = FIELD_STRING }

static const Field interface_fields[] = { TEXT("interface") };
static const Field method_fields[] = { TEXT("method") };
static const Field parameter_fields[] = { TEXT("parameter") };
static const Field reason_fields[] = { TEXT("reason") };

static const Field exists_fields[] = {
        [FAULT_SEGMENT_EXISTS_ID] = { FIELD_ROW(SegmentExistsFault, id, "id"), FIELD_ANY_INT,
                                      FIELD_NULLABLE },
};

static const Field size_fields[] = {
        [FAULT_SIZE_BYTES] = { FIELD_ROW(SizeFault, size_bytes, "sizeBytes"), FIELD_ANY_INT,
                               FIELD_NULLABLE },
        [FAULT_SIZE_MINIMUM] = { FIELD_ROW(SizeFault, minimum_bytes, "minimumBytes"),
                                 FIELD_ANY_INT },
        [FAULT_SIZE_MAXIMUM] = { FIELD_ROW(SizeFault, maximum_bytes, "maximumBytes"),
                                 FIELD_ANY_INT },
};

static const Field limit_fields[] = {
        [FAULT_LIMIT_NAME] = { FIELD_ROW(LimitFault, limit, "limit"), .type = FIELD_STRING },
        [FAULT_LIMIT_MAXIMUM] = { FIELD_ROW(LimitFault, maximum, "maximum"), FIELD_ANY_INT,
                                  FIELD_NULLABLE },
};

static const Field busy_fields[] = {
        { FIELD_ROW(SegmentBusyFault, attach_count, "attachCount"), FIELD_ANY_INT },
};

#define SERVICE "org.varlink.service."
#define BROKER "org.shmbroker.Broker."
#define SIZE .size = sizeof(((Fault *) 0)->size)

static const FaultRow fault_rows[] = {
        [FAULT_INTERFACE_NOT_FOUND] = { SERVICE "InterfaceNotFound",
                                        { SIZE, ROWS(interface_fields) } },
        [FAULT_METHOD_NOT_FOUND] = { SERVICE "MethodNotFound", { SIZE, ROWS(method_fields) } },
        [FAULT_METHOD_NOT_IMPLEMENTED] = { SERVICE "MethodNotImplemented",
                                           { SIZE, ROWS(method_fields) } },
        [FAULT_INVALID_PARAMETER] = { SERVICE "InvalidParameter",
                                      { SIZE, ROWS(parameter_fields) } },
        [FAULT_PERMISSION_DENIED] = { SERVICE "PermissionDenied", { SIZE } },
        [FAULT_EXPECTED_MORE] = { SERVICE "ExpectedMore", { SIZE } },
        [FAULT_NO_SUCH_SEGMENT] = { BROKER "NoSuchSegment", { SIZE } },
        [FAULT_SEGMENT_EXISTS] = { BROKER "SegmentExists", { SIZE, ROWS(exists_fields) } },
        [FAULT_WRONG_SIZE] = { BROKER "WrongSize", { SIZE, ROWS(size_fields) } },
        [FAULT_LIMIT_REACHED] = { BROKER "LimitReached", { SIZE, ROWS(limit_fields) } },
        [FAULT_SEGMENT_BUSY] = { BROKER "SegmentBusy", { SIZE, ROWS(busy_fields) } },
        [FAULT_NO_DESCRIPTOR] = { BROKER "NoDescriptor", { SIZE } },
        [FAULT_NOT_SUPPORTED] = { BROKER "NotSupported", { SIZE, ROWS(reason_fields) } },
};

/* fault_name() - the name with its interface, as it stands in "error" */
const char *fault_name(FaultCode code) {
        return fault_rows[code].name;
}

/* fault_type() - the parameters, a structure that begins where Fault.given is */
const Type *fault_type(FaultCode code) {
        return &fault_rows[code].type;
}

/* fault_find() - the error of that name, or FAULT_NONE */
FaultCode fault_find(const char *name) {
        for (size_t i = FAULT_NONE + 1; i < _FAULT_N; ++i)
                if (strcmp(fault_rows[i].name, name) == 0)
                        return (FaultCode) i;
        return FAULT_NONE;
}
