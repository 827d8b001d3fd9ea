/* SPDX-License-Identifier: MIT */
#include "daemon/model/name-pattern.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "proto/name.h"
#include "proto/util.h"

typedef enum Place Place;

/* How far one is in a name, as far as it matters for what may follow: see name_valid(). */
enum Place {
        PLACE_BEGIN,
        /* Behind a slash */
        PLACE_PART,
        /* Behind a part that is "." or ".." so far */
        PLACE_DOT,
        PLACE_DOTS,
        /* Behind a part that is one; the name may end here */
        PLACE_TEXT,
        _PLACE_N,
        /* No name begins like this */
        PLACE_NOWHERE = _PLACE_N,
};

static const char name_characters[] = NAME_CHARACTERS "/";

/* name_pattern_matches() - does the pattern match all of the name? */
bool name_pattern_matches(const char *pattern, const char *name) {
        return fnmatch(pattern, name, 0) == 0;
}

static Place place_behind(Place place, char character) {
        if (character == '/')
                return place == PLACE_TEXT ? PLACE_PART : PLACE_NOWHERE;
        if (place == PLACE_BEGIN && strchr(NAME_RESERVED, character))
                return PLACE_NOWHERE;
        if (character == '.' && (place == PLACE_BEGIN || place == PLACE_PART))
                return PLACE_DOT;
        if (character == '.' && place == PLACE_DOT)
                return PLACE_DOTS;
        return PLACE_TEXT;
}

/* Where one may be behind a character that matches; @places and the result are sets of places. */
static unsigned int places_behind(unsigned int places, const char *element) {
        unsigned int behind = 0;

        for (const char *at = name_characters; *at; ++at) {
                const char text[] = { *at, '\0' };

                if (!name_pattern_matches(element, text))
                        continue;
                for (unsigned int place = 0; place < _PLACE_N; ++place)
                        if (places >> place & 1U)
                                behind |= 1U << place_behind((Place) place, *at);
        }
        return behind & ((1U << _PLACE_N) - 1);
}

/* Where one may be behind any number of characters. */
static unsigned int places_behind_any(unsigned int places) {
        unsigned int before;

        do {
                before = places;
                places |= places_behind(places, "?");
        } while (places != before);
        return places;
}

/* How long a bracket expression is; 1 if it has no end, and then the bracket is a character. */
static size_t bracket_length(const char *pattern) {
        const char *at = pattern + 1;

        at += *at == '!' || *at == '^';
        at += *at == ']';
        while (*at && *at != ']') {
                const char close[] = { at[1], ']', '\0' };
                const char *end = NULL;

                /* "[:alpha:]", "[.-.]" and "[=a=]" */
                if (*at == '[' && at[1] && strchr(":.=", at[1]))
                        end = strstr(at + 2, close);
                if (end)
                        at = end + 2;
                else
                        at += *at == '\\' && at[1] ? 2 : 1;
        }
        return *at ? (size_t) (at + 1 - pattern) : 1;
}

/* How long the part of a pattern is that matches one character, or is an asterisk. */
static size_t element_length(const char *pattern) {
        if (pattern[0] == '[')
                return bracket_length(pattern);
        return pattern[0] == '\\' && pattern[1] ? 2 : 1;
}

/**
 * name_pattern_possible() - can any segment have a name that the pattern matches?
 * @pattern:    the pattern, not longer than a name
 *
 * The pattern is read once, with all the places in a name where one may be by then.
 *
 * Return: false if no name is valid that it matches; true also if there is no memory to find out.
 */
bool name_pattern_possible(const char *pattern) {
        unsigned int places = 1U << PLACE_BEGIN;

        while (*pattern) {
                size_t n = element_length(pattern);
                _cleanup_(freep) char *element = strndup(pattern, n);

                if (!element)
                        return true;
                places = *pattern == '*' ? places_behind_any(places)
                                         : places_behind(places, element);
                pattern += n;
        }
        return places >> PLACE_TEXT & 1U;
}
