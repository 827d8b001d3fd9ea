/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_LIFE_CENSUS_H
#define SHMBROKER_DAEMON_LIFE_CENSUS_H

/* Who is attached, from what the kernel answers. Nothing is destroyed here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/budget.h"
#include "daemon/kernel/features.h"
#include "daemon/life/events.h"
#include "daemon/model/attachment.h"
#include "daemon/model/segment.h"

typedef struct Asker Asker;
typedef struct Census Census;
typedef enum Holders Holders;

struct Census {
        Features features;
        /* CLOCK_BOOTTIME, when the answers were last tried */
        uint64_t tried_usec;
        AttachmentPool attachments;
        Events *events;
        /* For counting what nobody asked for */
        Budget unasked;
};

/* Somebody who waits for the number of attachments. */
struct Asker {
        /* What it costs is at this one's expense */
        Budget *budget;
        /* CLOCK_BOOTTIME, when it was asked, or later: what is counted after that is an answer */
        uint64_t since_usec;
};

enum Holders {
        /* Nobody, and the broker holds the lease, to be dropped by lease_drop() */
        HOLDERS_NONE,
        /* Nobody as far as the marks tell, for there are no leases: memory must not be touched */
        HOLDERS_NONE_KNOWN,
        HOLDERS_SOME,
        /* The kernel did not say, as it does otherwise; that counts as held, and is asked again */
        HOLDERS_UNKNOWN,
};

int census_init(Census *census, Events *events);
void census_deinit(Census *census);

Holders census_ask(Census *census, Segment *segment);
bool census_count(Census *census, Segment *segment, uint64_t limit_usec);
void census_update(Census *census, Segment *segment, const Asker *asker);
bool census_yield(Census *census, Segment *segment, const User *user, unsigned int *n_lookups);
void census_conclude(Census *census, Segment *segment);
void census_forget(Census *census, Segment *segment);
void census_end_all(Census *census, Segment *segment);

#endif
