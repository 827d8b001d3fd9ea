/* SPDX-License-Identifier: MIT */
#include "daemon/server/size.h"

#include <string.h>
#include <strings.h>

#include "proto/types.h"

/* Digits behind the point that count; what is further behind is less than a byte of most units. */
#define FRACTION_DIGITS 9

typedef struct Decimal Decimal;

/* A part of a unit, as numerator and denominator. */
struct Decimal {
        uint64_t whole;
        uint64_t numerator;
        uint64_t denominator;
};

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool read_whole(const char **at, uint64_t *ret) {
        uint64_t value = 0;

        if (!is_digit(**at))
                return false;
        for (; is_digit(**at); ++*at)
                if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
                    __builtin_add_overflow(value, (uint64_t) (**at - '0'), &value))
                        return false;
        *ret = value;
        return true;
}

static bool read_decimal(const char **at, Decimal *ret) {
        *ret = (Decimal){ .denominator = 1 };
        if (!read_whole(at, &ret->whole))
                return false;
        if (**at != '.')
                return true;
        if (!is_digit(*++*at))
                return false;
        for (int n = 0; is_digit(**at); ++*at, ++n) {
                if (n >= FRACTION_DIGITS)
                        continue;
                ret->numerator = ret->numerator * 10 + (uint64_t) (**at - '0');
                ret->denominator *= 10;
        }
        return true;
}

/* As util-linux has it: K and KiB are 1024, KB is 1000. */
static bool read_unit(const char *text, uint64_t *ret) {
        static const char letters[] = "KMGTPE";
        const char *letter = strchr(letters, *text & ~0x20);
        uint64_t base = 1024, unit = 1;

        if (!*text || strcasecmp(text, "B") == 0) {
                *ret = 1;
                return true;
        }
        if (!letter || !*letter)
                return false;
        if (strcasecmp(text + 1, "B") == 0)
                base = 1000;
        else if (text[1] && strcasecmp(text + 1, "iB") != 0)
                return false;
        for (const char *at = letters; at <= letter; ++at)
                unit *= base;
        *ret = unit;
        return true;
}

/**
 * size_read() - read a size, or another number
 * @text:       such as 4096, 64K, 1.5GiB or 10MB
 * @ret:        the size in bytes
 *
 * Return: whether it is one, and within what the protocol can tell.
 */
bool size_read(const char *text, uint64_t *ret) {
        uint64_t unit, value;
        Decimal decimal;

        if (!read_decimal(&text, &decimal) || !read_unit(text, &unit))
                return false;
        if (unit == 1 && decimal.numerator > 0)
                return false;
        if (__builtin_mul_overflow(decimal.whole, unit, &value) || value > (uint64_t) NUMBER_MAX)
                return false;
        /* In two parts, neither of which can overflow */
        value += unit / decimal.denominator * decimal.numerator +
                 unit % decimal.denominator * decimal.numerator / decimal.denominator;
        if (value > (uint64_t) NUMBER_MAX)
                return false;
        *ret = value;
        return true;
}
