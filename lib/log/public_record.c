/* An envelope with one header more. */
#include "lib/log/public_record.h"

void public_record_write(const struct log_event *event, const struct log_mark *commit,
                         struct public_record *ret_record)
{
    struct envelope *envelope = &ret_record->envelope;
    size_t size = log_mark_format(commit, ret_record->position);

    envelope_write(event, &event->fence, envelope);
    for (size_t i = 0; i < envelope->count; i++)
        ret_record->headers[i] = envelope->headers[i];
    ret_record->headers[envelope->count] = (struct log_header){
        .name = TEXT(PUBLIC_POSITION_HEADER),
        .value = {.bytes = ret_record->position, .size = size},
    };
    ret_record->record = (struct log_record){
        .key = event->key,
        .value = event->payload,
        .headers = ret_record->headers,
        .header_count = envelope->count + 1,
    };
}

bool public_record_read(struct text position, struct text fence, struct public_source *ret_source,
                        struct error *error)
{
    struct public_source source;
    bool malformed;

    if (!log_mark_parse(&position, &source.commit, &malformed) || position.size > 0)
        return error_set(error, FAULT_DATA_CORRUPT, "a public record has no position");
    if (!envelope_read_fence(fence, &source.fence) || source.fence.index != source.fence.count)
        return error_set(error, FAULT_DATA_CORRUPT, "the last public record ends no commit");
    *ret_source = source;
    return true;
}

void public_record_resume(const struct public_source *source, struct log_position *ret_from)
{
    *ret_from = (struct log_position){
        .log = source->commit.log,
        .next = source->commit.offset + 1,
        .last_offset = source->commit.offset,
        .term = source->fence.term,
        .seq = source->fence.seq,
    };
}
