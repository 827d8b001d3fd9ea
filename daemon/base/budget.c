/* SPDX-License-Identifier: MIT */
#include "daemon/base/budget.h"

#include "daemon/base/clock.h"

static uint64_t budget_whole(const BudgetRate *rate) {
        return rate->at_once_usec * rate->pause;
}

/* budget_left() - how long work may take now, in microseconds */
uint64_t budget_left(const Budget *budget, const BudgetRate *rate) {
        uint64_t now = clock_boottime_usec(), owed;

        owed = budget->paid_usec > now ? budget->paid_usec - now : 0;
        return owed < budget_whole(rate) ? rate->at_once_usec - owed / rate->pause : 0;
}

/* budget_due() - from when on work may take @usec, which is not more than is allowed at once; on
 * CLOCK_BOOTTIME */
uint64_t budget_due(const Budget *budget, const BudgetRate *rate, uint64_t usec) {
        uint64_t at_once = budget_whole(rate) - usec * rate->pause;

        return budget->paid_usec > at_once ? budget->paid_usec - at_once : 0;
}

/* budget_spend() - note how long work took, which may be longer than it was allowed to */
void budget_spend(Budget *budget, const BudgetRate *rate, uint64_t usec) {
        uint64_t now = clock_boottime_usec();

        if (budget->paid_usec < now)
                budget->paid_usec = now;
        budget->paid_usec += usec * rate->pause;
}
