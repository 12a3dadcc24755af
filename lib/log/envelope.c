/* Envelopes to headers and back, by one table. Headers from the log are hostile: each name counts
 * once, each value is parsed whole, and a record that breaks its own format is no record of ours.
 */
#include "lib/log/envelope.h"

#include "lib/core/clock.h"
#include "lib/core/hex.h"
#include "lib/log/decimal.h"
#include "lib/log/envelope_wire.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

#define HEADERS_READ_MAX 64

enum value_kind {
    VALUE_FENCE,
    VALUE_SPEC_VERSION,
    VALUE_TEXT,
    VALUE_UUID,
    VALUE_TIME,
    VALUE_NUMBER,
    VALUE_HASH,
    VALUE_TRACE,
    VALUE_IGNORED,
};

struct header_entry {
    struct text name;
    enum value_kind kind;
    size_t offset; /* in struct log_event */
};

enum header_number {
    HEADER_FENCE,
    HEADER_SPEC_VERSION,
    HEADER_ID,
    HEADER_TYPE,
    HEADER_SOURCE,
    HEADER_SUBJECT,
    HEADER_TIME,
    HEADER_CONTENT_TYPE,
    HEADER_VERSION,
    HEADER_COMMAND_ID,
    HEADER_REQUEST_HASH,
    HEADER_CORRELATION_ID,
    HEADER_CAUSATION_ID,
    HEADER_ACTOR,
    HEADER_TRACE,
    HEADER_COUNT,
};

#define AT(member) offsetof(struct log_event, member)

/* In the order they are written. */
static const struct header_entry header_entries[HEADER_COUNT] = {
    [HEADER_FENCE] = {TEXT("ce_fence"), VALUE_FENCE, AT(fence)},
    [HEADER_SPEC_VERSION] = {TEXT("ce_specversion"), VALUE_SPEC_VERSION, 0},
    [HEADER_ID] = {TEXT("ce_id"), VALUE_UUID, AT(id)},
    [HEADER_TYPE] = {TEXT("ce_type"), VALUE_TEXT, AT(type)},
    [HEADER_SOURCE] = {TEXT("ce_source"), VALUE_TEXT, AT(source)},
    [HEADER_SUBJECT] = {TEXT("ce_subject"), VALUE_TEXT, AT(subject)},
    [HEADER_TIME] = {TEXT("ce_time"), VALUE_TIME, AT(time_us)},
    [HEADER_CONTENT_TYPE] = {TEXT("content-type"), VALUE_IGNORED, 0},
    [HEADER_VERSION] = {TEXT("ce_version"), VALUE_NUMBER, AT(version)},
    [HEADER_COMMAND_ID] = {TEXT("ce_commandid"), VALUE_UUID, AT(command_id)},
    [HEADER_REQUEST_HASH] = {TEXT("ce_requesthash"), VALUE_HASH, AT(request_hash)},
    [HEADER_CORRELATION_ID] = {TEXT("ce_correlationid"), VALUE_UUID, AT(correlation_id)},
    [HEADER_CAUSATION_ID] = {TEXT("ce_causationid"), VALUE_UUID, AT(causation_id)},
    [HEADER_ACTOR] = {TEXT("ce_actor"), VALUE_TEXT, AT(actor)},
    [HEADER_TRACE] = {TEXT("traceparent"), VALUE_TRACE, AT(trace)},
};

#define BIT(number) (UINT32_C(1) << (number))
#define REQUIRED_ALWAYS                                                                            \
    (BIT(HEADER_SPEC_VERSION) | BIT(HEADER_ID) | BIT(HEADER_TYPE) | BIT(HEADER_SOURCE))
#define REQUIRED_OF_EVENT                                                                          \
    (BIT(HEADER_SUBJECT) | BIT(HEADER_TIME) | BIT(HEADER_VERSION) | BIT(HEADER_COMMAND_ID))

static void put(struct envelope *envelope, enum header_number number, struct text value)
{
    assert(envelope->count < ENVELOPE_HEADERS_MAX);
    envelope->headers[envelope->count++] =
        (struct log_header){.name = header_entries[number].name, .value = value};
}

static void put_string(struct envelope *envelope, enum header_number number, const char *value)
{
    put(envelope, number, text_of(value));
}

