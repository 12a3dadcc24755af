/* When a view may call itself ready. */
#include "projector/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW     INT64_C(1000000000)
#define SECOND  INT64_C(1000000)
#define LAG_MAX 1000

static struct health_report healthy(void)
{
    return (struct health_report){
        .database_connected = true,
        .log_connected = true,
        .partitions = 8,
        .lag_known = true,
        .heartbeat_boot_us = NOW - SECOND,
    };
}

static bool is_ready(const struct health_report *report)
{
    return health_is_ready(report, NOW, LAG_MAX);
}

static void a_view_at_the_end_is_ready_without_progress(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    assert_true(is_ready(&report));
}

static void a_worker_that_has_not_turned_is_not_ready(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.heartbeat_boot_us = 0;
    assert_false(is_ready(&report));
    report.heartbeat_boot_us = NOW - 6 * SECOND;
    assert_false(is_ready(&report));
}

static void both_connections_are_needed(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.database_connected = false;
    assert_false(is_ready(&report));
    report = healthy();
    report.log_connected = false;
    assert_false(is_ready(&report));
}

static void who_has_no_partition_needs_no_log(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.partitions = 0;
    report.log_connected = false;
    assert_true(is_ready(&report));
    report.database_connected = false;
    assert_false(is_ready(&report));
}

static void far_behind_it_is_ready_only_while_it_moves(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.lag_events = LAG_MAX + 1;
    assert_false(is_ready(&report));
    report.progress_boot_us = NOW - SECOND;
    assert_true(is_ready(&report));
    report.progress_boot_us = NOW - 6 * SECOND;
    assert_false(is_ready(&report));
}

static void an_unknown_end_is_not_an_end_reached(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.lag_known = false;
    assert_false(is_ready(&report));
}

static void one_halted_partition_is_enough(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    report.halted_count = 1;
    report.progress_boot_us = NOW;
    assert_false(is_ready(&report));
}

static void a_worker_that_waits_is_not_ready(void **unused)
{
    (void)unused;
    struct health_report report = healthy();
    error_set(&report.waiting, FAULT_DATABASE_UNAVAILABLE, "away");
    assert_false(is_ready(&report));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_at_the_end_is_ready_without_progress),
        cmocka_unit_test(a_worker_that_has_not_turned_is_not_ready),
        cmocka_unit_test(both_connections_are_needed),
        cmocka_unit_test(who_has_no_partition_needs_no_log),
        cmocka_unit_test(far_behind_it_is_ready_only_while_it_moves),
        cmocka_unit_test(an_unknown_end_is_not_an_end_reached),
        cmocka_unit_test(one_halted_partition_is_enough),
        cmocka_unit_test(a_worker_that_waits_is_not_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
