/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_MODEL_LIMITS_H
#define SHMBROKER_DAEMON_MODEL_LIMITS_H

/*
 * Who has how much, and how much may be had: in all and by each user. Everything that a client can
 * make the broker keep is charged before it is kept; the charge stands beside the thing, and goes
 * with it.
 *
 * A user may have its limit, and no more than its share: a part of what the others leave, which
 * becomes smaller with each of them. So no number of users, such as all the subordinate uids of one
 * person, takes everything.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/budget.h"
#include "daemon/base/closer.h"
#include "daemon/base/rounds.h"
#include "daemon/base/worker.h"

typedef struct Accounts Accounts;
typedef struct Charge Charge;
typedef enum Limit Limit;
typedef struct LimitReached LimitReached;
typedef struct Resources Resources;
typedef struct Tenant Tenant;
typedef struct User User;

enum Limit {
        LIMIT_SEGMENTS,
        LIMIT_BYTES,
        LIMIT_ATTACHMENTS,
        LIMIT_CONNECTIONS,
        /* Bytes of calls that are not whole yet, or have to wait */
        LIMIT_INPUT,
        /* Bytes of replies that the socket did not take */
        LIMIT_OUTPUT,
        /* Descriptors that were sent and not read, as far as is known */
        LIMIT_UNREAD,
        /* Descriptors that came from clients, and are being closed */
        LIMIT_DISCARDED,
        /* Calls that cannot be answered yet */
        LIMIT_WAITING,
        LIMIT_WATCHES,
        /* Bytes locked in memory */
        LIMIT_LOCKED,
        /* Bytes of segments with huge pages, which come from a pool of the host's */
        LIMIT_HUGE,
        _LIMIT_N,
};

/* A limit that is not set */
#define LIMIT_NONE UINT64_MAX

/* What is reached that is no limit of the broker's */
#define LIMIT_NAME_MEMORY "memory"
#define LIMIT_NAME_DESCRIPTORS "descriptors"

enum {
        _CHARGE_E_SUCCESS,
        CHARGE_E_LIMIT,
};

/* What there is to be shared. */
struct Resources {
        /* Memory of the host, and of that in huge pages */
        uint64_t memory_bytes;
        uint64_t huge_bytes;
        /* Memory that the broker may lock (RLIMIT_MEMLOCK) */
        uint64_t lockable_bytes;
        /* Descriptors that the broker may have open; it may also have so many under way to clients
         * (unix(7), ETOOMANYREFS) */
        uint64_t n_descriptors;
        /* A segment may take two of them, and not one */
        bool two_per_segment;
};

struct User {
        Accounts *accounts;
        uid_t uid;
        /* Whatever names the user: connections and charges */
        size_t n_references;
        /* CLOCK_BOOTTIME: what its clients have read is not looked at until then */
        uint64_t look_pause_usec;
        uint64_t used[_LIMIT_N];
        /* So much of it was found after the fact, and counts for this user alone: Charge.found */
        uint64_t found[_LIMIT_N];
        /* Attachments on record of which only the marks were found, in segments of this user */
        size_t n_found_marks;
        /* What may be spent on counting attachments because its clients ask, and otherwise; and on
         * looking at what memory segments take */
        Budget asked;
        Budget counted;
        Budget looked;
        DiscardOrigin discarded;
        /* Its connections that have something to do, and what takes long */
        RoundParty turns;
        WorkerParty work;
        /* Those of the connection that was made last and has them still, or NULL */
        struct Groups *groups;
        struct User *next;
        struct User *prev;
};

struct Accounts {
        /* A tenant's are a part of the host's; both are NULL for the host's own */
        Accounts *whole;
        const Tenant *tenant;
        uint64_t total_maximum[_LIMIT_N];
        uint64_t user_maximum[_LIMIT_N];
        uint64_t total_used[_LIMIT_N];
        User *users;
        /* The same of all its users, for a tenant's */
        RoundParty turns;
};

/*
 * So much of one thing, charged to one user, or nothing. What a thing turns out to be more than it
 * was made, because somebody made it larger without asking, is found: it counts for its user, who
 * meets limits by it, and not for all, so that others do not.
 */
struct Charge {
        User *user;
        Limit limit;
        uint64_t amount;
        uint64_t found;
};

#define CHARGE_NULL                                                                                \
        {}

/* Which limit it was. */
struct LimitReached {
        const char *name;
        /* LIMIT_NONE if it is not known */
        uint64_t maximum;
        /* How much more was asked for, 0 if that cannot be told, and then what is used already
         * cannot either; nor may a tenant know what others use: LIMIT_NONE */
        uint64_t requested;
        uint64_t used;
};

void accounts_init(Accounts *accounts, const Resources *resources);
void accounts_init_part(Accounts *accounts, Accounts *whole, const Tenant *tenant);
void accounts_deinit(Accounts *accounts);

const char *limit_total_name(Limit limit);
const char *limit_user_name(Limit limit);

User *accounts_user(Accounts *accounts, uid_t uid);
User *accounts_next(const Accounts *accounts, int64_t after_uid);
User *user_ref(User *user);
User *user_unref(User *user);

uint64_t user_share(const User *user, Limit limit);

int charge_take(Charge *charge, User *user, Limit limit, uint64_t amount,
                LimitReached *ret_reached);
int charge_take_unshared(Charge *charge, User *user, Limit limit, uint64_t amount,
                         LimitReached *ret_reached);
void charge_join(Charge *charge, Charge *more);
void charge_reduce(Charge *charge, uint64_t amount);
void charge_anyway(Charge *charge, User *user, Limit limit, uint64_t amount);
void charge_force(Charge *charge, uint64_t amount);
void charge_give_back(Charge *charge);
Charge steal_charge(Charge *charge);

#endif
