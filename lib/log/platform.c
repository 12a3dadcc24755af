/* Claims and barriers: their Avro bodies and their envelopes. */
#include "lib/log/platform.h"

#include "lib/log/platform/records.h"
#include "lib/record/avro.h"

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

bool platform_barrier(const struct uuid *id, struct buffer *payload, struct log_event *ret_event)
{
    buffer_clear(payload);
    avro_encode_framed(&barrier_record, &(struct barrier){0}, payload);
    *ret_event = (struct log_event){
        .id = *id,
        .type = TEXT(ENVELOPE_BARRIER_TYPE),
        .source = TEXT("/platform/barrier"),
        .payload = buffer_text(payload),
    };
    return !payload->failed;
}
