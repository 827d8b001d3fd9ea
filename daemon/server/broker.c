/* SPDX-License-Identifier: MIT */
#include "daemon/server/broker.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/table.h"
#include "daemon/call/recover.h"
#include "daemon/call/service.h"
#include "daemon/kernel/domain.h"
#include "daemon/kernel/resume.h"
#include "daemon/server/config.h"
#include "daemon/server/listener.h"
#include "daemon/server/loop.h"
#include "daemon/server/peer.h"
#include "daemon/server/restore.h"
#include "daemon/server/settings.h"
#include "daemon/server/tenants.h"
#include "proto/address.h"
#include "proto/error.h"
#include "proto/fd.h"
#include "proto/util.h"

/* How often systemd is told how it goes, at most. */
static const struct timeval status_interval = { .tv_sec = 1 };

/* How often the broker looks, unasked, at what was closed, at most. */
static const struct timeval closings_interval = { .tv_usec = 1000 };

typedef struct Broker Broker;

/* How often a service that was started with a wrong configuration looks at it again, and how much
 * longer than that systemd is asked to wait. */
#define PATIENCE_MIN_SEC 1U
#define PATIENCE_MAX_SEC 30U
#define PATIENCE_MARGIN_SEC 60U

struct Broker {
        const Options *options;
        struct event_base *base;
        Service service;
        Listener listener;
        /* The administrator's */
        Listener admin;
        Peers peers;
        TenantSockets tenants;

        /* As the host allows, where the configuration does not say; and what holds */
        Settings defaults;
        Settings settings;

        struct event *signals[3];
        struct event *closings;
        struct event *closings_pause;
        int resume_fd;
        struct event *resume;
        struct event *told[5];
        struct event *tick;
        uint64_t tick_usec;
        struct event *watchdog;
        struct event *status;
        uint64_t n_status_segments;
        uint64_t n_status_attachments;
        bool status_due;
};

static void fill_defaults(Broker *broker) {
        const Accounts *accounts = &broker->service.accounts;

        memcpy(broker->defaults.total_maximum, accounts->total_maximum,
               sizeof(accounts->total_maximum));
        memcpy(broker->defaults.user_maximum, accounts->user_maximum,
               sizeof(accounts->user_maximum));
        broker->defaults.log_level = LOG_INFO;
}

/* Reads the files; if one is wrong, what held before stays. */
static int broker_configure(Broker *broker) {
        Accounts *accounts = &broker->service.accounts;
        _cleanup_(settings_deinit) Settings settings = broker->defaults;

        if (config_read(broker->options, &settings))
                return SETTINGS_E_INVALID;
        reserved_names_deinit(&broker->service.reserved_names);
        reserved_names_join(&broker->service.reserved_names, &settings.reserved_names);
        settings_deinit(&broker->settings);
        broker->settings = settings;
        settings.tenants = NULL;
        memcpy(accounts->total_maximum, settings.total_maximum, sizeof(accounts->total_maximum));
        memcpy(accounts->user_maximum, settings.user_maximum, sizeof(accounts->user_maximum));
        broker->service.sysv_descriptors = settings.sysv_descriptors;
        log_set_level(broker->options->verbose ? LOG_DEBUG : settings.log_level);
        return 0;
}

static int broker_reconfigure(Broker *broker) {
        if (broker_configure(broker))
                return SETTINGS_E_INVALID;
        return error_trace(tenants_apply(&broker->tenants, &broker->settings));
}

static void tell_status(Broker *broker) {
        const Service *service = &broker->service;

        broker->n_status_segments = service->registry.n_segments;
        broker->n_status_attachments = service->life.census.attachments.n_used;
        (void) sd_notifyf(false, "STATUS=%zu segments, %" PRIu64 " bytes, %zu attachments",
                          service->registry.n_segments, service->registry.n_bytes,
                          service->life.census.attachments.n_used);
}

static void on_status(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        broker->status_due = false;
        tell_status(broker);
}

/* Sees to what is due next, after anything has happened. No system call, unless files have changed:
 * timers are the loop's own business. */
