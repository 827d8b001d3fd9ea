/* SPDX-License-Identifier: MIT */
#include "client/ctl/value.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "client/ctl/size.h"

typedef struct Words Words;

/* All that an argument of that name can be. */
struct Words {
        const char *argument;
        const char *const *words;
};

static const char *const kinds[] = {
        [SHMBROKER_KIND_MEMFD] = "memfd",
        [SHMBROKER_KIND_POSIX] = "posix",
        [SHMBROKER_KIND_SYSV] = "sysv",
        [SHMBROKER_KIND_FILE] = "file",
        NULL,
};

static const char *const booleans[] = { "no", "yes", NULL };

/* Those that can be asked for. */
static const char *const seals[] = { "write", "futureWrite", "exec", "seal", NULL };
static const unsigned int seal_bits[] = { SHMBROKER_SEAL_WRITE, SHMBROKER_SEAL_FUTURE_WRITE,
                                          SHMBROKER_SEAL_EXEC, SHMBROKER_SEAL_SEAL };

/* What a watch can be narrowed to: the others are told in any case. */
static const char *const events[] = { "existing", "created", "published", "attached", "detached",
                                      "changed",  "removed", "destroyed", NULL };
static const unsigned int event_bits[] = {
        1U << SHMBROKER_EVENT_EXISTING,  1U << SHMBROKER_EVENT_CREATED,
        1U << SHMBROKER_EVENT_PUBLISHED, 1U << SHMBROKER_EVENT_ATTACHED,
        1U << SHMBROKER_EVENT_DETACHED,  1U << SHMBROKER_EVENT_CHANGED,
        1U << SHMBROKER_EVENT_REMOVED,   1U << SHMBROKER_EVENT_DESTROYED,
};

static const Words all_words[] = {
        { "BOOLEAN", booleans },
        { "EVENTS", events },
        { "KIND", kinds },
        { "SEALS", seals },
};

/* value_words() - all that an argument can be, ending in NULL; NULL if that is not a few words */
const char *const *value_words(const char *argument) {
        for (size_t i = 0; i < ARRAY_SIZE(all_words); ++i)
                if (strcmp(all_words[i].argument, argument) == 0)
                        return all_words[i].words;
        return NULL;
}

static int find_word(const char *const *words, const char *text, size_t n_text) {
        for (int i = 0; words[i]; ++i)
                if (strncmp(words[i], text, n_text) == 0 && !words[i][n_text])
                        return i;
        return -ENOENT;
}

/* A number from 0 to @maximum and nothing else. */
static int read_number(const char *text, int base, uintmax_t maximum, uintmax_t *ret) {
        uintmax_t number;
        char *end;

        /* strtoumax() takes blanks and signs too. */
        if (*text < '0' || *text > '9')
                return -EINVAL;
        errno = 0;
        number = strtoumax(text, &end, base);
        if (errno || *end || number > maximum)
                return -EINVAL;
        *ret = number;
        return 0;
}

int value_boolean(const Ctl *ctl, const char *what, const char *text, bool *ret) {
        int i = find_word(booleans, text, strlen(text));

        if (i < 0)
                return ctl_usage(ctl, "%s: '%s' is neither yes nor no", what, text);
        *ret = i == 1;
        return 0;
}

int value_group(const Ctl *ctl, const char *what, const char *text, gid_t *ret) {
        const struct group *group = getgrnam(text);
        uintmax_t gid;

        if (group)
                gid = group->gr_gid;
        else if (read_number(text, 10, UINT32_MAX - 1, &gid))
                return ctl_usage(ctl, "%s: there is no group '%s'", what, text);
        *ret = (gid_t) gid;
        return 0;
}

int value_id(const Ctl *ctl, const char *what, const char *text, int64_t *ret) {
        uintmax_t id;

        if (read_number(text, 10, INT64_MAX, &id))
                return ctl_usage(ctl, "%s: '%s' is not the id of a segment", what, text);
        *ret = (int64_t) id;
        return 0;
}

int value_key(const Ctl *ctl, const char *what, const char *text, uint32_t *ret) {
        uintmax_t key;

        if (read_number(text, 0, UINT32_MAX, &key))
                return ctl_usage(ctl,
                                 "%s: '%s' is not a System V key; 4660 and 0x1234 are, up to 32 "
                                 "bits",
                                 what, text);
        *ret = (uint32_t) key;
        return 0;
}