static void put_text(struct envelope *envelope, enum header_number number, struct text value)
{
    if (value.bytes != NULL)
        put(envelope, number, value);
}

static void put_uuid(struct envelope *envelope, enum header_number number, const struct uuid *id,
                     char scratch[static UUID_TEXT_SIZE])
{
    static const struct uuid none;

    if (uuid_equal(id, &none))
        return;
    uuid_format(id, scratch);
    put(envelope, number, (struct text){.bytes = scratch, .size = UUID_TEXT_SIZE - 1});
}

/* Digits are laid down from the end of the scratch towards its start. */
static void put_fence(struct envelope *envelope, const struct log_fence *fence)
{
    char *end = envelope->fence + sizeof(envelope->fence);
    char *at = decimal_print(end, fence->count);

    *--at = '.';
    at = decimal_print(at, fence->index);
    *--at = '.';
    at = decimal_print(at, fence->seq);
    *--at = '.';
    at = decimal_print(at, fence->term);
    put(envelope, HEADER_FENCE, (struct text){.bytes = at, .size = (size_t)(end - at)});
}

static void put_version(struct envelope *envelope, int64_t version)
{
    char *end = envelope->version + sizeof(envelope->version);

    if (version == 0)
        return;
    char *at = decimal_print(end, version);
    put(envelope, HEADER_VERSION, (struct text){.bytes = at, .size = (size_t)(end - at)});
}

static void put_time(struct envelope *envelope, int64_t time_us)
{
    if (time_us == 0)
        return;
    clock_format(time_us, envelope->time);
    put_string(envelope, HEADER_TIME, envelope->time);
}

static void put_hash(struct envelope *envelope, const uint8_t hash[static REQUEST_HASH_SIZE])
{
    static const uint8_t none[REQUEST_HASH_SIZE];

    if (memcmp(hash, none, sizeof(none)) == 0)
        return;
    (void)hex_write(envelope->request_hash, hash, REQUEST_HASH_SIZE);
    put(envelope, HEADER_REQUEST_HASH,
        (struct text){.bytes = envelope->request_hash, .size = 2 * REQUEST_HASH_SIZE});
}

static void put_trace(struct envelope *envelope, const struct trace_context *trace)
{
    static const struct trace_context none;

    if (memcmp(trace->trace_id, none.trace_id, sizeof(none.trace_id)) == 0)
        return;
    trace_format(trace, envelope->trace);
    put_string(envelope, HEADER_TRACE, envelope->trace);
}

void envelope_write(const struct log_event *event, const struct log_fence *fence,
                    struct envelope *ret_envelope)
{
    struct envelope *envelope = ret_envelope;

    envelope->count = 0;
    if (fence != NULL)
        put_fence(envelope, fence);
    put_string(envelope, HEADER_SPEC_VERSION, "1.0");
    put_uuid(envelope, HEADER_ID, &event->id, envelope->id);
    put_text(envelope, HEADER_TYPE, event->type);
    put_text(envelope, HEADER_SOURCE, event->source);
    put_text(envelope, HEADER_SUBJECT, event->subject);
    put_time(envelope, event->time_us);
    put_string(envelope, HEADER_CONTENT_TYPE, "application/avro");
    put_version(envelope, event->version);
    put_uuid(envelope, HEADER_COMMAND_ID, &event->command_id, envelope->command_id);
    put_hash(envelope, event->request_hash);
    put_uuid(envelope, HEADER_CORRELATION_ID, &event->correlation_id, envelope->correlation_id);
    put_uuid(envelope, HEADER_CAUSATION_ID, &event->causation_id, envelope->causation_id);
    put_text(envelope, HEADER_ACTOR, event->actor);
    put_trace(envelope, &event->trace);
}

