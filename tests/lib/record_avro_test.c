/* Avro: framing, round trips, evolution between hand-written versions, what encoding refuses. */
#include "lib/record/avro.h"

#include "tests/lib/record_sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX  (1 << 20)
#define BUFFER_MAX 65536

/* Version 1 of a menu had {title, legacy, lines[{name, size}], extra{note}, price}; version 2 lacks
 * legacy, size and extra, and has currency, weight and, in its lines, count. */
struct menu_line {
    struct text name;
    int64_t count;
};
struct menu {
    struct text title;
    int64_t price;
    struct text currency;
    struct optional_integer weight;
    struct list lines;
};

static const struct writer_field line_v1[] = {
    {.field = {.name = "name", .kind = FIELD_TEXT}, .target = 0},
    {.field = {.name = "size", .kind = FIELD_INTEGER}, .target = -1},
};
static const struct writer_field line_v2[] = {
    {.field = {.name = "name", .kind = FIELD_TEXT}, .target = 0},
    {.field = {.name = "count", .kind = FIELD_INTEGER}, .target = 1},
};
static const struct record_version line_versions[] = {
    {1, line_v1, COUNT_OF(line_v1), NULL},
    {2, line_v2, COUNT_OF(line_v2), NULL},
};
static const struct field line_fields[] = {
    {FIELD_AT(menu_line, name), .kind = FIELD_TEXT},
    {FIELD_AT(menu_line, count), .kind = FIELD_INTEGER},
};
static const struct menu_line line_defaults = {.count = 1};
static const struct record line_record = {
    .name = "MenuLine",
    .size = sizeof(struct menu_line),
    .fields = line_fields,
    .field_count = COUNT_OF(line_fields),
    .defaults = &line_defaults,
    .versions = line_versions,
    .version_count = COUNT_OF(line_versions),
};

static const struct field dropped_fields[] = {
    {.name = "note", .kind = FIELD_TEXT, .optional = true},
};
static const struct record dropped_record = {
    .name = "Extra",
    .fields = dropped_fields,
    .field_count = COUNT_OF(dropped_fields),
};
static const struct writer_field menu_v1[] = {
    {.field = {.name = "title", .kind = FIELD_TEXT}, .target = 0},
    {.field = {.name = "legacy", .kind = FIELD_TEXT}, .target = -1},
    {.field = {.name = "lines", .kind = FIELD_LIST, .of = &line_record}, .target = 4},
    {.field = {.name = "extras", .kind = FIELD_LIST, .of = &dropped_record}, .target = -1},
    {.field = {.name = "price", .kind = FIELD_INTEGER}, .target = 1},
};
static const struct writer_field menu_v2[] = {
    {.field = {.name = "title", .kind = FIELD_TEXT}, .target = 0},
    {.field = {.name = "price", .kind = FIELD_INTEGER}, .target = 1},
    {.field = {.name = "currency", .kind = FIELD_TEXT}, .target = 2},
    {.field = {.name = "weight", .kind = FIELD_INTEGER, .optional = true}, .target = 3},
    {.field = {.name = "lines", .kind = FIELD_LIST, .of = &line_record}, .target = 4},
};
static const struct record_version menu_versions[] = {
    {1, menu_v1, COUNT_OF(menu_v1), NULL},
    {2, menu_v2, COUNT_OF(menu_v2), NULL},
};
static const struct field menu_fields[] = {
    {FIELD_AT(menu, title), .kind = FIELD_TEXT},
    {FIELD_AT(menu, price), .kind = FIELD_INTEGER},
    {FIELD_AT(menu, currency), .kind = FIELD_TEXT},
    {FIELD_AT(menu, weight), .kind = FIELD_INTEGER, .optional = true},
    {FIELD_AT(menu, lines), .kind = FIELD_LIST, .of = &line_record},
};
static const struct menu menu_defaults = {.currency = TEXT("KRW")};
static const struct record menu_record = {
    .name = "Menu",
    .full_name = "test.Menu",
    .size = sizeof(struct menu),
    .fields = menu_fields,
    .field_count = COUNT_OF(menu_fields),
    .defaults = &menu_defaults,
    .schema_id = 2,
    .versions = menu_versions,
    .version_count = COUNT_OF(menu_versions),
};

struct bench {
    struct arena arena;
    struct buffer buffer;
    struct error error;
};

