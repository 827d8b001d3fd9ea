/* SPDX-License-Identifier: MIT */
// The header and the library, used from C++.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <shmbroker.h>
#include <string>
#include <type_traits>

namespace {

template <typename T, T *(*Free)(T *)> struct Deleter {
        void operator()(T *object) const {
                Free(object);
        }
};

using Connection = std::unique_ptr<shmbroker, Deleter<shmbroker, shmbroker_close>>;
using Options =
        std::unique_ptr<shmbroker_options, Deleter<shmbroker_options, shmbroker_options_free>>;
using Segment = std::unique_ptr<shmbroker_segment, Deleter<shmbroker_segment, shmbroker_release>>;

static_assert(std::is_same<decltype(&shmbroker_segment_data),
                           void *(*) (const shmbroker_segment *)>::value,
              "it is C that is declared");

int fail(const shmbroker *connection) {
        std::fprintf(stderr, "%s\n", shmbroker_error_message(shmbroker_get_error(connection)));
        return 1;
}

Segment acquire(shmbroker *connection, const char *name, int create) {
        shmbroker_options *options = nullptr;
        shmbroker_segment *segment = nullptr;

        if (shmbroker_options_new(&options) < 0)
                return nullptr;
        Options owned(options);
        shmbroker_options_set_create(options, create);
        shmbroker_options_set_access(options, SHMBROKER_ACCESS_READ_WRITE);
        shmbroker_options_set_size(options, 4096);
        shmbroker_options_set_remove_on_last_detach(options, true);
        return Segment(shmbroker_acquire(connection, name, options, &segment) < 0 ? nullptr
                                                                                  : segment);
}

} // namespace

int main() {
        shmbroker *raw = nullptr;

        if (shmbroker_connect(nullptr, &raw) < 0) {
                std::fprintf(stderr, "there is no broker\n");
                return 1;
        }
        Connection connection(raw);
        Segment one = acquire(connection.get(), "c++", SHMBROKER_CREATE_NEW);
        if (!one)
                return fail(connection.get());
        Segment other = acquire(connection.get(), "c++", SHMBROKER_CREATE_OPEN);
        if (!other)
                return fail(connection.get());
        std::strcpy(static_cast<char *>(shmbroker_segment_data(one.get())), "shared");
        const std::string found(static_cast<char *>(shmbroker_segment_data(other.get())));
        return found == "shared" && shmbroker_segment_created(one.get()) &&
                               !shmbroker_segment_created(other.get())
                       ? 0
                       : 1;
}
