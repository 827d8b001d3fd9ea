/* SPDX-License-Identifier: MIT */
#include "client/ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/size.h"

#define USEC_PER_SEC UINT64_C(1000000)
/* What is done sooner needs no line. */
#define DELAY_USEC USEC_PER_SEC
#define INTERVAL_USEC (USEC_PER_SEC / 5)
#define WIDTH_DEFAULT 80
#define WIDTH_MAX 512
/* A bar that is shorter says nothing. */
#define BAR_MIN 5

static uint64_t progress_now(void) {
        struct timespec time;

        (void) clock_gettime(CLOCK_MONOTONIC, &time);
        return (uint64_t) time.tv_sec * USEC_PER_SEC + (uint64_t) time.tv_nsec / 1000;
}

/* Asked for each time: the terminal may have another size by now. */
static size_t terminal_width(void) {
        struct winsize size;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return WIDTH_DEFAULT;
        return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

/* "1:05" or "2:03:04" */
static void format_clock(char *text, size_t n_text, uint64_t seconds) {
        if (seconds >= 360000)
                (void) snprintf(text, n_text, "--:--");
        else if (seconds >= 3600)
                (void) snprintf(text, n_text, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
                                seconds / 3600, seconds / 60 % 60, seconds % 60);
        else
                (void) snprintf(text, n_text, "%" PRIu64 ":%02" PRIu64, seconds / 60, seconds % 60);
}

static uint64_t per_second(uint64_t done, uint64_t usec) {
        return usec > 0 ? (uint64_t) ((double) done * USEC_PER_SEC / (double) usec) : 0;
}

/* "1.5G of 4G  37%  512M/s  ETA 0:05", or without a total, "1.5G  512M/s  0:03" */
static void format_numbers(const Progress *progress, uint64_t time, char *text, size_t n_text) {
        char done[SIZE_TEXT], total[SIZE_TEXT], rate[SIZE_TEXT], clock[SIZE_TEXT];
        uint64_t usec = time - progress->start_usec, speed = per_second(progress->done, usec);
        uint64_t left = 0;

        (void) size_format(done, sizeof(done), progress->done, false);
        (void) size_format(rate, sizeof(rate), speed, false);
        format_clock(clock, sizeof(clock), usec / USEC_PER_SEC);
        if (progress->total == UINT64_MAX) {
                (void) snprintf(text, n_text, "%s  %s/s  %s", done, rate, clock);
                return;
        }
        if (progress->done < progress->total) {
                left = progress->total - progress->done;
                format_clock(clock, sizeof(clock), speed > 0 ? left / speed : UINT64_MAX);
        }
        (void) size_format(total, sizeof(total), progress->total, false);
        (void) snprintf(text, n_text, "%s of %s  %3u%%  %s/s  %s%s", done, total,
                        (unsigned int) ((double) progress->done * 100 /
                                        (double) (progress->total ? progress->total : 1)),
                        rate, left > 0 ? "ETA " : "", clock);
}

/* "  [=====>    ]", or nothing if there is no room for it */
static void format_bar(const Progress *progress, size_t n_room, char *text) {
        size_t n_bar, n_done;

        *text = '\0';
        if (progress->total == UINT64_MAX || n_room < BAR_MIN + 4)
                return;
        n_bar = n_room - 4;
        n_done = progress->total == 0 || progress->done >= progress->total
                         ? n_bar
                         : (size_t) ((double) n_bar * (double) progress->done /
                                     (double) progress->total);
        (void) memcpy(text, "  [", 3);
        (void) memset(text + 3, '=', n_done);
        (void) memset(text + 3 + n_done, ' ', n_bar - n_done);
        if (n_done < n_bar)
                text[3 + n_done] = '>';
        (void) strcpy(text + 3 + n_bar, "]");
}

/* The last column stays free: some terminals go to the next line when it is written. */
static void progress_draw(Progress *progress, uint64_t time) {
        char numbers[8 * SIZE_TEXT], bar[WIDTH_MAX + 8];
        size_t n_line = terminal_width() - 1, n_numbers;

        format_numbers(progress, time, numbers, sizeof(numbers));
        n_numbers = strlen(numbers);
        if (n_numbers > n_line)
                n_numbers = n_line;
        format_bar(progress, n_line - n_numbers, bar);
        (void) fprintf(stderr, "\r%.*s%s\033[K", (int) n_numbers, numbers, bar);
        (void) fflush(stderr);
        progress->visible = true;
        progress->drawn_usec = time;
}

/**
 * progress_begin() - a copy begins
 * @progress:   the object
 * @quiet:      never show anything
 * @total:      how many bytes it will be, or UINT64_MAX
 */
void progress_begin(Progress *progress, bool quiet, uint64_t total) {
        *progress = (Progress){
                .enabled = !quiet && isatty(STDERR_FILENO),
                .total = total,
                .start_usec = progress_now(),
        };
        progress->drawn_usec = progress->start_usec + DELAY_USEC - INTERVAL_USEC;
}

/* progress_add() - so many more bytes are done */
void progress_add(Progress *progress, uint64_t n) {
        uint64_t time;

        progress->done += n;
        if (!progress->enabled)
                return;
        time = progress_now();
        if (time >= progress->drawn_usec + INTERVAL_USEC)
                progress_draw(progress, time);
}

/* progress_end() - the copy is over; what is said next begins a line */
void progress_end(Progress *progress) {
        if (!progress->visible)
                return;
        progress_draw(progress, progress_now());
        (void) fputc('\n', stderr);
        progress->visible = false;
}
