/* Platform records: appended like commits, handed to whoever follows, and nothing else's business.
 */
#include "lib/log/platform.h"

#include "tests/lib/log_owner.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct sim_broker *broker;
static struct log_owner_process owner;

static const char command_id[] = "0198c5a0-0000-7000-8000-000000000001";
static const char event_id[] = "0198c5a0-0000-7000-8000-000000000002";

static const struct outcome refused = {
    .command_id = TEXT(command_id),
    .request_hash = TEXT("0123456789abcdef"),
    .code = TEXT("stock_short"),
    .aggregate = TEXT("product"),
    .subject = TEXT("product-1"),
    .version = 7,
};
static const struct park parked = {
    .reaction = TEXT("reserve_on_order"),
    .key = TEXT("order-1"),
    .event_id = TEXT(event_id),
    .event_offset = 12,
    .step = TEXT("reserve"),
    .reason = TEXT("invalid_fields"),
};
static const struct release released = {
    .reaction = TEXT("reserve_on_order"),
    .key = TEXT("order-1"),
    .event_id = TEXT(event_id),
    .discard = true,
    .reason = TEXT("The order was a test."),
    .actor = TEXT("operator"),
};

static int start(void **unused)
{
    (void)unused;
    broker = sim_broker_create(3);
    owner_start_serving(&owner, broker);
    return 0;
}

static int finish(void **unused)
{
    (void)unused;
    owner_stop(&owner);
    sim_broker_destroy(broker);
    return 0;
}

static bool append(enum platform_record kind, const void *body, uint64_t token)
{
    struct platform_entry entry = {.kind = kind, .body = body};

    return log_partition_append_platform(owner.partition, &entry, token, NULL);
}

static void append_one_of_each(void)
{
    struct reaction_mark marks[] = {{.reaction = TEXT("reserve_on_order"), .low_water = 12}};
    struct checkpoint checkpoint = {.marks = {.items = marks, .count = COUNT_OF(marks)}};

    assert_true(owner_append(&owner, 1, 2));
    assert_true(append(PLATFORM_BARRIER, NULL, 2));
    assert_true(append(PLATFORM_OUTCOME, &refused, 3));
    assert_true(append(PLATFORM_CHECKPOINT, &checkpoint, 4));
    assert_true(owner_append(&owner, 5, 1));
    assert_true(append(PLATFORM_PARK, &parked, 6));
    assert_true(append(PLATFORM_RELEASE, &released, 7));
}

static void platform_records_are_acknowledged_in_order_with_the_commits(void **unused)
{
    (void)unused;
    sim_port_hold(owner.port, true);
    append_one_of_each();
    assert_int_equal(log_partition_unacknowledged(owner.partition), 7);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_DELIVERED);
    owner_turn(&owner);
    owner_expect(&owner, "");
    sim_port_hold(owner.port, false);
    owner_turn(&owner);
    owner_expect(&owner, "ack:1 ack:2 ack:3 ack:4 ack:5 ack:6 ack:7");
    assert_int_equal(log_partition_position(owner.partition)->seq, 8);
}

static void a_platform_record_the_owner_lost_is_settled_like_a_commit(void **unused)
{
    (void)unused;
    sim_port_hold(owner.port, true);
    assert_true(append(PLATFORM_OUTCOME, &refused, 1));
    assert_true(append(PLATFORM_PARK, &parked, 2));
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_UNREPORTED);
    sim_port_deliver(owner.port, SIM_ANY_SOURCE, SIM_LOST);
    sim_port_hold(owner.port, false);
    owner_run(&owner);
    owner_expect(&owner, "deposed Outcome@1 settled@3 serving@3");
}

static void a_follower_is_handed_each_one_in_its_place(void **unused)
{
    struct log_owner_process follower;

    (void)unused;
    append_one_of_each();
    owner_turn(&owner);
    owner_start(&follower, broker, NULL);
    owner_run(&follower);
    owner_expect(&follower, "apply:1 Outcome@4 Checkpoint@5 apply:5 Park@7 Release@8");
    assert_int_equal(log_partition_position(follower.partition)->next, 9);
    owner_stop(&follower);
}

static bool same(struct text a, struct text b)
{
    return text_equal(a, b) && (a.bytes == NULL) == (b.bytes == NULL);
}

static void expect_read_back(const struct platform_entry *entry, struct arena *arena,
                             struct platform_entry *ret_entry)
{
    static struct buffer payload;
    struct log_event event;

