/* SPDX-License-Identifier: MIT */
#include "proto/message.h"

#include <string.h>

#include "proto/error.h"
#include "proto/reader.h"
#include "proto/scan.h"

typedef struct Parse Parse;

/* A message whose text was scanned, on the way through its members. */
struct Parse {
        Reader reader;
        const char *last;
        bool done;
};

/* Parameters may be absent or null; the text of an object is kept for later, unread. It is not even
 * stepped over where nothing follows it, as is the habit. */
static int parse_parameters(Parse *parse, char **ret) {
        JsonType type = reader_type(&parse->reader);
        char *text = parse->reader.at;

        if (type != JSON_OBJECT && type != JSON_NULL)
                return MESSAGE_E_BROKEN;
        if (type == JSON_OBJECT)
                *ret = text;
        parse->done = text == parse->last;
        if (!parse->done)
                reader_skip(&parse->reader);
        return 0;
}

static int parse_string(Reader *reader, const char **ret) {
        if (reader_type(reader) != JSON_STRING)
                return MESSAGE_E_BROKEN;
        *ret = reader_string(reader);
        return 0;
}

static int parse_flag(Reader *reader, bool *ret) {
        if (reader_type(reader) != JSON_BOOL)
                return MESSAGE_E_BROKEN;
        *ret = reader_bool(reader);
        return 0;
}

static int call_parse_member(Parse *parse, const char *key, Call *call) {
        Reader *reader = &parse->reader;

        if (strcmp(key, "method") == 0)
                return parse_string(reader, &call->method);
        if (strcmp(key, "parameters") == 0)
                return parse_parameters(parse, &call->parameters);
        if (strcmp(key, "more") == 0)
                return parse_flag(reader, &call->more);
        if (strcmp(key, "oneway") == 0)
                return parse_flag(reader, &call->oneway);
        if (strcmp(key, "upgrade") == 0)
                return parse_flag(reader, &call->upgrade);
        return MESSAGE_E_BROKEN;
}

static int reply_parse_member(Parse *parse, const char *key, Reply *reply) {
        Reader *reader = &parse->reader;

        if (strcmp(key, "error") == 0)
                return parse_string(reader, &reply->error);
        if (strcmp(key, "parameters") == 0)
                return parse_parameters(parse, &reply->parameters);
        if (strcmp(key, "continues") == 0)
                return parse_flag(reader, &reply->continues);
        return MESSAGE_E_BROKEN;
}

static int parse_begin(Parse *parse, char *text, size_t n_text) {
        int r = scan_message(text, n_text, &parse->last);

        if (r)
                return r > 0 ? MESSAGE_E_BROKEN : error_trace(r);
        parse->reader.at = text;
        reader_enter(&parse->reader);
        return 0;
}

static bool parse_next(Parse *parse) {
        return !parse->done && reader_next(&parse->reader);
}

/**
 * call_parse() - take a call apart
 * @text:       the message, terminated by NUL; it is changed, and the result points into it
 * @n_text:     its length without the NUL
 * @ret:        the call
 *
 * Return: 0, MESSAGE_E_BROKEN if its sender is not worth an answer, or -ENOMEM.
 */
int call_parse(char *text, size_t n_text, Call *ret) {
        Parse parse = {};
        Call call = {};
        int r;

        r = parse_begin(&parse, text, n_text);
        if (r)
                return r;
        while (parse_next(&parse)) {
                const char *key = reader_key(&parse.reader);

                r = call_parse_member(&parse, key, &call);
                if (r)
                        return r;
        }
        if (!call.method || call.more + call.oneway + call.upgrade > 1)
                return MESSAGE_E_BROKEN;
        *ret = call;
        return 0;
}

static int parameters_read(char *text, const Type *type, bool lenient, void *object,
                           const char **ret_key) {
        static const char none[] = "{}";
        char empty[sizeof(none)];
        Reader reader;
        int r;

        memcpy(empty, none, sizeof(none));
        reader.at = text ? text : empty;
        r = type_read(type, &reader, lenient, object, ret_key);
        return r ? MESSAGE_E_INVALID_PARAMETER : 0;
}

