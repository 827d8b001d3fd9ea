/* SPDX-License-Identifier: MIT */
#include "tests/support/tracee.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "tests/support/unit.h"

bool tracee_can(void) {
        pid_t pid = fork();
        int status;
        long r;

        if (pid == 0) {
                (void) pause();
                _exit(0);
        }
        r = ptrace(PTRACE_SEIZE, pid, NULL, NULL);
        (void) kill(pid, SIGKILL);
        (void) waitpid(pid, &status, 0);
        if (r == 0)
                return true;
        unit_skip("this process may not trace its children");
        return false;
}

bool tracee_can_fail(void) {
#ifdef __x86_64__
        return tracee_can();
#else
        unit_skip("registers of system calls are known for x86-64 alone");
        return false;
#endif
}

void tracee_stop(pid_t pid) {
        int status;

        ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, (void *) PTRACE_O_TRACESYSGOOD), 0);
        ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSTOPPED(status));
}

/* Lets it enter, or leave, a system call. */
static void step_half(pid_t pid) {
        int status, signal_number = 0;

        for (;;) {
                ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, (void *) (long) signal_number),
                                 0);
                ck_assert_int_eq(waitpid(pid, &status, 0), pid);
                ck_assert_msg(WIFSTOPPED(status), "the process ended by itself");
                if (WSTOPSIG(status) == (SIGTRAP | 0x80))
                        return;
                signal_number = status >> 16 ? 0 : WSTOPSIG(status);
        }
}

void tracee_step(pid_t pid) {
        step_half(pid);
        step_half(pid);
}

#ifdef __x86_64__
long tracee_fail(pid_t pid, int error, bool (*may_fail)(long number)) {
        struct user_regs_struct registers;
        struct iovec space = { .iov_base = &registers, .iov_len = sizeof(registers) };
        long number;

        step_half(pid);
        ck_assert_int_eq(ptrace(PTRACE_GETREGSET, pid, (void *) NT_PRSTATUS, &space), 0);
        number = (long) registers.orig_rax;
        if (!may_fail(number)) {
                step_half(pid);
                return -1;
        }
        /* No system call has this number. */
        registers.orig_rax = (unsigned long long) -1;
        ck_assert_int_eq(ptrace(PTRACE_SETREGSET, pid, (void *) NT_PRSTATUS, &space), 0);
        step_half(pid);
        ck_assert_int_eq(ptrace(PTRACE_GETREGSET, pid, (void *) NT_PRSTATUS, &space), 0);
        registers.rax = (unsigned long long) -error;
        ck_assert_int_eq(ptrace(PTRACE_SETREGSET, pid, (void *) NT_PRSTATUS, &space), 0);
        return number;
}
#else
long tracee_fail(pid_t pid, int error, bool (*may_fail)(long number)) {
        (void) error;
        (void) may_fail;
        tracee_step(pid);
        return -1;
}
#endif

void tracee_let_go(pid_t pid) {
        ck_assert_int_eq(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
}
