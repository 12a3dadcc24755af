/* Plain bodies are read straight into the struct, all others through a tree: whichever way is
 * taken, outcome and values are the same. A name with an escape in it is not plain. */
#include "lib/record/json.h"

#include "tests/lib/record_sample.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_MAX  (1 << 20)
#define BODY_MAX   512
#define MUTATIONS  10000
#define UUID_UPPER "0190A6E3-0000-7000-8000-00000000000A"

struct flat {
    struct text id;
    struct text title;
    struct text raw;
    struct text remark;
    int64_t price;
    struct optional_integer ceiling;
    bool open;
    struct optional_boolean agreed;
    int colour;
    struct list lines;
};

static const char *const colours[] = {"red", "green", NULL};
static const struct field flat_fields[] = {
    {FIELD_AT(flat, id), .kind = FIELD_TEXT, .format = TEXT_UUID, .in_path = true},
    {FIELD_AT(flat, title), .kind = FIELD_TEXT, .min = 1, .max = 40},
    {FIELD_AT(flat, raw), .kind = FIELD_BYTES, .optional = true},
    {FIELD_AT(flat, remark), .kind = FIELD_TEXT, .format = TEXT_UUID, .optional = true},
    {FIELD_AT(flat, price), .kind = FIELD_INTEGER},
    {FIELD_AT(flat, ceiling), .kind = FIELD_INTEGER, .optional = true, .min = -5, .max = 5},
    {FIELD_AT(flat, open), .kind = FIELD_BOOLEAN},
    {FIELD_AT(flat, agreed), .kind = FIELD_BOOLEAN, .optional = true},
    {FIELD_AT(flat, colour), .kind = FIELD_CHOICE, .symbols = colours},
    {FIELD_AT(flat, lines), .kind = FIELD_LIST, .of = &sample_line_record, .optional = true},
};
static const struct record flat_record = {
    .name = "Flat",
    .size = sizeof(struct flat),
    .fields = flat_fields,
    .field_count = COUNT_OF(flat_fields),
};

#define LEAST "\"title\":\"tea\",\"price\":12,\"open\":true,\"colour\":\"green\""

/* The first letter behind a quotation mark, mostly that of the first name, as an escape. */
static bool escape_first_name(struct text body, char *out, size_t *ret_size)
{
    const char *quote = memchr(body.bytes, '"', body.size);

    if (quote == NULL || quote + 1 >= body.bytes + body.size || quote[1] < 'a' || quote[1] > 'z')
        return false;
    size_t before = (size_t)(quote + 1 - body.bytes);
    memcpy(out, body.bytes, before);
    size_t escape = (size_t)snprintf(out + before, 7, "\\u%04x", (unsigned)quote[1]);
    memcpy(out + before + escape, quote + 2, body.size - before - 1);
    *ret_size = body.size + escape - 1;
    return true;
}

struct read {
    struct arena arena;
    struct json_reading reading;
    struct flat flat;
    enum json_outcome outcome;
};

static void read_body(struct read *read, struct text body)
{
    *read = (struct read){0};
    arena_init(&read->arena, ARENA_MAX);
    read->reading.arena = &read->arena;
    char *exact = malloc(body.size == 0 ? 1 : body.size); /* so that a byte too many is seen */
    assert_non_null(exact);
    memcpy(exact, body.bytes, body.size);
    read->outcome =
        json_read(&flat_record, (struct text){exact, body.size}, &read->reading, &read->flat);
    free(exact);
}

static enum json_outcome expect_same_both_ways(struct text body)
{
    char escaped[BODY_MAX + 8];
    struct read plain, tree;
    size_t size;

    if (!escape_first_name(body, escaped, &size))
        return JSON_MALFORMED;
    read_body(&plain, body);
    read_body(&tree, (struct text){escaped, size});
    enum json_outcome outcome = plain.outcome;
    if (outcome != tree.outcome || plain.reading.errors.count != tree.reading.errors.count ||
        (outcome == JSON_OK && !same_record(&flat_record, &plain.flat, &tree.flat)))
        fail_msg("%d and %d: %.*s", outcome, tree.outcome, TEXT_ARGS(body));
    arena_done(&plain.arena);
    arena_done(&tree.arena);
    return outcome;
}

