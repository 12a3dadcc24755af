/* Our codec against avro-c's value API: random values must pass from one to the other, both ways.
 */
#include "tests/lib/record_sample.h"

#include "lib/record/avro.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <avro.h>
#include <cmocka.h>

#define ROUNDS      5000
#define ENCODED_MAX 65536
#define ARENA_MAX   (1 << 20)
#define ROUNDS_SEED 20240601

struct oracle {
    avro_schema_t schema;
    avro_value_iface_t *iface;
    avro_value_t value;
    struct arena arena;
    struct buffer encoded;
};

static void oracle_open(struct oracle *oracle)
{
    assert_int_equal(
        avro_schema_from_json_length(sample_schema, strlen(sample_schema), &oracle->schema), 0);
    oracle->iface = avro_generic_class_from_schema(oracle->schema);
    assert_int_equal(avro_generic_value_new(oracle->iface, &oracle->value), 0);
    arena_init(&oracle->arena, ARENA_MAX);
    buffer_init(&oracle->encoded, ENCODED_MAX);
}

static void oracle_close(struct oracle *oracle)
{
    buffer_done(&oracle->encoded);
    arena_done(&oracle->arena);
    avro_value_decref(&oracle->value);
    avro_value_iface_decref(oracle->iface);
    avro_schema_decref(oracle->schema);
}

static void give_record(const struct record *record, const char *value, avro_value_t *into);

static void give_list(const struct field *field, const struct list *list, avro_value_t *into)
{
    for (size_t i = 0; i < list->count; i++) {
        avro_value_t item;
        assert_int_equal(avro_value_append(into, &item, NULL), 0);
        give_record(field->of, (const char *)list->items + i * field->of->size, &item);
    }
}

static int give_field(const struct field *field, const void *at, avro_value_t *into)
{
    const struct text *text = at;

    switch (field->kind) {
    case FIELD_INTEGER:
        if (field->max > field->min)
            return avro_value_set_int(into, (int32_t) * (const int64_t *)at);
        return avro_value_set_long(into, *(const int64_t *)at);
    case FIELD_BOOLEAN: return avro_value_set_boolean(into, *(const bool *)at);
    case FIELD_TEXT: /* counts the NUL */
        return avro_value_set_string_len(into, (char *)(uintptr_t)text->bytes, text->size + 1);
    case FIELD_BYTES: return avro_value_set_bytes(into, (void *)(uintptr_t)text->bytes, text->size);
    case FIELD_CHOICE: return avro_value_set_enum(into, *(const int *)at);
    case FIELD_LIST: give_list(field, at, into); return 0;
    case FIELD_RECORD: give_record(field->of, at, into); return 0;
    }
    return -1;
}

static void give_record(const struct record *record, const char *value, avro_value_t *into)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        const char *at = value + field->offset;
        avro_value_t member;
        avro_value_t branch;
        assert_int_equal(avro_value_get_by_name(into, field->name, &member, NULL), 0);
        if (field->optional) {
            bool absent = field_is_absent(field, at);
            assert_int_equal(avro_value_set_branch(&member, absent ? 0 : 1, &branch), 0);
            if (absent) {
                assert_int_equal(avro_value_set_null(&branch), 0);
                continue;
            }
            member = branch;
        }
        assert_int_equal(give_field(field, at, &member), 0);
    }
}

static size_t oracle_encode(struct oracle *oracle, const struct sample *sample, uint8_t *ret_bytes)
{
    size_t size;
    avro_writer_t writer = avro_writer_memory((char *)ret_bytes, ENCODED_MAX);

    assert_int_equal(avro_value_reset(&oracle->value), 0);
    give_record(&sample_record, (const char *)sample, &oracle->value);
    assert_int_equal(avro_value_write(writer, &oracle->value), 0);
    size = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    return size;
}

static void what_avro_c_writes_we_read(void **unused)
{
    struct oracle oracle;
    struct draw draw = {ROUNDS_SEED};
    static uint8_t bytes[ENCODED_MAX];
    struct error error;

    (void)unused;
    oracle_open(&oracle);
    for (int i = 0; i < ROUNDS; i++) {
        struct sample drawn;
        struct sample read;
        draw_record(&draw, &sample_record, &oracle.arena, &drawn);
        size_t size = oracle_encode(&oracle, &drawn, bytes);
        struct text written = {(const char *)bytes, size};
        assert_true(avro_decode(&sample_record, written, &oracle.arena, &read, &error));
        assert_true(same_record(&sample_record, &drawn, &read));
        arena_reset(&oracle.arena);
    }
    oracle_close(&oracle);
}

static void what_we_write_avro_c_reads(void **unused)
{
    struct oracle oracle;
    struct draw draw = {ROUNDS_SEED + 1};
    static uint8_t again[ENCODED_MAX];

    (void)unused;
    oracle_open(&oracle);
    for (int i = 0; i < ROUNDS; i++) {
        struct sample drawn;
        avro_value_t expected;
        draw_record(&draw, &sample_record, &oracle.arena, &drawn);
        buffer_clear(&oracle.encoded);
        avro_encode(&sample_record, &drawn, &oracle.encoded);
        assert_false(oracle.encoded.failed);

        avro_reader_t reader =
            avro_reader_memory((const char *)oracle.encoded.bytes, (int64_t)oracle.encoded.size);
        assert_int_equal(avro_generic_value_new(oracle.iface, &expected), 0);
        assert_int_equal(avro_value_read(reader, &expected), 0);
        size_t size = oracle_encode(&oracle, &drawn, again);
        assert_true(avro_value_equal(&expected, &oracle.value));
        assert_int_equal(size, oracle.encoded.size);
        assert_memory_equal(again, oracle.encoded.bytes, size);
        avro_value_decref(&expected);
        avro_reader_free(reader);
        arena_reset(&oracle.arena);
    }
    oracle_close(&oracle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_avro_c_writes_we_read),
        cmocka_unit_test(what_we_write_avro_c_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
