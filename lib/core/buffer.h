/* Growing bytes with a limit, reused from turn to turn. One thread at a time. */
#pragma once

#include "lib/core/check.h"
#include "lib/core/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    size_t size_max;
    bool failed; /* some put did not fit; stays set until cleared, later puts do nothing */
};

void buffer_init(struct buffer *buffer, size_t size_max);
void buffer_done(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* size 0, not failed, memory kept */

/* Puts fail softly: check buffer->failed once, at the end. */
void buffer_put(struct buffer *buffer, const void *bytes, size_t size);
void buffer_put_byte(struct buffer *buffer, uint8_t byte);
void buffer_put_text(struct buffer *buffer, struct text text);
void buffer_put_string(struct buffer *buffer, const char *string);
void buffer_put_integer(struct buffer *buffer, int64_t value); /* decimal */
void buffer_print(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* A JSON string with its quotes; control characters, quote and backslash escaped. */
void buffer_put_json_string(struct buffer *buffer, struct text text);
struct text buffer_text(const struct buffer *buffer); /* borrowed until the next put */
