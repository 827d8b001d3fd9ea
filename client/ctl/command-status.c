/* SPDX-License-Identifier: MIT */
/* shmbrokerctl status: how the broker is. */

#include <inttypes.h>
#include <stdio.h>

#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/ctl.h"
#include "client/ctl/json.h"
#include "client/ctl/size.h"

typedef int Getter(const struct shmbroker_status *status, size_t index, const char **ret_name,
                   int64_t *ret_value);

static void print_map(const char *title, const struct shmbroker_status *status, Getter *get) {
        const char *name;
        int64_t value;

        for (size_t i = 0; get(status, i, &name, &value) == 0; ++i) {
                if (i == 0)
                        (void) printf("%s:\n", title);
                (void) printf("  %-24s %" PRId64 "\n", name, value);
        }
}

static void print_number(const char *title, uint64_t value) {
        (void) printf("%-13s %" PRIu64 "\n", title, value);
}

static void print_size(const char *title, uint64_t size) {
        char text[SIZE_TEXT];

        (void) printf("%-13s %s (%" PRIu64 " bytes)\n", title,
                      size_format(text, sizeof(text), size, false), size);
}

static void print_status(const Ctl *ctl, const struct shmbroker_status *status) {
        char text[SIZE_TEXT];
        int privileged;

        (void) printf("%-13s %s\n", "Broker:", shmbroker_get_address(ctl->connection));
        if (shmbroker_status_privileged(status, &privileged) == 0)
                (void) printf("%-13s %s\n",
                              "You are:", privileged ? "its administrator" : "a user of it");
        if (shmbroker_status_tenant(status))
                (void) printf("%-13s %s\n", "Tenant:", shmbroker_status_tenant(status));
        (void) printf("%-13s %s\n", "Version:", shmbroker_status_version(status));
        (void) printf("%-13s %s\n", "Started:",
                      time_format(text, sizeof(text), shmbroker_status_start_time(status)));
        print_number("Generation:", shmbroker_status_generation(status));
        if (shmbroker_status_registry_id(status))
                (void) printf("%-13s %s\n", "Registry:", shmbroker_status_registry_id(status));
        print_number("Segments:", shmbroker_status_segment_count(status));
        print_number("Attachments:", shmbroker_status_attachment_count(status));
        print_number("Connections:", shmbroker_status_connection_count(status));
        print_size("Size:", shmbroker_status_total_bytes(status));
        print_size("Memory:", shmbroker_status_allocated_bytes(status));
        print_map("Limits", status, shmbroker_status_limit);
        print_map("Counters", status, shmbroker_status_counter);
}

static int print_json(const struct shmbroker_status *status) {
        _cleanup_(json_deinit) Json json = JSON_NULL_DOCUMENT;

        json_begin_text(&json, shmbroker_status_json(status));
        return json_print(&json);
}

static int status_run(Ctl *ctl) {
        _cleanup_(shmbroker_status_freep) struct shmbroker_status *status = NULL;
        const char *value;
        int r;

        if (ctl_option(ctl, &value) != CTL_OPTIONS_END)
                return CTL_USAGE;
        r = ctl_no_operands(ctl);
        if (r)
                return r;
        r = ctl_connect(ctl);
        if (r)
                return r;
        if (shmbroker_get_status(ctl->connection, &status))
                return ctl_failed(ctl);
        if (ctl->json)
                return print_json(status);
        print_status(ctl, status);
        return CTL_SUCCESS;
}

const Command command_status = {
        .name = "status",
        .arguments = "[OPTION...]",
        .summary = "Shows how the broker is: counts, limits and counters",
        .run = status_run,
};
