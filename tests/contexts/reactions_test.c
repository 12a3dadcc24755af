/* Reactions carry transfers through, between aggregates of different partitions and shards, with
 * one effect each, whatever happens to the process. */
#include "command-svc/contexts.h"
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "command-svc/metrics.h"
#include "command-svc/parked.h"
#include "command-svc/reaction_order.h"
#include "schemas/vault/events.h"
#include "tests/contexts/house.h"
#include "tests/contexts/transfers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct house house;

static int open_house(void **unused)
{
    (void)unused;
    house_open(&house);
    return 0;
}

static int close_house(void **unused)
{
    (void)unused;
    house_close(&house);
    return 0;
}

static size_t ended(const struct record *record, const char *id)
{
    return house_events(&house, "exchange", record, id);
}

static void restart(bool forget)
{
    house_stop(&house);
    if (forget)
        house_forget(&house);
    house_start(&house);
}

static void a_transfer_is_carried_to_its_end(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    transfers_open_chest(&house, CHEST, 10);
    transfers_request(&house, TRANSFER, 7, 60000);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_held_record, TRANSFER), 1);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_completed_record, TRANSFER), 1);
    assert_int_equal(ended(&hold_taken_record, PURSE), 1);
    assert_int_equal(house_events(&house, "vault", &coins_deposited_record, CHEST), 1);
}

static void a_refusal_comes_back_to_the_sender(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 5);
    transfers_request(&house, TRANSFER, 7, 60000);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_cancelled_record, TRANSFER), 1);
    assert_int_equal(ended(&coins_held_record, NULL), 0);
}

static void what_the_last_step_refuses_is_compensated(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    transfers_open_chest(&house, CHEST, 6);
    transfers_request(&house, TRANSFER, 7, 60000);
    house_run(&house, SECOND_US);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_cancelled_record, TRANSFER), 1);
    assert_int_equal(ended(&hold_released_record, PURSE), 1);
    assert_int_equal(ended(&hold_taken_record, PURSE), 0);
}

static void an_unreachable_target_is_asked_until_it_is_there(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    house.unreachable = transfers_partition(PURSE);
    transfers_request(&house, TRANSFER, 7, 600000);
    house_run(&house, 60 * SECOND_US);
    assert_int_equal(ended(&coins_held_record, NULL), 0);
    house.unreachable = -1;
    house_run(&house, 11 * SECOND_US);
    assert_int_equal(ended(&transfer_held_record, TRANSFER), 1);
}

/* Nothing is asked twice with effect: not by the next process, not by one without an index. */
static void restarts_repeat_nothing(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    transfers_open_chest(&house, CHEST, 10);
    transfers_request(&house, TRANSFER, 7, 60000);
    restart(false);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_held_record, TRANSFER), 1);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    restart(true);
    house_run(&house, SECOND_US);
    restart(true);
    house_run(&house, 5 * SECOND_US);
    assert_int_equal(ended(&transfer_completed_record, TRANSFER), 1);
    assert_int_equal(ended(&coins_held_record, NULL), 1);
    assert_int_equal(ended(&hold_taken_record, NULL), 1);
    assert_int_equal(house_events(&house, "vault", &coins_deposited_record, NULL), 1);
}

/* Everything sent is under way when the process dies, at every moment of the way. */
static void a_process_may_die_at_any_moment(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10000);
    transfers_open_chest(&house, CHEST, 10000);
    for (int i = 0; i < 40; i++) {
        char id[TRANSFERS_ID_SIZE];
        transfers_id(i, id);
        transfers_request(&house, id, 7, 600000);
        house_run(&house, 5000 * (i % 20));
        restart(i % 3 == 0);
        house_run(&house, SECOND_US);
        assert_true(house_ask(&house, &approve_transfer, id, NULL).accepted);
        house_run(&house, 5000 * (i % 17));
        restart(i % 4 == 0);
    }
    house_run(&house, 10 * SECOND_US);
    assert_int_equal(ended(&transfer_completed_record, NULL), 40);
    assert_int_equal(ended(&hold_taken_record, NULL), 40);
    assert_int_equal(house_events(&house, "vault", &coins_deposited_record, NULL), 40);
}