/* Takes digits and, unless it is the last number, the dot behind them off *rest. */
static bool take_number(struct text *rest, bool last, int64_t max, int64_t *ret_value)
{
    int64_t value = 0;
    size_t digits = 0;

    while (digits < rest->size && rest->bytes[digits] >= '0' && rest->bytes[digits] <= '9') {
        int digit = rest->bytes[digits++] - '0';
        if (value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (digits == 0 || (last ? digits != rest->size : digits == rest->size))
        return false;
    if (!last && rest->bytes[digits++] != '.')
        return false;
    rest->bytes += digits;
    rest->size -= digits;
    *ret_value = value;
    return true;
}

bool envelope_read_fence(struct text value, struct log_fence *ret_fence)
{
    int64_t index, count;

    if (!take_number(&value, false, INT64_MAX, &ret_fence->term) ||
        !take_number(&value, false, INT64_MAX, &ret_fence->seq) ||
        !take_number(&value, false, INT32_MAX, &index) ||
        !take_number(&value, true, INT32_MAX, &count))
        return false;
    ret_fence->index = (int32_t)index;
    ret_fence->count = (int32_t)count;
    return true;
}

static bool read_hash(struct text value, uint8_t ret_hash[static REQUEST_HASH_SIZE])
{
    return value.size == (size_t)2 * REQUEST_HASH_SIZE &&
           hex_read(value.bytes, ret_hash, REQUEST_HASH_SIZE);
}

static bool read_text(struct text value, struct text *ret_text)
{
    if (value.size == 0 || !text_is_utf8(value, NULL))
        return false;
    *ret_text = value;
    return true;
}

static bool read_value(const struct header_entry *entry, struct text value, void *target)
{
    switch (entry->kind) {
    case VALUE_FENCE: return envelope_read_fence(value, target);
    case VALUE_SPEC_VERSION: return text_is(value, "1.0");
    case VALUE_TEXT: return read_text(value, target);
    case VALUE_UUID: return uuid_parse(value, target);
    case VALUE_TIME: return clock_parse(value, target);
    case VALUE_NUMBER: return take_number(&value, true, INT64_MAX, target);
    case VALUE_HASH: return read_hash(value, target);
    case VALUE_TRACE:
        (void)trace_parse(value, target);
        return true; /* others may mark traces their way */
    case VALUE_IGNORED: return true;
    }
    return false;
}

/* Headers mostly come in the order of the table: `*hint` is where the next one is looked for first.
 */
static const struct header_entry *find_entry(struct text name, size_t *hint)
{
    for (size_t i = 0; i < HEADER_COUNT; i++) {
        size_t number = (*hint + i) % HEADER_COUNT;
        if (!text_equal(header_entries[number].name, name))
            continue;
        *hint = number + 1;
        return &header_entries[number];
    }
    return NULL;
}

static bool read_headers(const struct log_port *port, const struct log_message *message,
                         struct log_event *event, uint32_t *ret_seen)
{
    struct log_header header;
    size_t hint = 0;
    uint32_t seen = 0;

    for (size_t i = 0; port->header(port, message, i, &header); i++) {
        const struct header_entry *entry = find_entry(header.name, &hint);
        if (i >= HEADERS_READ_MAX)
            return false;
        if (entry == NULL)
            continue;
        uint32_t bit = BIT(entry - header_entries);
        if ((seen & bit) != 0 || (entry->kind == VALUE_FENCE && i > 0) ||
            header.value.bytes == NULL)
            return false;
        if (!read_value(entry, header.value, (char *)event + entry->offset))
            return false;
        seen |= bit;
    }
    *ret_seen = seen;
    return true;
}

enum envelope_kind envelope_read(const struct log_port *port, const struct log_message *message,
                                 struct log_event *ret_event)
{
    uint32_t seen;

    *ret_event = (struct log_event){
        .key = message->key,
        .payload = message->value,
        .offset = message->offset,
        .append_time_us = message->append_time_us,
    };
    if (!read_headers(port, message, ret_event, &seen) ||
        (seen & REQUIRED_ALWAYS) != REQUIRED_ALWAYS)
        return ENVELOPE_MALFORMED;
    if (text_is(ret_event->type, ENVELOPE_CLAIM_TYPE))
        return ENVELOPE_CLAIM;
    if ((seen & BIT(HEADER_FENCE)) == 0)
        return ENVELOPE_MALFORMED;
    if (text_starts_with(ret_event->type, PLATFORM_PREFIX))
        return ENVELOPE_FENCED;
    if ((seen & REQUIRED_OF_EVENT) != REQUIRED_OF_EVENT || ret_event->version < 1 ||
        ret_event->key.bytes == NULL)
        return ENVELOPE_MALFORMED;
    return ENVELOPE_FENCED;
}
