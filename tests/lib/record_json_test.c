/* JSON: every code a client can get, malformed bodies, limits, and writing. */
#include "lib/record/json.h"

#include "tests/lib/record_sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX (1 << 22)

struct item {
    struct text product_id;
    int64_t quantity;
};
struct origin {
    struct text street;
};
struct order {
    struct text order_id;
    struct text title;
    struct text remark;
    struct text password;
    struct text code;
    struct text image;
    int64_t price;
    int64_t any;
    struct optional_integer limit;
    bool open;
    struct optional_boolean agreed;
    int method;
    struct optional_choice source;
    struct list lines;
    struct list extras;
    struct origin origin;
};

static const char *const methods[] = {"points", "card", NULL};
static const struct field item_fields[] = {
    {FIELD_AT(item, product_id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(item, quantity), .kind = FIELD_INTEGER, .min = 1, .max = 99},
};
static const struct record item_record = {
    .name = "Item",
    .size = sizeof(struct item),
    .fields = item_fields,
    .field_count = COUNT_OF(item_fields),
};
static const struct field origin_fields[] = {
    {FIELD_AT(origin, street), .kind = FIELD_TEXT, .min = 1, .max = 5},
};
static const struct record origin_record = {
    .name = "Origin",
    .size = sizeof(struct origin),
    .fields = origin_fields,
    .field_count = COUNT_OF(origin_fields),
};
static const struct field order_fields[] = {
    {FIELD_AT(order, order_id), .kind = FIELD_TEXT, .format = TEXT_UUID, .in_path = true},
    {FIELD_AT(order, title), .kind = FIELD_TEXT, .optional = true, .min = 2, .max = 4},
    {FIELD_AT(order, remark), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(order, password), .kind = FIELD_TEXT, .optional = true, .secret = true},
    {FIELD_AT(order, code), .kind = FIELD_TEXT, .optional = true, .format = TEXT_NAME},
    {FIELD_AT(order, image), .kind = FIELD_BYTES, .optional = true, .max = 4},
    {FIELD_AT(order, price), .kind = FIELD_INTEGER, .min = 1, .max = 1000},
    {FIELD_AT(order, any), .kind = FIELD_INTEGER},
    {FIELD_AT(order, limit), .kind = FIELD_INTEGER, .optional = true, .min = 1},
    {FIELD_AT(order, open), .kind = FIELD_BOOLEAN},
    {FIELD_AT(order, agreed), .kind = FIELD_BOOLEAN, .optional = true},
    {FIELD_AT(order, method), .kind = FIELD_CHOICE, .symbols = methods},
    {FIELD_AT(order, source), .kind = FIELD_CHOICE, .symbols = methods, .optional = true},
    {FIELD_AT(order, lines), .kind = FIELD_LIST, .of = &item_record, .min = 1, .max = 3},
    {FIELD_AT(order, extras), .kind = FIELD_LIST, .of = &item_record, .optional = true},
    {FIELD_AT(order, origin), .kind = FIELD_RECORD, .of = &origin_record},
};
static const struct record order_record = {
    .name = "Order",
    .size = sizeof(struct order),
    .fields = order_fields,
    .field_count = COUNT_OF(order_fields),
};

#define UUID "0190a6e3-0000-7000-8000-00000000000a"
#define ITEM "{\"product_id\":\"" UUID "\",\"quantity\":2}"
#define PLAIN                                                                                      \
    "\"price\":5,\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"                \
    "\"origin\":{\"street\":\"a\"}"

struct bench {
    struct arena arena;
    struct json_reading reading;
    struct order order;
};

static int open_bench(void **state)
{
    static struct bench bench;

    bench = (struct bench){0};
    arena_init(&bench.arena, ARENA_MAX);
    bench.reading.arena = &bench.arena;
    *state = &bench;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *bench = *state;

    arena_done(&bench->arena);
    return 0;
}

static enum json_outcome read_bytes(struct bench *bench, struct text body)
{
    /* exactly as long as the body, so that a byte too many is seen */
    char *exact = malloc(body.size == 0 ? 1 : body.size);

    assert_non_null(exact);
    memcpy(exact, body.bytes, body.size);
    enum json_outcome outcome =
        json_read(&order_record, (struct text){exact, body.size}, &bench->reading, &bench->order);
    free(exact);
    return outcome;
}

static enum json_outcome read_body(struct bench *bench, const char *body)
{
    return read_bytes(bench, text_of(body));
}

static void expect_error(struct bench *bench, const char *body, const char *field, const char *code)
{
    if (read_body(bench, body) != JSON_INVALID)
        fail_msg("%s: %s", body, "not refused");
    if (bench->reading.errors.count != 1 ||
        strcmp(bench->reading.errors.entries[0].field, field) != 0 ||
        strcmp(bench->reading.errors.entries[0].code, code) != 0)
        fail_msg("%s: %zu errors, %s %s", body, bench->reading.errors.count,
                 bench->reading.errors.entries[0].field, bench->reading.errors.entries[0].code);
    assert_true(strlen(bench->reading.errors.entries[0].message) > 5);
}

static void a_whole_body_fills_the_struct(void **state)
{
    struct bench *bench = *state;
    const char *body = "{\"title\":\"\\uc2dc\\uc7a5\",\"password\":\"secret\",\"code\":\"A.b_~-9\","
                       "\"image\":\"/+8=\",\"limit\":7,\"agreed\":false,\"source\":\"points\","
                       "\"extras\":[],\"remark\":null," PLAIN "}";

    assert_int_equal(read_body(bench, body), JSON_OK);
    struct order *order = &bench->order;
    assert_true(text_is(order->title, "시장"));
    assert_true(text_is(order->password, "secret"));
    assert_null(order->remark.bytes);
    assert_int_equal(order->image.size, 2);
    assert_memory_equal(order->image.bytes, "\xff\xef", 2);
    assert_true(order->limit.present && order->limit.value == 7);
    assert_true(order->agreed.present && !order->agreed.value);
    assert_true(order->source.present && order->source.value == 0);
    assert_int_equal(order->method, 1);
    assert_int_equal(order->price, 5);
    assert_true(order->open);
    assert_non_null(order->extras.items);
    assert_int_equal(order->extras.count, 0);
    assert_int_equal(order->lines.count, 1);
    assert_true(text_is(((const struct item *)order->lines.items)->product_id, UUID));
    assert_true(text_is(order->origin.street, "a"));
    assert_null(order->order_id.bytes);
}

struct wrong {
    const char *body;
    const char *field;
    const char *code;
};

#define LINES(items)                                                                               \
    "{\"price\":5,\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":" items ","                \
    "\"origin\":{\"street\":\"a\"}}"
#define PRICE(price)                                                                               \
    "{\"price\":" price ",\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"       \
    "\"origin\":{\"street\":\"a\"}}"
#define MORE(members) "{" members "," PLAIN "}"

static const struct wrong wrongs[] = {
    {"{\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"
     "\"origin\":{\"street\":\"a\"}}",
     "price", "missing"},
    {MORE("\"colour\":1"), "colour", "unknown"},
    {MORE("\"order_id\":\"" UUID "\""), "order_id", "duplicate"},
    {PRICE("\"5\""), "price", "wrong_type"},
    {PRICE("null"), "price", "wrong_type"},
    {PRICE("5.0"), "price", "wrong_type"},
    {PRICE("true"), "price", "wrong_type"},
    {PRICE("0"), "price", "too_small"},
    {PRICE("1001"), "price", "too_large"},
    {PRICE("9223372036854775808"), "price", "too_large"},
    {PRICE("-9223372036854775809"), "price", "too_small"},
    {PRICE("123456789012345678901234567890"), "price", "too_large"},
    {MORE("\"limit\":0"), "limit", "too_small"},
    {MORE("\"agreed\":\"true\""), "agreed", "wrong_type"},
    {MORE("\"title\":5"), "title", "wrong_type"},
    {MORE("\"title\":\"x\""), "title", "too_short"},
    {MORE("\"title\":\"12345\""), "title", "too_long"},
    {MORE("\"title\":\"\\uc2dc\\uc2dc\\uc2dc\\uc2dc\\uc2dc\""), "title", "too_long"},
    {MORE("\"code\":\"a/b\""), "code", "bad_format"},
    {MORE("\"code\":\"\""), "code", "bad_format"},
    {MORE("\"image\":\"a\""), "image", "bad_format"},
    {MORE("\"image\":\"a===\""), "image", "bad_format"},
    {MORE("\"image\":\"/+9=\""), "image", "bad_format"},
    {MORE("\"image\":\"AAAAAAA=\""), "image", "too_long"},
    {MORE("\"source\":\"cash\""), "source", "not_a_choice"},
    {MORE("\"source\":1"), "source", "wrong_type"},
    {MORE("\"extras\":{}"), "extras", "wrong_type"},
    {LINES("[]"), "lines", "too_short"},
    {LINES("[" ITEM "," ITEM "," ITEM "," ITEM "]"), "lines", "too_long"},
    {LINES("[7]"), "lines.0", "wrong_type"},
    {LINES("[" ITEM ",{\"product_id\":\"" UUID "\",\"quantity\":0}]"), "lines.1.quantity",
     "too_small"},
    {LINES("[{\"product_id\":\"no\",\"quantity\":1}]"), "lines.0.product_id", "bad_format"},
    {LINES("[{\"product_id\":\"" UUID "\",\"quantity\":1,\"x\":1}]"), "lines.0.x", "unknown"},
    {"{\"price\":5,\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"
     "\"origin\":{\"street\":\"\"}}",
     "origin.street", "too_short"},
    {"{\"price\":5,\"any\":0,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"
     "\"origin\":[]}",
     "origin", "wrong_type"},
};

static void every_wrong_field_is_named_with_its_code(void **state)
{
    for (size_t i = 0; i < COUNT_OF(wrongs); i++)
        expect_error(*state, wrongs[i].body, wrongs[i].field, wrongs[i].code);
}

static void malformed_bodies_say_where(void **state)
{
    struct bench *bench = *state;
    static const char *const bodies[] = {
        "{",
        "[]",
        "7",
        "null",
        "{} x",
        "{}{}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{\"a\":\"\\u0000\"}",
        " ",
        "\xff{}",
        "{\"a\":+1}",
        "{\"a\":1e999}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\xff\"}",
        "{\"price\":1,\"price\":1}",
        "{\"lines\":[{\"quantity\":1,\"quantity\":2}]}",
        "{\"a\":\"\n\"}",
    };

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        if (read_body(bench, bodies[i]) != JSON_MALFORMED)
            fail_msg("%s", bodies[i]);
        assert_non_null(bench->reading.where);
    }
    assert_int_equal(read_bytes(bench, (struct text){"{}\0", 3}), JSON_MALFORMED);
    assert_int_equal(read_body(bench, "{" PLAIN "}"), JSON_OK);
    assert_null(bench->reading.where);
}

