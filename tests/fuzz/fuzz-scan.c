/* SPDX-License-Identifier: MIT */
/* Any bytes as a text: if it is accepted, Reader can walk it, and reads what json-c does. */

#include "proto/scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/compare.h"

/* What a text is accepted or refused for is decided by all of it: not by what is behind it. */
static void check_end(const char *text, size_t n_text) {
        char *longer = malloc(n_text + 2);

        fuzz_check(longer, "no memory");
        memcpy(longer, text, n_text);
        longer[n_text] = '\n';
        fuzz_check(scan_text(longer, n_text + 1) == 0, "white space behind it matters");
        longer[n_text] = '\0';
        fuzz_check(scan_text(longer, n_text + 1) == SCAN_E_BROKEN, "a NUL behind it is taken");
        longer[n_text] = '}';
        fuzz_check(scan_text(longer, n_text + 1) == SCAN_E_BROKEN, "a brace behind it is taken");
        free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data) {
        const char *text = (const char *) data, *different;

        if (scan_text(text, n_data))
                return 0;
        different = compare_text(text, n_data);
        fuzz_check(!different, "json-c: %s", different);
        check_end(text, n_data);
        return 0;
}

FUZZ_MAIN("scan")