int value_kind(const Ctl *ctl, const char *what, const char *text, int *ret) {
        int i = find_word(kinds, text, strlen(text));

        if (i < 0)
                return ctl_usage(ctl,
                                 "%s: '%s' is not a kind; there are memfd, posix, sysv and file",
                                 what, text);
        *ret = i;
        return 0;
}

int value_mode(const Ctl *ctl, const char *what, const char *text, mode_t *ret) {
        uintmax_t mode;

        if (read_number(text, 8, 0777, &mode))
                return ctl_usage(ctl, "%s: '%s' is not a mode; it has to be octal, from 0 to 0777",
                                 what, text);
        *ret = (mode_t) mode;
        return 0;
}

int value_pid(const Ctl *ctl, const char *what, const char *text, pid_t *ret) {
        uintmax_t pid;

        if (read_number(text, 10, INT32_MAX, &pid) || pid == 0)
                return ctl_usage(ctl, "%s: '%s' is not the number of a process", what, text);
        *ret = (pid_t) pid;
        return 0;
}

/* Each of the words in a list with commas; bits are their places. Return: whether all are known,
 * else *ret_wrong is the one that is not. */
static bool read_words(const char *const *words, const char *text, unsigned int *ret,
                       const char **ret_wrong) {
        *ret = 0;
        for (const char *at = text;; ++at) {
                size_t n = strcspn(at, ",");
                int i = find_word(words, at, n);

                *ret_wrong = at;
                if (i < 0)
                        return false;
                *ret |= 1U << i;
                at += n;
                if (!*at)
                        return true;
        }
}

static unsigned int sum_bits(unsigned int places, const unsigned int *bits) {
        unsigned int sum = 0;

        for (size_t i = 0; places >> i; ++i)
                if (places >> i & 1U)
                        sum |= bits[i];
        return sum;
}

int value_events(const Ctl *ctl, const char *what, const char *text, unsigned int *ret) {
        const char *wrong;
        unsigned int places;

        if (!read_words(events, text, &places, &wrong))
                return ctl_usage(ctl,
                                 "%s: '%.*s' is not an event; there are existing, created, "
                                 "published, attached, detached, changed, removed and destroyed, "
                                 "with commas between them",
                                 what, (int) strcspn(wrong, ","), wrong);
        *ret = sum_bits(places, event_bits);
        return 0;
}

int value_seals(const Ctl *ctl, const char *what, const char *text, unsigned int *ret) {
        const char *wrong;
        unsigned int places;

        if (!read_words(seals, text, &places, &wrong))
                return ctl_usage(ctl,
                                 "%s: '%.*s' is not a seal; there are write, futureWrite, "
                                 "exec and seal, with commas between them",
                                 what, (int) strcspn(wrong, ","), wrong);
        *ret = sum_bits(places, seal_bits);
        return 0;
}

int value_shmid(const Ctl *ctl, const char *what, const char *text, int *ret) {
        uintmax_t shmid;

        if (read_number(text, 10, INT32_MAX, &shmid))
                return ctl_usage(ctl, "%s: '%s' is not the identifier of a System V segment", what,
                                 text);
        *ret = (int) shmid;
        return 0;
}

int value_size(const Ctl *ctl, const char *what, const char *text, uint64_t *ret) {
        switch (size_parse(text, ret)) {
        case 0:
                return 0;
        case -ERANGE:
                return ctl_usage(ctl, "%s: the size '%s' is too large", what, text);
        default:
                return ctl_usage(ctl, "%s: '%s' is not a size; 4096, 64K, 2GiB or 1.5G are", what,
                                 text);
        }
}

int value_time(const Ctl *ctl, const char *what, const char *text, uint64_t *ret_usec) {
        switch (duration_parse(text, ret_usec)) {
        case 0:
                return 0;
        case -ERANGE:
                return ctl_usage(ctl, "%s: the time '%s' is too long", what, text);
        default:
                return ctl_usage(ctl, "%s: '%s' is not a time; 500ms, 10s, 2min or 1h are", what,
                                 text);
        }
}

int value_user(const Ctl *ctl, const char *what, const char *text, uid_t *ret) {
        const struct passwd *user = getpwnam(text);
        uintmax_t uid;

        if (user)
                uid = user->pw_uid;
        else if (read_number(text, 10, UINT32_MAX - 1, &uid))
                return ctl_usage(ctl, "%s: there is no user '%s'", what, text);
        *ret = (uid_t) uid;
        return 0;
}
