/* SPDX-License-Identifier: MIT */
/* Tenants: names, users and limits of their own, and what is exported to them. */

#include <stdlib.h>
#include <string.h>

#include "daemon/model/registry.h"
#include "daemon/model/tenant.h"
#include "proto/util.h"
#include "tests/support/unit.h"

static Accounts host;
static Tenants tenants;
static Tenant *web, *db;

static void setup(void) {
        unit_fds_begin();
        accounts_init(&host, &(Resources){ .memory_bytes = 1 << 30, .n_descriptors = 1024 });
        tenants = (Tenants) TENANTS_NULL;
        ck_assert_int_eq(tenants_get(&tenants, "web", &host, &web), 0);
        ck_assert_int_eq(tenants_get(&tenants, "db", &host, &db), 0);
        /* Tests say what is exported by the patterns alone. */
        web->patterns = calloc(64, 1);
        memcpy(web->patterns, "frames/*\0pool\0", sizeof("frames/*\0pool\0"));
}

static void teardown(void) {
        tenants_sweep(&tenants);
        ck_assert_ptr_null(tenants.first);
        accounts_deinit(&host);
        unit_fds_end();
}

SUITE("tenant");
CASE("tenant", .setup = setup, .teardown = teardown);

TEST(names) {
        static const char *const good[] = { "a", "web-1", "A_b.c", "0",
                                            "0123456789012345678901234567890123456789" };
        static const char *const bad[] = {
                "",         ".",   ".web",
                "a/b",      "a b", "a\n",
                "\303\244", "..",  "01234567890123456789012345678901234567890"
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); ++i)
                ck_assert_msg(tenant_name_valid(good[i]), "%s", good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); ++i)
                ck_assert_msg(!tenant_name_valid(bad[i]), "%s", bad[i]);
}

TEST(find) {
        Tenant *again;

        ck_assert_int_eq(tenants_get(&tenants, "web", &host, &again), 0);
        ck_assert_ptr_eq(again, web);
        ck_assert_ptr_eq(tenants_find(&tenants, "db"), db);
        ck_assert_ptr_null(tenants_find(&tenants, "d"));
        ck_assert_ptr_eq(tenants_next(&tenants, 0), web);
        ck_assert_ptr_eq(tenants_next(&tenants, web->number + 1), db);
        ck_assert_ptr_null(tenants_next(&tenants, db->number + 1));
}

/* Who has something, is served or has a problem stays. */
TEST(sweep) {
        User *user = accounts_user(&web->accounts, 0);

        db->problem = strdup("no socket");
        tenants_sweep(&tenants);
        ck_assert_ptr_eq(tenants_find(&tenants, "web"), web);
        ck_assert_ptr_eq(tenants_find(&tenants, "db"), db);
        user_unref(user);
        tenants_sweep(&tenants);
        ck_assert_ptr_null(tenants_find(&tenants, "web"));
        free(steal_ptr(db->problem));
}

/* uid 1000 of a tenant is not uid 1000 of the host, nor of another tenant. */
TEST(users) {
        User *own = accounts_user(&web->accounts, 1000),
             *other = accounts_user(&db->accounts, 1000), *hosts = accounts_user(&host, 1000);

        ck_assert_ptr_ne(own, other);
        ck_assert_ptr_ne(own, hosts);
        user_unref(own);
        user_unref(other);
        user_unref(hosts);
}