static void an_empty_body_is_an_empty_object(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(read_body(bench, ""), JSON_INVALID);
    assert_int_equal(bench->reading.errors.count, 6);
    for (size_t i = 0; i < bench->reading.errors.count; i++)
        assert_string_equal(bench->reading.errors.entries[i].code, "missing");
}

static void nesting_stops_at_sixteen(void **state)
{
    struct bench *bench = *state;
    char body[256];

    for (int depth = 15; depth <= 17; depth++) {
        char *at = body;
        at = stpcpy(at, "{\"a\":");
        for (int i = 1; i < depth; i++)
            *at++ = '[';
        for (int i = 1; i < depth; i++)
            *at++ = ']';
        memcpy(at, "}", 2);
        enum json_outcome outcome = read_body(bench, body);
        assert_int_equal(outcome, depth <= 16 ? JSON_INVALID : JSON_MALFORMED);
    }
    /* brackets inside a string do not nest */
    assert_int_equal(read_body(bench, MORE("\"remark\":\"\\\"[[[[[[[[[[[[[[[[[[[[{{{{\"")),
                     JSON_OK);
}

static void integers_reach_both_ends_of_64_bits(void **state)
{
    struct bench *bench = *state;
    const char *rest = ",\"price\":5,\"open\":true,\"method\":\"card\",\"lines\":[" ITEM "],"
                       "\"origin\":{\"street\":\"a\"}}";
    char body[512];

    snprintf(body, sizeof(body), "{\"any\":9223372036854775807%s", rest);
    assert_int_equal(read_body(bench, body), JSON_OK);
    assert_true(bench->order.any == INT64_MAX);
    snprintf(body, sizeof(body), "{\"any\":-9223372036854775808%s", rest);
    assert_int_equal(read_body(bench, body), JSON_OK);
    assert_true(bench->order.any == INT64_MIN);
    snprintf(body, sizeof(body), "{\"any\":9223372036854775808%s", rest);
    expect_error(bench, body, "any", "too_large");
}