/**
 * call_read() - read the parameters of a call, strictly
 * @call:       the call; the text of its parameters can be read once
 * @type:       table of the structure
 * @object:     the structure
 * @ret_key:    the parameter that is wrong, in memory of the call or of @type
 *
 * Return: 0, or MESSAGE_E_INVALID_PARAMETER.
 */
int call_read(const Call *call, const Type *type, void *object, const char **ret_key) {
        return parameters_read(call->parameters, type, false, object, ret_key);
}

/**
 * call_write() - append a call and its NUL
 * @writer:     where to
 * @method:     a method that is served
 * @parameters: structure as the method's row says
 */
void call_write(Writer *writer, Method method, const void *parameters) {
        const MethodRow *row = &method_rows[method];

        writer_literal(writer, "{\"method\":\"");
        writer_text(writer, row->name, strlen(row->name));
        writer_literal(writer, "\",\"parameters\":");
        type_write_given(row->parameters, writer, parameters);
        if (row->more)
                writer_literal(writer, ",\"more\":true");
        writer_text(writer, "}", sizeof("}"));
}

/**
 * reply_parse() - take a reply apart
 * @text:       the message, terminated by NUL; it is changed, and the result points into it
 * @n_text:     its length without the NUL
 * @ret:        the reply
 *
 * Return: 0, MESSAGE_E_BROKEN, or -ENOMEM.
 */
int reply_parse(char *text, size_t n_text, Reply *ret) {
        Parse parse = {};
        Reply reply = {};
        int r;

        r = parse_begin(&parse, text, n_text);
        if (r)
                return r;
        while (parse_next(&parse)) {
                const char *key = reader_key(&parse.reader);

                r = reply_parse_member(&parse, key, &reply);
                if (r)
                        return r;
        }
        if (reply.error && reply.continues)
                return MESSAGE_E_BROKEN;
        *ret = reply;
        return 0;
}

/**
 * reply_read() - read the parameters of an answer
 * @reply:      the reply; the text of its parameters can be read once
 * @type:       table of the structure
 * @object:     the structure
 *
 * Fields that @type does not know are skipped: a newer broker may have more.
 *
 * Return: 0, or MESSAGE_E_INVALID_PARAMETER.
 */
int reply_read(const Reply *reply, const Type *type, void *object) {
        const char *key;

        return parameters_read(reply->parameters, type, true, object, &key);
}

/**
 * reply_read_fault() - read an error
 * @reply:      a reply that has one
 * @fault:      the error; FAULT_NONE is its code if no such error is known or its parameters are
 *              not as they should be
 */
void reply_read_fault(const Reply *reply, Fault *fault) {
        const char *key;

        *fault = (Fault){ .code = fault_find(reply->error) };
        if (fault->code == FAULT_NONE)
                return;
        if (parameters_read(reply->parameters, fault_rows[fault->code].type, true, &fault->given,
                            &key))
                fault->code = FAULT_NONE;
}

/**
 * reply_write() - append an answer and its NUL
 * @writer:     where to
 * @type:       table of the parameters
 * @object:     the parameters, NULL for none
 * @continues:  whether more answers to the same call follow
 */
void reply_write(Writer *writer, const Type *type, const void *object, bool continues) {
        if (object) {
                writer_literal(writer, "{\"parameters\":");
                type_write(type, writer, object);
                if (continues)
                        writer_literal(writer, ",\"continues\":true");
        } else if (continues) {
                writer_literal(writer, "{\"continues\":true");
        } else {
                writer_literal(writer, "{");
        }
        writer_text(writer, "}", sizeof("}"));
}

/* reply_write_fault() - append an error and its NUL */
void reply_write_fault(Writer *writer, const Fault *fault) {
        const Type *type = fault_rows[fault->code].type;

        writer_literal(writer, "{\"error\":\"");
        writer_text(writer, fault_rows[fault->code].name, strlen(fault_rows[fault->code].name));
        writer_literal(writer, "\"");
        if (type->n_fields > 0) {
                writer_literal(writer, ",\"parameters\":");
                type_write(type, writer, &fault->given);
        }
        writer_text(writer, "}", sizeof("}"));
}