/* What a tenant has counts for it and for the host, and each limit holds. */
TEST(limits) {
        User *user = accounts_user(&web->accounts, 0), *hosts = accounts_user(&host, 0);
        Charge charge = CHARGE_NULL, more = CHARGE_NULL, anothers = CHARGE_NULL;
        LimitReached reached;

        web->accounts.total_maximum[LIMIT_SEGMENTS] = 3;
        host.total_maximum[LIMIT_SEGMENTS] = 4;
        host.user_maximum[LIMIT_SEGMENTS] = 4;
        ck_assert_int_eq(charge_take(&charge, user, LIMIT_SEGMENTS, 4, &reached), CHARGE_E_LIMIT);
        ck_assert_str_eq(reached.name, "segments");
        ck_assert_uint_eq(reached.maximum, 3);
        ck_assert_uint_eq(reached.requested, 4);
        ck_assert_uint_eq(reached.used, 0);
        ck_assert_int_eq(charge_take(&charge, user, LIMIT_SEGMENTS, 3, &reached), 0);
        ck_assert_uint_eq(web->accounts.total_used[LIMIT_SEGMENTS], 3);
        ck_assert_uint_eq(host.total_used[LIMIT_SEGMENTS], 3);
        ck_assert_uint_eq(hosts->used[LIMIT_SEGMENTS], 0);
        ck_assert_int_eq(charge_take(&anothers, hosts, LIMIT_SEGMENTS, 2, &reached),
                         CHARGE_E_LIMIT);
        charge_reduce(&charge, 1);
        ck_assert_int_eq(charge_take(&anothers, hosts, LIMIT_SEGMENTS, 1, &reached), 0);
        ck_assert_int_eq(charge_take(&more, user, LIMIT_SEGMENTS, 1, &reached), 0);
        charge_give_back(&more);
        host.total_maximum[LIMIT_SEGMENTS] = 3;
        ck_assert_int_eq(charge_take(&more, user, LIMIT_SEGMENTS, 1, &reached), CHARGE_E_LIMIT);
        /* What others have is not told. */
        ck_assert_uint_eq(reached.maximum, 3);
        ck_assert_uint_eq(reached.requested, 1);
        ck_assert_uint_eq(reached.used, LIMIT_NONE);
        charge_force(&charge, 5);
        ck_assert_uint_eq(user->used[LIMIT_SEGMENTS], 5);
        ck_assert_uint_eq(web->accounts.total_used[LIMIT_SEGMENTS], 2);
        ck_assert_uint_eq(host.total_used[LIMIT_SEGMENTS], 3);
        charge_give_back(&charge);
        charge_give_back(&anothers);
        ck_assert_uint_eq(host.total_used[LIMIT_SEGMENTS], 0);
        user_unref(user);
        user_unref(hosts);
}

/* To the host a tenant is one among users, however many users it has. */
TEST(shares) {
        Charge charges[10] = {}, others = CHARGE_NULL, more = CHARGE_NULL;
        User *hosts = accounts_user(&host, 0);
        LimitReached reached;
        User *user;

        host.total_maximum[LIMIT_SEGMENTS] = 100;
        host.user_maximum[LIMIT_SEGMENTS] = 50;
        web->accounts.total_maximum[LIMIT_SEGMENTS] = 50;
        ck_assert_int_eq(charge_take(&others, hosts, LIMIT_SEGMENTS, 40, &reached), 0);
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i) {
                user = accounts_user(&web->accounts, (uid_t) i);
                while (charge_take(&more, user, LIMIT_SEGMENTS, 1, &reached) == 0)
                        charge_join(&charges[i], &more);
                user_unref(user);
        }
        /* 50 * 0.6 * 0.6 */
        ck_assert_uint_eq(web->accounts.total_used[LIMIT_SEGMENTS], 18);
        ck_assert_str_eq(reached.name, "segments");
        ck_assert_uint_eq(reached.maximum, 18);
        user = accounts_user(&web->accounts, 5);
        ck_assert_uint_eq(user_share(user, LIMIT_SEGMENTS), user->used[LIMIT_SEGMENTS]);
        user_unref(user);
        for (size_t i = 0; i < ARRAY_SIZE(charges); ++i)
                charge_give_back(&charges[i]);
        charge_give_back(&others);
        user_unref(hosts);
}

/* No limit is no number, whoever else has something. */
TEST(no_limits) {
        User *user = accounts_user(&web->accounts, 1), *other = accounts_user(&web->accounts, 2);
        Charge charge = CHARGE_NULL;
        LimitReached reached;

        host.total_maximum[LIMIT_BYTES] = host.user_maximum[LIMIT_BYTES] = LIMIT_NONE;
        web->accounts.total_maximum[LIMIT_BYTES] = LIMIT_NONE;
        ck_assert_int_eq(charge_take(&charge, other, LIMIT_BYTES, 4096, &reached), 0);
        ck_assert_uint_eq(user_share(user, LIMIT_BYTES), LIMIT_NONE);
        web->accounts.total_maximum[LIMIT_BYTES] = 8192;
        ck_assert_uint_le(user_share(user, LIMIT_BYTES), 4096);
        charge_give_back(&charge);
        user_unref(user);
        user_unref(other);
}

