/* W3C trace context: who asked, across HTTP and the log (https://www.w3.org/TR/trace-context/). */
#pragma once

#include "lib/core/text.h"
#include <stdbool.h>
#include <stdint.h>

#define TRACE_PARENT_SIZE 56 /* 00-<32>-<16>-<2> and NUL */

struct trace_context {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags;
};

/* False (and a fresh trace is due) on anything that is not a valid version-00 traceparent. */
bool trace_parse(struct text traceparent, struct trace_context *ret_context);
void trace_start(struct trace_context *ret_context);
void trace_child(const struct trace_context *parent, struct trace_context *ret_child);
void trace_format(const struct trace_context *context, char ret_string[static TRACE_PARENT_SIZE]);
