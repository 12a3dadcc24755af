/* traceparent, version 00 (https://www.w3.org/TR/trace-context/#traceparent-header). */
#include "lib/core/trace.h"

#include "lib/core/hex.h"
#include "lib/core/random.h"

#include <string.h>

#define FLAG_SAMPLED 1

static bool is_zero(const uint8_t *bytes, size_t size)
{
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++)
        any |= bytes[i];
    return any == 0;
}

bool trace_parse(struct text traceparent, struct trace_context *ret_context)
{
    const char *at = traceparent.bytes;
    if (at == NULL || traceparent.size != TRACE_PARENT_SIZE - 1)
        return false;
    if (memcmp(at, "00-", 3) != 0 || at[35] != '-' || at[52] != '-')
        return false;
    struct trace_context context;
    if (!hex_read(at + 3, context.trace_id, sizeof(context.trace_id)) ||
        !hex_read(at + 36, context.span_id, sizeof(context.span_id)) ||
        !hex_read(at + 53, &context.flags, 1))
        return false;
    if (is_zero(context.trace_id, sizeof(context.trace_id)) ||
        is_zero(context.span_id, sizeof(context.span_id)))
        return false;
    *ret_context = context;
    return true;
}

static void draw(uint8_t *bytes, size_t size)
{
    do {
        random_take(bytes, size);
    } while (is_zero(bytes, size));
}

void trace_start(struct trace_context *ret_context)
{
    draw(ret_context->trace_id, sizeof(ret_context->trace_id));
    draw(ret_context->span_id, sizeof(ret_context->span_id));
    ret_context->flags = FLAG_SAMPLED;
}

void trace_child(const struct trace_context *parent, struct trace_context *ret_child)
{
    *ret_child = *parent;
    draw(ret_child->span_id, sizeof(ret_child->span_id));
}

void trace_format(const struct trace_context *context, char ret_string[static TRACE_PARENT_SIZE])
{
    char *at = ret_string;
    *at++ = '0';
    *at++ = '0';
    *at++ = '-';
    at = hex_write(at, context->trace_id, sizeof(context->trace_id));
    *at++ = '-';
    at = hex_write(at, context->span_id, sizeof(context->span_id));
    *at++ = '-';
    at = hex_write(at, &context->flags, 1);
    *at = '\0';
}