TEST(imports) {
        ck_assert(tenant_imports(web, "frames/a/b"));
        ck_assert(tenant_imports(web, "pool"));
        ck_assert(!tenant_imports(web, "pool2"));
        ck_assert(!tenant_imports(web, NULL));
        ck_assert(!tenant_imports(db, "pool"));
        ck_assert(!tenant_imports(NULL, "pool"));
}

/* Everybody against everything: who sees, reads, writes and controls it. */
TEST(grants) {
        Tenant *const parties[] = { NULL, web, db };

        for (size_t i = 0; i < ARRAY_SIZE(parties) * ARRAY_SIZE(parties) * 2 * 2; ++i) {
                bool exported = i & 1, open = i & 2;
                Tenant *owner = parties[i / 4 % 3], *peer = parties[i / 12];
                const char *name = exported ? "pool" : "secret";
                Permission permission = { .tenant = owner,
                                          .owner_uid = 1000,
                                          .creator_uid = 1000,
                                          .mode = open ? 0666 : 0600 };
                Credentials same = { .tenant = peer, .uid = 1000 };
                Credentials other = { .tenant = peer, .uid = 1001, .gid = 1 };
                Credentials admin = { .tenant = peer, .uid = 0, .privileged = true };
                bool own = owner == peer, imported = !owner && peer == web && exported;

                ck_assert_int_eq(tenant_sees(&same, &permission, name), own || imported);
                ck_assert_int_eq(tenant_grants(&same, &permission, name, false), own || imported);
                ck_assert_int_eq(tenant_grants(&same, &permission, name, true), own);
                ck_assert_int_eq(permission_controls(&permission, &same), own);
                ck_assert_int_eq(tenant_grants(&other, &permission, name, false),
                                 (own && open) || imported);
                ck_assert_int_eq(tenant_grants(&other, &permission, name, true), own && open);
                ck_assert(!permission_controls(&permission, &other));
                ck_assert(tenant_sees(&admin, &permission, name));
                ck_assert(tenant_grants(&admin, &permission, name, true));
                ck_assert(permission_controls(&permission, &admin));
        }
}

static Segment *named(Registry *registry, int64_t id, Tenant *tenant, const char *name) {
        Segment *segment = segment_new();

        ck_assert_ptr_nonnull(segment);
        segment->id = id;
        segment->permission.tenant = tenant;
        segment->name = strdup(name);
        ck_assert_int_eq(registry_add(registry, segment), 0);
        return segment;
}

/* The same name three times; what is exported is the host's for whom it is exported to. */
TEST(registry) {
        Registry registry = REGISTRY_NULL;
        Segment *of_host = named(&registry, 1, NULL, "pool"), *of_web, *of_db, *secret;

        of_web = named(&registry, 2, web, "pool");
        of_db = named(&registry, 3, db, "pool");
        secret = named(&registry, 4, web, "secret");
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "pool"), of_host);
        ck_assert_ptr_eq(registry_find_name(&registry, web, "pool"), of_host);
        ck_assert_ptr_eq(registry_find_name(&registry, db, "pool"), of_db);
        ck_assert_ptr_eq(registry_find_name(&registry, web, "secret"), secret);
        ck_assert_ptr_null(registry_find_name(&registry, db, "secret"));
        ck_assert_ptr_null(registry_find_name(&registry, NULL, "secret"));
        registry_unname(&registry, of_web);
        ck_assert_ptr_eq(registry_find_name(&registry, NULL, "pool"), of_host);
        ck_assert_ptr_eq(registry_find_name(&registry, db, "pool"), of_db);
        registry_remove(&registry, of_host);
        registry_remove(&registry, of_web);
        registry_remove(&registry, of_db);
        registry_remove(&registry, secret);
        segment_free(of_host);
        segment_free(of_web);
        segment_free(of_db);
        segment_free(secret);
        registry_deinit(&registry);
}
