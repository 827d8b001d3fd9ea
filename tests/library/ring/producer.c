/* SPDX-License-Identifier: MIT */
/*
 * ring-producer NAME N - publishes a ring under a name, sends N frames through it, and waits until
 * all of them were read. Nobody ever sees the ring half made, and it goes with its last user.
 */

#include <inttypes.h>
#include <shmbroker.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "ring.h"

static int complain(struct shmbroker *broker, const char *what) {
        fprintf(stderr, "%s: %s\n", what, shmbroker_error_message(shmbroker_get_error(broker)));
        return 1;
}

static void nap(void) {
        const struct timespec time = { 0, 100000 };

        nanosleep(&time, NULL);
}

static void fill(struct ring_frame *frame, uint64_t number) {
        frame->number = number;
        for (unsigned int i = 0; i < RING_FRAME; i++)
                frame->bytes[i] = ring_byte(number, i);
}

static void produce(struct ring *ring) {
        for (uint64_t n = 0; n < ring->n_frames; n++) {
                while (n - __atomic_load_n(&ring->n_read, __ATOMIC_ACQUIRE) == RING_SLOTS)
                        nap();
                fill(&ring->frames[n % RING_SLOTS], n);
                __atomic_store_n(&ring->n_written, n + 1, __ATOMIC_RELEASE);
        }
        while (__atomic_load_n(&ring->n_read, __ATOMIC_ACQUIRE) < ring->n_frames)
                nap();
}

/* A private segment, which is filled before it gets its name. */
static int make_ring(struct shmbroker *broker, struct shmbroker_segment **ret) {
        struct shmbroker_options *options = NULL;
        int r;

        r = shmbroker_options_new(&options);
        if (r < 0)
                return r;
        shmbroker_options_set_create(options, SHMBROKER_CREATE_NEW);
        shmbroker_options_set_size(options, sizeof(struct ring));
        shmbroker_options_set_remove_on_last_detach(options, 1);
        /* So that lack of memory is an error here, and not SIGBUS in produce(). */
        shmbroker_options_set_populate(options, 1);
        r = shmbroker_acquire(broker, NULL, options, ret);
        shmbroker_options_free(options);
        return r;
}

static int run(struct shmbroker *broker, const char *name, uint64_t n_frames) {
        struct shmbroker_segment *segment = NULL;
        struct ring *ring;
        int64_t id;
        int result = 0;

        if (make_ring(broker, &segment) < 0)
                return complain(broker, "no ring");
        ring = shmbroker_segment_data(segment);
        ring->magic = RING_MAGIC;
        ring->n_frames = n_frames;
        if (shmbroker_segment_id(segment, &id) < 0 ||
            shmbroker_publish(broker, id, name, SHMBROKER_PUBLISH_REPLACE, NULL, NULL, NULL) < 0)
                result = complain(broker, "not published");
        else
                produce(ring);
        shmbroker_release(segment);
        return result;
}

int main(int argc, char **argv) {
        struct shmbroker *broker = NULL;
        int result;

        if (argc != 3) {
                fprintf(stderr, "usage: ring-producer NAME N\n");
                return 2;
        }
        if (shmbroker_connect(NULL, &broker) < 0) {
                fprintf(stderr, "there is no broker\n");
                return 1;
        }
        result = run(broker, argv[1], strtoull(argv[2], NULL, 10));
        shmbroker_close(broker);
        return result;
}