static void what_is_accepted_has_the_same_values(void **unused)
{
    static const char *const bodies[] = {
        "{" LEAST "}",
        " {\t" LEAST "\r\n}\n ",
        "{" LEAST ",\"ceiling\":-5,\"agreed\":false,\"raw\":\"/+8=\"}",
        "{" LEAST ",\"ceiling\":null,\"agreed\":null,\"raw\":null,\"lines\":null}",
        "{" LEAST ",\"remark\":\"" UUID_UPPER "\"}",
        "{" LEAST ",\"lines\":[]}",
        "{\"colour\" : \"red\" , \"open\" : false , \"price\" : -0 , \"title\" : \"보리차\"}",
        "{\"title\":\"a\x7f'/[{\",\"price\":999999999999999999,\"open\":true,\"colour\":\"red\"}",
        "{\"title\":\"a\\\"\\n\",\"price\":9223372036854775807,\"open\":true,\"colour\":\"red\"}",
        "{\"title\":\"a\",\"price\":-9223372036854775808,\"open\":true,\"colour\":\"red\"}",
    };
    (void)unused;

    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        assert_int_equal(expect_same_both_ways(text_of(bodies[i])), JSON_OK);
}

static void what_is_not_accepted_is_refused_for_the_same_reason(void **unused)
{
    static const struct {
        const char *body;
        enum json_outcome outcome;
    } bodies[] = {
        {"{" LEAST ",}", JSON_MALFORMED},
        {"{" LEAST "}x", JSON_MALFORMED},
        {"{" LEAST "} {}", JSON_MALFORMED},
        {"{" LEAST ",\"title\":\"tea\"}", JSON_MALFORMED},
        {"{" LEAST ",\"ceiling\":01}", JSON_MALFORMED},
        {"{" LEAST ",\"ceiling\":-}", JSON_MALFORMED},
        {"{" LEAST ",\"agreed\":truex}", JSON_MALFORMED},
        {"{" LEAST ",\"raw\":\"a\nb\"}", JSON_MALFORMED},
        {"{" LEAST ",\"raw\":\"\xff\"}", JSON_MALFORMED},
        {"{\"title\":\"\xed\xa0\x80\",\"price\":1,\"open\":true,\"colour\":\"red\"}",
         JSON_MALFORMED},
        {"{\"title\":\"a\",\"price\":1.0,\"open\":true,\"colour\":\"red\"}", JSON_INVALID},
        {"{\"title\":\"a\",\"price\":1e2,\"open\":true,\"colour\":\"red\"}", JSON_INVALID},
        {"{\"title\":\"a\",\"price\":null,\"open\":true,\"colour\":\"red\"}", JSON_INVALID},
        {"{\"title\":\"\",\"price\":1,\"open\":true,\"colour\":\"red\"}", JSON_INVALID},
        {"{\"title\":\"a\",\"price\":1,\"open\":true}", JSON_INVALID},
        {"{" LEAST ",\"ceiling\":6}", JSON_INVALID},
        {"{" LEAST ",\"id\":\"" UUID_UPPER "\"}", JSON_INVALID},
        {"{" LEAST ",\"colours\":\"red\"}", JSON_INVALID},
        {"{" LEAST ",\"remark\":\"no\"}", JSON_INVALID},
    };
    (void)unused;

    for (size_t i = 0; i < COUNT_OF(bodies); i++)
        assert_int_equal(expect_same_both_ways(text_of(bodies[i].body)), bodies[i].outcome);
}

/* Most end malformed; enough others remain. */
static void a_few_bytes_changed_anywhere_change_nothing_about_that(void **unused)
{
    static const char whole[] = "{" LEAST ",\"ceiling\":-5,\"agreed\":false,\"raw\":\"/+8=\","
                                "\"remark\":null}";
    static const char likely[] = "{}[]\",:\\ \n0123456789.-+eEtrufalsn\xc3\xbc";
    struct draw draw = {.state = 7};
    size_t outcomes[4] = {0};
    char body[sizeof(whole)];
    (void)unused;

    for (int i = 0; i < MUTATIONS; i++) {
        memcpy(body, whole, sizeof(whole));
        for (uint64_t changes = 1 + draw_number(&draw, 2); changes > 0; changes--)
            body[draw_number(&draw, sizeof(whole) - 1)] =
                likely[draw_number(&draw, sizeof(likely) - 1)];
        outcomes[expect_same_both_ways((struct text){body, sizeof(whole) - 1})]++;
    }
    assert_true(outcomes[JSON_OK] > 100);
    assert_true(outcomes[JSON_INVALID] > 100);
    assert_true(outcomes[JSON_MALFORMED] > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_accepted_has_the_same_values),
        cmocka_unit_test(what_is_not_accepted_is_refused_for_the_same_reason),
        cmocka_unit_test(a_few_bytes_changed_anywhere_change_nothing_about_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
