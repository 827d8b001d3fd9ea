/* shmbrokerctl cat: what is in a segment, to stdout. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/ctl.h"

static const Option options[] = { ID_OPTION };

static int write_all(const char *data, size_t n_data) {
        while (n_data > 0) {
                ssize_t n = write(STDOUT_FILENO, data, n_data);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return ctl_error("the content could not be written: %s", strerror(errno));
                data += n;
                n_data -= (size_t) n;
        }
        return CTL_SUCCESS;
}

static int cat(const Ctl *ctl, const Selector *selector) {
        _cleanup_(shmbroker_options_freep) struct shmbroker_options *acquire = NULL;
        _cleanup_(shmbroker_releasep) struct shmbroker_segment *segment = NULL;
        int r;

        if (shmbroker_options_new(&acquire))
                return ctl_no_memory();
        shmbroker_options_set_access(acquire, SHMBROKER_ACCESS_READ_ONLY);
        r = ctl_acquire(ctl, selector, acquire, &segment);
        if (r)
                return r;
        return write_all(shmbroker_segment_data(segment), (size_t) shmbroker_segment_size(segment));
}

static int run(Ctl *ctl) {
        const char *value, *id = NULL;
        Selector selector;
        int key, r;

        while ((key = ctl_option(ctl, &value)) != CTL_OPTIONS_END) {
                if (key == CTL_OPTIONS_WRONG)
                        return CTL_USAGE;
                id = value;
        }
        r = ctl_begin_segment(ctl, id, &selector);
        return r ? r : cat(ctl, &selector);
}

const Command command_cat = {
        .name = "cat",
        .arguments = "NAME | --id ID",
        .summary = "Writes what is in a segment to standard output",
        COMMAND_OPTIONS(options),
        .run = run,
};
