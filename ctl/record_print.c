/* One line per record. */
#include "ctl/record_print.h"

#include "lib/core/base64.h"
#include "lib/core/clock.h"
#include "lib/log/event_json.h"
#include "lib/log/platform/records.h"
#include "schemas/contexts.h"
#include <stdio.h>

#define RECORDS_MAX     1024
#define LINE_BYTES_MAX  ((size_t)8 * 1024 * 1024)
#define ARENA_BYTES_MAX ((size_t)8 * 1024 * 1024)

static size_t add_records(const struct record **all, size_t count,
                          const struct record *const *records)
{
    for (; *records != NULL && count < RECORDS_MAX; records++)
        all[count++] = *records;
    return count;
}

const struct record *const *all_records(void)
{
    static const struct record *all[RECORDS_MAX + 1];
    size_t count = 0;

    if (all[0] != NULL)
        return all;
    for (size_t i = 0; i < CONTEXT_COUNT; i++)
        count = add_records(all, count, contexts[i].events);
    (void)add_records(all, count, platform_records);
    return all;
}

void record_printer_init(struct record_printer *printer)
{
    *printer = (struct record_printer){0};
    arena_init(&printer->arena, ARENA_BYTES_MAX);
    buffer_init(&printer->line, LINE_BYTES_MAX);
}

void record_printer_begin(struct record_printer *printer, const char *topic)
{
    printer->topic = topic;
    const struct context *context = context_of_topic(topic);
    printer->context = text_of(context == NULL ? NULL : context->name);
}

void record_printer_done(struct record_printer *printer)
{
    arena_done(&printer->arena);
    buffer_done(&printer->line);
}

static void put_text_member(struct buffer *line, const char *name, struct text value)
{
    buffer_put_byte(line, ',');
    buffer_put_json_string(line, text_of(name));
    buffer_put_byte(line, ':');
    buffer_put_json_string(line, value);
}

static void put_place(struct record_printer *printer, int32_t partition,
                      const struct log_message *message)
{
    struct buffer *line = &printer->line;
    char time[CLOCK_RFC3339_SIZE];

    clock_format(message->append_time_us, time);
    buffer_put_string(line, "{\"topic\":");
    buffer_put_json_string(line, text_of(printer->topic));
    buffer_print(line, ",\"partition\":%d,\"offset\":%lld", (int)partition,
                 (long long)message->offset);
    put_text_member(line, "appended", text_of(time));
}

static void put_verdict(struct buffer *line, const struct log_inspection *inspection)
{
    const struct record_verdict_entry *entry = record_verdict_entry(inspection->verdict);

    put_text_member(line, "verdict", text_of(entry->name));
    buffer_put_string(line, entry->is_void ? ",\"void\":true" : ",\"void\":false");
    put_text_member(line, "why", text_of(entry->why));
    if (inspection->event != NULL && inspection->verdict != RECORD_CLAIM) {
        const struct log_fence *fence = &inspection->event->fence;
        buffer_print(line, ",\"term\":%lld,\"seq\":%lld,\"index\":%d,\"count\":%d",
                     (long long)fence->term, (long long)fence->seq, (int)fence->index,
                     (int)fence->count);
    }
}

/* What is no envelope of ours is shown as what it is: bytes. */
static void put_bytes(struct buffer *line, const struct log_message *message)
{
    if (message->key.bytes != NULL) {
        buffer_put_string(line, ",\"key_base64\":");
        base64_write(message->key, line);
    }
    if (message->value.bytes != NULL) {
        buffer_put_string(line, ",\"value_base64\":");
        base64_write(message->value, line);
    }
}

static void write_json(struct record_printer *printer, int32_t partition,
                       const struct log_inspection *inspection, const struct log_mark *mark)
{
    struct buffer *line = &printer->line;

    put_place(printer, partition, inspection->message);
    if (printer->raw)
        put_verdict(line, inspection);
    if (inspection->event == NULL) {
        put_bytes(line, inspection->message);
    } else {
        buffer_put_byte(line, ',');
        event_json_write_members(all_records(), inspection->event, mark, &printer->arena, line);
    }
    buffer_put_byte(line, '}');
}

static void write_row(struct record_printer *printer, int32_t partition,
                      const struct log_inspection *inspection)
{
    static const struct log_event nothing = {.type = TEXT("-"), .subject = TEXT("-")};
    const struct log_event *event = inspection->event == NULL ? &nothing : inspection->event;
    char time[CLOCK_RFC3339_SIZE];

    clock_format(inspection->message->append_time_us, time);
    if (!printer->headed)
        (void)printf("%-9s %10s %-27s %-12s %7s %-36s %s\n", "PARTITION", "OFFSET", "APPENDED",
                     "VERDICT", "VERSION", "SUBJECT", "TYPE");
    printer->headed = true;
    buffer_print(&printer->line, "%-9d %10lld %-27s %-12s %7lld %-36.*s %.*s", (int)partition,
                 (long long)inspection->message->offset, time,
                 record_verdict_entry(inspection->verdict)->name, (long long)event->version,
                 TEXT_ARGS(event->subject), TEXT_ARGS(event->type));
}

bool record_printer_print(struct record_printer *printer, int32_t partition,
                          const struct log_inspection *inspection)
{
    const struct log_mark mark = {
        .context = printer->context,
        .partition = partition,
        .offset = printer->context.bytes != NULL && inspection->verdict == RECORD_EVENT
                      ? inspection->commit_offset
                      : LOG_OFFSET_NONE,
        .log = *inspection->log,
    };

    arena_reset(&printer->arena);
    buffer_clear(&printer->line);
    if (printer->table)
        write_row(printer, partition, inspection);
    else
        write_json(printer, partition, inspection, &mark);
    buffer_put_byte(&printer->line, '\n');
    return !printer->line.failed &&
           fwrite(printer->line.bytes, 1, printer->line.size, stdout) == printer->line.size;
}
