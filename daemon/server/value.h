/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_SERVER_VALUE_H
#define SHMBROKER_DAEMON_SERVER_VALUE_H

/* What can stand behind a key of the configuration file. Each returns whether the text is one, and
 * changes nothing else. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/kind/kind.h"
#include "daemon/model/limits.h"

typedef enum SettingResult SettingResult;

/* What came of one line. */
enum SettingResult {
        SETTING_GOOD,
        /* No such section, or no such key in it, in this version at least */
        SETTING_NO_SECTION,
        SETTING_UNKNOWN,
        SETTING_WRONG,
};

bool value_level(const char *text, int *ret);
bool value_hand_out(const char *text, HandOut *ret);
bool value_mode(const char *text, mode_t *ret);
bool value_user(const char *text, uid_t *ret);
bool value_group(const char *text, gid_t *ret);

SettingResult value_limit(const char *name, const char *value, uint64_t total_maximum[_LIMIT_N],
                          uint64_t user_maximum[_LIMIT_N]);

#endif
