/* SPDX-License-Identifier: MIT */
// ring-producer NAME N - as ring-producer.c, in C++

#include <cstdlib>
#include <iostream>
#include <new>

#include "ring.h"
#include "ring.hh"

namespace {

void produce(ring *ring) {
        for (std::uint64_t n = 0; n < ring->n_frames; n++) {
                while (n - __atomic_load_n(&ring->n_read, __ATOMIC_ACQUIRE) == RING_SLOTS)
                        nap();
                ring_frame &frame = ring->frames[n % RING_SLOTS];
                frame.number = n;
                for (unsigned int i = 0; i < RING_FRAME; i++)
                        frame.bytes[i] = ring_byte(n, i);
                __atomic_store_n(&ring->n_written, n + 1, __ATOMIC_RELEASE);
        }
        while (__atomic_load_n(&ring->n_read, __ATOMIC_ACQUIRE) < ring->n_frames)
                nap();
}

void run(const char *name, std::uint64_t n_frames) {
        const Broker broker = connect();
        const Options options = make_options();

        shmbroker_options_set_create(options.get(), SHMBROKER_CREATE_NEW);
        shmbroker_options_set_size(options.get(), sizeof(ring));
        shmbroker_options_set_remove_on_last_detach(options.get(), true);
        shmbroker_options_set_populate(options.get(), true);
        const Segment segment = acquire(broker, nullptr, options);
        ring *made = new (shmbroker_segment_data(segment.get())) ring();
        made->magic = RING_MAGIC;
        made->n_frames = n_frames;

        std::int64_t id = 0;
        check(shmbroker_segment_id(segment.get(), &id), broker);
        check(shmbroker_publish(broker.get(), id, name, SHMBROKER_PUBLISH_REPLACE, nullptr, nullptr, nullptr),
              broker);
        produce(made);
}

} // namespace

int main(int argc, char **argv) {
        if (argc != 3) {
                std::cerr << "usage: ring-producer NAME N\n";
                return 2;
        }
        try {
                run(argv[1], std::strtoull(argv[2], nullptr, 10));
        } catch (const std::exception &error) {
                std::cerr << error.what() << '\n';
                return 1;
        }
        return 0;
}