static void a_text_without_bounds_ends_at_64_kib(void **state)
{
    struct bench *bench = *state;
    static char body[70000];

    for (size_t size = 65536; size <= 65537; size++) {
        size_t start = (size_t)snprintf(body, sizeof(body), "{\"remark\":\"");
        memset(body + start, 'x', size);
        snprintf(body + start + size, sizeof(body) - start - size, "\"," PLAIN "}");
        assert_int_equal(read_body(bench, body), size == 65536 ? JSON_OK : JSON_INVALID);
    }
    assert_string_equal(bench->reading.errors.entries[0].code, "too_long");
}

static void a_list_without_bounds_ends_at_a_thousand(void **state)
{
    struct bench *bench = *state;
    struct buffer body;

    buffer_init(&body, 1 << 20);
    for (int count = 1000; count <= 1001; count++) {
        buffer_clear(&body);
        buffer_put_string(&body, "{\"extras\":[");
        for (int i = 0; i < count; i++)
            buffer_put_string(&body, i == 0 ? ITEM : "," ITEM);
        buffer_put_string(&body, "]," PLAIN "}");
        assert_int_equal(read_bytes(bench, buffer_text(&body)),
                         count == 1000 ? JSON_OK : JSON_INVALID);
    }
    assert_string_equal(bench->reading.errors.entries[0].code, "too_long");
    buffer_done(&body);
}

