/* SPDX-License-Identifier: MIT */
#include "client/ctl/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "client/ctl/util.h"

#define USEC_PER_SEC UINT64_C(1000000)
/* Command lines longer than that are cut. */
#define COMMAND_MAX 1024

typedef struct Stat Stat;

struct Stat {
        char state;
        long n_threads;
        uint64_t start_usec;
};

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

/* Anything can stand in the name, which is before the last bracket. */
static int read_stat(pid_t pid, Stat *ret) {
        unsigned long long ticks;
        long per_second = sysconf(_SC_CLK_TCK);
        char text[COMMAND_MAX];
        const char *at;
        ssize_t n;
        Stat stat;

        n = read_proc(pid, "stat", text, sizeof(text) - 1);
        if (n < 0)
                return (int) n;
        text[n] = '\0';
        at = strrchr(text, ')');
        if (!at || per_second <= 0 ||
            sscanf(at,
                   ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %*s "
                   "%llu",
                   &stat.state, &stat.n_threads, &ticks) != 3)
                return -EINVAL;
        stat.start_usec = boot_time() + (uint64_t) ticks * USEC_PER_SEC / (uint64_t) per_second;
        *ret = stat;
        return 0;
}

/* Ticks are coarse, and clocks are adjusted. */
static bool began_later(const Stat *stat, uint64_t usec) {
        return stat->start_usec > usec + USEC_PER_SEC;
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

/* Where /proc is of another pid namespace, its numbers are not those that are meant. */
static bool is_proc_ours(void) {
        char text[32] = "";

        return readlink("/proc/self", text, sizeof(text) - 1) > 0 && atoi(text) == getpid();
}

/* process_namespace() - the pid namespace of this process and of /proc, as an inode of nsfs; 0 if
 * that cannot be known */
uint64_t process_namespace(void) {
        struct stat st;

        return is_proc_ours() && stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/**
 * process_command() - the command line of a process
 * @pid:        its number
 * @before_usec: a point in time: if it began later, it is not the one that is meant, but another
 *              that has got its number
 * @ret:        the words with blanks between them, to be freed
 *
 * Return: 0; -ESRCH if that process is gone; -ENODATA if it has none, or /proc is of another pid
 *         namespace; or another negative errno.
 */
int process_command(pid_t pid, uint64_t before_usec, char **ret) {
        char text[COMMAND_MAX];
        ssize_t n;
        char *copy;
        Stat stat;
        int r;

        if (!is_proc_ours())
                return -ENODATA;
        n = read_proc(pid, "cmdline", text, sizeof(text) - 1);
        if (n < 0)
                return n == -ENOENT ? -ESRCH : (int) n;
        r = read_stat(pid, &stat);
        if (r)
                return r == -ENOENT ? -ESRCH : r;
        if (began_later(&stat, before_usec))
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

/* process_has_pidfd_id() - has the process of this number a pidfd of that inode number? Yes as well
 * if the kernel does not say. */
bool process_has_pidfd_id(pid_t pid, uint64_t pidfd_id) {
        int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        bool has_it = true;
        struct stat st;

        if (fd < 0)
                return errno != ESRCH;
        if (fstat(fd, &st) == 0)
                has_it = st.st_ino == pidfd_id;
        (void) close(fd);
        return has_it;
}

/**
 * process_is_alive() - is the process that had a number at some time still there?
 * @pid:        its number
 * @before_usec: that time: if a process with this number began later, it is another one
 * @ret:        the answer; of a zombie, which does nothing any more, it is no
 *
 * Return: 0; -ENODATA if it cannot be known: the number is of another pid namespace, /proc does not
 *         show the process, or the clock was set since.
 */
int process_is_alive(pid_t pid, uint64_t before_usec, bool *ret) {
        bool alive;
        Stat stat;

        if (pid <= 0)
                return -ENODATA;
        /* This the kernel tells whatever /proc may hide. */
        if (kill(pid, 0) < 0 && errno == ESRCH) {
                *ret = false;
                return 0;
        }
        if (!is_proc_ours() || read_stat(pid, &stat))
                return -ENODATA;
        /* The first thread of a process may have ended while others go on. */
        alive = (stat.state != 'Z' && stat.state != 'X') || stat.n_threads > 1;
        /* Nothing that is asked about was before the host: by the clock of then, all began later.
         */
        if (alive && before_usec + USEC_PER_SEC < boot_time())
                return -ENODATA;
        *ret = alive && !began_later(&stat, before_usec);
        return 0;
}