static void broker_update(void *userdata) {
        Broker *broker = userdata;
        uint64_t due = MIN(life_due(&broker->service.life), recover_due(&broker->service));
        struct timeval wait;

        if (due < broker->tick_usec) {
                wait = clock_until(due);
                broker->tick_usec = due;
                (void) event_add(broker->tick, &wait);
        }
        sync_begin(&broker->service.persist.sync);
        peers_update(&broker->peers);
        if (!broker->status || broker->status_due)
                return;
        if (broker->n_status_segments == broker->service.registry.n_segments &&
            broker->n_status_attachments == broker->service.life.census.attachments.n_used)
                return;
        broker->status_due = true;
        (void) event_add(broker->status, &status_interval);
}

static void on_signal(evutil_socket_t number, short what, void *userdata) {
        Broker *broker = userdata;

        (void) what;
        if (number != SIGHUP) {
                (void) event_base_loopbreak(broker->base);
                return;
        }
        (void) sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic_usec());
        if (broker_reconfigure(broker))
                log_error("The configuration stays as it was.");
        else
                log_notice("The configuration was read again.");
        /* Connections may have ended by it, and events have to be told. */
        broker_update(broker);
        (void) sd_notify(false, "READY=1");
}

static void on_tick(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        broker->tick_usec = USEC_INFINITY;
        life_tick(&broker->service.life);
        recover_tick(&broker->service);
        broker_update(broker);
}

/* The tick may be late by as long as the suspend lasted. */
static void on_resume(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) what;
        resume_again(fd);
        on_tick(-1, EV_TIMEOUT, broker);
}

/*
 * The event is not persistent: after it the queue is left alone for a moment, so that a stream of
 * closings wakes the broker a thousand times a second at most. A request that has to know more
 * drains the queue itself.
 */
static void on_closings(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        life_tick(&broker->service.life);
        (void) event_add(broker->closings_pause, &closings_interval);
        broker_update(broker);
}

static void on_closings_pause(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        (void) event_add(broker->closings, NULL);
}

/* A write lease that is broken sends SIGIO; what is larger than RLIMIT_FSIZE sends SIGXFSZ. */
static void ignore_signals(void) {
        static const int ignored[] = { SIGPIPE, SIGIO, SIGXFSZ };
        const struct sigaction ignore = { .sa_handler = SIG_IGN };

        for (size_t i = 0; i < ARRAY_SIZE(ignored); ++i)
                (void) sigaction(ignored[i], &ignore, NULL);
}

static int add_signals(Broker *broker) {
        static const int handled[ARRAY_SIZE(broker->signals)] = { SIGTERM, SIGINT, SIGHUP };

        for (size_t i = 0; i < ARRAY_SIZE(handled); ++i) {
                broker->signals[i] = evsignal_new(broker->base, handled[i], on_signal, broker);
                if (!broker->signals[i] || event_add(broker->signals[i], NULL) < 0)
                        return error_origin(-ENOMEM);
        }
        return 0;
}

/* That the loop comes here is what systemd wants to know (sd_watchdog_enabled(3)). */
static void on_watchdog(evutil_socket_t fd, short what, void *userdata) {
        (void) fd;
        (void) what;
        (void) userdata;
        (void) sd_notify(false, "WATCHDOG=1");
}

static int add_watchdog(Broker *broker) {
        struct timeval interval;
        uint64_t usec;

        if (sd_watchdog_enabled(false, &usec) <= 0)
                return 0;
        interval = (struct timeval){ .tv_sec = (time_t) (usec / 2 / 1000000),
                                     .tv_usec = (suseconds_t) (usec / 2 % 1000000) };
        broker->watchdog = event_new(broker->base, -1, EV_PERSIST, on_watchdog, broker);
        if (!broker->watchdog || event_add(broker->watchdog, &interval) < 0)
                return error_origin(-ENOMEM);
        return 0;
}

static int add_timers(Broker *broker) {
        broker->tick_usec = USEC_INFINITY;
        broker->tick = evtimer_new(broker->base, on_tick, broker);
        if (!broker->tick)
                return error_origin(-ENOMEM);
        (void) event_priority_set(broker->tick, LOOP_PRIORITY_KERNEL);
        broker->resume_fd = resume_open();
        if (broker->resume_fd < 0)
                return error_trace(broker->resume_fd);
        broker->resume =
                event_new(broker->base, broker->resume_fd, EV_READ | EV_PERSIST, on_resume, broker);
        if (!broker->resume || event_add(broker->resume, NULL) < 0)
                return error_origin(-ENOMEM);
        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        broker->status = evtimer_new(broker->base, on_status, broker);
        return broker->status ? 0 : error_origin(-ENOMEM);
}