static int open_bench(void **state)
{
    static struct bench bench;

    arena_init(&bench.arena, ARENA_MAX);
    buffer_init(&bench.buffer, BUFFER_MAX);
    *state = &bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;

    arena_done(&bench->arena);
    buffer_done(&bench->buffer);
    return 0;
}

static void any_value_comes_back_as_it_went(void **state)
{
    struct bench *bench = *state;
    struct draw draw = {7};

    for (int i = 0; i < 2000; i++) {
        struct sample in;
        struct sample out;
        draw_record(&draw, &sample_record, &bench->arena, &in);
        buffer_clear(&bench->buffer);
        avro_encode_framed(&sample_record, &in, &bench->buffer);
        assert_false(bench->buffer.failed);
        assert_true(avro_decode_framed(&sample_record, buffer_text(&bench->buffer), &bench->arena,
                                       &out, &bench->error));
        assert_true(same_record(&sample_record, &in, &out));
        struct text framed = buffer_text(&bench->buffer);
        struct text body = {framed.bytes + AVRO_FRAME_SIZE, framed.size - AVRO_FRAME_SIZE};
        assert_true(avro_decode(&sample_record, body, &bench->arena, &out, &bench->error));
        assert_true(same_record(&sample_record, &in, &out));
        arena_reset(&bench->arena);
    }
}

static void a_frame_is_zero_and_a_big_endian_id(void **state)
{
    struct bench *bench = *state;
    struct menu menu = {.title = TEXT("tea")};
    const uint8_t expected[] = {0, 0, 0, 0, 2, 6, 't', 'e', 'a', 0, 0, 0, 0};
    uint32_t id = 0;

    avro_encode_framed(&menu_record, &menu, &bench->buffer);
    assert_int_equal(bench->buffer.size, sizeof(expected));
    assert_memory_equal(bench->buffer.bytes, expected, sizeof(expected));
    assert_true(avro_frame(expected, sizeof(expected), &id));
    assert_int_equal(id, 2);
    assert_true(avro_frame((const uint8_t[]){0, 0x12, 0x34, 0x56, 0x78}, 5, &id));
    assert_int_equal(id, 0x12345678);
    assert_false(avro_frame(expected, 4, &id));
    assert_false(avro_frame((const uint8_t[]){1, 0, 0, 0, 2}, 5, &id));
    assert_false(avro_frame(NULL, 0, &id));
}

static void an_old_writer_is_read_with_defaults(void **state)
{
    struct bench *bench = *state;
    const uint8_t bytes[] = {
        0,   0,   0,   0,   1,               /* frame, version 1 */
        6,   't', 'e', 'a',                  /* title */
        4,   'n', 'o',                       /* legacy, dropped */
        4,   2,   'a', 14,  2,   'b', 16, 0, /* two lines: name, dropped size */
        4,   0,   2,   2,   'x', 0,          /* two dropped records: null, "x" */
        200, 1,                              /* price 100 */
    };
    struct menu menu;

    assert_true(avro_decode_framed(&menu_record, (struct text){(const char *)bytes, sizeof(bytes)},
                                   &bench->arena, &menu, &bench->error));
    assert_true(text_is(menu.title, "tea"));
    assert_int_equal(menu.price, 100);
    assert_true(text_is(menu.currency, "KRW"));
    assert_false(menu.weight.present);
    assert_int_equal(menu.lines.count, 2);
    const struct menu_line *lines = menu.lines.items;
    assert_true(text_is(lines[0].name, "a"));
    assert_int_equal(lines[0].count, 1);
    assert_true(text_is(lines[1].name, "b"));
    assert_int_equal(lines[1].count, 1);
}

static void the_newest_writer_needs_no_defaults(void **state)
{
    struct bench *bench = *state;
    struct menu_line lines[] = {{TEXT("a"), 5}};
    struct menu in = {TEXT("tea"), 3, TEXT("USD"), {9, true}, {lines, 1}};
    struct menu out;

    avro_encode_framed(&menu_record, &in, &bench->buffer);
    assert_true(avro_decode_framed(&menu_record, buffer_text(&bench->buffer), &bench->arena, &out,
                                   &bench->error));
    assert_true(same_record(&menu_record, &in, &out));
}

