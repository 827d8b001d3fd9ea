/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_COMMANDS_H
#define SHMBROKER_CLIENT_CTL_COMMANDS_H

/* The commands, each of a file of its own. Only main.c uses them. */

#include "client/ctl/ctl.h"

extern const Command command_adopt;
extern const Command command_cat;
extern const Command command_chmod;
extern const Command command_chown;
extern const Command command_complete;
extern const Command command_completion;
extern const Command command_cp;
extern const Command command_create;
extern const Command command_doctor;
extern const Command command_exec;
extern const Command command_limits;
extern const Command command_list;
extern const Command command_orphans;
extern const Command command_publish;
extern const Command command_reap;
extern const Command command_resize;
extern const Command command_rm;
extern const Command command_seal;
extern const Command command_set;
extern const Command command_show;
extern const Command command_status;
extern const Command command_tenants;
extern const Command command_users;
extern const Command command_wait;
extern const Command command_watch;
extern const Command command_who;
extern const Command command_write;

#endif
