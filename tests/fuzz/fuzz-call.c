/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what clients send: cut into messages, read as the call of every method, and answered
 * by a service, with real segments and without a socket. Whatever it was, nothing is left of it
 * when all let go.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/call/dispatch.h"
#include "proto/fd.h"
#include "proto/frame.h"
#include "proto/message.h"
#include "proto/scan.h"
#include "tests/fuzz/fuzz.h"

#define CLIENTS 3
#define HELD_MAX 8
#define SCRATCH_BYTES (64U * 1024)

static Service service = SERVICE_NULL;
static Client clients[CLIENTS];
static FrameSpare spare;
static int held[HELD_MAX];
static size_t n_held;

static void stop(void) {
        for (size_t i = 0; i < CLIENTS; ++i)
                client_deinit(&clients[i]);
        frame_spare_deinit(&spare);
        service_deinit(&service);
}

/*
 * Nothing of the host's is found, adopted or removed: POSIX objects and files are nameless ones in
 * a directory that is gone, and System V numbers are another namespace's.
 */
static void leave_host_alone(const char *directory) {
        fd_close(service.host.shm_fd);
        service.host.shm_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        fuzz_check(service.host.shm_fd >= 0, "%s", strerror(errno));
        service.host.ipc_namespace = 1;
}

static void start(void) {
        static const uid_t uids[CLIENTS] = { 1000, 1001, 0 };
        char directory[] = "/tmp/shmbroker-fuzz-XXXXXX", path[64];

        (void) signal(SIGIO, SIG_IGN);
        (void) signal(SIGXFSZ, SIG_IGN);
        log_set_level(LOG_EMERG);
        fuzz_check(mkdtemp(directory), "%s", strerror(errno));
        fuzz_check(service_init(&service, directory, directory) == 0, "no service");
        leave_host_alone(directory);
        /* Nothing is left behind, however this ends: the numbers are from memory from now on. */
        service.persist.state_file.numbers = (StateNumbers){
                .generation = 1,
                .end_segment_id = RECORD_ID_MAX,
                .end_attachment_id = RECORD_ID_MAX,
        };
        (void) snprintf(path, sizeof(path), "%s/state", directory);
        (void) unlink(path);
        (void) snprintf(path, sizeof(path), "%s/mark-key", directory);
        (void) unlink(path);
        (void) snprintf(path, sizeof(path), "%s/lock", directory);
        (void) unlink(path);
        (void) rmdir(directory);
        for (size_t i = 0; i < CLIENTS; ++i) {
                clients[i] = (Client) CLIENT_NULL;
                clients[i].credentials =
                        (Credentials){ .uid = uids[i], .gid = uids[i], .pid = getpid() };
                clients[i].user = accounts_user(&service.accounts, uids[i]);
                process_identify(&clients[i].process, getpid(), -EBADF);
        }
        (void) atexit(stop);
}

/* --- the text alone */

static void read_as(const char *text, size_t n_text, const Type *type) {
        static char memory[1 << 22];
        static union {
                uint64_t given;
                char bytes[16384];
        } object, again;
        char *copy = fuzz_copy(text, n_text);
        Writer writer = WRITER_INIT(memory, sizeof(memory));
        Reader reader = READER_INIT(memory);
        const char *key = NULL;
        Call call;

        fuzz_check(type->size <= sizeof(object), "too little room");
        fuzz_check(call_parse(copy, n_text, &call) == 0, "broken at the second time");
        if (call_read(&call, type, &object, &key)) {
                fuzz_check(key && strlen(key) <= n_text + 32, "no key");
        } else {
                type_write(type, &writer, &object);
                writer_text(&writer, "", 1);
                fuzz_check(!writer.overflow, "longer than any message");
                fuzz_check(scan_text(memory, writer.n_data - 1) == 0, "what we write is broken");
                fuzz_check(type_read(type, &reader, false, &again, &key) == 0,
                           "what we write is wrong");
                fuzz_check(again.given == object.given, "something was lost");
        }
        free(copy);
}

static void read_text(const char *text, size_t n_text) {
        char *copy = fuzz_copy(text, n_text);
        Call call;
        int r = call_parse(copy, n_text, &call);

        if (r == 0)
                fuzz_check(call.method && call.more + call.oneway + call.upgrade <= 1, "no call");
        free(copy);
        if (r)
                return;
        for (size_t i = 0; i < _METHOD_N; ++i)
                if (method_rows[i].parameters)
                        read_as(text, n_text, method_rows[i].parameters);
}

