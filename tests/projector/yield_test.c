/* How much of the time a rebuild works beside live views. */
#include "projector/yield.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MS     INT64_C(1000)
#define STEP   (100 * MS)
#define SECOND (1000 * MS)

/* A market whose events take so long each; one in fifty twice as long. */
struct market {
    struct latency latency;
    struct yield yield;
    int64_t now_us;
    int64_t events;
};

static void market_init(struct market *market)
{
    *market = (struct market){.now_us = SECOND};
    yield_init(&market->yield);
}

static void pass(struct market *market, int64_t us, int64_t event_us, enum yield_mood mood)
{
    int per_step = event_us > 0 ? 50 : 0;
    for (int64_t until_us = market->now_us + us; market->now_us < until_us;) {
        struct latency_counts all = {0};
        for (int i = 0; i < per_step; i++)
            latency_observe(&market->latency, ++market->events % 50 == 0 ? 2 * event_us : event_us);
        latency_add(&all, &market->latency);
        market->now_us += STEP;
        yield_hear(&market->yield, &all, market->now_us, mood);
    }
}

static int64_t rest_us(const struct market *market)
{
    return yield_rest_us(&market->yield, 5 * MS);
}

static void percentiles_are_near_what_was_observed(void **unused)
{
    (void)unused;
    struct latency latency = {0};
    struct latency_counts counts = {0};
    for (int64_t us = 1; us <= 100000; us++)
        latency_observe(&latency, us);
    latency_add(&counts, &latency);
    assert_int_equal(counts.total, 100000);
    for (int permille = 10; permille <= 1000; permille += 10) {
        int64_t exact = permille * 100, told = latency_percentile_us(&counts, permille);
        assert_in_range(told, exact, exact + exact / 16 + 17);
    }
}

static void what_takes_for_ever_is_counted_as_the_longest(void **unused)
{
    (void)unused;
    struct latency latency = {0};
    struct latency_counts counts = {0};
    latency_observe(&latency, INT64_MAX);
    latency_observe(&latency, -5);
    latency_add(&counts, &latency);
    assert_int_equal(latency_percentile_us(&counts, 1000), 16777216);
    assert_int_equal(latency_percentile_us(&counts, 500), 16);
}

static void nobody_live_nothing_to_rest_for(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    assert_int_equal(rest_us(&market), 0);
    pass(&market, 2 * SECOND, 0, YIELD_CALM);
    pass(&market, 2 * SECOND, 0, YIELD_WORKING);
    assert_int_equal(rest_us(&market), 0);
    assert_int_equal(yield_calm_us(&market.yield, market.now_us), 0);
}

static void as_long_as_nobody_notices_it_works_more_and_more(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    pass(&market, 2 * SECOND, 5 * MS, YIELD_CALM);
    market.yield.share = YIELD_SHARE_MIN;
    pass(&market, 30 * SECOND, 5 * MS, YIELD_WORKING);
    assert_int_equal(market.yield.share, YIELD_SHARE_ALL);
    assert_int_equal(rest_us(&market), 0);
}

static void who_is_noticed_soon_does_the_least_and_no_less(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    pass(&market, 2 * SECOND, 5 * MS, YIELD_CALM);
    pass(&market, 4 * SECOND, 8 * MS, YIELD_WORKING);
    assert_int_equal(market.yield.share, YIELD_SHARE_MIN);
    assert_int_equal(rest_us(&market), 95 * MS);
    assert_int_equal(yield_rest_us(&market.yield, 10 * SECOND), YIELD_REST_US_MAX);
}

static void a_market_slower_by_itself_is_no_reason_to_rest(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    pass(&market, 2 * SECOND, 5 * MS, YIELD_CALM);
    pass(&market, 4 * SECOND, 20 * MS, YIELD_WORKING);
    assert_int_equal(market.yield.share, YIELD_SHARE_MIN);
    for (int i = 0; i < 20; i++) {
        pass(&market, 100 * MS, 20 * MS, YIELD_SETTLING);
        pass(&market, 5 * SECOND, 20 * MS, YIELD_CALM);
        pass(&market, 5 * SECOND, 20 * MS, YIELD_WORKING);
    }
    assert_int_equal(market.yield.share, YIELD_SHARE_ALL);
}

static void what_is_usual_is_asked_first_when_it_is_not_known(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    pass(&market, SECOND, 5 * MS, YIELD_WORKING);
    assert_true(rest_us(&market) > 0);
    assert_true(yield_calm_us(&market.yield, market.now_us) > 0);
    assert_int_equal(yield_calm_us(&market.yield, market.now_us + SECOND), 0);
}

static void who_knows_what_is_usual_begins_to_work(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    pass(&market, SECOND, 5 * MS, YIELD_CALM);
    assert_int_equal(yield_calm_us(&market.yield, market.now_us), 0);
    assert_true(yield_calm_us(&market.yield, market.now_us + 60 * SECOND) > 0);
}

static void live_views_far_behind_leave_the_least(void **unused)
{
    (void)unused;
    struct market market;
    market_init(&market);
    market.yield.behind = true;
    assert_int_equal(rest_us(&market), 95 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_near_what_was_observed),
        cmocka_unit_test(what_takes_for_ever_is_counted_as_the_longest),
        cmocka_unit_test(nobody_live_nothing_to_rest_for),
        cmocka_unit_test(as_long_as_nobody_notices_it_works_more_and_more),
        cmocka_unit_test(who_is_noticed_soon_does_the_least_and_no_less),
        cmocka_unit_test(a_market_slower_by_itself_is_no_reason_to_rest),
        cmocka_unit_test(what_is_usual_is_asked_first_when_it_is_not_known),
        cmocka_unit_test(who_knows_what_is_usual_begins_to_work),
        cmocka_unit_test(live_views_far_behind_leave_the_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
