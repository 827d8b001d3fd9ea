/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_CLIENT_CTL_SIZE_H
#define SHMBROKER_CLIENT_CTL_SIZE_H

/* Sizes, durations and points in time as people write and read them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for what the functions below print. */
#define SIZE_TEXT 64

int size_parse(const char *text, uint64_t *ret);
int duration_parse(const char *text, uint64_t *ret_usec);

const char *size_format(char *text, size_t n_text, uint64_t size, bool bytes);
const char *duration_format(char *text, size_t n_text, uint64_t usec);
const char *age_format(char *text, size_t n_text, uint64_t usec);
const char *time_format(char *text, size_t n_text, uint64_t usec);
const char *time_format_exact(char *text, size_t n_text, uint64_t usec);

#endif
