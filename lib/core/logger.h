/* JSON lines on stderr: time, level, event, program, typed fields, and the thread's ids. Any
 * thread. Library code does not log; the boundary that ends an error's way up does, once. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/text.h"
#include <stdint.h>

enum logger_level { LOGGER_DEBUG, LOGGER_INFO, LOGGER_WARNING, LOGGER_ERROR };

enum logger_kind { LOGGER_END, LOGGER_TEXT, LOGGER_INTEGER };

struct logger_field {
    enum logger_kind kind;
    const char *name;
    struct text text;
    int64_t integer;
};

#define LOG_TEXT(field_name, value)                                                                \
    ((struct logger_field){.kind = LOGGER_TEXT, .name = (field_name), .text = (value)})
#define LOG_STRING(field_name, value) LOG_TEXT(field_name, text_of(value))
#define LOG_NUMBER(field_name, value)                                                              \
    ((struct logger_field){.kind = LOGGER_INTEGER, .name = (field_name), .integer = (value)})
#define LOG_NONE ((struct logger_field){0})
/* Two fields' worth: code and detail. */
#define LOG_ERROR(error)                                                                           \
    LOG_STRING("fault", fault_entry((error)->fault)->code), LOG_STRING("detail", (error)->detail)

void logger_start(const char *program, enum logger_level least);
/* The current request's id is put on each line of this thread; absent text clears it. */
void logger_set_request(struct text request_id);
void logger_write(enum logger_level level, const char *event, const struct logger_field *fields);

#define log_debug(event, ...)                                                                      \
    logger_write(LOGGER_DEBUG, event, (struct logger_field[]){__VA_ARGS__, {0}})
#define log_info(event, ...)                                                                       \
    logger_write(LOGGER_INFO, event, (struct logger_field[]){__VA_ARGS__, {0}})
#define log_warning(event, ...)                                                                    \
    logger_write(LOGGER_WARNING, event, (struct logger_field[]){__VA_ARGS__, {0}})
#define log_error(event, ...)                                                                      \
    logger_write(LOGGER_ERROR, event, (struct logger_field[]){__VA_ARGS__, {0}})
