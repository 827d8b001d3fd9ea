/* SPDX-License-Identifier: MIT */
// What the programs in C++ share: objects of the library that free themselves, and its errors as
// exceptions.

#ifndef RING_HH
#define RING_HH

#include <chrono>
#include <memory>
#include <shmbroker.h>
#include <stdexcept>
#include <string>
#include <thread>

template <typename T, T *(*Free)(T *)> struct Deleter {
        void operator()(T *object) const {
                Free(object);
        }
};

using Broker = std::unique_ptr<shmbroker, Deleter<shmbroker, shmbroker_close>>;
using Options =
        std::unique_ptr<shmbroker_options, Deleter<shmbroker_options, shmbroker_options_free>>;
using Segment = std::unique_ptr<shmbroker_segment, Deleter<shmbroker_segment, shmbroker_release>>;

inline void check(int r, const Broker &broker) {
        if (r < 0)
                throw std::runtime_error(
                        shmbroker_error_message(shmbroker_get_error(broker.get())));
}

inline Broker connect() {
        shmbroker *broker = nullptr;

        if (shmbroker_connect(nullptr, &broker) < 0)
                throw std::runtime_error("there is no broker");
        return Broker(broker);
}

inline Options make_options() {
        shmbroker_options *options = nullptr;

        if (shmbroker_options_new(&options) < 0)
                throw std::bad_alloc();
        return Options(options);
}

// Without a name it is private.
inline Segment acquire(const Broker &broker, const char *name, const Options &options) {
        shmbroker_segment *segment = nullptr;

        check(shmbroker_acquire(broker.get(), name, options.get(), &segment), broker);
        return Segment(segment);
}

template <typename T> T *data(const Segment &segment) {
        return static_cast<T *>(shmbroker_segment_data(segment.get()));
}

inline void nap() {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
}

#endif
