/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_COMPLETION_H
#define SHMBROKER_CLIENT_CTL_COMPLETION_H

/* The fixed parts of completion/, in which a line "@TABLES@" stands for what the rows say. */

extern const char completion_bash[];
extern const char completion_fish[];
extern const char completion_zsh[];

#endif
