/* SPDX-License-Identifier: MIT */
/*
 * ring-consumer NAME - waits for a ring of that name, takes every frame out of it, and looks at
 * each byte. Prints how many there were.
 */

#include <inttypes.h>
#include <shmbroker.h>
#include <stdio.h>
#include <time.h>

#include "ring.h"

/* The producer may be started later, but not much. */
#define PATIENCE_USEC UINT64_C(10000000)

static void nap(void) {
        const struct timespec time = { 0, 100000 };

        nanosleep(&time, NULL);
}

static int is_right(const struct ring_frame *frame, uint64_t number) {
        if (frame->number != number)
                return 0;
        for (unsigned int i = 0; i < RING_FRAME; i++)
                if (frame->bytes[i] != ring_byte(number, i))
                        return 0;
        return 1;
}

static int consume(struct ring *ring) {
        if (ring->magic != RING_MAGIC) {
                fprintf(stderr, "this is no ring\n");
                return 1;
        }
        for (uint64_t n = 0; n < ring->n_frames; n++) {
                while (__atomic_load_n(&ring->n_written, __ATOMIC_ACQUIRE) == n)
                        nap();
                if (!is_right(&ring->frames[n % RING_SLOTS], n)) {
                        fprintf(stderr, "frame %" PRIu64 " is wrong\n", n);
                        return 1;
                }
                __atomic_store_n(&ring->n_read, n + 1, __ATOMIC_RELEASE);
        }
        printf("%" PRIu64 "\n", ring->n_frames);
        return 0;
}

static int run(struct shmbroker *broker, const char *name) {
        struct shmbroker_options *options = NULL;
        struct shmbroker_segment *segment = NULL;
        int result;

        if (shmbroker_options_new(&options) < 0)
                return 1;
        shmbroker_options_set_wait(options, PATIENCE_USEC);
        /* A segment that is smaller is no ring either. */
        shmbroker_options_set_size(options, sizeof(struct ring));
        if (shmbroker_acquire(broker, name, options, &segment) < 0) {
                fprintf(stderr, "%s\n", shmbroker_error_message(shmbroker_get_error(broker)));
                result = 1;
        } else {
                result = consume(shmbroker_segment_data(segment));
        }
        shmbroker_release(segment);
        shmbroker_options_free(options);
        return result;
}

int main(int argc, char **argv) {
        struct shmbroker *broker = NULL;
        int result;

        if (argc != 2) {
                fprintf(stderr, "usage: ring-consumer NAME\n");
                return 2;
        }
        if (shmbroker_connect(NULL, &broker) < 0) {
                fprintf(stderr, "there is no broker\n");
                return 1;
        }
        result = run(broker, argv[1]);
        shmbroker_close(broker);
        return result;
}
