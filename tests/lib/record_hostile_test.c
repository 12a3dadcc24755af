/* Bytes nobody should have written. Every case lies in a block of exactly its size, so that the
 * sanitizer sees a single byte read too far. */
#include "lib/record/avro.h"

#include "tests/lib/record_sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX (1 << 20)

struct node {
    struct list children;
};
static const struct record node_record;
static const struct field node_fields[] = {
    {FIELD_AT(node, children), .kind = FIELD_LIST, .of = &node_record},
};
static const struct record node_record = {
    .name = "Node",
    .size = sizeof(struct node),
    .fields = node_fields,
    .field_count = COUNT_OF(node_fields),
};

struct one {
    int64_t number;
    struct text text;
    bool flag;
    struct optional_integer maybe;
    int colour;
    struct list list;
};
static const char *const colours[] = {"RED", "GREEN", NULL};
/* One record a kind: a case names the kind it is about. */
static const struct field of_integer[] = {{FIELD_AT(one, number), .kind = FIELD_INTEGER}};
static const struct field of_text[] = {{FIELD_AT(one, text), .kind = FIELD_TEXT}};
static const struct field of_bytes[] = {{FIELD_AT(one, text), .kind = FIELD_BYTES}};
static const struct field of_flag[] = {{FIELD_AT(one, flag), .kind = FIELD_BOOLEAN}};
static const struct field of_maybe[] = {
    {FIELD_AT(one, maybe), .kind = FIELD_INTEGER, .optional = true},
};
static const struct field of_colour[] = {
    {FIELD_AT(one, colour), .kind = FIELD_CHOICE, .symbols = colours},
};
static const struct record inner_record = {
    .name = "Inner", .size = sizeof(struct one), .fields = of_flag, .field_count = 1};
static const struct field of_list[] = {
    {FIELD_AT(one, list), .kind = FIELD_LIST, .of = &inner_record},
};

struct hostile {
    const struct field *field;
    size_t size;
    const char *bytes;
    const char *problem; /* in the detail; NULL: these bytes are fine */
};

#define BYTES(literal) sizeof(literal) - 1, literal
#define NINE_FF        "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

static const struct hostile cases[] = {
    {of_integer, BYTES(""), "end inside a number"},
    {of_integer, BYTES("\x80"), "end inside a number"},
    {of_integer, BYTES(NINE_FF "\x01"), NULL},
    {of_integer, BYTES(NINE_FF "\x02"), "more than 64 bits"},
    {of_integer, BYTES(NINE_FF "\xff\x01"), "more than 64 bits"},
    {of_integer, BYTES(NINE_FF "\x80\x00"), "more than 64 bits"},
    {of_integer, BYTES("\x00\x00"), "left over"},
    {of_text, BYTES("\x02"), "beyond the end"},
    {of_text, BYTES("\x01"), "beyond the end"},
    {of_text, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "beyond the end"},
    {of_text, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "beyond the end"},
    {of_text, BYTES("\x02\xff"), "not UTF-8"},
    {of_text, BYTES("\x04\xc3\xa9"), NULL},
    {of_text, BYTES("\x02\xc3\xa9"), "not UTF-8"},
    {of_text, BYTES("\x02\x00"), "not UTF-8"},
    {of_text,
     BYTES("\x10"
           "123\x00"
           "5678"),
     "not UTF-8"},
    {of_text,
     BYTES("\x12"
           "12345678\x80"),
     "not UTF-8"},
    {of_text,
     BYTES("\x12"
           "1234\xed\xa0\x80"
           "89"),
     "not UTF-8"},
    {of_bytes, BYTES("\x04\xff\x00"), NULL},
    {of_bytes, BYTES("\x06\xff\x00"), "beyond the end"},
    {of_flag, BYTES(""), "before a boolean"},
    {of_flag, BYTES("\x02"), "neither 0 nor 1"},
    {of_maybe, BYTES("\x04\x00"), "branch"},
    {of_maybe, BYTES("\x01\x00"), "branch"},
    {of_maybe, BYTES("\x02"), "end inside a number"},
    {of_colour, BYTES("\x02"), NULL},
    {of_colour, BYTES("\x04"), "choice"},
    {of_colour, BYTES("\x01"), "choice"},
    {of_colour, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "choice"},
    {of_list, BYTES("\x04\x00\x01\x00"), NULL},
    {of_list, BYTES("\x03\x04\x00\x01\x00"), NULL},
    {of_list, BYTES("\x02\x00\x01\x02\x01\x04\x00\x00\x00"), NULL},
    {of_list, BYTES("\x03\x02\x00\x01\x00"), "another size"},
    {of_list, BYTES("\x03\x06\x00\x01\x00"), "another size"},
    {of_list, BYTES("\x03\x08\x00\x01\x00"), "beyond the end"},
    {of_list, BYTES("\x03\x03\x00\x01\x00"), "beyond the end"},
    {of_list, BYTES("\x04\x00\x01"), "end inside a number"},
    {of_list, BYTES("\x08\x00\x01\x00"), "longer than its bytes"},
    {of_list, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), "longer than allowed"},
    {of_list, BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), "longer than allowed"},
};

static bool decode_exactly(const struct record *record, struct text bytes, struct arena *arena,
                           void *ret_value, struct error *error)
{
    char *exact = malloc(bytes.size == 0 ? 1 : bytes.size);

    assert_non_null(exact);
    memcpy(exact, bytes.bytes, bytes.size);
    bool ok = avro_decode(record, (struct text){exact, bytes.size}, arena, ret_value, error);
    free(exact);
    return ok;
}

