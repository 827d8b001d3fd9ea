/* SPDX-License-Identifier: MIT */
#include "proto/writer.h"

#include "proto/util.h"

/* writer_text() - append bytes that are JSON already */
void writer_text(Writer *writer, const char *text, size_t n_text) {
        if (writer->n_allocated - writer->n_data < n_text) {
                writer->overflow = true;
                return;
        }
        memcpy(writer->data + writer->n_data, text, n_text);
        writer->n_data += n_text;
}

static void writer_escape(Writer *writer, unsigned char c) {
        static const char digits[] = "0123456789abcdef";
        char text[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

        if (c == '"' || c == '\\') {
                text[1] = (char) c;
                writer_text(writer, text, 2);
        } else {
                writer_text(writer, text, sizeof(text));
        }
}

/* writer_string() - append @string, which is UTF-8, with its quotes and what escapes it needs */
void writer_string(Writer *writer, const char *string) {
        const char *plain;

        writer_literal(writer, "\"");
        for (;;) {
                plain = string;
                while ((unsigned char) *string >= 0x20 && *string != '"' && *string != '\\')
                        ++string;
                writer_text(writer, plain, (size_t) (string - plain));
                if (!*string)
                        break;
                writer_escape(writer, (unsigned char) *string++);
        }
        writer_literal(writer, "\"");
}

void writer_int(Writer *writer, int64_t value) {
        uint64_t left = value < 0 ? -(uint64_t) value : (uint64_t) value;
        char text[24], *at = text + sizeof(text);

        do {
                *--at = (char) ('0' + left % 10);
                left /= 10;
        } while (left > 0);
        if (value < 0)
                *--at = '-';
        writer_text(writer, at, (size_t) (text + sizeof(text) - at));
}

void writer_bool(Writer *writer, bool value) {
        if (value)
                writer_literal(writer, "true");
        else
                writer_literal(writer, "false");
}