static void errors_stop_at_their_limit(void **state)
{
    struct bench *bench = *state;
    struct buffer body;

    buffer_init(&body, 1 << 16);
    for (int i = 0; i < 40; i++) {
        buffer_put_string(&body, i == 0 ? "{\"x" : ",\"x");
        buffer_put_integer(&body, i);
        buffer_put_string(&body, "\":1");
    }
    buffer_put_string(&body, "}");
    assert_int_equal(read_bytes(bench, buffer_text(&body)), JSON_INVALID);
    assert_int_equal(bench->reading.errors.count, FIELD_ERRORS_MAX);
    buffer_done(&body);
}

static void a_full_arena_is_out_of_memory(void **state)
{
    struct bench *bench = *state;
    struct arena small;
    struct order order;

    arena_init(&small, 16);
    bench->reading.arena = &small;
    assert_int_equal(json_read(&order_record, text_of("{" PLAIN "}"), &bench->reading, &order),
                     JSON_OUT_OF_MEMORY);
    assert_int_equal(json_read(&order_record, text_of("{"), &bench->reading, &order),
                     JSON_OUT_OF_MEMORY);
    arena_done(&small);
}

static enum json_outcome set(struct bench *bench, const char *name, const char *value)
{
    bench->reading.errors.count = 0;
    return json_set_text(&order_record, name, text_of(value), &bench->reading, &bench->order);
}

