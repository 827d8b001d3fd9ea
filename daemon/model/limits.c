/* SPDX-License-Identifier: MIT */
#include "daemon/model/limits.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/base/table.h"
#include "proto/util.h"

/* Attachments of a user, and of all: each costs the broker a hundred bytes, and the kernel a lock.
 */
#define ATTACHMENTS_PER_USER (UINT64_C(1) << 16)
#define ATTACHMENTS (ATTACHMENTS_PER_USER * 4)

/* Calls come whole, as a rule, and then nothing is kept: this is for those who do otherwise, and
 * who send many without reading the replies. */
#define INPUT_BYTES_PER_USER (UINT64_C(64) << 20)
#define INPUT_BYTES (INPUT_BYTES_PER_USER * 4)

/* One that does not read has one reply waiting, of 64 KiB at most. */
#define OUTPUT_BYTES_PER_USER (UINT64_C(16) << 20)
#define OUTPUT_BYTES (OUTPUT_BYTES_PER_USER * 4)

/* Each is told every change, by a broker that has one thread. */
#define WATCHES_PER_USER 256U
#define WATCHES (WATCHES_PER_USER * 4)

/* Mostly there is none: each that there is may take a thread for as long as its sender likes. */
#define DISCARDED_PER_USER 32U
#define DISCARDED (DISCARDED_PER_USER * 16)

/* More than any host has; a million of these are less than 2^64 */
#define FOUND_MAX (UINT64_C(1) << 43)

typedef struct LimitNames LimitNames;
typedef struct Party Party;

/* As GetStatus() and LimitReached() call them. */
struct LimitNames {
        const char *total;
        const char *user;
};

struct Party {
        const Accounts *whole;
        uint64_t used;
        /* What the others have */
        uint64_t others;
        /* Its own limit, and what that is called */
        uint64_t maximum;
        const char *name;
        /* It is a tenant, with others beside it */
        bool is_tenant;
};

#define NAMES(name)                                                                                \
        { .total = (name), .user = name "PerUser" }

static const LimitNames limit_names[_LIMIT_N] = {
        [LIMIT_SEGMENTS] = NAMES("segments"),
        [LIMIT_BYTES] = NAMES("bytes"),
        [LIMIT_ATTACHMENTS] = NAMES("attachments"),
        [LIMIT_CONNECTIONS] = NAMES("connections"),
        [LIMIT_INPUT] = NAMES("inputBytes"),
        [LIMIT_OUTPUT] = NAMES("outputBytes"),
        [LIMIT_UNREAD] = NAMES("unreadDescriptors"),
        [LIMIT_WAITING] = NAMES("waitingCalls"),
        [LIMIT_DISCARDED] = NAMES("discardedDescriptors"),
        [LIMIT_WATCHES] = NAMES("watches"),
        [LIMIT_LOCKED] = NAMES("lockedBytes"),
        [LIMIT_HUGE] = NAMES("hugeBytes"),
};

const char *limit_total_name(Limit limit) {
        return limit_names[limit].total;
}

const char *limit_user_name(Limit limit) {
        return limit_names[limit].user;
}

/**
 * accounts_init() - set the limits to what this host can bear
 * @accounts:   the object
 * @resources:  what the host has
 *
 * In all, half of the memory may be shared; each connection takes a descriptor and each segment one
 * or two, and some are left for the broker itself. A user gets half of what there is, so that one
 * of them alone never takes what others need; see user_share() for many of them. Of huge pages
 * there is no more than there is in any case.
 */
