/* A line is put together on the stack and leaves with one write, so that lines of different threads
 * and processes do not mix. What does not fit is left out and the line says so. */
#include "lib/core/logger.h"

#include "lib/core/buffer.h"
#include "lib/core/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE_MAX    4096 /* up to PIPE_BUF a write to a pipe is not divided */
#define TAIL             ",\"truncated\":true}\n"
#define REQUEST_ID_MAX   128
#define PROGRAM_SIZE_MAX 64

static char program_name[PROGRAM_SIZE_MAX + 1] = "unnamed";
static _Atomic enum logger_level level_least = LOGGER_INFO;

static _Thread_local char request_id[REQUEST_ID_MAX];
static _Thread_local size_t request_id_size;

void logger_start(const char *program, enum logger_level least)
{
    size_t size = strnlen(program, PROGRAM_SIZE_MAX);
    memcpy(program_name, program, size);
    program_name[size] = '\0';
    atomic_store(&level_least, least);
}

void logger_set_request(struct text id)
{
    request_id_size = id.size > REQUEST_ID_MAX ? REQUEST_ID_MAX : id.size;
    if (request_id_size > 0)
        memcpy(request_id, id.bytes, request_id_size);
}

/* Bytes that are no UTF-8 would make the whole line unreadable: they become the replacement
 * character. */
static void put_log_text(struct buffer *line, struct text text)
{
    if (text_is_utf8(text, NULL)) {
        buffer_put_json_string(line, text);
        return;
    }
    buffer_put_byte(line, '"');
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\')
            buffer_put_byte(line, byte);
        else
            buffer_put_string(line, "\\ufffd");
    }
    buffer_put_byte(line, '"');
}

static void put_text_field(struct buffer *line, const char *name, struct text value)
{
    buffer_put_byte(line, ',');
    buffer_put_json_string(line, text_of(name));
    buffer_put_byte(line, ':');
    if (value.bytes == NULL)
        buffer_put_string(line, "null");
    else
        put_log_text(line, value);
}

static void put_field(struct buffer *line, const struct logger_field *field)
{
    if (field->kind == LOGGER_TEXT) {
        put_text_field(line, field->name, field->text);
        return;
    }
    buffer_put_byte(line, ',');
    buffer_put_json_string(line, text_of(field->name));
    buffer_put_byte(line, ':');
    buffer_put_integer(line, field->integer);
}

static void put_head(struct buffer *line, enum logger_level level, const char *event)
{
    static const char *const names[] = {
        [LOGGER_DEBUG] = "debug",
        [LOGGER_INFO] = "info",
        [LOGGER_WARNING] = "warning",
        [LOGGER_ERROR] = "error",
    };
    char now[CLOCK_RFC3339_SIZE];
    clock_format(clock_wall_us(), now);
    buffer_put_string(line, "{\"time\":\"");
    buffer_put_string(line, now);
    buffer_put_byte(line, '"');
    put_text_field(line, "level", text_of(names[level]));
    put_text_field(line, "event", text_of(event));
    put_text_field(line, "program", text_of(program_name));
    if (request_id_size > 0)
        put_text_field(line, "request_id",
                       (struct text){.bytes = request_id, .size = request_id_size});
}

static void write_line(const struct buffer *line)
{
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line->bytes, line->size);
    } while (written < 0 && errno == EINTR);
    /* Nobody is left to tell if standard error is gone. */
}

void logger_write(enum logger_level level, const char *event, const struct logger_field *fields)
{
    assert(level >= LOGGER_DEBUG && level <= LOGGER_ERROR);
    if (level < atomic_load_explicit(&level_least, memory_order_relaxed))
        return;
    uint8_t bytes[LINE_SIZE_MAX];
    size_t room = sizeof(bytes) - (sizeof(TAIL) - 1);
    struct buffer line = {.bytes = bytes, .capacity = room, .size_max = room};
    put_head(&line, level, event);
    assert(!line.failed);

    bool truncated = false;
    for (const struct logger_field *field = fields; field->kind != LOGGER_END; field++) {
        size_t before = line.size;
        put_field(&line, field);
        if (line.failed) {
            line.failed = false;
            line.size = before;
            truncated = true;
        }
    }
    line.capacity = line.size_max = sizeof(bytes);
    buffer_put_string(&line, truncated ? TAIL : "}\n");
    write_line(&line);
}