static void after_a_checkpoint_nothing_is_asked_again(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    transfers_request(&house, TRANSFER, 7, 600000);
    house_run(&house, 3 * SECOND_US);
    int64_t before = atomic_load(&metric_reaction_steps.value);
    restart(false);
    house_run(&house, 5 * SECOND_US);
    restart(true);
    house_run(&house, 5 * SECOND_US);
    assert_int_equal(atomic_load(&metric_reaction_steps.value), before);
}

static void give(const char *sender, int64_t version, bool discard)
{
    struct reaction_order given = {
        .context = contexts_find("exchange"),
        .version = version,
        .discard = discard,
        .reason = "looked into",
        .actor = "anna",
    };

    snprintf(given.sender, sizeof(given.sender), "%s", sender);
    house_run(&house, SECOND_US);
    for (int i = 0; i < HOUSE_SHARDS; i++) {
        assert_true(shard_order(house.shards[i], &given));
        assert_false(shard_order(house.shards[i], &given)); /* not before that one is taken */
    }
    house_run(&house, SECOND_US);
}

static void order(bool discard)
{
    give("", 0, discard);
}

/* Somebody else told the sender: it does not take what comes back. */
static void what_cannot_go_on_is_parked_and_the_rest_flows(void **unused)
{
    int64_t parked = atomic_load(&metric_reaction_parked.value);
    int64_t released = atomic_load(&metric_reaction_released.value);
    (void)unused;

    transfers_open_purse(&house, PURSE, 100);
    transfers_open_chest(&house, CHEST, 10);
    transfers_request(&house, TRANSFER, 7, 600000);
    transfers_request(&house, OTHER_TRANSFER, 1, 600000);
    house_run(&house, SECOND_US);
    house.unreachable = transfers_partition(CHEST);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, SECOND_US);
    transfers_tell(&house, TRANSFER, "deposit", false);
    house_run(&house, SECOND_US);
    house.unreachable = -1;
    house_run(&house, 11 * SECOND_US);
    assert_int_equal(atomic_load(&metric_reaction_parked.value) - parked, 1);
    assert_true(house_ask(&house, &approve_transfer, OTHER_TRANSFER, NULL).accepted);
    house_run(&house, SECOND_US);
    assert_int_equal(ended(&transfer_completed_record, OTHER_TRANSFER), 1);
    restart(true);
    house_run(&house, 5 * SECOND_US);
    assert_int_equal(atomic_load(&metric_reaction_parked.value) - parked, 1);
    order(false); /* the sender refuses as it did before */
    assert_int_equal(atomic_load(&metric_reaction_released.value) - released, 0);
    order(true);
    assert_int_equal(atomic_load(&metric_reaction_released.value) - released, 1);
    restart(true);
    order(true);
    assert_int_equal(atomic_load(&metric_reaction_released.value) - released, 1);
}

static int64_t parked_versions[PARKED_EVENTS_MAX];

static void count_answer(struct history *inquiry)
{
    ++*(int *)inquiry->origin;
}

/* Of all partitions, as an operator's question goes; the arena is the list's. */
static struct parked_list *list_parked(size_t limit, const struct parked_event *behind,
                                       struct arena *arena)
{
    struct parked_list *list = calloc(1, sizeof(*list));
    int answers = 0;

    assert_non_null(list);
    house_run(&house, SECOND_US);
    list->reaction = "carry_transfer";
    list->limit = limit;
    list->inquiry = (struct history){
        .arena = arena,
        .look_up = parked_look_up,
        .finish = count_answer,
        .origin = &answers,
        .subject = list,
    };
    if (behind != NULL) {
        list->from_partition = behind->partition;
        list->from = behind->id;
        list->from_place = behind->place + 1;
    }
    for (int32_t p = (int32_t)list->from_partition; p < HOUSE_PARTITIONS && !list->more; p++) {
        int before = answers;
        assert_true(shard_look_up(house.shards[p % HOUSE_SHARDS], &list->inquiry, p,
                                  contexts_find("exchange")));
        house_run(&house, 1);
        assert_int_equal(answers, before + 1);
        assert_int_equal(list->inquiry.fault, FAULT_NONE);
    }
    return list;
}

