/* SPDX-License-Identifier: MIT */
#include "proto/method.h"

#include <string.h>

#include "proto/types.h"
#include "proto/util.h"

#define SERVICE "org.varlink.service."
#define BROKER "org.shmbroker.Broker."

const MethodRow method_rows[_METHOD_N] = {
        [METHOD_GET_INFO] = {
                .name = SERVICE "GetInfo",
                .parameters = &no_parameters_type,
                .reply = &get_info_reply_type,
        },
        [METHOD_GET_INTERFACE_DESCRIPTION] = {
                .name = SERVICE "GetInterfaceDescription",
                .parameters = &description_parameters_type,
                .reply = &description_reply_type,
        },
        [METHOD_ACQUIRE] = {
                .name = BROKER "Acquire",
                .n_fds_out = 1,
                .parameters = &acquire_parameters_type,
                .reply = &acquire_reply_type,
        },
        [METHOD_REMOVE] = {
                .name = BROKER "Remove",
                .parameters = &segment_parameters_type,
                .reply = &remove_reply_type,
        },
        [METHOD_STAT] = {
                .name = BROKER "Stat",
                .parameters = &segment_parameters_type,
                .reply = &segment_reply_type,
        },
        [METHOD_LIST_ATTACHMENTS] = {
                .name = BROKER "ListAttachments",
                .more = true,
                .parameters = &segment_parameters_type,
                .reply = &attachment_reply_type,
        },
        [METHOD_LIST] = {
                .name = BROKER "List",
                .more = true,
                .parameters = &list_parameters_type,
                .reply = &list_reply_type,
        },
        [METHOD_SET_ATTRIBUTES] = {
                .name = BROKER "SetAttributes",
                .parameters = &set_attributes_parameters_type,
                .reply = &segment_reply_type,
        },
        [METHOD_RESIZE] = {
                .name = BROKER "Resize",
                .parameters = &resize_parameters_type,
                .reply = &segment_reply_type,
        },
        [METHOD_SEAL] = {
                .name = BROKER "Seal",
                .parameters = &seal_parameters_type,
                .reply = &segment_reply_type,
        },
        [METHOD_PUBLISH] = {
                .name = BROKER "Publish",
                .parameters = &publish_parameters_type,
                .reply = &publish_reply_type,
        },
        [METHOD_ADOPT] = {
                .name = BROKER "Adopt",
                .n_fds_in = 1,
                .parameters = &adopt_parameters_type,
                .reply = &segment_reply_type,
        },
        [METHOD_WATCH] = {
                .name = BROKER "Watch",
                .more = true,
                .parameters = &watch_parameters_type,
                .reply = &watch_reply_type,
        },
        [METHOD_LIST_USERS] = {
                .name = BROKER "ListUsers",
                .more = true,
                .parameters = &no_parameters_type,
                .reply = &user_reply_type,
        },
        [METHOD_GET_STATUS] = {
                .name = BROKER "GetStatus",
                .parameters = &no_parameters_type,
                .reply = &status_reply_type,
        },
};

/**
 * method_find() - look a method up
 * @name:       its name, with that of its interface before the last dot
 * @ret:        the method
 *
 * Return: 0, METHOD_E_NO_INTERFACE if nothing of that interface is served, or METHOD_E_NO_METHOD if
 *         the interface is, or if no interface is named.
 */
int method_find(const char *name, Method *ret) {
        const char *dot = strrchr(name, '.');
        unsigned int interface;

        for (size_t i = 0; i < _METHOD_N; ++i)
                if (strcmp(method_rows[i].name, name) == 0) {
                        *ret = (Method) i;
                        return 0;
                }
        if (!dot)
                return METHOD_E_NO_METHOD;
        for (interface = 0; interface < interface_names.n_names; ++interface) {
                const char *served = interface_names.names[interface];

                if (strncmp(served, name, (size_t) (dot - name)) == 0 && !served[dot - name])
                        return METHOD_E_NO_METHOD;
        }
        return METHOD_E_NO_INTERFACE;
}