static void every_malformed_field_is_named_with_its_problem(void **unused)
{
    struct arena arena;

    (void)unused;
    arena_init(&arena, ARENA_MAX);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct hostile *hostile = &cases[i];
        const struct record record = {
            .name = "One", .size = sizeof(struct one), .fields = hostile->field, .field_count = 1};
        struct one one;
        struct error error = {0};
        struct text bytes = {hostile->bytes, hostile->size};
        bool ok = decode_exactly(&record, bytes, &arena, &one, &error);
        if (ok != (hostile->problem == NULL))
            fail_msg("case %zu: %s", i, ok ? "decoded" : error.detail);
        if (!ok && strstr(error.detail, hostile->problem) == NULL)
            fail_msg("case %zu: %s", i, error.detail);
        if (!ok)
            assert_int_equal(error.fault, FAULT_DATA_CORRUPT);
    }
    arena_done(&arena);
}

static size_t draw_encoded(struct draw *draw, struct arena *arena, struct buffer *buffer)
{
    struct sample sample;

    draw_record(draw, &sample_record, arena, &sample);
    buffer_clear(buffer);
    avro_encode(&sample_record, &sample, buffer);
    assert_false(buffer->failed);
    return buffer->size;
}

static void a_truncated_record_is_always_refused(void **unused)
{
    struct arena arena;
    struct buffer buffer;
    struct draw draw = {11};
    struct error error;

    (void)unused;
    arena_init(&arena, ARENA_MAX);
    buffer_init(&buffer, 65536);
    for (int round = 0; round < 60; round++) {
        size_t size = draw_encoded(&draw, &arena, &buffer);
        for (size_t cut = 0; cut < size; cut++) {
            struct sample out;
            struct text bytes = {(const char *)buffer.bytes, cut};
            assert_false(decode_exactly(&sample_record, bytes, &arena, &out, &error));
            assert_int_equal(error.fault, FAULT_DATA_CORRUPT);
            arena_reset(&arena);
        }
    }
    arena_done(&arena);
    buffer_done(&buffer);
}

/* What still decodes must be a value like any other: it encodes, and decodes to itself. */
static void check_reencodes(const struct sample *sample, struct arena *arena)
{
    struct buffer again;
    struct sample out;
    struct error error;

    buffer_init(&again, 65536);
    avro_encode(&sample_record, sample, &again);
    assert_false(again.failed);
    assert_true(avro_decode(&sample_record, buffer_text(&again), arena, &out, &error));
    assert_true(same_record(&sample_record, sample, &out));
    buffer_done(&again);
}

static void a_flipped_bit_is_refused_or_another_value(void **unused)
{
    struct arena arena;
    struct buffer buffer;
    struct draw draw = {13};
    int refused = 0;
    int decoded = 0;

    (void)unused;
    arena_init(&arena, ARENA_MAX);
    buffer_init(&buffer, 65536);
    for (int round = 0; round < 40; round++) {
        size_t size = draw_encoded(&draw, &arena, &buffer);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            struct sample out;
            struct error error;
            uint8_t *exact = malloc(size);
            assert_non_null(exact);
            memcpy(exact, buffer.bytes, size);
            exact[bit / 8] ^= (uint8_t)(1u << bit % 8);
            bool ok = avro_decode(&sample_record, (struct text){(const char *)exact, size}, &arena,
                                  &out, &error);
            if (ok)
                check_reencodes(&out, &arena);
            decoded += ok;
            refused += !ok;
            free(exact);
            arena_reset(&arena);
        }
    }
    assert_true(refused > 100);
    assert_true(decoded > 100);
    arena_done(&arena);
    buffer_done(&buffer);
}

static void records_nested_too_deep_are_refused(void **unused)
{
    struct arena arena;
    struct error error;
    struct node node;
    char bytes[64];

    (void)unused;
    arena_init(&arena, ARENA_MAX);
    for (size_t depth = 1; depth <= 20; depth++) { /* one child each, the last one none */
        memset(bytes, 2, depth - 1);
        memset(bytes + depth - 1, 0, depth);
        struct text nested = {bytes, 2 * depth - 1};
        bool ok = decode_exactly(&node_record, nested, &arena, &node, &error);
        assert_int_equal(ok, depth <= 16);
    }
    assert_non_null(strstr(error.detail, "too deep"));
    arena_done(&arena);
}

static void many_small_blocks_cost_no_more_than_one_large(void **unused)
{
    enum { ITEMS = 20000 };
    struct arena arena;
    struct error error;
    struct one one;
    const struct record record = {
        .name = "One", .size = sizeof(struct one), .fields = of_list, .field_count = 1};
    char *bytes = malloc(2 * ITEMS + 1);

    (void)unused;
    assert_non_null(bytes);
    for (size_t i = 0; i < ITEMS; i++)
        memcpy(bytes + 2 * i, "\x02\x01", 2);
    bytes[2 * ITEMS] = 0;
    arena_init(&arena, 4 * ITEMS * sizeof(struct one));
    assert_true(avro_decode(&record, (struct text){bytes, 2 * ITEMS + 1}, &arena, &one, &error));
    assert_int_equal(one.list.count, ITEMS);
    arena_done(&arena);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_malformed_field_is_named_with_its_problem),
        cmocka_unit_test(a_truncated_record_is_always_refused),
        cmocka_unit_test(a_flipped_bit_is_refused_or_another_value),
        cmocka_unit_test(records_nested_too_deep_are_refused),
        cmocka_unit_test(many_small_blocks_cost_no_more_than_one_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