/* "step:reason step:reason", as an operator would be shown it. */
static void expect_parked(const char *expected)
{
    struct buffer CLEANUP(buffer_done) words;
    struct arena CLEANUP(arena_done) arena;

    arena_init(&arena, 65536);
    buffer_init(&words, 65536);
    struct parked_list *list = list_parked(PARKED_EVENTS_MAX, NULL, &arena);
    for (size_t i = 0; i < list->count; i++) {
        assert_int_equal(list->events[i].partition, transfers_partition(TRANSFER));
        assert_true(text_is(list->events[i].id, TRANSFER));
        parked_versions[i] = list->events[i].version;
        buffer_print(&words, "%s%.*s:%.*s", i == 0 ? "" : " ", TEXT_ARGS(list->events[i].step),
                     TEXT_ARGS(list->events[i].reason));
    }
    assert_false(list->more);
    buffer_put_byte(&words, '\0');
    assert_string_equal(words.bytes, expected);
    free(list);
}

/* The chest takes the deposit, and the sender does not want to hear of it: it was told otherwise,
 * and has asked for its coins back. */
static void park_two(void)
{
    transfers_open_purse(&house, PURSE, 100);
    transfers_open_chest(&house, CHEST, 10);
    transfers_request(&house, TRANSFER, 7, 600000);
    house_run(&house, SECOND_US);
    house.unreachable = transfers_partition(CHEST);
    house.unreachable_too = transfers_partition(PURSE);
    assert_true(house_ask(&house, &approve_transfer, TRANSFER, NULL).accepted);
    house_run(&house, SECOND_US);
    transfers_tell(&house, TRANSFER, "deposit", false);
    house_run(&house, SECOND_US);
    house.unreachable = -1;
    house_run(&house, 11 * SECOND_US);
    house.unreachable_too = -1;
    house_run(&house, 11 * SECOND_US);
}

static void what_follows_a_parked_event_is_parked_behind_it(void **unused)
{
    int64_t released = atomic_load(&metric_reaction_released.value);
    (void)unused;

    expect_parked("");
    park_two();
    expect_parked("deposit:step_unexpected :follows");
    assert_int_equal(ended(&hold_released_record, PURSE), 0);
    restart(true);
    expect_parked("deposit:step_unexpected :follows");
    order(false); /* the first one fails again: what follows it does not overtake it */
    house_run(&house, 11 * SECOND_US);
    assert_int_equal(ended(&hold_released_record, PURSE), 0);
    expect_parked("deposit:step_unexpected :follows");
    assert_int_equal(atomic_load(&metric_reaction_released.value) - released, 0);
    order(true);
    assert_int_equal(atomic_load(&metric_reaction_released.value) - released, 2);
    expect_parked("");
    assert_int_equal(ended(&hold_released_record, PURSE), 0);
}

static void what_is_parked_is_listed_by_pages(void **unused)
{
    struct arena CLEANUP(arena_done) arena;
    (void)unused;

    arena_init(&arena, 65536);
    park_two();
    struct parked_list *first = list_parked(1, NULL, &arena);
    assert_true(first->more && first->count == 1);
    assert_true(text_is(first->events[0].reason, "step_unexpected"));
    struct parked_list *second = list_parked(1, &first->events[0], &arena);
    assert_true(!second->more && second->count == 1);
    assert_true(text_is(second->events[0].reason, "follows"));
    free(first);
    free(second);
}

static void one_event_is_given_up_and_what_follows_goes_on(void **unused)
{
    (void)unused;

    park_two();
    give(OTHER_TRANSFER, 0, true);
    give(TRANSFER, parked_versions[0] + 100, true);
    expect_parked("deposit:step_unexpected :follows");
    give(TRANSFER, parked_versions[0], true);
    expect_parked(":follows");
    assert_int_equal(ended(&hold_released_record, PURSE), 0);
    give(TRANSFER, 0, false);
    house_run(&house, 11 * SECOND_US);
    expect_parked("");
    assert_int_equal(ended(&hold_released_record, PURSE), 1);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(a_transfer_is_carried_to_its_end),
        IN_HOUSE(a_refusal_comes_back_to_the_sender),
        IN_HOUSE(what_the_last_step_refuses_is_compensated),
        IN_HOUSE(an_unreachable_target_is_asked_until_it_is_there),
        IN_HOUSE(restarts_repeat_nothing),
        IN_HOUSE(a_process_may_die_at_any_moment),
        IN_HOUSE(after_a_checkpoint_nothing_is_asked_again),
        IN_HOUSE(what_cannot_go_on_is_parked_and_the_rest_flows),
        IN_HOUSE(what_follows_a_parked_event_is_parked_behind_it),
        IN_HOUSE(one_event_is_given_up_and_what_follows_goes_on),
        IN_HOUSE(what_is_parked_is_listed_by_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