void accounts_init(Accounts *accounts, const Resources *resources) {
        uint64_t n_descriptors = resources->n_descriptors;

        *accounts = (Accounts){
                .total_maximum = {
                        [LIMIT_SEGMENTS] = MAX(n_descriptors / (resources->two_per_segment ? 4 : 2), 1U),
                        [LIMIT_BYTES] = resources->memory_bytes / 2,
                        [LIMIT_ATTACHMENTS] = ATTACHMENTS,
                        [LIMIT_CONNECTIONS] = MAX(n_descriptors / 4, 2U),
                        [LIMIT_INPUT] = INPUT_BYTES,
                        [LIMIT_OUTPUT] = OUTPUT_BYTES,
                        [LIMIT_UNREAD] = MAX(n_descriptors / 2, 2U),
                        [LIMIT_WAITING] = MAX(n_descriptors / 4, 2U),
                        [LIMIT_DISCARDED] = DISCARDED,
                        [LIMIT_WATCHES] = WATCHES,
                        [LIMIT_LOCKED] = MIN(resources->lockable_bytes,
                                              resources->memory_bytes / 4),
                        [LIMIT_HUGE] = LIMIT_NONE,
                },
        };
        for (size_t i = 0; i < _LIMIT_N; ++i)
                accounts->user_maximum[i] = accounts->total_maximum[i] / 2;
        accounts->user_maximum[LIMIT_ATTACHMENTS] = ATTACHMENTS_PER_USER;
        accounts->user_maximum[LIMIT_INPUT] = INPUT_BYTES_PER_USER;
        accounts->user_maximum[LIMIT_OUTPUT] = OUTPUT_BYTES_PER_USER;
        accounts->user_maximum[LIMIT_DISCARDED] = DISCARDED_PER_USER;
        accounts->user_maximum[LIMIT_WATCHES] = WATCHES_PER_USER;
        accounts->user_maximum[LIMIT_HUGE] = resources->huge_bytes / 2;
}

/* accounts_init_part() - accounts of a tenant, which has at first as much as a user of the host */
void accounts_init_part(Accounts *accounts, Accounts *whole, const Tenant *tenant) {
        *accounts = (Accounts){ .whole = whole, .tenant = tenant };
        for (size_t i = 0; i < _LIMIT_N; ++i) {
                accounts->total_maximum[i] = whole->user_maximum[i];
                accounts->user_maximum[i] = LIMIT_NONE;
        }
}

void accounts_deinit(_unused_ Accounts *accounts) {
        assert(!accounts->users);
        for (size_t i = 0; i < _LIMIT_N; ++i)
                assert(accounts->total_used[i] == 0);
}

/**
 * accounts_user() - the account of a user
 * @accounts:   all of them
 * @uid:        the user
 *
 * Users are few, and looked up once for each connection.
 *
 * Return: a new reference, or NULL if there is no memory.
 */
User *accounts_user(Accounts *accounts, uid_t uid) {
        User *user;

        DL_FOREACH(accounts->users, user)
                if (user->uid == uid)
                        return user_ref(user);
        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->accounts = accounts;
        user->uid = uid;
        user->n_references = 1;
        DL_APPEND(accounts->users, user);
        return user;
}

/* accounts_next() - the user that follows in the order of uids, -1 to begin; or NULL */
User *accounts_next(const Accounts *accounts, int64_t after_uid) {
        User *user, *next = NULL;

        DL_FOREACH(accounts->users, user)
                if (user->uid > after_uid && (!next || user->uid < next->uid))
                        next = user;
        return next;
}

User *user_ref(User *user) {
        if (user)
                ++user->n_references;
        return user;
}

User *user_unref(User *user) {
        if (!user || --user->n_references > 0)
                return NULL;
        for (size_t i = 0; i < _LIMIT_N; ++i)
                assert(user->used[i] == 0 && user->found[i] == 0);
        DL_DELETE(user->accounts->users, user);
        free(user);
        return NULL;
}

static bool limits_exceeds(uint64_t used, uint64_t amount, uint64_t maximum) {
        uint64_t sum;

        return __builtin_add_overflow(used, amount, &sum) || sum > maximum;
}

/* What a user has is part of what all have, but for what was found; less is what overflows. */
static void add_used(User *user, Limit limit, uint64_t amount, uint64_t found) {
        user->used[limit] += amount;
        user->found[limit] += found;
        for (Accounts *accounts = user->accounts; accounts; accounts = accounts->whole)
                accounts->total_used[limit] += amount - found;
}

