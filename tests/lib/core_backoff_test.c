/* Patience between attempts. */
#include "lib/core/backoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct backoff backoff = {.min_us = 20000, .max_us = 2000000};

static void each_failure_doubles_the_wait_up_to_the_limit(void **unused)
{
    (void)unused;
    assert_int_equal(backoff_us(&backoff, 1, UINT32_MAX), 20000);
    assert_int_equal(backoff_us(&backoff, 2, UINT32_MAX), 40000);
    assert_int_equal(backoff_us(&backoff, 7, UINT32_MAX), 1280000);
    assert_int_equal(backoff_us(&backoff, 8, UINT32_MAX), 2000000);
    assert_int_equal(backoff_us(&backoff, UINT32_MAX, UINT32_MAX), 2000000);
}

static void nothing_failed_yet_waits_as_after_the_first(void **unused)
{
    (void)unused;
    assert_int_equal(backoff_us(&backoff, 0, UINT32_MAX), 20000);
}

static void half_of_the_wait_is_certain(void **unused)
{
    (void)unused;
    assert_int_equal(backoff_us(&backoff, 1, 0), 10000);
    assert_int_equal(backoff_us(&backoff, 9, 0), 1000000);
    assert_in_range(backoff_us(&backoff, 9, UINT32_MAX / 2), 1499999, 1500000);
}

static void the_longest_wait_there_can_be_does_not_overflow(void **unused)
{
    static const struct backoff endless = {.min_us = 3, .max_us = INT64_MAX};
    (void)unused;
    assert_true(backoff_us(&endless, 200, 0) >= INT64_MAX / 2);
}

static void two_draws_differ(void **unused)
{
    int64_t first_us = backoff_draw_us(&backoff, 9);
    int different = 0;

    (void)unused;
    for (int i = 0; i < 20; i++) {
        int64_t next_us = backoff_draw_us(&backoff, 9);
        assert_in_range(next_us, 1000000, 2000000);
        different += next_us != first_us;
    }
    assert_true(different > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_doubles_the_wait_up_to_the_limit),
        cmocka_unit_test(nothing_failed_yet_waits_as_after_the_first),
        cmocka_unit_test(half_of_the_wait_is_certain),
        cmocka_unit_test(the_longest_wait_there_can_be_does_not_overflow),
        cmocka_unit_test(two_draws_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