/* --- answers */

static void check_replies(const Writer *writer) {
        size_t n;

        fuzz_check(!writer->overflow, "a reply is too long");
        for (size_t at = 0; at < writer->n_data; at += n + 1) {
                char *copy;
                Reply reply;

                n = strnlen(writer->data + at, writer->n_data - at);
                fuzz_check(at + n < writer->n_data, "no NUL behind a reply");
                copy = fuzz_copy(writer->data + at, n);
                fuzz_check(reply_parse(copy, n, &reply) == 0, "a reply is broken: %s",
                           writer->data + at);
                free(copy);
        }
}

static void keep_or_undo(Acquired *acquired, bool undo) {
        if (acquired->fd < 0)
                return;
        if (undo || n_held == HELD_MAX)
                call_acquire_undo(&service, acquired);
        else
                held[n_held++] = acquired->fd;
}

/* False if the client would be hung up on. */
static bool answer(Client *client, char *text, size_t n_text) {
        static char scratch[SCRATCH_BYTES];
        Writer writer = WRITER_INIT(scratch, SCRATCH_BYTES);
        Answer answer = ANSWER_NULL;
        bool undo = n_text % 3 == 0;

        if (dispatch_call(&service, client, text, n_text, &writer, &answer))
                return false;
        check_replies(&writer);
        fuzz_check(answer.acquired.fd < 0 || writer.n_data < 4096,
                   "too long for a reply with a descriptor");
        keep_or_undo(&answer.acquired, undo);
        while (answer.stream.kind != STREAM_NONE && !stream_idle(&answer.stream)) {
                writer = (Writer) WRITER_INIT(scratch, SCRATCH_BYTES);
                stream_write(&answer.stream, &service, client, USEC_INFINITY, &writer);
                fuzz_check(writer.n_data > 0, "an empty piece");
                check_replies(&writer);
        }
        stream_end(&answer.stream);
        pending_free(answer.pending);
        return true;
}

/* All let go, and everything goes. */
static bool remove_first(void) {
        KindFailure failure;
        bool destroyed;

        return life_remove(&service.life, service.registry.first, &failure, &destroyed) == 0 &&
               destroyed;
}

static void clean_up(void) {
        while (n_held > 0)
                fd_close(held[--n_held]);
        life_tick(&service.life);
        life_drain(&service.life);
        while (service.registry.first)
                fuzz_check(remove_first(), "a segment is held by nobody");
        fuzz_check(service.life.census.attachments.n_used == 0, "an attachment is left");
        /* Large ones are paid for until their memory is given back. */
        for (int i = 0; i < 2000 && service.life.reaper.n_under_way > 0; ++i) {
                (void) usleep(1000);
                reaper_collect(&service.life.reaper);
        }
        for (size_t i = 0; i < _LIMIT_N; ++i)
                fuzz_check(service.accounts.total_used[i] == 0, "%s: something is left",
                           limit_total_name((Limit) i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_data) {
        Frames frames = FRAMES_NULL;
        size_t at = 0, n_space, n_text, which = 0;
        char *space, *text;
        int r = FRAMES_WAIT;

        if (service.host.proc_fd < 0)
                start();
        while (at < n_data && r != FRAMES_TOO_LONG) {
                /* Pieces whose sizes the input itself decides. */
                size_t n = MIN((size_t) (data[at] * 16U + 1), n_data - at);

                fuzz_check(frames_reserve(&frames, &spare, &space, &n_space) == 0, "no memory");
                n = MIN(n, n_space);
                memcpy(space, data + at, n);
                frames_added(&frames, n);
                at += n;
                while ((r = frames_next(&frames, &text, &n_text)) == FRAMES_MESSAGE) {
                        fuzz_check(strlen(text) == n_text, "a message of another length");
                        read_text(text, n_text);
                        if (!answer(&clients[which], text, n_text))
                                which = (which + 1) % CLIENTS;
                }
                frames_settle(&frames, &spare);
        }
        frames_deinit(&frames);
        clean_up();
        return 0;
}

FUZZ_MAIN("call")
