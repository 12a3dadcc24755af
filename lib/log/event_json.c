/* Events as CloudEvents in JSON. */
#include "lib/log/event_json.h"

#include "lib/core/base64.h"
#include "lib/core/clock.h"
#include "lib/record/avro.h"
#include "lib/record/json.h"
#include <string.h>

static void put_member(struct buffer *out, const char *name, struct text value)
{
    if (value.bytes == NULL)
        return;
    buffer_put_byte(out, ',');
    buffer_put_json_string(out, text_of(name));
    buffer_put_byte(out, ':');
    buffer_put_json_string(out, value);
}

static void put_id(struct buffer *out, const char *name, const struct uuid *id)
{
    static const struct uuid none;
    char text[UUID_TEXT_SIZE];

    if (uuid_equal(id, &none))
        return;
    uuid_format(id, text);
    put_member(out, name, text_of(text));
}

static void put_time(struct buffer *out, int64_t time_us)
{
    char text[CLOCK_RFC3339_SIZE];

    if (time_us == 0)
        return;
    clock_format(time_us, text);
    put_member(out, "time", text_of(text));
}

static void put_trace(struct buffer *out, const struct trace_context *trace)
{
    static const struct trace_context none;
    char text[TRACE_PARENT_SIZE];

    if (memcmp(trace->trace_id, none.trace_id, sizeof(none.trace_id)) == 0)
        return;
    trace_format(trace, text);
    put_member(out, "traceparent", text_of(text));
}

static void put_position(struct buffer *out, const struct log_mark *mark)
{
    char text[POSITION_TEXT_SIZE];

    if (mark->offset == LOG_OFFSET_NONE)
        return;
    size_t size = log_mark_format(mark, text);
    put_member(out, "position", (struct text){.bytes = text, .size = size});
}

static bool decode(const struct record *const *records, struct text payload, struct arena *arena,
                   const struct record **ret_record, void **ret_value, struct error *error)
{
    uint32_t schema_id;

    if (!avro_frame((const uint8_t *)payload.bytes, payload.size, &schema_id))
        return error_set(error, FAULT_DATA_CORRUPT, "no schema id in front");
    const struct record *record = avro_find_record(records, schema_id);
    if (record == NULL)
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "schema id %u is not known", schema_id);
    void *value = arena_alloc_zeroed(arena, record->size);
    if (value == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "decoding a %s", record->name);
    *ret_record = record;
    *ret_value = value;
    return avro_decode_framed(record, payload, arena, value, error);
}

static void put_data(const struct record *const *records, struct text payload, struct arena *arena,
                     struct buffer *out)
{
    const struct record *record = NULL;
    struct error error;
    void *value = NULL;

    if (payload.bytes == NULL)
        return;
    if (decode(records, payload, arena, &record, &value, &error)) {
        put_member(out, "datacontenttype", (struct text)TEXT("application/json"));
        buffer_put_string(out, ",\"data\":");
        json_write(record, value, out);
        return;
    }
    put_member(out, "datacontenttype", (struct text)TEXT("application/avro"));
    put_member(out, "dataerror", text_of(error.detail));
    buffer_put_string(out, ",\"data_base64\":");
    base64_write(payload, out);
}

void event_json_write_members(const struct record *const *records, const struct log_event *event,
                              const struct log_mark *mark, struct arena *arena, struct buffer *out)
{
    buffer_put_string(out, "\"specversion\":\"1.0\"");
    put_id(out, "id", &event->id);
    put_member(out, "type", event->type);
    put_member(out, "source", event->source);
    put_member(out, "subject", event->subject);
    put_time(out, event->time_us);
    if (event->version > 0) {
        buffer_put_string(out, ",\"version\":");
        buffer_put_integer(out, event->version);
    }
    put_position(out, mark);
    put_id(out, "commandid", &event->command_id);
    put_id(out, "correlationid", &event->correlation_id);
    put_id(out, "causationid", &event->causation_id);
    put_member(out, "actor", event->actor);
    put_trace(out, &event->trace);
    put_data(records, event->payload, arena, out);
}

void event_json_write(const struct record *const *records, const struct log_event *event,
                      const struct log_mark *mark, struct arena *arena, struct buffer *out)
{
    buffer_put_byte(out, '{');
    event_json_write_members(records, event, mark, arena, out);
    buffer_put_byte(out, '}');
}
