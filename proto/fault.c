/* SPDX-License-Identifier: MIT */
#include "proto/fault.h"

#include <string.h>

/* fault_find() - the error of that name, or FAULT_NONE */
FaultCode fault_find(const char *name) {
        for (size_t i = FAULT_NONE + 1; i < _FAULT_N; ++i)
                if (strcmp(fault_rows[i].name, name) == 0)
                        return (FaultCode) i;
        return FAULT_NONE;
}
