/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_VERDICT_H
#define SHMBROKER_CLIENT_CTL_VERDICT_H

/* What is an orphan: the same for those that are shown and those that are removed. */

#include "client/ctl/native.h"

int natives_judge(Natives *natives);

#endif
