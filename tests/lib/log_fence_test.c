/* The readers' rule, case by case. Each case says what breaks if its half of the rule were missing.
 */
#include "lib/log/fence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct fence fence;

static int start(void **unused)
{
    struct log_position position;

    (void)unused;
    log_position_start(&position);
    fence_start(&fence, &position);
    return 0;
}

static enum fence_verdict part(int64_t term, int64_t seq, int32_t index, int32_t count)
{
    return fence_record(&fence, &(struct log_fence){term, seq, index, count});
}

static enum fence_verdict record(int64_t term, int64_t seq)
{
    return part(term, seq, 1, 1);
}

static void nothing_counts_before_the_first_claim(void **unused)
{
    (void)unused;
    assert_int_equal(record(-1, 1), FENCE_VOID);
    assert_int_equal(record(0, 1), FENCE_VOID);
}

static void records_of_the_term_count_in_order(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(record(0, 1), FENCE_COMMIT);
    assert_int_equal(record(0, 2), FENCE_COMMIT);
    assert_int_equal(record(0, 3), FENCE_COMMIT);
}

/* Mutant "noterm": its seq would fit. */
static void a_zombie_of_an_older_term_is_void(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(record(0, 1), FENCE_COMMIT);
    fence_claim(&fence, 2);
    assert_int_equal(record(0, 1), FENCE_VOID);
    assert_int_equal(record(0, 2), FENCE_VOID);
    assert_int_equal(record(2, 1), FENCE_COMMIT);
    assert_int_equal(record(0, 2), FENCE_VOID);
    assert_int_equal(record(2, 2), FENCE_COMMIT);
}

static void a_term_not_yet_opened_is_void(void **unused)
{
    (void)unused;
    fence_claim(&fence, 3);
    assert_int_equal(record(9, 1), FENCE_VOID);
    assert_int_equal(record(3, 1), FENCE_COMMIT);
}

/* Mutant "noseq": what was decided on the lost record would count. */
static void after_a_lost_record_all_is_void_up_to_the_next_claim(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(record(0, 1), FENCE_COMMIT);
    assert_int_equal(record(0, 3), FENCE_VOID);
    assert_int_equal(record(0, 4), FENCE_VOID);
    fence_claim(&fence, 4);
    assert_int_equal(record(4, 1), FENCE_COMMIT);
}

static void a_copy_is_void(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(record(0, 1), FENCE_COMMIT);
    assert_int_equal(record(0, 1), FENCE_VOID);
    assert_int_equal(record(0, 2), FENCE_COMMIT);
    assert_int_equal(record(0, 1), FENCE_VOID);
}

static void a_commit_is_complete_with_its_last_record(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(part(0, 1, 1, 3), FENCE_PART);
    assert_int_equal(part(0, 2, 2, 3), FENCE_PART);
    assert_int_equal(fence.open_index, 2);
    assert_int_equal(part(0, 3, 3, 3), FENCE_COMMIT);
    assert_int_equal(fence.open_index, 0);
    assert_int_equal(record(0, 4), FENCE_COMMIT);
}

static void a_commit_cut_off_by_a_claim_is_void(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(part(0, 1, 1, 2), FENCE_PART);
    fence_claim(&fence, 2);
    assert_int_equal(fence.open_index, 0);
    assert_int_equal(part(0, 2, 2, 2), FENCE_VOID);
    assert_int_equal(record(2, 1), FENCE_COMMIT);
}

static void what_stands_inside_a_commit_does_not_break_it(void **unused)
{
    (void)unused;
    fence_claim(&fence, 4);
    assert_int_equal(part(4, 1, 1, 2), FENCE_PART);
    assert_int_equal(part(1, 2, 2, 2), FENCE_VOID);
    assert_int_equal(part(4, 1, 1, 2), FENCE_VOID);
    assert_int_equal(part(4, 2, 2, 2), FENCE_COMMIT);
}

static void a_record_that_misnumbers_its_commit_is_void(void **unused)
{
    (void)unused;
    fence_claim(&fence, 0);
    assert_int_equal(part(0, 1, 0, 1), FENCE_VOID);
    assert_int_equal(part(0, 1, 2, 2), FENCE_VOID);
    assert_int_equal(part(0, 1, 2, 1), FENCE_VOID);
    assert_int_equal(part(0, 1, 1, 65), FENCE_VOID);
    assert_int_equal(part(0, 1, 1, 3), FENCE_PART);
    assert_int_equal(part(0, 2, 2, 4), FENCE_VOID);
    assert_int_equal(part(0, 2, 1, 1), FENCE_VOID);
    assert_int_equal(part(0, 2, 3, 3), FENCE_VOID);
    assert_int_equal(part(0, 2, 2, 3), FENCE_PART);
}

static void a_fence_starts_again_from_a_position(void **unused)
{
    struct log_position position = {.term = 5, .seq = 7, .last_offset = 20, .next = 22};

    (void)unused;
    fence_start(&fence, &position);
    assert_int_equal(record(5, 7), FENCE_VOID);
    assert_int_equal(record(5, 8), FENCE_COMMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_counts_before_the_first_claim, start),
        cmocka_unit_test_setup(records_of_the_term_count_in_order, start),
        cmocka_unit_test_setup(a_zombie_of_an_older_term_is_void, start),
        cmocka_unit_test_setup(a_term_not_yet_opened_is_void, start),
        cmocka_unit_test_setup(after_a_lost_record_all_is_void_up_to_the_next_claim, start),
        cmocka_unit_test_setup(a_copy_is_void, start),
        cmocka_unit_test_setup(a_commit_is_complete_with_its_last_record, start),
        cmocka_unit_test_setup(a_commit_cut_off_by_a_claim_is_void, start),
        cmocka_unit_test_setup(what_stands_inside_a_commit_does_not_break_it, start),
        cmocka_unit_test_setup(a_record_that_misnumbers_its_commit_is_void, start),
        cmocka_unit_test_setup(a_fence_starts_again_from_a_position, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
