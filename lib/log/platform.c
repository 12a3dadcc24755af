/* Claims and the others: their Avro bodies and their envelopes. */
#include "lib/log/platform.h"

#include "lib/record/avro.h"
#include <assert.h>

#define CLAIM_BYTES_MAX     1024 /* of a claim's body and what decoding it needs */
#define PARTITION_COUNT_MAX 100000

bool platform_write_claim(const struct platform_claim *claim, const struct uuid *id,
                          struct buffer *payload, struct envelope *envelope)
{
    char incarnation[UUID_TEXT_SIZE], log[UUID_TEXT_SIZE];
    struct log_event event = {
        .id = *id,
        .type = TEXT(ENVELOPE_CLAIM_TYPE),
        .source = TEXT("/platform/claim"),
    };

    uuid_format(&claim->incarnation, incarnation);
    uuid_format(&claim->log, log);
    buffer_clear(payload);
    avro_encode_framed(&claim_record,
                       &(struct claim){
                           .incarnation = text_of(incarnation),
                           .log = text_of(log),
                           .partition_count = claim->partition_count,
                       },
                       payload);
    envelope_write(&event, NULL, envelope);
    return !payload->failed;
}

static bool read_claim(struct text payload, struct arena *arena, struct platform_claim *ret_claim)
{
    struct claim claim;
    struct platform_claim result;

    if (!avro_decode_framed(&claim_record, payload, arena, &claim, NULL))
        return false;
    if (!uuid_parse(claim.incarnation, &result.incarnation) || !uuid_parse(claim.log, &result.log))
        return false;
    if (claim.partition_count < 1 || claim.partition_count > PARTITION_COUNT_MAX)
        return false;
    result.partition_count = (int32_t)claim.partition_count;
    *ret_claim = result;
    return true;
}

bool platform_read_claim(struct text payload, struct platform_claim *ret_claim)
{
    struct arena arena;

    if (payload.bytes == NULL || payload.size > CLAIM_BYTES_MAX)
        return false;
    arena_init(&arena, CLAIM_BYTES_MAX);
    bool ok = read_claim(payload, &arena, ret_claim);
    arena_done(&arena);
    return ok;
}

/* By kind. */
static const struct text sources[PLATFORM_RECORD_COUNT] = {
    [PLATFORM_CLAIM] = TEXT("/platform/claim"),
    [PLATFORM_BARRIER] = TEXT("/platform/barrier"),
    [PLATFORM_CHECKPOINT] = TEXT("/platform/checkpoint"),
    [PLATFORM_OUTCOME] = TEXT("/platform/outcome"),
    [PLATFORM_PARK] = TEXT("/platform/park"),
    [PLATFORM_RELEASE] = TEXT("/platform/release"),
};

bool platform_write(const struct platform_entry *entry, struct buffer *payload,
                    struct log_event *ret_event, struct error *error)
{
    static const struct barrier nothing;
    const struct record *record = platform_records[entry->kind];

    assert(entry->kind != PLATFORM_CLAIM && entry->kind < PLATFORM_RECORD_COUNT);
    assert(entry->body != NULL || entry->kind == PLATFORM_BARRIER);
    buffer_clear(payload);
    avro_encode_framed(record, entry->body == NULL ? &nothing : entry->body, payload);
    *ret_event = (struct log_event){
        .id = entry->id,
        .type = text_of(record->full_name),
        .source = sources[entry->kind],
        .correlation_id = entry->correlation_id,
        .causation_id = entry->causation_id,
        .payload = buffer_text(payload),
    };
    return !payload->failed || error_set(error, FAULT_LIMIT_EXCEEDED, "a %s", record->name);
}

bool platform_is(const struct log_event *event)
{
    return text_starts_with(event->type, PLATFORM_PREFIX);
}

static bool find_kind(struct text type, enum platform_record *ret_kind)
{
    for (int kind = 0; kind < PLATFORM_RECORD_COUNT; kind++)
        if (kind != PLATFORM_CLAIM && text_is(type, platform_records[kind]->full_name)) {
            *ret_kind = (enum platform_record)kind;
            return true;
        }
    return false;
}

bool platform_read(const struct log_event *event, struct arena *arena,
                   struct platform_entry *ret_entry, struct error *error)
{
    enum platform_record kind;

    if (!find_kind(event->type, &kind))
        return error_set(error, FAULT_SCHEMA_UNKNOWN, "%.*s", TEXT_ARGS(event->type));
    const struct record *record = platform_records[kind];
    void *body = arena_alloc_zeroed(arena, record->size);
    if (body == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "reading a %s", record->name);
    if (!avro_decode_framed(record, event->payload, arena, body, error))
        return error_add(error, "%s at %lld", record->name, (long long)event->offset);
    *ret_entry = (struct platform_entry){
        .kind = kind,
        .body = body,
        .id = event->id,
        .correlation_id = event->correlation_id,
        .causation_id = event->causation_id,
        .offset = event->offset,
        .append_time_us = event->append_time_us,
    };
    return true;
}
