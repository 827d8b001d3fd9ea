#ifndef SHMBROKER_DAEMON_SETTINGS_H
#define SHMBROKER_DAEMON_SETTINGS_H

/* The configuration file, shmbroker.conf(5): limits and how much is logged. */

#include <stdbool.h>

#include "daemon/limits.h"

typedef enum HandOut HandOut;
typedef struct Settings Settings;

/* To whom descriptors for writing are given */
enum HandOut {
        HAND_OUT_EVERYONE,
        HAND_OUT_OWNER,
        HAND_OUT_NOBODY,
        _HAND_OUT_N,
};

enum {
        _SETTINGS_E_SUCCESS,
        /* There is no such file */
        SETTINGS_E_NONE,
        /* The file says something that is not understood, which has been logged; nothing is taken
         */
        SETTINGS_E_INVALID,
};

struct Settings {
        uint64_t total_maximum[_LIMIT_N];
        uint64_t user_maximum[_LIMIT_N];
        int log_level;
        HandOut sysv_descriptors;
};

int settings_read(const char *path, Settings *settings);

#endif