    buffer_done(&payload);
    buffer_init(&payload, 4096);
    assert_true(platform_write(entry, &payload, &event, NULL));
    assert_true(platform_is(&event));
    assert_true(platform_read(&event, arena, ret_entry, NULL));
    assert_int_equal(ret_entry->kind, entry->kind);
    assert_memory_equal(&ret_entry->causation_id, &entry->causation_id, sizeof(struct uuid));
}

static void what_is_written_is_read_back(void **unused)
{
    struct platform_entry read;
    struct arena arena;

    (void)unused;
    arena_init(&arena, 4096);
    expect_read_back(
        &(struct platform_entry){
            .kind = PLATFORM_OUTCOME, .body = &refused, .id = uuid_v7(), .causation_id = uuid_v7()},
        &arena, &read);
    const struct outcome *outcome = read.body;
    assert_true(same(outcome->command_id, refused.command_id));
    assert_true(same(outcome->request_hash, refused.request_hash));
    assert_true(same(outcome->code, refused.code));
    assert_true(same(outcome->subject, refused.subject));
    assert_int_equal(outcome->version, 7);
    expect_read_back(&(struct platform_entry){.kind = PLATFORM_PARK, .body = &parked}, &arena,
                     &read);
    const struct park *park = read.body;
    assert_true(same(park->event_id, parked.event_id));
    assert_true(same(park->step, parked.step) && same(park->detail, parked.detail));
    assert_int_equal(park->event_offset, 12);
    expect_read_back(&(struct platform_entry){.kind = PLATFORM_RELEASE, .body = &released}, &arena,
                     &read);
    assert_true(((const struct release *)read.body)->discard);
    arena_done(&arena);
}

static void follow_and_expect_stopped(enum fault fault)
{
    struct log_owner_process follower;

    owner_start(&follower, broker, NULL);
    owner_run(&follower);
    assert_int_equal(log_partition_state(follower.partition), LOG_STOPPED);
    assert_int_equal(log_partition_error(follower.partition)->fault, fault);
    owner_stop(&follower);
}

static void a_kind_only_a_newer_version_knows_stops_the_follower(void **unused)
{
    struct log_event event = owner_event(1);

    (void)unused;
    event.type = (struct text)TEXT("sijang.platform.Treaty");
    assert_true(log_partition_append(owner.partition, &event, 1, 1, NULL));
    follow_and_expect_stopped(FAULT_SCHEMA_UNKNOWN);
}

static void one_that_breaks_its_schema_stops_the_follower(void **unused)
{
    struct log_event event = owner_event(1);

    (void)unused;
    event.type = (struct text)TEXT("sijang.platform.Outcome");
    event.payload = (struct text){"\0\0\0\0\4\177", 6};
    assert_true(log_partition_append(owner.partition, &event, 1, 1, NULL));
    follow_and_expect_stopped(FAULT_DATA_CORRUPT);
}

static void one_the_owner_cannot_take_now_comes_again(void **unused)
{
    struct log_owner_process follower;

    (void)unused;
    assert_true(append(PLATFORM_PARK, &parked, 1));
    assert_true(owner_append(&owner, 2, 1));
    owner_turn(&owner);
    owner_start(&follower, broker, NULL);
    follower.apply_fault = FAULT_INDEX_FAILED;
    owner_turn(&follower);
    owner_expect(&follower, "Park@1");
    follower.apply_fault = FAULT_NONE;
    owner_run(&follower);
    owner_expect(&follower, "Park@1 apply:2");
    owner_stop(&follower);
}

static void nobody_appends_one_without_serving(void **unused)
{
    struct platform_entry entry = {.kind = PLATFORM_BARRIER};
    struct log_owner_process other;
    struct error error;

    (void)unused;
    owner_start(&other, broker, NULL);
    assert_false(log_partition_append_platform(other.partition, &entry, 1, &error));
    assert_int_equal(error.fault, FAULT_NOT_READY);
    owner_stop(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(platform_records_are_acknowledged_in_order_with_the_commits),
        TEST(a_platform_record_the_owner_lost_is_settled_like_a_commit),
        TEST(a_follower_is_handed_each_one_in_its_place),
        TEST(what_is_written_is_read_back),
        TEST(a_kind_only_a_newer_version_knows_stops_the_follower),
        TEST(one_that_breaks_its_schema_stops_the_follower),
        TEST(one_the_owner_cannot_take_now_comes_again),
        TEST(nobody_appends_one_without_serving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
