#include "client/ctl-process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl-util.h"

#define USEC_PER_SEC UINT64_C(1000000)
/* Command lines longer than that are cut. */
#define COMMAND_MAX 1024

static ssize_t read_proc(pid_t pid, const char *file, char *text, size_t n_text) {
        char path[64];
        ssize_t n;
        int fd;

        (void) snprintf(path, sizeof(path), "/proc/%jd/%s", (intmax_t) pid, file);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, text, n_text);
        if (n < 0)
                n = -errno;
        (void) close(fd);
        return n;
}

static uint64_t timespec_usec(const struct timespec *time) {
        return (uint64_t) time->tv_sec * USEC_PER_SEC + (uint64_t) time->tv_nsec / 1000;
}

/* When the host was started; CLOCK_BOOTTIME is what processes are dated by. */
static uint64_t boot_time(void) {
        struct timespec now, up;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        (void) clock_gettime(CLOCK_BOOTTIME, &up);
        return timespec_usec(&now) - timespec_usec(&up);
}

/* The field is the 20th behind the name, in which anything can stand. */
static int start_time(pid_t pid, uint64_t *ret_usec) {
        unsigned long long ticks;
        long per_second = sysconf(_SC_CLK_TCK);
        char text[COMMAND_MAX];
        const char *at;
        ssize_t n;

        n = read_proc(pid, "stat", text, sizeof(text) - 1);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        at = strrchr(text, ')');
        for (int i = 0; at && i < 20; ++i)
                at = strchr(at + 1, ' ');
        if (!at || sscanf(at, "%llu", &ticks) != 1 || per_second <= 0)
                return -EINVAL;
        *ret_usec = boot_time() + (uint64_t) ticks * USEC_PER_SEC / (uint64_t) per_second;
        return 0;
}

/* U+0080 to U+009F in UTF-8, which terminals may obey */
static bool is_control_pair(const char *text) {
        return (unsigned char) text[0] == 0xc2 && (unsigned char) text[1] >= 0x80 &&
               (unsigned char) text[1] < 0xa0;
}

/* Words have a zero behind them, and whoever runs may have written anything else into them. */
static void make_printable(char *text, size_t n_text) {
        for (size_t i = 0; i < n_text; ++i)
                if (text[i] == '\0')
                        text[i] = ' ';
                else if (iscntrl((unsigned char) text[i]) || is_control_pair(text + i))
                        text[i] = '?';
        while (n_text > 0 && text[n_text - 1] == ' ')
                --n_text;
        text[n_text] = '\0';
}

/**
 * process_command() - the command line of a process
 * @pid:        its number
 * @before_usec: a point in time: if it began later, it is not the one that is meant, but another
 *              that has got its number
 * @ret:        the words with blanks between them, to be freed
 *
 * Return: 0; -ESRCH if that process is gone; -ENODATA if it has none; or another negative errno.
 */
int process_command(pid_t pid, uint64_t before_usec, char **ret) {
        char text[COMMAND_MAX];
        uint64_t start = 0;
        ssize_t n;
        char *copy;
        int r;

        n = read_proc(pid, "cmdline", text, sizeof(text) - 1);
        if (n < 0)
                return n == -ENOENT ? -ESRCH : (int) n;
        r = start_time(pid, &start);
        if (r)
                return r == -ENOENT ? -ESRCH : r;
        /* Ticks are coarse, and clocks are adjusted. */
        if (start > before_usec + USEC_PER_SEC)
                return -ESRCH;
        text[n] = '\0';
        make_printable(text, (size_t) n);
        if (!*text)
                return -ENODATA;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}
