/* SPDX-License-Identifier: MIT */
#ifndef SHMBROKER_TESTS_FUZZ_FUZZ_H
#define SHMBROKER_TESTS_FUZZ_FUZZ_H

/*
 * What fuzz targets share. Each has libFuzzer's entry, for 'make fuzz'; and, built plainly, a
 * main() that replays the files it is given, or those in tests/fuzz/corpus/NAME.
 */

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data);

/* Stays in builds without assert(). */
#define fuzz_check(condition, ...)                                                                 \
        do {                                                                                       \
                if (!(condition)) {                                                                \
                        fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);            \
                        fprintf(stderr, __VA_ARGS__);                                              \
                        fputc('\n', stderr);                                                       \
                        abort();                                                                   \
                }                                                                                  \
        } while (0)

/* A copy of exactly so many bytes and a NUL, the caller's. */
static inline char *fuzz_copy(const void *data, size_t n_data) {
        char *copy = malloc(n_data + 1);

        fuzz_check(copy, "no memory");
        if (n_data > 0)
                memcpy(copy, data, n_data);
        copy[n_data] = '\0';
        return copy;
}

#ifndef SHMBROKER_FUZZER

static inline int fuzz_replay(const char *path) {
        FILE *file = fopen(path, "re");
        uint8_t *data = NULL;
        size_t n = 0, n_more;

        if (!file) {
                perror(path);
                return 1;
        }
        do {
                uint8_t *more = realloc(data, n + 4096);

                fuzz_check(more, "no memory");
                data = more;
                n_more = fread(data + n, 1, 4096, file);
                n += n_more;
        } while (n_more > 0);
        fclose(file);
        /* Exactly as large as it is, so that a sanitizer sees who reads on. */
        data = realloc(data, n ? n : 1);
        (void) LLVMFuzzerTestOneInput(data, n);
        free(data);
        return 0;
}

static inline int fuzz_main(const char *name, int argc, char **argv) {
        const char *source = getenv("top_srcdir");
        struct dirent *entry;
        char path[4096];
        int failed = 0, n = 0;
        DIR *directory;

        for (int i = 1; i < argc; ++i)
                failed |= fuzz_replay(argv[i]);
        if (argc > 1)
                return failed;
        (void) snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
        directory = opendir(path);
        if (!directory) {
                perror(path);
                return 1;
        }
        while ((entry = readdir(directory))) {
                char *file;

                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
                        break;
                failed |= fuzz_replay(file);
                free(file);
                ++n;
        }
        closedir(directory);
        printf("%s: %d inputs\n", name, n);
        /* A corpus that is not found must not look like success. */
        return failed || n < 10;
}

#define FUZZ_MAIN(name)                                                                            \
        int main(int argc, char **argv) {                                                          \
                return fuzz_main((name), argc, argv);                                              \
        }

#else

#define FUZZ_MAIN(name)

#endif

#endif