static int add_closings(Broker *broker) {
        int fd = broker->service.life.closings.fd;

        if (fd < 0)
                return 0;
        broker->closings = event_new(broker->base, fd, EV_READ, on_closings, broker);
        broker->closings_pause = evtimer_new(broker->base, on_closings_pause, broker);
        if (!broker->closings || !broker->closings_pause)
                return error_origin(-ENOMEM);
        (void) event_priority_set(broker->closings, LOOP_PRIORITY_KERNEL);
        return event_add(broker->closings, NULL) < 0 ? error_origin(-ENOMEM) : 0;
}

static void on_worker(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        worker_collect(&broker->service.worker);
        broker_update(broker);
}

static void on_sync(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        sync_collect(&broker->service.persist.sync);
        broker_update(broker);
}

static void on_closer(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        closer_collect(&broker->service.closer);
}

static void on_reaper(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        reaper_collect(&broker->service.life.reaper);
        broker_update(broker);
}

static void on_store(evutil_socket_t fd, short what, void *userdata) {
        Broker *broker = userdata;

        (void) fd;
        (void) what;
        store_collect(&broker->service.persist.store);
}

/* What threads and systemd have done is told by descriptors that become readable. */
static int add_told(Broker *broker) {
        const Service *service = &broker->service;
        const struct {
                int fd;
                event_callback_fn callback;
        } tellers[ARRAY_SIZE(broker->told)] = {
                { service->worker.fd, on_worker },
                { service->life.reaper.worker.fd, on_reaper },
                { service->persist.sync.worker.fd, on_sync },
                { service->closer.fd, on_closer },
                { service->persist.store.fd, on_store },
        };

        for (size_t i = 0; i < ARRAY_SIZE(tellers); ++i) {
                if (tellers[i].fd < 0)
                        continue;
                broker->told[i] = event_new(broker->base, tellers[i].fd, EV_READ | EV_PERSIST,
                                            tellers[i].callback, broker);
                if (!broker->told[i])
                        return error_origin(-ENOMEM);
                (void) event_priority_set(broker->told[i], LOOP_PRIORITY_KERNEL);
                if (event_add(broker->told[i], NULL) < 0)
                        return error_origin(-ENOMEM);
        }
        return 0;
}

static int open_base(Broker *broker) {
        int r;

        broker->base = event_base_new();
        if (!broker->base || event_base_priority_init(broker->base, _LOOP_PRIORITY_N) < 0)
                return error_origin(-ENOMEM);
        r = add_signals(broker);
        if (r)
                return error_trace(r);
        r = add_timers(broker);
        if (r)
                return error_trace(r);
        r = peers_init(&broker->peers, broker->base, &broker->service, broker_update, broker);
        if (r)
                return error_trace(r);
        r = add_told(broker);
        if (r)
                return error_trace(r);
        r = add_watchdog(broker);
        if (r)
                return error_trace(r);
        return error_trace(add_closings(broker));
}

/* Why the state directory is of no use; the negative errno for it. */
static int refuse_state(const char *directory, int r) {
        switch (r) {
        case STATE_FILE_E_BUSY:
                log_error("Another broker has the state directory %s.", directory);
                return -EBUSY;
        case STATE_FILE_E_DAMAGED:
                log_error(
                        "The file %s/state is not one that the broker wrote; it is left as it is. Without it, ids "
                        "may be used again.",
                        directory);
                return -EUCLEAN;
        case STATE_FILE_E_NEWER:
                log_error(
                        "The file %s/state is of a newer version of the broker; it is left as it is. Use that "
                        "version, or another state directory.",
                        directory);
                return -EUCLEAN;
        default:
                log_error(
                        "Cannot begin on the state directory %s: %s; say another one with --state-directory.",
                        directory, strerror(-r));
                return error_trace(r);
        }
}

/* Beside the socket, which is on a tmpfs. */
static int broker_restore(Broker *broker) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s.stamps", address_path(broker->options->address)) < 0)
                return error_origin(-ENOMEM);
        if (attach_times_open(&broker->service.persist.attach_times, path) < 0)
                log_info("%s cannot be used, so times of attaching are lost by a crash.", path);
        return error_trace(restore_segments(&broker->service));
}

