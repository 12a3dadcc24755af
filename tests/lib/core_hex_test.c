/* Hexadecimal digits, both ways. */
#include "lib/core/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void every_byte_comes_back(void **unused)
{
    uint8_t bytes[256], back[256];
    char digits[512];

    (void)unused;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    assert_ptr_equal(hex_write(digits, bytes, sizeof(bytes)), digits + sizeof(digits));
    assert_memory_equal(digits, "000102", 6);
    assert_memory_equal(digits + 506, "fdfeff", 6);
    assert_true(hex_read(digits, back, sizeof(back)));
    assert_memory_equal(back, bytes, sizeof(bytes));
}

static void what_is_no_digit_has_no_value(void **unused)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    int found = 0;

    (void)unused;
    for (int c = 0; c < 256; c++) {
        bool is_digit = c != 0 && strchr(digits, c) != NULL;
        assert_int_equal(hex_value((char)c) >= 0, is_digit);
        found += is_digit;
    }
    assert_int_equal(found, 22);
    assert_int_equal(hex_value('F'), 15);
    assert_int_equal(hex_value('f'), 15);
}

static void bytes_have_one_spelling(void **unused)
{
    uint8_t byte;

    (void)unused;
    assert_true(hex_read("af", &byte, 1));
    assert_int_equal(byte, 0xaf);
    assert_false(hex_read("Af", &byte, 1));
    assert_false(hex_read("aF", &byte, 1));
    assert_false(hex_read("g0", &byte, 1));
    assert_false(hex_read("0 ", &byte, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_no_digit_has_no_value),
        cmocka_unit_test(bytes_have_one_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