/* charge_anyway() - charge a user for what is there already, whatever the limit is */
void charge_anyway(Charge *charge, User *user, Limit limit, uint64_t amount) {
        assert(!charge->user);
        add_used(user, limit, amount, 0);
        *charge = (Charge){ .user = user_ref(user), .limit = limit, .amount = amount };
}

/*
 * @value * @part / @whole, rounded up; @part is not more than @whole, which is not 0. Of a whole
 * beyond 32 bits, the first 32 are enough.
 */
static uint64_t scale_up(uint64_t value, uint64_t part, uint64_t whole) {
        while (whole > UINT32_MAX) {
                part = part / 2 + part % 2;
                whole = whole / 2 + whole % 2;
        }
        return value / whole * part + (value % whole * part + whole - 1) / whole;
}

/* Who shares a whole with others: a user of its accounts, or a tenant, which is one of the host. */
static Party party_of_user(const User *user, Limit limit) {
        return (Party){
                .whole = user->accounts,
                .used = user->used[limit],
                .others = user->accounts->total_used[limit] -
                          (user->used[limit] - user->found[limit]),
                .maximum = user->accounts->user_maximum[limit],
                .name = limit_names[limit].user,
        };
}

static Party party_of_tenant(const Accounts *accounts, Limit limit) {
        return (Party){
                .whole = accounts->whole,
                .used = accounts->total_used[limit],
                .others = accounts->whole->total_used[limit] - accounts->total_used[limit],
                .maximum = accounts->total_maximum[limit],
                .name = limit_names[limit].total,
                .is_tenant = true,
        };
}

/*
 * Who is alone may have half of the total, or its own limit if that is more. Where others have
 * something, this is scaled by the part that they leave, twice: once would let each next one take
 * half of the rest, and a dozen of them nearly all; so the k-th of those who take all they can
 * still leaves 1/(k+1) of the total. Rounding up makes the last units usable. It is called at each
 * charge, so it must not look at the others one by one.
 */
static uint64_t party_share(const Party *party, Limit limit) {
        uint64_t total = party->whole->total_maximum[limit];
        uint64_t others = party->others, left, share;

        if (total == LIMIT_NONE)
                return party->maximum;
        if (others >= total)
                return 0;
        left = total - others;
        share = MAX(total / 2 + total % 2, MIN(party->maximum, total));
        share = scale_up(scale_up(share, left, total), left, total);
        return MIN(MIN(share, party->maximum), left);
}

/**
 * user_share() - how much a user may have as things are
 * @user:       the user
 * @limit:      of what
 *
 * Return: the share, which is not more than the limit of a user, nor than what the others leave, of
 *         a user of a tenant the other tenants and the host too.
 */
uint64_t user_share(const User *user, Limit limit) {
        const Accounts *accounts = user->accounts;
        Party party = party_of_user(user, limit);
        uint64_t share = party_share(&party, limit), others, whole;

        if (!accounts->whole)
                return share;
        others = party.others;
        party = party_of_tenant(accounts, limit);
        whole = party_share(&party, limit);
        return whole == LIMIT_NONE ? share : MIN(share, MAX(whole, others) - others);
}

/* What all others have is nothing that a tenant is told. */
static uint64_t told_used(const Party *party, Limit limit) {
        return party->is_tenant ? LIMIT_NONE : party->whole->total_used[limit];
}

