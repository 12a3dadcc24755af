/* Borrowed text: comparison, integers, UTF-8. */
#include "lib/core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void absent_is_not_empty(void **unused)
{
    (void)unused;
    struct text absent = text_of(NULL);
    struct text empty = text_of("");
    assert_null(absent.bytes);
    assert_non_null(empty.bytes);
    assert_false(text_equal(absent, empty));
    assert_true(text_equal(absent, (struct text){0}));
    assert_true(text_is(empty, ""));
    assert_false(text_is(absent, ""));
    assert_false(text_starts_with(absent, ""));
}

static void texts_compare_by_bytes_and_size(void **unused)
{
    (void)unused;
    struct text text = {.bytes = "abcdef", .size = 3};
    assert_true(text_is(text, "abc"));
    assert_false(text_is(text, "abcd"));
    assert_false(text_is(text, "ab"));
    assert_true(text_starts_with(text, "ab"));
    assert_true(text_starts_with(text, "abc"));
    assert_false(text_starts_with(text, "abcd"));
    static const struct text literal = TEXT("abc");
    assert_true(text_equal(text, literal));
}

static void integers_are_read_whole_or_not_at_all(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},
        {"-0", 0},
        {"+7", 7},
        {"007", 7},
        {"-15", -15},
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
    };
    static const char *const bad[] = {
        "",
        "-",
        "+",
        "1 ",
        " 1",
        "1.0",
        "0x1",
        "--1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t value = 77;
        assert_true(text_to_integer(text_of(good[i].text), &value));
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value = 77;
        assert_false(text_to_integer(text_of(bad[i]), &value));
        assert_int_equal(value, 77);
    }
    assert_false(text_to_integer((struct text){0}, &(int64_t){0}));
}

static void well_formed_utf8_is_counted_in_code_points(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        size_t characters;
    } cases[] = {
        {"", 0},
        {"plain ascii of some length", 26},
        {"시장", 2},
        {"12345678시장12345678", 18},
        {"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 7},
        {"\xed\x9f\xbf\xee\x80\x80", 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t characters = 77;
        assert_true(text_is_utf8(text_of(cases[i].text), &characters));
        assert_int_equal(characters, cases[i].characters);
        assert_true(text_is_utf8(text_of(cases[i].text), NULL));
    }
}

static void malformed_utf8_is_refused_wherever_it_stands(void **unused)
{
    (void)unused;
    static const struct text bad[] = {
        TEXT("\x80"),
        TEXT("\xc0\x80"),         /* overlong NUL */
        TEXT("\xc1\xbf"),         /* overlong */
        TEXT("\xe0\x9f\xbf"),     /* overlong */
        TEXT("\xf0\x8f\xbf\xbf"), /* overlong */
        TEXT("\xed\xa0\x80"),     /* surrogate */
        TEXT("\xf4\x90\x80\x80"), /* past U+10FFFF */
        TEXT("\xf5\x80\x80\x80"),
        TEXT("\xff"),
        TEXT("\xc2"), /* cut off */
        TEXT("\xe2\x82"),
        TEXT("\xf0\x9f\x98"),
        TEXT("\xe2\x28\xa1"),
        TEXT("\xe2\x82\x28"),
        TEXT("\0"),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t lead = 0; lead < 20; lead++) {
            char text[40];
            memset(text, 'a', sizeof(text));
            memcpy(text + lead, bad[i].bytes, bad[i].size);
            size_t characters = 77;
            size_t size = lead + bad[i].size;
            assert_false(text_is_utf8((struct text){.bytes = text, .size = size}, &characters));
            assert_int_equal(characters, 77);
            assert_false(text_is_utf8((struct text){.bytes = text, .size = size + 15}, NULL));
        }
    }
}

static void integers_are_written_as_they_are_read(void **unused)
{
    (void)unused;
    static const int64_t values[] = {0, 7, -1, 10, 1234567890123, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char digits[TEXT_INTEGER_SIZE];
        int64_t again;
        assert_true(text_to_integer(text_of_integer(values[i], digits), &again));
        assert_true(again == values[i]);
    }
    char digits[TEXT_INTEGER_SIZE];
    assert_true(text_is(text_of_integer(INT64_MIN, digits), "-9223372036854775808"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_is_not_empty),
        cmocka_unit_test(texts_compare_by_bytes_and_size),
        cmocka_unit_test(integers_are_read_whole_or_not_at_all),
        cmocka_unit_test(integers_are_written_as_they_are_read),
        cmocka_unit_test(well_formed_utf8_is_counted_in_code_points),
        cmocka_unit_test(malformed_utf8_is_refused_wherever_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
