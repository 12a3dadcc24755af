/* Faults: a complete table, and details that say more on the way up. */
#include "lib/core/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_fault_has_a_code_of_its_own_and_a_5xx_status(void **unused)
{
    (void)unused;
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        const struct fault_entry *entry = fault_entry((enum fault)i);
        assert_in_range(entry->http_status, 500, 599);
        assert_true(strlen(entry->code) > 0 && strlen(entry->text) > 0);
        for (int j = FAULT_NONE + 1; j < i; j++)
            assert_string_not_equal(entry->code, fault_entry((enum fault)j)->code);
    }
    assert_string_equal(fault_entry(FAULT_OUTCOME_UNKNOWN)->code, "outcome_unknown");
    assert_int_equal(fault_entry(FAULT_OUTCOME_UNKNOWN)->http_status, 504);
}

static void context_is_put_in_front(void **unused)
{
    (void)unused;
    struct error error = {0};
    assert_false(error_set(&error, FAULT_IO_FAILED, "open %s: %d", "file", 13));
    assert_false(error_add(&error, "index %d", 3));
    assert_int_equal(error.fault, FAULT_IO_FAILED);
    assert_string_equal(error.detail, "index 3: open file: 13");
}

static void an_error_can_be_set_from_its_own_detail(void **unused)
{
    (void)unused;
    struct error error = {0};
    error_set(&error, FAULT_IO_FAILED, "%s", "inner");
    error_set(&error, FAULT_INDEX_FAILED, "outer (%s)", error.detail);
    assert_int_equal(error.fault, FAULT_INDEX_FAILED);
    assert_string_equal(error.detail, "outer (inner)");
}

static void long_details_are_cut_not_overrun(void **unused)
{
    (void)unused;
    char longer[1000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct error error = {0};
    error_set(&error, FAULT_IO_FAILED, "%s", longer);
    assert_int_equal(strlen(error.detail), sizeof(error.detail) - 1);
    error_add(&error, "where");
    assert_int_equal(strlen(error.detail), sizeof(error.detail) - 1);
    assert_memory_equal(error.detail, "where: xxx", 10);
    error_add(&error, "%s", longer);
    assert_int_equal(strlen(error.detail), sizeof(error.detail) - 1);
    assert_memory_equal(error.detail, "xxxx", 4);
}

static void nobody_has_to_want_the_error(void **unused)
{
    (void)unused;
    assert_false(error_set(NULL, FAULT_IO_FAILED, "x"));
    assert_false(error_add(NULL, "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_a_code_of_its_own_and_a_5xx_status),
        cmocka_unit_test(context_is_put_in_front),
        cmocka_unit_test(an_error_can_be_set_from_its_own_detail),
        cmocka_unit_test(long_details_are_cut_not_overrun),
        cmocka_unit_test(nobody_has_to_want_the_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
