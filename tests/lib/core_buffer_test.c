/* Buffers: growth, the sticky failure, and JSON strings. */
#include "lib/core/buffer.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_holds(const struct buffer *buffer, const char *expected)
{
    assert_false(buffer->failed);
    assert_int_equal(buffer->size, strlen(expected));
    assert_memory_equal(buffer_text(buffer).bytes, expected, strlen(expected));
}

static void puts_follow_each_other(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_put_string(&buffer, "a");
    buffer_put_byte(&buffer, 'b');
    buffer_put_text(&buffer, text_of("c"));
    buffer_put_text(&buffer, (struct text){0});
    buffer_print(&buffer, "%d-%s", 7, "x");
    buffer_put(&buffer, "!", 1);
    assert_holds(&buffer, "abc7-x!");
    buffer_done(&buffer);
}

static void what_does_not_fit_fails_and_stays_failed_until_cleared(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    buffer_put(&buffer, "1234567890", 10);
    assert_holds(&buffer, "1234567890");
    buffer_put_byte(&buffer, 'x');
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, 10);
    buffer_clear(&buffer);
    buffer_put(&buffer, "12345678901", 11);
    assert_true(buffer.failed);
    buffer_put_byte(&buffer, 'x');
    assert_int_equal(buffer.size, 0);
    buffer_clear(&buffer);
    buffer_put_byte(&buffer, 'y');
    assert_holds(&buffer, "y");
    buffer_done(&buffer);
}

static void a_long_print_is_whole(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 100000);
    char expected[5001];
    memset(expected, 'z', 5000);
    expected[5000] = '\0';
    buffer_print(&buffer, "%s", expected);
    assert_holds(&buffer, expected);
    buffer_done(&buffer);
}

static void integers_are_decimal_up_to_both_ends(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    buffer_put_integer(&buffer, INT64_MIN);
    buffer_put_byte(&buffer, ' ');
    buffer_put_integer(&buffer, INT64_MAX);
    buffer_put_byte(&buffer, ' ');
    buffer_put_integer(&buffer, 0);
    buffer_put_byte(&buffer, ' ');
    buffer_put_integer(&buffer, -10);
    assert_holds(&buffer, "-9223372036854775808 9223372036854775807 0 -10");
    buffer_done(&buffer);
}

static void json_strings_escape_what_json_forbids(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    struct text hostile = TEXT("a\"b\\c\n\r\t\b\f\x01\x1f/\x7f시");
    buffer_put_json_string(&buffer, hostile);
    assert_holds(&buffer, "\"a\\\"b\\\\c\\n\\r\\t\\b\\f\\u0001\\u001f/\x7f시\"");
    buffer_clear(&buffer);
    buffer_put_json_string(&buffer, (struct text){.bytes = "\0", .size = 1});
    buffer_put_json_string(&buffer, (struct text){0});
    assert_holds(&buffer, "\"\\u0000\"\"\"");
    buffer_done(&buffer);
}

static void an_empty_buffer_is_empty_text_not_absent_text(void **unused)
{
    (void)unused;
    struct buffer buffer;
    buffer_init(&buffer, 10);
    assert_non_null(buffer_text(&buffer).bytes);
    assert_int_equal(buffer_text(&buffer).size, 0);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_follow_each_other),
        cmocka_unit_test(what_does_not_fit_fails_and_stays_failed_until_cleared),
        cmocka_unit_test(a_long_print_is_whole),
        cmocka_unit_test(integers_are_decimal_up_to_both_ends),
        cmocka_unit_test(json_strings_escape_what_json_forbids),
        cmocka_unit_test(an_empty_buffer_is_empty_text_not_absent_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
