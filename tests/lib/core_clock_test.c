/* Times in and out of RFC 3339, compared with the C library's calendar. */
#include "lib/core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void known_times_format_as_expected(void **unused)
{
    (void)unused;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00.000000Z"},
        {1769903999123456, "2026-01-31T23:59:59.123456Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999999Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char string[CLOCK_RFC3339_SIZE];
        clock_format(cases[i].us, string);
        assert_string_equal(string, cases[i].text);
    }
}

static void every_time_formats_as_the_c_library_says_and_parses_back(void **unused)
{
    (void)unused;
    /* From the year 0 to 9999 in uneven steps of about 3.3 years. */
    for (int64_t us = -62167219200000000; us < 253402300800000000; us += 103680123456789) {
        char string[CLOCK_RFC3339_SIZE];
        clock_format(us, string);
        time_t seconds = (time_t)((us - 999999) / 1000000);
        if (us >= 0)
            seconds = (time_t)(us / 1000000);
        struct tm parts;
        assert_non_null(gmtime_r(&seconds, &parts));
        char expected[64];
        assert_true(strftime(expected, sizeof(expected), "%m-%dT%H:%M:%S", &parts) > 0);
        assert_memory_equal(string + 5, expected, 14);
        int64_t parsed;
        assert_true(clock_parse(text_of(string), &parsed));
        assert_true(parsed == us);
    }
}

static void offsets_and_fractions_are_understood(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001z", 1}, {"1970-01-01t09:00:00+09:00", 0},
        {"1969-12-31T19:30:00-04:30", 0},   {"2000-02-29T00:00:00Z", 951782400000000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t us = -77;
        assert_true(clock_parse(text_of(cases[i].text), &us));
        assert_true(us == cases[i].us);
    }
}

static void anything_else_is_refused_and_the_output_untouched(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567Z",
        "1970-01-01T00:00:60Z",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-00-01T00:00:00Z",
        "1970-13-01T00:00:00Z",
        "1970-04-31T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2001-02-29T00:00:00Z",
        "1970-01-00T00:00:00Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00+0900",
        "1970-01-01T00:00:00Zx",
        "1970-01-01T00:00:00Z ",
        "+970-01-01T00:00:00Z",
        "197O-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t us = -77;
        assert_false(clock_parse(text_of(bad[i]), &us));
        assert_int_equal(us, -77);
    }
    assert_false(clock_parse((struct text){0}, &(int64_t){0}));
}

static void the_boot_clock_never_goes_back_and_the_wall_clock_is_this_century(void **unused)
{
    (void)unused;
    int64_t before = clock_boot_us();
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_boot_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_wall_us() > 1700000000000000);
    assert_true(clock_wall_us() < 4102444800000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_format_as_expected),
        cmocka_unit_test(every_time_formats_as_the_c_library_says_and_parses_back),
        cmocka_unit_test(offsets_and_fractions_are_understood),
        cmocka_unit_test(anything_else_is_refused_and_the_output_untouched),
        cmocka_unit_test(the_boot_clock_never_goes_back_and_the_wall_clock_is_this_century),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
