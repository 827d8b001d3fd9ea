#ifndef SHMBROKER_DAEMON_REAPER_H
#define SHMBROKER_DAEMON_REAPER_H

/*
 * Lets go of what is behind destroyed segments. Giving back the pages of a large one takes tenths
 * of a second, for which nobody should have to wait: that is done by a thread of its own, which
 * gets a descriptor and knows nothing else of the broker.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Reaper Reaper;
typedef struct ReaperJob ReaperJob;

typedef void (*ReaperPunchFn)(int fd, uint64_t size_bytes);

struct Reaper {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t wakeup;
        ReaperJob *jobs;
        bool running;
        bool ending;
};

int reaper_init(Reaper *reaper);
void reaper_deinit(Reaper *reaper);

void reaper_take(Reaper *reaper, int fd, uint64_t size_bytes, ReaperPunchFn punch);

#endif