/* Where systemd keeps nothing, memory files are as lasting as the broker. */
static int start_store(Broker *broker) {
        int r = store_init(&broker->service.persist.store);

        if (r == STORE_E_NONE) {
                log_info("There is no store for descriptors, so memory files end with the broker.");
                return 0;
        }
        return error_trace(r);
}

/*
 * A service that ends because its configuration is wrong is started again at once, for ever, or
 * never, and before systemd 254 loses the memory files that are kept for it. So it waits for a
 * valid one, longer each time, which the service manager is told.
 */
static int configure_patiently(Broker *broker) {
        unsigned int wait_sec = PATIENCE_MIN_SEC;

        while (broker_configure(broker)) {
                if (!getenv("NOTIFY_SOCKET"))
                        return BROKER_E_CONFIG;
                log_error("Looking again in %u s, or when the service is restarted.", wait_sec);
                (void) sd_notifyf(false,
                                  "STATUS=Waiting for a valid configuration\n"
                                  "EXTEND_TIMEOUT_USEC=%" PRIu64,
                                  UINT64_C(1000000) * (wait_sec + PATIENCE_MARGIN_SEC));
                (void) sleep(wait_sec);
                wait_sec = MIN(2 * wait_sec, PATIENCE_MAX_SEC);
        }
        return 0;
}

static int start_service(Broker *broker) {
        const char *directory = broker->options->state_directory;
        int r;

        r = service_init(&broker->service, directory, broker->options->file_directory);
        if (r)
                return refuse_state(directory, r);
        if (broker->service.overflow.has_uid)
                log_notice(
                        "This is a user namespace: users who are not mapped here are shown as %u, "
                        "and own and create nothing.",
                        (unsigned int) broker->service.overflow.uid);
        fill_defaults(broker);
        r = configure_patiently(broker);
        if (r)
                return r;
        return start_store(broker);
}

static void on_client(int fd, void *userdata) {
        Broker *broker = userdata;

        peers_accept(&broker->peers, fd, NULL, false);
}

static void on_admin(int fd, void *userdata) {
        Broker *broker = userdata;

        peers_accept(&broker->peers, fd, NULL, true);
}

/* Says why the broker cannot listen there. */
static int refuse_listener(const char *address, int r) {
        switch (r) {
        case LISTENER_E_BUSY:
                log_error("Another broker listens at %s.", address);
                return -EADDRINUSE;
        case LISTENER_E_PASSED:
                log_error("What systemd passed is not one listening Unix stream socket, nor that "
                          "and the administrator's.");
                return -EINVAL;
        case -EEXIST:
                log_error("%s is there and is no socket; it is left as it is.",
                          address_path(address));
                return r;
        default:
                log_error("Cannot listen at %s: %s.", address, strerror(-r));
                return error_trace(r);
        }
}

/* Without it, nobody is more than a user. */
static int start_admin(Broker *broker, const ListenerPassed *passed) {
        const char *address = broker->options->address;
        _cleanup_(freep) char *admin = NULL;
        int r;

        if (passed->n_fds == 1) {
                log_notice("systemd passed no administrator's socket (shmbroker-admin.socket): "
                           "root is a user like others.");
                return 0;
        }
        r = address_of_admin(address, &admin);
        if (r == ADDRESS_E_INVALID) {
                log_warning("There is no room for an administrator's socket beside %s: its path "
                            "would be too long.",
                            address);
                return 0;
        }
        if (r)
                return error_trace(r);
        r = listener_open(&broker->admin, broker->base,
                          passed->n_fds == 2 ? passed->fds[1] : -EBADF, address_path(admin),
                          LISTENER_MODE_ADMIN, on_admin, broker);
        return r ? refuse_listener(admin, r) : 0;
}

static int start_listeners(Broker *broker) {
        const char *address = broker->options->address;
        ListenerPassed passed;
        int r;

        r = listener_find_passed(&passed);
        if (r)
                return refuse_listener(address, r);
        r = listener_open(&broker->listener, broker->base,
                          passed.n_fds > 0 ? passed.fds[0] : -EBADF, address_path(address),
                          LISTENER_MODE_PUBLIC, on_client, broker);
        if (r)
                return refuse_listener(address, r);
        return start_admin(broker, &passed);
}

