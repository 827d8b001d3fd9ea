/* SPDX-License-Identifier: MIT */
#include "client/ctl/size.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/ctl/util.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Digits behind the point that count; what is further behind is less than a byte of most units. */
#define FRACTION_DIGITS 9

typedef struct Number Number;
typedef struct Unit Unit;

/* Before a unit is known: whole and numerator/denominator of it. */
struct Number {
        uint64_t whole;
        uint64_t numerator;
        uint64_t denominator;
};

struct Unit {
        const char *name;
        uint64_t value;
};

static const Unit time_units[] = {
        { "", USEC_PER_SEC },
        { "us", 1 },
        { "usec", 1 },
        { "ms", 1000 },
        { "msec", 1000 },
        { "s", USEC_PER_SEC },
        { "sec", USEC_PER_SEC },
        { "m", 60 * USEC_PER_SEC },
        { "min", 60 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
        { "hour", 3600 * USEC_PER_SEC },
        { "d", 86400 * USEC_PER_SEC },
        { "day", 86400 * USEC_PER_SEC },
};

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static int parse_number(const char **at, Number *ret) {
        Number number = { .denominator = 1 };
        int n_fraction = 0;
        bool range = false;

        if (!is_digit(**at))
                return -EINVAL;
        for (; is_digit(**at); ++*at)
                range |= __builtin_mul_overflow(number.whole, UINT64_C(10), &number.whole) ||
                         __builtin_add_overflow(number.whole, (uint64_t) (**at - '0'),
                                                &number.whole);
        if (**at == '.') {
                if (!is_digit(*++*at))
                        return -EINVAL;
                for (; is_digit(**at); ++*at) {
                        if (n_fraction++ >= FRACTION_DIGITS)
                                continue;
                        number.numerator = number.numerator * 10 + (uint64_t) (**at - '0');
                        number.denominator *= 10;
                }
        }
        if (range)
                return -ERANGE;
        *ret = number;
        return 0;
}

static int size_scale(const Number *number, uint64_t unit, uint64_t *ret) {
        uint64_t value, fraction;

        if (__builtin_mul_overflow(number->whole, unit, &value))
                return -ERANGE;
        /* In two parts, neither of which can overflow */
        fraction = unit / number->denominator * number->numerator +
                   unit % number->denominator * number->numerator / number->denominator;
        if (__builtin_add_overflow(value, fraction, &value))
                return -ERANGE;
        *ret = value;
        return 0;
}

/* As util-linux has it: K and KiB are 1024, KB is 1000. */
static int size_unit(const char *suffix, uint64_t *ret) {
        static const char letters[] = "KMGTPE";
        const char *letter;
        uint64_t base, unit = 1;

        if (!*suffix || strcasecmp(suffix, "B") == 0) {
                *ret = 1;
                return 0;
        }
        letter = strchr(letters, *suffix & ~0x20);
        if (!letter || !*letter)
                return -EINVAL;
        if (!suffix[1] || strcasecmp(suffix + 1, "iB") == 0)
                base = 1024;
        else if (strcasecmp(suffix + 1, "B") == 0)
                base = 1000;
        else
                return -EINVAL;
        for (const char *at = letters; at <= letter; ++at)
                unit *= base;
        *ret = unit;
        return 0;
}

/**
 * size_parse() - read a size
 * @text:       such as 4096, 64K, 1.5GiB or 10MB
 * @ret:        the size in bytes
 *
 * Return: 0, -EINVAL, or -ERANGE.
 */
int size_parse(const char *text, uint64_t *ret) {
        Number number;
        uint64_t unit;
        int r;

        r = parse_number(&text, &number);
        if (r)
                return r;
        r = size_unit(text, &unit);
        if (r)
                return r;
        if (unit == 1 && number.numerator > 0)
                return -EINVAL;
        return size_scale(&number, unit, ret);
}

/**
 * duration_parse() - read a duration
 * @text:       such as 500ms, 10s or 2min; without a unit it is seconds
 * @ret_usec:   the duration in microseconds
 *
 * Return: 0, -EINVAL, or -ERANGE.
 */
int duration_parse(const char *text, uint64_t *ret_usec) {
        Number number;
        int r;

        r = parse_number(&text, &number);
        if (r)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(time_units); ++i)
                if (strcmp(time_units[i].name, text) == 0)
                        return size_scale(&number, time_units[i].value, ret_usec);
        return -EINVAL;
}

/* size_format() - print a size with one decimal at most, or in bytes */
const char *size_format(char *text, size_t n_text, uint64_t size, bool bytes) {
        static const char letters[] = "BKMGTPE";
        uint64_t unit = 1, whole, tenths;
        size_t i = 0;

        while (!bytes && size / unit >= 1024) {
                unit *= 1024;
                ++i;
        }
        whole = size / unit;
        tenths = (size % unit) * 10 / unit;
        if (bytes)
                (void) snprintf(text, n_text, "%" PRIu64, size);
        else if (tenths)
                (void) snprintf(text, n_text, "%" PRIu64 ".%" PRIu64 "%c", whole, tenths,
                                letters[i]);
        else
                (void) snprintf(text, n_text, "%" PRIu64 "%c", whole, letters[i]);
        return text;
}

/* duration_format() - print a duration in the largest unit that leaves no rest */
const char *duration_format(char *text, size_t n_text, uint64_t usec) {
        static const Unit units[] = {
                { "d", 86400 * USEC_PER_SEC },
                { "h", 3600 * USEC_PER_SEC },
                { "min", 60 * USEC_PER_SEC },
                { "s", USEC_PER_SEC },
                { "ms", 1000 },
                { "us", 1 },
        };
        size_t i = 0;

        if (usec == 0)
                i = 3;
        while (usec % units[i].value != 0)
                ++i;
        (void) snprintf(text, n_text, "%" PRIu64 "%s", usec / units[i].value, units[i].name);
        return text;
}

/* age_format() - print a duration in the largest unit of which it has one, without the rest */
const char *age_format(char *text, size_t n_text, uint64_t usec) {
        static const uint64_t units[] = { 86400 * USEC_PER_SEC, 3600 * USEC_PER_SEC,
                                          60 * USEC_PER_SEC, USEC_PER_SEC };
        size_t i = 0;

        while (i + 1 < ARRAY_SIZE(units) && usec < units[i])
                ++i;
        return duration_format(text, n_text, usec - usec % units[i]);
}

/* time_format() - print a point in time in the local zone */
const char *time_format(char *text, size_t n_text, uint64_t usec) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct tm local;

        if (!localtime_r(&seconds, &local) ||
            strftime(text, n_text, "%Y-%m-%d %H:%M:%S", &local) == 0)
                (void) snprintf(text, n_text, "%" PRIu64, usec);
        return text;
}

/* time_format_exact() - the same with milliseconds */
const char *time_format_exact(char *text, size_t n_text, uint64_t usec) {
        size_t n = strlen(time_format(text, n_text, usec));

        (void) snprintf(text + n, n_text - n, ".%03u", (unsigned int) (usec % USEC_PER_SEC / 1000));
        return text;
}
