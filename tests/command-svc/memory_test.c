/* Keys are forgotten after a day of partition time, and what they made then is told apart; clocks
 * that disagree stop that, and are noticed. */
#include "command-svc/metrics.h"

#include "lib/log/reader.h"
#include "tests/command-svc/shop.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define LATTE   "0198c5a0-0000-7000-8000-000000000001"
#define MOCHA   "0198c5a0-0000-7000-8000-000000000002"
#define HOUR_US (3600 * SECOND_US)

static struct shop shop;
static struct uuid ids[64];
static size_t id_count;

static int start(void **unused)
{
    (void)unused;
    shop_open(&shop);
    shop_list(&shop, 1, LATTE, 1, "first");
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "1:done");
    assert_int_equal(shop_records(&shop), 3); /* claim, listed, adjusted */
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    shop_close(&shop);
    return 0;
}

static void let_pass(int64_t duration_us)
{
    sim_broker_pass(shop.broker, duration_us);
    shop_pass(&shop, 100 * MILLISECOND_US);
}

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    (void)self, (void)source, (void)after;
    for (size_t i = 0; i < count; i++) {
        for (size_t other = 0; other < id_count; other++)
            assert_false(uuid_equal(&ids[other], &events[i].id));
        ids[id_count++] = events[i].id;
    }
}

static void on_advanced(void *self, int32_t source, const struct log_position *after)
{
    (void)self, (void)source, (void)after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    (void)self, (void)source;
    fail_msg("%s", error->detail);
}

static void expect_distinct_ids(size_t events)
{
    struct log_reader_handler handler = {NULL, on_commit, on_advanced, on_stopped};
    struct log_port *port = sim_port_create(shop.broker);
    struct log_reader *reader = log_reader_create(port, &handler, 1, NULL);
    struct log_position beginning;
    int32_t source;

    id_count = 0;
    log_position_start(&beginning);
    assert_true(
        log_reader_attach(reader, &(struct log_reading){SHOP_TOPIC, 0, &beginning}, &source, NULL));
    while (!log_reader_at_end(reader))
        log_reader_poll(reader, 1000, 0);
    log_reader_destroy(reader);
    sim_port_destroy(port);
    assert_int_equal(id_count, events);
}

static void a_key_is_remembered_for_a_day_and_no_longer(void **unused)
{
    (void)unused;
    let_pass(23 * HOUR_US);
    shop_list(&shop, 2, MOCHA, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "2:done");
    assert_int_equal(shop_records(&shop), 3);

    let_pass(2 * HOUR_US);
    shop_list(&shop, 3, MOCHA, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "3:done");
    assert_int_equal(shop_records(&shop), 5);
    expect_distinct_ids(4);
}

static void a_restarted_owner_forgets_at_the_same_time(void **unused)
{
    (void)unused;
    shop_restart(&shop);
    let_pass(23 * HOUR_US);
    shop_restart(&shop);
    shop_list(&shop, 2, MOCHA, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "2:done");
    expect_distinct_ids(2);
}

static void what_is_forgotten_leaves_the_index(void **unused)
{
    int64_t before = atomic_load(&metric_forgotten.value);

    (void)unused;
    let_pass(23 * HOUR_US);
    assert_int_equal(atomic_load(&metric_forgotten.value), before);
    let_pass(2 * HOUR_US);
    assert_int_equal(atomic_load(&metric_forgotten.value), before + 1);
    assert_int_equal(shop_records(&shop), 3);
    let_pass(2 * HOUR_US);
    assert_int_equal(atomic_load(&metric_forgotten.value), before + 1);
}

/* More than a piece, swept while commits are on their way: behind a barrier, and nothing is lost.
 */
static void sweeping_goes_on_under_load(void **unused)
{
    int64_t before = atomic_load(&metric_forgotten.value);

    (void)unused;
    let_pass(23 * HOUR_US + HOUR_US / 2);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_turn(&shop);
    let_pass(HOUR_US / 4);
    sim_port_hold(shop.port, true);
    sim_broker_pass(shop.broker, HOUR_US / 2);
    shop_list(&shop, 3, "0198c5a0-0000-7000-8000-000000000003", 1, "third");
    shop_pass(&shop, 100 * MILLISECOND_US);
    sim_port_hold(shop.port, false);
    shop_pass(&shop, SECOND_US);
    shop_expect(&shop, "2:done 3:done");
    shop_pass(&shop, SECOND_US);
    assert_true(atomic_load(&metric_forgotten.value) > before);
    shop_list(&shop, 4, LATTE, 1, "second");
    shop_turn(&shop);
    shop_expect(&shop, "4:done");
    expect_distinct_ids(6);
}

static void while_clocks_disagree_nothing_is_forgotten(void **unused)
{
    (void)unused;
    sim_port_set_wall_ahead(shop.port, 6 * SECOND_US);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_pass(&shop, 100 * MILLISECOND_US);
    assert_int_equal(atomic_load(&metric_clocks_differ.value), 1);
    let_pass(25 * HOUR_US);
    shop_list(&shop, 3, LATTE, 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "2:done 3:done");
    expect_distinct_ids(4);

    sim_port_set_wall_ahead(shop.port, -4 * SECOND_US);
    shop_pass(&shop, 2 * SECOND_US);
    assert_int_equal(atomic_load(&metric_clocks_differ.value), 0);
    shop_list(&shop, 4, "0198c5a0-0000-7000-8000-000000000003", 1, "first");
    shop_turn(&shop);
    shop_expect(&shop, "4:done");
    expect_distinct_ids(6);
}

static void a_clock_behind_is_noticed_too(void **unused)
{
    (void)unused;
    sim_port_set_wall_ahead(shop.port, -6 * SECOND_US);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_pass(&shop, 100 * MILLISECOND_US);
    assert_int_equal(atomic_load(&metric_clocks_differ.value), 1);
    sim_port_set_wall_ahead(shop.port, 0);
    shop_pass(&shop, 2 * SECOND_US);
    assert_int_equal(atomic_load(&metric_clocks_differ.value), 0);
    shop_expect(&shop, "2:done");
}

/* A report that comes late says nothing about clocks. */
static void a_slow_broker_is_no_wrong_clock(void **unused)
{
    (void)unused;
    sim_port_hold(shop.port, true);
    shop_list(&shop, 2, MOCHA, 1, "second");
    shop_pass(&shop, 4 * SECOND_US);
    sim_port_hold_reports(shop.port, true);
    sim_port_hold(shop.port, false);
    sim_broker_pass(shop.broker, 20 * SECOND_US);
    sim_port_hold_reports(shop.port, false);
    shop_pass(&shop, 100 * MILLISECOND_US);
    assert_int_equal(atomic_load(&metric_clocks_differ.value), 0);
    shop_expect(&shop, "2:done");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_remembered_for_a_day_and_no_longer),
        TEST(a_restarted_owner_forgets_at_the_same_time),
        TEST(what_is_forgotten_leaves_the_index),
        TEST(sweeping_goes_on_under_load),
        TEST(while_clocks_disagree_nothing_is_forgotten),
        TEST(a_clock_behind_is_noticed_too),
        TEST(a_slow_broker_is_no_wrong_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
