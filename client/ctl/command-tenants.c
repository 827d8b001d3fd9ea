/* SPDX-License-Identifier: MIT */
/* shmbrokerctl tenants: containers and others that have a socket of their own. */

#include <stdlib.h>
#include <string.h>

#include "client/ctl/cell.h"
#include "client/ctl/commands.h"
#include "client/ctl/common.h"
#include "client/ctl/table.h"

static const Option options[] = { TABLE_OPTIONS };

/* What a column shows of a tenant. */
#define CELL(name, expression)                                                                     \
        static char *name(const void *item, CellStyle style) {                                     \
                const struct shmbroker_tenant *tenant = item;                                      \
                                                                                                   \
                (void) style;                                                                      \
                return (expression);                                                               \
        }

/* A limit in force, or nothing where it is not set. */
#define LIMIT_CELL(name, limit, expression)                                                        \
        static char *name(const void *item, CellStyle style) {                                     \
                int64_t value;                                                                     \
                                                                                                   \
                (void) style;                                                                      \
                if (shmbroker_tenant_limit_by_name(item, limit, &value) || value < 0)              \
                        return cell_text(NULL);                                                    \
                return (expression);                                                               \
        }

CELL(tenant_name, cell_text(shmbroker_tenant_name(tenant)))
CELL(tenant_segments, cell_number(shmbroker_tenant_segment_count(tenant)))
CELL(tenant_bytes, cell_size(shmbroker_tenant_charged_bytes(tenant), style))
CELL(tenant_attachments, cell_number(shmbroker_tenant_attachment_count(tenant)))
CELL(tenant_connections, cell_number(shmbroker_tenant_connection_count(tenant)))
CELL(tenant_address, cell_text(shmbroker_tenant_address(tenant)))
CELL(tenant_exports, cell_text(shmbroker_tenant_exports(tenant)))
CELL(tenant_problem, cell_text(shmbroker_tenant_problem(tenant)))

LIMIT_CELL(max_segments, "segments", cell_number((uint64_t) value))
LIMIT_CELL(max_bytes, "bytes", cell_size((uint64_t) value, style))
LIMIT_CELL(max_attachments, "attachments", cell_number((uint64_t) value))
LIMIT_CELL(max_connections, "connections", cell_number((uint64_t) value))

#define SHOWN .shown = true
#define NUMBER .number = true, .right = true

static const Column columns[] = {
        { "TENANT", NULL, "name", "name", .cell = tenant_name, SHOWN },
        { "SEGMENTS", NULL, "segments created", "segmentCount", .cell = tenant_segments, NUMBER,
          SHOWN },
        { "BYTES", NULL, "what the segments are charged", "chargedBytes", .cell = tenant_bytes,
          NUMBER, SHOWN },
        { "ATTACHMENTS", NULL, "attachments", "attachmentCount", .cell = tenant_attachments, NUMBER,
          SHOWN },
        { "CONNECTIONS", NULL, "connections", "connectionCount", .cell = tenant_connections, NUMBER,
          SHOWN },
        { "MAXSEGMENTS", NULL, "limit on SEGMENTS", "limits.segments", .cell = max_segments,
          NUMBER },
        { "MAXBYTES", NULL, "limit on BYTES", "limits.bytes", .cell = max_bytes, NUMBER },
        { "MAXATTACHMENTS", NULL, "limit on ATTACHMENTS", "limits.attachments",
          .cell = max_attachments, NUMBER },
        { "MAXCONNECTIONS", NULL, "limit on CONNECTIONS", "limits.connections",
          .cell = max_connections, NUMBER },
        { "EXPORTS", NULL, "names of the host's it may read", "exports", .cell = tenant_exports,
          .rare = true },
        { "ADDRESS", NULL, "where it connects", "address", .cell = tenant_address, SHOWN },
        { "PROBLEM", NULL, "what is wrong with it", "problem", .cell = tenant_problem,
          .rare = true },
        {},
};

static char *tenant_json(const void *item) {
        return strdup(shmbroker_tenant_json(item));
}

static int tenants_print(const Ctl *ctl, const TableOptions *table_options,
                         const struct shmbroker_tenants *tenants) {
        _cleanup_(table_freep) Table *table = NULL;
        int r;

        r = table_new(ctl, columns, table_options, &table);
        for (size_t i = 0; r == 0 && i < shmbroker_tenants_count(tenants); ++i)
                r = table_add(table, shmbroker_tenants_get(tenants, i));
        if (r)
                return ctl_no_memory();
        return table_print(ctl, table, "tenants", tenant_json);
}

static int tenants_run(Ctl *ctl) {
        _cleanup_(shmbroker_tenants_freep) struct shmbroker_tenants *tenants = NULL;
        TableOptions table_options = {};
        int r;

        r = table_only(ctl, &table_options);
        if (r)
                return r;
        if (shmbroker_list_tenants(ctl->connection, &tenants))
                return ctl_failed(ctl);
        return tenants_print(ctl, &table_options, tenants);
}

const Command command_tenants = {
        .name = "tenants",
        .arguments = "[OPTION...]",
        .summary = "Shows tenants, such as containers: all of them to the administrator",
        .columns = columns,
        COMMAND_OPTIONS(options),
        .run = tenants_run,
};