static void a_schema_of_nobody_is_unknown_not_corrupt(void **state)
{
    struct bench *bench = *state;
    const uint8_t bytes[] = {0, 0, 0, 0, 3, 0};
    struct menu menu;

    assert_false(avro_decode_framed(&menu_record, (struct text){(const char *)bytes, sizeof(bytes)},
                                    &bench->arena, &menu, &bench->error));
    assert_int_equal(bench->error.fault, FAULT_SCHEMA_UNKNOWN);
    assert_false(avro_decode_framed(&menu_record, (struct text){(const char *)bytes, 3},
                                    &bench->arena, &menu, &bench->error));
    assert_int_equal(bench->error.fault, FAULT_DATA_CORRUPT);
}

static void a_record_is_found_by_any_of_its_versions(void **state)
{
    const struct record *const records[] = {&sample_record, &menu_record, NULL};

    (void)state;
    assert_ptr_equal(avro_find_record(records, 1), &menu_record);
    assert_ptr_equal(avro_find_record(records, 2), &menu_record);
    assert_ptr_equal(avro_find_record(records, SAMPLE_SCHEMA_ID), &sample_record);
    assert_null(avro_find_record(records, 3));
    assert_null(avro_find_record(records + 2, 1));
}

static void an_empty_text_or_list_is_not_an_absent_one(void **state)
{
    struct bench *bench = *state;
    struct sample in = {
        .id = TEXT(""),
        .remark = TEXT(""),
        .extras = {"", 0},
        .place = {.street = TEXT("")},
        .raw = TEXT(""),
        .sealed = TEXT(""),
    };
    struct sample out;

    avro_encode(&sample_record, &in, &bench->buffer);
    assert_true(avro_decode(&sample_record, buffer_text(&bench->buffer), &bench->arena, &out,
                            &bench->error));
    assert_non_null(out.remark.bytes);
    assert_non_null(out.sealed.bytes);
    assert_non_null(out.extras.items);
    assert_non_null(out.lines.items);
}

static void nothing_is_written_that_could_not_be_read(void **state)
{
    struct bench *bench = *state;
    struct menu bad_text = {.title = TEXT("\xff")};
    struct menu with_nul = {.title = {"a\0b", 3}};
    struct menu_line line = {.name = TEXT("x")};
    struct menu long_list = {.title = TEXT("x"), .lines = {&line, 65537}};

    avro_encode(&menu_record, &bad_text, &bench->buffer);
    assert_true(bench->buffer.failed);
    buffer_clear(&bench->buffer);
    avro_encode(&menu_record, &with_nul, &bench->buffer);
    assert_true(bench->buffer.failed);
    buffer_clear(&bench->buffer);
    avro_encode(&menu_record, &long_list, &bench->buffer);
    assert_true(bench->buffer.failed);
}

static void an_int_beyond_32_bits_is_not_written(void **state)
{
    struct bench *bench = *state;
    struct sample sample = {.small = (int64_t)INT32_MAX + 1};

    avro_encode_framed(&sample_record, &sample, &bench->buffer);
    assert_true(bench->buffer.failed);
    buffer_clear(&bench->buffer);
    sample.small = INT32_MAX;
    avro_encode_framed(&sample_record, &sample, &bench->buffer);
    assert_false(bench->buffer.failed);
}

static void a_list_without_memory_is_out_of_memory(void **state)
{
    struct bench *bench = *state;
    struct arena small;
    struct menu_line lines[40] = {0};
    struct menu in = {.title = TEXT("x"), .lines = {lines, COUNT_OF(lines)}};
    struct menu out;

    avro_encode(&menu_record, &in, &bench->buffer);
    arena_init(&small, 64);
    assert_false(
        avro_decode(&menu_record, buffer_text(&bench->buffer), &small, &out, &bench->error));
    assert_int_equal(bench->error.fault, FAULT_OUT_OF_MEMORY);
    arena_done(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_value_comes_back_as_it_went),
        TEST(a_frame_is_zero_and_a_big_endian_id),
        TEST(an_old_writer_is_read_with_defaults),
        TEST(the_newest_writer_needs_no_defaults),
        TEST(a_schema_of_nobody_is_unknown_not_corrupt),
        TEST(a_record_is_found_by_any_of_its_versions),
        TEST(an_empty_text_or_list_is_not_an_absent_one),
        TEST(nothing_is_written_that_could_not_be_read),
        TEST(an_int_beyond_32_bits_is_not_written),
        TEST(a_list_without_memory_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
