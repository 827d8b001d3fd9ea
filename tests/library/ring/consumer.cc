/* SPDX-License-Identifier: MIT */
// ring-consumer NAME - as ring-consumer.c, in C++

#include <iostream>

#include "ring.h"
#include "ring.hh"

namespace {

// The producer may be started later, but not much.
constexpr std::uint64_t patience_usec = 10000000;

void look_at(const ring_frame &frame, std::uint64_t number) {
        bool right = frame.number == number;

        for (unsigned int i = 0; i < RING_FRAME; i++)
                right = right && frame.bytes[i] == ring_byte(number, i);
        if (!right)
                throw std::runtime_error("frame " + std::to_string(number) + " is wrong");
}

void run(const char *name) {
        const Broker broker = connect();
        const Options options = make_options();

        shmbroker_options_set_wait(options.get(), patience_usec);
        shmbroker_options_set_size(options.get(), sizeof(ring));
        const Segment segment = acquire(broker, name, options);
        ring *found = data<ring>(segment);
        if (found->magic != RING_MAGIC)
                throw std::runtime_error("this is no ring");
        for (std::uint64_t n = 0; n < found->n_frames; n++) {
                while (__atomic_load_n(&found->n_written, __ATOMIC_ACQUIRE) == n)
                        nap();
                look_at(found->frames[n % RING_SLOTS], n);
                __atomic_store_n(&found->n_read, n + 1, __ATOMIC_RELEASE);
        }
        std::cout << found->n_frames << '\n';
}

} // namespace

int main(int argc, char **argv) {
        if (argc != 2) {
                std::cerr << "usage: ring-consumer NAME\n";
                return 2;
        }
        try {
                run(argv[1]);
        } catch (const std::exception &error) {
                std::cerr << error.what() << '\n';
                return 1;
        }
        return 0;
}