static void a_path_parameter_follows_the_same_rules(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(set(bench, "order_id", "0190A6E3-0000-7000-8000-00000000000A"), JSON_OK);
    assert_true(text_is(bench->order.order_id, UUID));
    assert_int_equal(set(bench, "order_id", "x"), JSON_INVALID);
    assert_string_equal(bench->reading.errors.entries[0].field, "order_id");
    assert_string_equal(bench->reading.errors.entries[0].code, "bad_format");
    assert_int_equal(set(bench, "price", "12"), JSON_OK);
    assert_int_equal(bench->order.price, 12);
    assert_int_equal(set(bench, "price", "0"), JSON_INVALID);
    assert_int_equal(set(bench, "price", "1x"), JSON_INVALID);
    assert_string_equal(bench->reading.errors.entries[0].code, "wrong_type");
    assert_int_equal(set(bench, "price", "9223372036854775808"), JSON_INVALID);
    assert_int_equal(set(bench, "agreed", "true"), JSON_OK);
    assert_true(bench->order.agreed.present && bench->order.agreed.value);
    assert_int_equal(set(bench, "agreed", "yes"), JSON_INVALID);
    assert_int_equal(set(bench, "method", "points"), JSON_OK);
    assert_int_equal(bench->order.method, 0);
    assert_int_equal(set(bench, "remark", "\xff"), JSON_INVALID);
    assert_int_equal(set(bench, "lines", "[]"), JSON_INVALID);
    assert_int_equal(set(bench, "nothing", "x"), JSON_INVALID);
    assert_string_equal(bench->reading.errors.entries[0].code, "unknown");
}

static void what_is_absent_or_secret_is_not_written(void **state)
{
    struct bench *bench = *state;
    struct buffer out;

    assert_int_equal(read_body(bench, MORE("\"password\":\"x\",\"limit\":7,\"image\":\"/+8=\","
                                           "\"title\":\"a\\\"\\n\",\"source\":\"card\"")),
                     JSON_OK);
    assert_int_equal(set(bench, "order_id", UUID), JSON_OK);
    buffer_init(&out, 4096);
    json_write(&order_record, &bench->order, &out);
    assert_true(text_is(buffer_text(&out),
                        "{\"order_id\":\"" UUID "\",\"title\":\"a\\\"\\n\",\"image\":\"/+8=\","
                        "\"price\":5,\"any\":0,\"limit\":7,\"open\":true,\"method\":\"card\","
                        "\"source\":\"card\",\"lines\":[" ITEM "],\"origin\":{\"street\":\"a\"}}"));
    buffer_done(&out);
}

static void members_alone_say_whether_there_are_any(void **state)
{
    static const struct field optional[] = {
        {FIELD_AT(item, product_id), .kind = FIELD_TEXT, .optional = true},
    };
    static const struct record record = {
        .name = "Maybe", .size = sizeof(struct item), .fields = optional, .field_count = 1};
    struct item item = {0};
    struct buffer out;

    (void)state;
    buffer_init(&out, 4096);
    assert_false(json_write_members(&record, &item, &out));
    assert_int_equal(out.size, 0);
    item.product_id = (struct text)TEXT("");
    assert_true(json_write_members(&record, &item, &out));
    assert_true(text_is(buffer_text(&out), "\"product_id\":\"\""));
    buffer_done(&out);
}

static void what_is_written_can_be_read(void **state)
{
    struct bench *bench = *state;
    struct draw draw = {17};
    struct buffer out;

    buffer_init(&out, 1 << 16);
    for (int i = 0; i < 1000; i++) {
        struct sample in;
        struct sample back;
        draw_record(&draw, &sample_record, &bench->arena, &in);
        buffer_clear(&out);
        json_write(&sample_record, &in, &out);
        assert_false(out.failed);
        assert_int_equal(json_read(&sample_record, buffer_text(&out), &bench->reading, &back),
                         JSON_OK);
        assert_true(same_record(&sample_record, &in, &back));
        arena_reset(&bench->arena);
    }
    buffer_done(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_body_fills_the_struct),
        TEST(every_wrong_field_is_named_with_its_code),
        TEST(malformed_bodies_say_where),
        TEST(an_empty_body_is_an_empty_object),
        TEST(nesting_stops_at_sixteen),
        TEST(integers_reach_both_ends_of_64_bits),
        TEST(a_text_without_bounds_ends_at_64_kib),
        TEST(a_list_without_bounds_ends_at_a_thousand),
        TEST(errors_stop_at_their_limit),
        TEST(a_full_arena_is_out_of_memory),
        TEST(a_path_parameter_follows_the_same_rules),
        TEST(what_is_absent_or_secret_is_not_written),
        TEST(members_alone_say_whether_there_are_any),
        TEST(what_is_written_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
