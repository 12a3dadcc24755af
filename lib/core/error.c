/* The fault table, and messages that grow from the inside out. */
#include "lib/core/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DETAIL_SIZE sizeof(((struct error *)0)->detail)

static const struct fault_entry entries[FAULT_COUNT] = {
#define FAULT_ROW(name, code_, http, retryable_, text_)                                            \
    [FAULT_##name] = {                                                                             \
        .code = (code_), .http_status = (http), .retryable = (retryable_), .text = (text_)},
    FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

const struct fault_entry *fault_entry(enum fault fault)
{
    assert(fault > FAULT_NONE && fault < FAULT_COUNT);
    return &entries[fault];
}

bool error_set(struct error *error, enum fault fault, const char *format, ...)
{
    assert(fault > FAULT_NONE && fault < FAULT_COUNT);
    if (error == NULL)
        return false;
    /* An argument may be the old detail of this very error. */
    char detail[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(detail, sizeof(detail), format, arguments);
    va_end(arguments);
    error->fault = fault;
    memcpy(error->detail, detail, sizeof(detail));
    return false;
}

/* As much as fits. */
static void append(char detail[static DETAIL_SIZE], const char *text)
{
    size_t used = strlen(detail);
    size_t left = DETAIL_SIZE - 1 - used;
    size_t size = strnlen(text, left);
    memcpy(detail + used, text, size);
    detail[used + size] = '\0';
}

bool error_add(struct error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    char context[DETAIL_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    char detail[DETAIL_SIZE] = {0};
    append(detail, context);
    append(detail, ": ");
    append(detail, error->detail);
    memcpy(error->detail, detail, sizeof(detail));
    return false;
}