static int broker_start(Broker *broker) {
        int r;

        ignore_signals();
        /* Before anything is opened for clients, and by the one thread that does so. */
        domain_enter();
        r = start_service(broker);
        if (r)
                return r;
        r = open_base(broker);
        if (r)
                return error_trace(r);
        r = start_listeners(broker);
        if (r)
                return r;
        /* Behind the listener, for now no other broker has this socket's attach times. */
        r = broker_restore(broker);
        if (r)
                return error_trace(r);
        r = tenants_init(&broker->tenants, &broker->peers, broker->options->address);
        if (r)
                return error_trace(r);
        return error_trace(tenants_apply(&broker->tenants, &broker->settings));
}

static void broker_stop(Broker *broker) {
        peers_deinit(&broker->peers);
        tenants_deinit(&broker->tenants);
        listener_close(&broker->listener);
        listener_close(&broker->admin);
        for (size_t i = 0; i < ARRAY_SIZE(broker->signals); ++i)
                if (broker->signals[i])
                        event_free(broker->signals[i]);
        if (broker->closings)
                event_free(broker->closings);
        if (broker->resume)
                event_free(broker->resume);
        fd_close(broker->resume_fd);
        if (broker->closings_pause)
                event_free(broker->closings_pause);
        if (broker->tick)
                event_free(broker->tick);
        for (size_t i = 0; i < ARRAY_SIZE(broker->told); ++i)
                if (broker->told[i])
                        event_free(broker->told[i]);
        if (broker->watchdog)
                event_free(broker->watchdog);
        if (broker->status)
                event_free(broker->status);
        if (broker->base)
                event_base_free(broker->base);
        service_deinit(&broker->service);
        settings_deinit(&broker->settings);
        domain_end();
        libevent_global_shutdown();
}

/* Whether systemd stops the service or starts it again is not known here. */
static void log_farewell(const Broker *broker) {
        size_t n_named = 0, n_stored = 0, n_lost = 0;
        const Segment *segment;

        DL_FOREACH(broker->service.registry.first, segment) {
                bool named = segment_is_reached_outside(segment);

                n_named += named;
                n_stored += !named && segment->stored;
                n_lost += !named && !segment->stored;
        }
        log_notice("The broker ends.");
        if (n_named > 0)
                log_notice("%zu %s there again when it begins.", n_named,
                           n_named == 1 ? "segment is" : "segments are");
        if (n_stored > 0)
                log_notice("%zu %s there again if it is restarted, for systemd keeps them; if it "
                           "is stopped, from systemd 254 on.",
                           n_stored, n_stored == 1 ? "segment is" : "segments are");
        if (n_lost > 0)
                log_notice("%zu %s with it; whoever is attached keeps the memory.", n_lost,
                           n_lost == 1 ? "segment ends" : "segments end");
}

/**
 * broker_run() - be a broker until a signal says that it is enough
 * @options:    the command line
 *
 * Return: 0, BROKER_E_CONFIG or a negative errno, after a sentence in the log that says why.
 */
int broker_run(const Options *options) {
        Broker *broker;
        int r;

        r = table_seed();
        if (r)
                return error_trace(r);
        broker = calloc(1, sizeof(*broker));
        if (!broker)
                return error_origin(-ENOMEM);
        broker->options = options;
        broker->service = (Service) SERVICE_NULL;
        broker->listener = (Listener) LISTENER_NULL;
        broker->admin = (Listener) LISTENER_NULL;
        broker->resume_fd = -EBADF;
        r = broker_start(broker);
        if (r == 0) {
                log_notice("The broker listens at %s.", options->address);
                tell_status(broker);
                broker_update(broker);
                (void) sd_notify(false, "READY=1");
                r = event_base_dispatch(broker->base) < 0 ? error_origin(-EIO) : 0;
                (void) sd_notify(false, "STOPPING=1");
                /* What has ended by now goes now, and not only when there is another broker. */
                life_catch_up(&broker->service.life, LIFE_FOREVER_USEC);
                log_farewell(broker);
        }
        broker_stop(broker);
        free(broker);
        return r;
}
