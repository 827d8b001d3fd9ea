/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_DAEMON_BASE_BUDGET_H
#define SHMBROKER_DAEMON_BASE_BUDGET_H

/*
 * Time for work whose cost others decide on: so much at once, and a share of the time from then on.
 * What was spent is paid off while time goes by.
 */

#include <stdbool.h>
#include <stdint.h>

typedef struct Budget Budget;
typedef struct BudgetRate BudgetRate;

struct Budget {
        /* CLOCK_BOOTTIME, when everything is paid off */
        uint64_t paid_usec;
};

struct BudgetRate {
        uint64_t at_once_usec;
        /* So many times as long as the work took it is paid off */
        uint64_t pause;
};

uint64_t budget_left(const Budget *budget, const BudgetRate *rate);
uint64_t budget_due(const Budget *budget, const BudgetRate *rate, uint64_t usec);
void budget_spend(Budget *budget, const BudgetRate *rate, uint64_t usec);

#endif
