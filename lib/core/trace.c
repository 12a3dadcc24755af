/* traceparent, version 00 (https://www.w3.org/TR/trace-context/#traceparent-header). */
#include "lib/core/trace.h"

#include "lib/core/random.h"

#include <string.h>

#define FLAG_SAMPLED 1

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1; /* upper case is not allowed */
}

static bool read_hex(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static char *put_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        *at++ = hex[bytes[i] >> 4];
        *at++ = hex[bytes[i] & 15];
    }
    return at;
}

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
    if (!read_hex(at + 3, context.trace_id, sizeof(context.trace_id)) ||
        !read_hex(at + 36, context.span_id, sizeof(context.span_id)) ||
        !read_hex(at + 53, &context.flags, 1))
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
    at = put_hex(at, context->trace_id, sizeof(context->trace_id));
    *at++ = '-';
    at = put_hex(at, context->span_id, sizeof(context->span_id));
    *at++ = '-';
    at = put_hex(at, &context->flags, 1);
    *at = '\0';
}
