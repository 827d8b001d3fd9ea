/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_COMPLETION_H
#define SHMBROKER_CLIENT_CTL_COMPLETION_H

/* What is in completion/, made into strings. */

extern const char completion_bash[];
extern const char completion_fish[];
extern const char completion_zsh[];

#endif
