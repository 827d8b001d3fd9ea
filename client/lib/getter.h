/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_LIB_GETTER_H
#define SHMBROKER_CLIENT_LIB_GETTER_H

/*
 * Getters of objects that keep what the broker said in "values": what a getter returns, its name,
 * and the member. Those of values that may be missing write them through a pointer.
 */

#include <errno.h>

#include "proto/field.h"

#define GETTER(Object, Result, getter, member)                                                     \
        Result getter(const struct Object *object) {                                               \
                return (Result) object->values.member;                                             \
        }

#define NULLABLE_GETTER(Object, Result, getter, row, member)                                       \
        int getter(const struct Object *object, Result *ret) {                                     \
                if (!GIVEN(&object->values, row))                                                  \
                        return -ENODATA;                                                           \
                *ret = (Result) object->values.member;                                             \
                return 0;                                                                          \
        }

#endif
