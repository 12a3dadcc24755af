/* Any bytes, as framed events of catalog and as a record with a field of every kind. What decodes
 * must encode, decode again to the same value, and encode again to the same bytes. */
#include "lib/record/avro.h"

#include "schemas/catalog/events.h"
#include "tests/lib/record_sample.h"
#include <assert.h>

#define ARENA_MAX  (1 << 24)
#define BUFFER_MAX (1 << 24)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_round_trip(const struct record *record, const void *value, struct arena *arena)
{
    struct buffer first;
    struct buffer second;
    struct error error;
    void *again = arena_alloc(arena, record->size);

    assert(again != NULL);
    buffer_init(&first, BUFFER_MAX);
    buffer_init(&second, BUFFER_MAX);
    avro_encode_framed(record, value, &first);
    assert(!first.failed);
    assert(avro_decode_framed(record, buffer_text(&first), arena, again, &error));
    assert(same_record(record, value, again));
    avro_encode_framed(record, again, &second);
    assert(text_equal(buffer_text(&first), buffer_text(&second)));
    buffer_done(&first);
    buffer_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct record *record;
    struct arena arena;
    struct error error;
    uint32_t schema_id;

    if (!avro_frame(bytes, size, &schema_id))
        return -1;
    record = schema_id == SAMPLE_SCHEMA_ID ? &sample_record
                                           : avro_find_record(catalog_events, schema_id);
    if (record == NULL)
        return -1;
    arena_init(&arena, ARENA_MAX);
    void *value = arena_alloc(&arena, record->size);
    assert(value != NULL);
    if (avro_decode_framed(record, (struct text){(const char *)bytes, size}, &arena, value, &error))
        check_round_trip(record, value, &arena);
    arena_done(&arena);
    return 0;
}
