/* SPDX-License-Identifier: MIT */
#include "daemon/server/tenants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/util.h"

struct TenantSocket {
        TenantSockets *sockets;
        Tenant *tenant;
        Listener listener;
        /* What it was opened with, beside the listener's path */
        mode_t mode;
        uid_t owner;
        gid_t group;
        TenantSocket *prev;
        TenantSocket *next;
};

static TenantSocket *socket_free(TenantSocket *socket) {
        if (!socket)
                return NULL;
        if (socket->prev)
                DL_DELETE(socket->sockets->first, socket);
        listener_close(&socket->listener);
        free(socket);
        return NULL;
}

DEFINE_CLEANUP(TenantSocket, socket_free)

/**
 * tenants_init() - begin without tenants
 * @sockets:    the object, TENANT_SOCKETS_NULL before
 * @peers:      where clients are served
 * @address:    the broker's; sockets are beside its own if settings do not say where
 *
 * Return: 0, or -ENOMEM.
 */
int tenants_init(TenantSockets *sockets, Peers *peers, const char *address) {
        const char *path = address_path(address);

        if (asprintf(&sockets->directory, "%.*s/tenants", (int) (strrchr(path, '/') - path), path) <
            0) {
                sockets->directory = NULL;
                return error_origin(-ENOMEM);
        }
        sockets->peers = peers;
        return 0;
}

/* Forgets what is known from the configuration. Its segments stay, and the tenant with them. */
static void forget(Tenant *tenant) {
        free(steal_ptr(tenant->address));
        free(steal_ptr(tenant->problem));
}

/* tenants_deinit() - listen no more; when nobody has anything any more, there are no tenants */
void tenants_deinit(TenantSockets *sockets) {
        Tenant *tenant;

        while (sockets->first)
                socket_free(sockets->first);
        if (sockets->peers)
                DL_FOREACH(sockets->peers->service->tenants.first, tenant)
                        forget(tenant);
        free(sockets->directory);
        *sockets = (TenantSockets) TENANT_SOCKETS_NULL;
}

static void on_client(int fd, void *userdata) {
        TenantSocket *socket = userdata;

        peers_accept(socket->sockets->peers, fd, socket->tenant, false);
}

static TenantSocket *find_socket(const TenantSockets *sockets, const Tenant *tenant) {
        TenantSocket *socket;

        DL_FOREACH(sockets->first, socket)
                if (socket->tenant == tenant)
                        return socket;
        return NULL;
}

enum {
        _TENANTS_E_SUCCESS,
        /* What should be a directory of the broker's own is not one, or others may write to it */
        TENANTS_E_DIRECTORY = _LISTENER_E_N,
        /* The path is where directories of tenants are, or another tenant's */
        TENANTS_E_RESERVED,
};

/* A directory of the broker's own, which everybody may look into. */
static int make_directory(const char *path) {
        struct stat st;

        if (mkdir(path, 0755) == 0)
                return chmod(path, 0755) < 0 ? error_origin(-errno) : 0;
        if (errno != EEXIST || lstat(path, &st) < 0)
                return error_origin(-errno);
        return S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022)
                       ? 0
                       : TENANTS_E_DIRECTORY;
}

static int make_directories(const TenantSockets *sockets, const char *path) {
        _cleanup_(freep) char *directory = strndup(path, (size_t) (strrchr(path, '/') - path));
        int r;

        if (!directory)
                return error_origin(-ENOMEM);
        r = make_directory(sockets->directory);
        return r ? r : make_directory(directory);
}

/* A socket in place of a directory that all tenants need, or one of them, would keep them from
 * theirs. */
static bool is_reserved(const TenantSockets *sockets, const char *path) {
        size_t n = strlen(sockets->directory);

        return strncmp(path, sockets->directory, n) == 0 &&
               (!path[n] || (path[n] == '/' && !strchr(path + n + 1, '/')));
}

/* Where the settings want it; the caller frees that. NULL if there is no memory. */
static char *wanted_path(const TenantSockets *sockets, const TenantSettings *settings) {
        char *path;

        if (settings->socket)
                return strdup(settings->socket);
        return asprintf(&path, "%s/%s/socket", sockets->directory, settings->name) < 0 ? NULL
                                                                                       : path;
}

