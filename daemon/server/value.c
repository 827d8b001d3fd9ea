/* SPDX-License-Identifier: MIT */
#include "daemon/server/value.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/server/size.h"
#include "proto/util.h"

static const char *const level_names[] = {
        [LOG_ERR] = "error", [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice",
        [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static const char *const hand_out_names[_HAND_OUT_N] = {
        [HAND_OUT_OWNER] = "owner",
        [HAND_OUT_EVERYONE] = "everyone",
        [HAND_OUT_NOBODY] = "nobody",
};

bool value_level(const char *text, int *ret) {
        for (size_t i = 0; i < ARRAY_SIZE(level_names); ++i)
                if (level_names[i] && strcmp(level_names[i], text) == 0) {
                        *ret = (int) i;
                        return true;
                }
        return false;
}

bool value_hand_out(const char *text, HandOut *ret) {
        for (size_t i = 0; i < _HAND_OUT_N; ++i)
                if (strcmp(hand_out_names[i], text) == 0) {
                        *ret = (HandOut) i;
                        return true;
                }
        return false;
}

static bool parse_maximum(const char *text, uint64_t *ret) {
        if (strcmp(text, "infinity") != 0)
                return size_read(text, ret);
        *ret = LIMIT_NONE;
        return true;
}

/* Permission bits, in octal. */
bool value_mode(const char *text, mode_t *ret) {
        size_t n = strlen(text);

        if (n == 0 || n > 4 || strspn(text, "01234567") != n)
                return false;
        if (strtoul(text, NULL, 8) > 0777)
                return false;
        *ret = (mode_t) strtoul(text, NULL, 8);
        return true;
}

/* -1 is no user and no group (chown(2)). */
static bool parse_id(const char *text, uint32_t *ret) {
        size_t n = strlen(text);
        unsigned long long value;

        if (n == 0 || n > 10 || strspn(text, "0123456789") != n)
                return false;
        value = strtoull(text, NULL, 10);
        if (value >= UINT32_MAX)
                return false;
        *ret = (uint32_t) value;
        return true;
}

/* A user by name, and what is no name by number; as chown(1) does it. */
bool value_user(const char *text, uid_t *ret) {
        const struct passwd *entry = getpwnam(text);

        if (entry)
                *ret = entry->pw_uid;
        return entry || parse_id(text, ret);
}

/* The same with a group. */
bool value_group(const char *text, gid_t *ret) {
        const struct group *entry = getgrnam(text);

        if (entry)
                *ret = entry->gr_gid;
        return entry || parse_id(text, ret);
}

/* The keys of [limits], which those of a tenant are as well. */
SettingResult value_limit(const char *name, const char *value, uint64_t total_maximum[_LIMIT_N],
                          uint64_t user_maximum[_LIMIT_N]) {
        uint64_t *maximum = NULL;

        for (size_t i = 0; i < _LIMIT_N; ++i) {
                if (strcmp(name, limit_total_name((Limit) i)) == 0)
                        maximum = &total_maximum[i];
                if (strcmp(name, limit_user_name((Limit) i)) == 0)
                        maximum = &user_maximum[i];
        }
        if (!maximum)
                return SETTING_UNKNOWN;
        return parse_maximum(value, maximum) ? SETTING_GOOD : SETTING_WRONG;
}
