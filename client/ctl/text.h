/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_TEXT_H
#define SHMBROKER_CLIENT_CTL_TEXT_H

/* Text that others wrote, to be shown. */

char *text_escape(const char *text);

#endif
