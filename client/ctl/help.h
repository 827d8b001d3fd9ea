/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_HELP_H
#define SHMBROKER_CLIENT_CTL_HELP_H

/* --help, of the program and of each command: made from the rows that parsing goes by. */

#include "client/ctl/ctl.h"

void help_print(const Ctl *ctl);

#endif
