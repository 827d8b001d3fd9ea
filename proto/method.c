/* SPDX-License-Identifier: MIT */
#include "proto/method.h"

#include <string.h>

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