/* The total comes before the share, which is too small then as well: it can be raised. */
static int check_party(const Party *party, Limit limit, uint64_t amount, bool shares,
                       LimitReached *ret_reached) {
        uint64_t share = shares ? party_share(party, limit) : party->maximum;
        uint64_t total = party->whole->total_maximum[limit];
        LimitReached reached = {
                .name = party->name,
                .maximum = share,
                .requested = amount,
                .used = party->used,
        };

        if (!limits_exceeds(party->used, amount, party->maximum) &&
            limits_exceeds(party->whole->total_used[limit], amount, total)) {
                reached.name = limit_names[limit].total;
                reached.maximum = total;
                reached.used = told_used(party, limit);
        } else if (!limits_exceeds(party->used, amount, MIN(share, party->maximum))) {
                return 0;
        }
        *ret_reached = reached;
        return CHARGE_E_LIMIT;
}

static int check_limits(const User *user, Limit limit, uint64_t amount, bool shares,
                        LimitReached *ret_reached) {
        const Accounts *accounts = user->accounts;
        Party party = party_of_user(user, limit);
        int r;

        r = check_party(&party, limit, amount, shares, ret_reached);
        if (r || !accounts->whole)
                return r;
        party = party_of_tenant(accounts, limit);
        return check_party(&party, limit, amount, shares, ret_reached);
}

/**
 * charge_take() - charge a user for something that is about to be made
 * @charge:     beside the thing; nothing is on it yet
 * @user:       who pays
 * @limit:      for what
 * @amount:     how much
 * @ret_reached: which limit is in the way; that of the user with its share as the maximum, and so
 *              that of a tenant
 *
 * What a user has stays, however small its share becomes.
 *
 * Return: 0, or CHARGE_E_LIMIT, and then nothing was charged.
 */
int charge_take(Charge *charge, User *user, Limit limit, uint64_t amount,
                LimitReached *ret_reached) {
        int r;

        r = check_limits(user, limit, amount, true, ret_reached);
        if (r)
                return r;
        charge_anyway(charge, user, limit, amount);
        return 0;
}

/* charge_take_unshared() - the same for a user who may have all that is left, up to its limit */
int charge_take_unshared(Charge *charge, User *user, Limit limit, uint64_t amount,
                         LimitReached *ret_reached) {
        int r;

        r = check_limits(user, limit, amount, false, ret_reached);
        if (r)
                return r;
        charge_anyway(charge, user, limit, amount);
        return 0;
}

/* charge_join() - put what is on @more on @charge, which is for the same, or empty */
void charge_join(Charge *charge, Charge *more) {
        Charge joined = steal_charge(more);

        joined.amount += charge->amount;
        joined.found += charge->found;
        if (charge->user) {
                assert(charge->user == joined.user && charge->limit == joined.limit);
                user_unref(charge->user);
        }
        *charge = joined;
}

/* charge_reduce() - some of it is gone, what was found first */
void charge_reduce(Charge *charge, uint64_t amount) {
        uint64_t found = MIN(charge->found, amount);

        assert(charge->user && charge->amount >= amount);
        add_used(charge->user, charge->limit, -amount, -found);
        charge->amount -= amount;
        charge->found -= found;
        if (charge->amount > 0)
                return;
        user_unref(charge->user);
        *charge = (Charge) CHARGE_NULL;
}

/* charge_force() - the thing has another size by now, whatever the limit is; not 0. What is beyond
 * all memory is as good as FOUND_MAX, so that sums of it can be told. */
void charge_force(Charge *charge, uint64_t amount) {
        uint64_t taken = charge->amount - charge->found, found;

        assert(charge->user && amount > 0);
        amount = MIN(amount, MAX(taken, FOUND_MAX));
        found = MAX(amount, taken) - taken;
        add_used(charge->user, charge->limit, amount - charge->amount, found - charge->found);
        charge->amount = amount;
        charge->found = found;
}

/* charge_give_back() - the thing is gone; nothing happens if nothing is on @charge */
void charge_give_back(Charge *charge) {
        if (charge->user)
                charge_reduce(charge, charge->amount);
}

/* steal_charge() - pass a charge on, and leave nothing on @charge */
Charge steal_charge(Charge *charge) {
        Charge stolen = *charge;

        *charge = (Charge) CHARGE_NULL;
        return stolen;
}