static int socket_open(TenantSocket *socket, const TenantSettings *settings, const char *path) {
        TenantSockets *sockets = socket->sockets;
        int r = 0;

        if (strlen(path) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
                return error_origin(-ENAMETOOLONG);
        if (!settings->socket)
                r = make_directories(sockets, path);
        else if (is_reserved(sockets, path))
                r = TENANTS_E_RESERVED;
        if (r)
                return r;
        socket->mode = settings->mode;
        socket->owner = settings->owner;
        socket->group = settings->group;
        return listener_open_shared(&socket->listener, sockets->peers->base, path, socket->mode,
                                    socket->owner, socket->group, on_client, socket);
}

static void set_problem(Tenant *tenant, const char *what, const char *why) {
        free(steal_ptr(tenant->problem));
        if (asprintf(&tenant->problem, "%s%s%s", what, why ? ": " : "", why ? why : "") < 0)
                tenant->problem = NULL;
}

static const char *reason(int r) {
        switch (r) {
        case LISTENER_E_BUSY:
                return "somebody else listens there";
        case LISTENER_E_OWNER:
                return "the broker may not give it to that owner or group (CAP_CHOWN)";
        case TENANTS_E_DIRECTORY:
                return "its directory, or the one above, is not a directory of the broker's own "
                       "that nobody else may write to";
        case TENANTS_E_RESERVED:
                return "directories of tenants are there; name a file in one of them, or elsewhere";
        case -EEXIST:
                return "what is there is no socket";
        default:
                return strerror(-r);
        }
}

/* Is it open as its settings say, and still there? */
static bool is_as_set(const TenantSocket *socket, const TenantSettings *settings,
                      const char *path) {
        return strcmp(path, socket->listener.path) == 0 && settings->mode == socket->mode &&
               settings->owner == socket->owner && settings->group == socket->group &&
               listener_is_there(&socket->listener);
}

static void stop_serving(TenantSocket *socket) {
        if (!socket)
                return;
        free(steal_ptr(socket->tenant->address));
        socket_free(socket);
}

/* Does the tenant whose socket it is still want it there? */
static bool is_still_wanted(const TenantSockets *sockets, const Settings *settings,
                            const TenantSocket *socket) {
        const TenantSettings *own;

        DL_FOREACH(settings->tenants, own) {
                _cleanup_(freep) char *path = NULL;

                if (strcmp(own->name, socket->tenant->name) != 0)
                        continue;
                path = wanted_path(sockets, own);
                return own->problem || !path || strcmp(path, socket->listener.path) == 0;
        }
        return false;
}

/* Takes a path from a tenant that is to have another one. */
static void clear_for(TenantSockets *sockets, const Settings *settings, const char *path) {
        TenantSocket *socket, *next;

        DL_FOREACH_SAFE(sockets->first, socket, next)
                if (strcmp(socket->listener.path, path) == 0 &&
                    !is_still_wanted(sockets, settings, socket))
                        stop_serving(socket);
}

static int socket_new(TenantSockets *sockets, Tenant *tenant, TenantSocket **ret) {
        TenantSocket *socket = calloc(1, sizeof(*socket));

        if (!socket)
                return error_origin(-ENOMEM);
        socket->sockets = sockets;
        socket->tenant = tenant;
        socket->listener = (Listener) LISTENER_NULL;
        *ret = socket;
        return 0;
}

/* Opens the socket of a tenant. If it is to be elsewhere, the one that is open stays until there is
 * another one. */
static int serve(TenantSockets *sockets, const Settings *settings, Tenant *tenant,
                 const TenantSettings *own) {
        _cleanup_(freep) char *path = wanted_path(sockets, own), *address = NULL;
        _cleanup_(socket_freep) TenantSocket *socket = NULL;
        TenantSocket *open = find_socket(sockets, tenant);
        int r;

        if (!path)
                return error_origin(-ENOMEM);
        if (open && is_as_set(open, own, path))
                return 0;
        if (open && strcmp(open->listener.path, path) == 0)
                stop_serving(steal_ptr(open));
        clear_for(sockets, settings, path);
        r = socket_new(sockets, tenant, &socket);
        if (r)
                return error_trace(r);
        r = socket_open(socket, own, path);
        if (r) {
                set_problem(tenant, path, reason(r));
                return r == -ENOMEM ? r : 0;
        }
        if (asprintf(&address, "unix:%s", path) < 0) {
                address = NULL;
                return error_origin(-ENOMEM);
        }
        stop_serving(open);
        tenant->address = steal_ptr(address);
        DL_APPEND(sockets->first, socket);
        steal_ptr(socket);
        log_notice("Tenant %s connects at %s.", tenant->name, tenant->address);
        return 0;
}

/* Does the tenant have these already? */
static bool has_exports(const Tenant *tenant, const char *exports) {
        return tenant->exports && exports ? strcmp(tenant->exports, exports) == 0
                                          : tenant->exports == exports;
}

/* Each ended by NUL, and the last by another one; NULL if there is no memory. */
static char *split_patterns(const char *exports) {
        char *patterns = calloc(strlen(exports) + 2, 1), *at = patterns;

        while (patterns && *(exports += strspn(exports, " \t"))) {
                size_t n = strcspn(exports, " \t");

                memcpy(at, exports, n);
                at += n + 1;
                exports += n;
        }
        return patterns;
}

static int set_exports(Peers *peers, Tenant *tenant, const char *exports) {
        _cleanup_(freep) char *text = exports ? strdup(exports) : NULL;
        _cleanup_(freep) char *patterns = exports ? split_patterns(exports) : NULL;

        if (has_exports(tenant, exports))
                return 0;
        if (exports && (!text || !patterns))
                return error_origin(-ENOMEM);
        free(tenant->exports);
        free(tenant->patterns);
        tenant->exports = steal_ptr(text);
        tenant->patterns = steal_ptr(patterns);
        peers_look_again(peers, tenant);
        return 0;
}

/* As a whole it may have what a user of the host may, and of that each of its users all. */
static void set_limits(Tenant *tenant, const Settings *settings, const TenantSettings *own) {
        Accounts *accounts = &tenant->accounts;

        for (size_t i = 0; i < _LIMIT_N; ++i) {
                accounts->total_maximum[i] = own->total_maximum[i] == TENANT_LIMIT_UNSET
                                                     ? settings->user_maximum[i]
                                                     : own->total_maximum[i];
                accounts->user_maximum[i] = own->user_maximum[i] == TENANT_LIMIT_UNSET
                                                    ? LIMIT_NONE
                                                    : own->user_maximum[i];
        }
}

static int apply_one(TenantSockets *sockets, const Settings *settings, const TenantSettings *own) {
        Service *service = sockets->peers->service;
        Tenant *tenant;
        int r;

        r = tenants_get(&service->tenants, own->name, &service->accounts, &tenant);
        if (r)
                return error_trace(r);
        free(steal_ptr(tenant->problem));
        if (own->problem) {
                set_problem(tenant, own->problem, NULL);
                return 0;
        }
        set_limits(tenant, settings, own);
        r = set_exports(sockets->peers, tenant, own->exports);
        if (r)
                return error_trace(r);
        r = serve(sockets, settings, tenant, own);
        if (tenant->problem)
                log_error("Tenant %s is %s: %s.", tenant->name,
                          tenant->address ? "served as before" : "not served", tenant->problem);
        return error_trace(r);
}

static bool is_configured(const Tenant *tenant, const Settings *settings) {
        const TenantSettings *own;

        DL_FOREACH(settings->tenants, own)
                if (strcmp(own->name, tenant->name) == 0)
                        return true;
        return false;
}

/**
 * tenants_apply() - serve the tenants that there are now, and no others
 * @sockets:    the sockets
 * @settings:   the configuration
 *
 * What is wrong with a tenant is its problem, which is logged; one that was served before its
 * section became wrong is served as before. Connections of one that is gone are closed; its
 * segments are the administrator's business.
 *
 * Return: 0, or -ENOMEM.
 */
int tenants_apply(TenantSockets *sockets, const Settings *settings) {
        Tenants *tenants = &sockets->peers->service->tenants;
        const TenantSettings *own;
        Tenant *tenant;
        int r = 0;

        DL_FOREACH(tenants->first, tenant) {
                if (is_configured(tenant, settings))
                        continue;
                if (tenant->address)
                        log_notice("Tenant %s is not served any more.", tenant->name);
                socket_free(find_socket(sockets, tenant));
                peers_end_tenant(sockets->peers, tenant);
                forget(tenant);
        }
        tenants_sweep(tenants);
        DL_FOREACH(settings->tenants, own) {
                r = apply_one(sockets, settings, own);
                if (r)
                        break;
        }
        return error_trace(r);
}
