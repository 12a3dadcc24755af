/* The test contexts' own rules: a saga, its deadline and its reaction, pure. */
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "schemas/vault/inputs.h"
#include "tests/support/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define PURSE    "11111111-1111-4111-8111-111111111111"
#define CHEST    "22222222-2222-4222-8222-222222222222"
#define TRANSFER "33333333-3333-4333-8333-333333333333"
#define PATIENCE 60000

extern const struct command request_transfer, approve_transfer;

static int begin_transfer(void **unused)
{
    (void)unused;
    scenario_begin(&transfer_aggregate);
    return 0;
}

static int begin_purse(void **unused)
{
    (void)unused;
    scenario_begin(&purse_aggregate);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    scenario_end();
    return 0;
}

static void a_transfer_asked_for(void)
{
    GIVEN(transfer_requested, .purse_id = text_of(PURSE), .chest_id = text_of(CHEST), .amount = 7,
          .expires_at = PATIENCE);
}

static void a_transfer_expires_after_its_patience(void **unused)
{
    (void)unused;
    WHEN(request_transfer, "{\"purse_id\":\"" PURSE "\",\"chest_id\":\"" CHEST "\","
                           "\"amount\":7,\"patience_ms\":60}");
    assert_int_equal(THEN(0, 1, transfer_requested)->expires_at, PATIENCE);
}

static void a_transfer_is_approved_only_while_held(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    WHEN(approve_transfer, "");
    THEN_REFUSED(transfer_not_held);
    GIVEN(transfer_held, .amount = 7);
    WHEN(approve_transfer, "");
    assert_int_equal(THEN(0, 1, transfer_approved)->amount, 7);
}

static void a_refused_hold_ends_the_transfer(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    scenario_outcome(&record_transfer_step, "hold", "coins_short");
    assert_true(text_is(THEN(0, 1, transfer_cancelled)->reason, "coins_short"));
}

static void a_hold_that_answers_after_expiry_changes_nothing(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    WHEN(expire_transfer, "");
    assert_true(text_is(THEN(0, 1, transfer_cancelling)->purse_id, PURSE));
    scenario_outcome(&record_transfer_step, "hold", NULL);
    scenario_then_nothing();
    scenario_outcome(&record_transfer_step, "release", NULL);
    assert_true(text_is(THEN(0, 1, transfer_cancelled)->reason, "expired"));
}

static void an_approved_transfer_does_not_expire(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    GIVEN(transfer_held, .amount = 7);
    GIVEN(transfer_approved, .chest_id = text_of(CHEST), .amount = 7);
    WHEN(expire_transfer, "");
    scenario_then_nothing();
}

static void a_refused_deposit_is_compensated(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    GIVEN(transfer_held, .amount = 7);
    GIVEN(transfer_approved, .chest_id = text_of(CHEST), .amount = 7);
    scenario_outcome(&record_transfer_step, "deposit", "chest_full");
    assert_true(text_is(THEN(0, 1, transfer_cancelling)->reason, "chest_full"));
}

static void past_the_deposit_a_refusal_is_not_taken(void **unused)
{
    (void)unused;
    a_transfer_asked_for();
    GIVEN(transfer_deposited, .purse_id = text_of(PURSE));
    scenario_outcome(&record_transfer_step, "take", "hold_not_open");
    THEN_REFUSED(step_unexpected);
    scenario_outcome(&record_transfer_step, "take", NULL);
    assert_int_equal(THEN(0, 1, transfer_completed)->amount, 7);
}

static void each_event_asks_for_its_step(void **unused)
{
    (void)unused;
    WHEN_REACTS(carry_transfer, TRANSFER, transfer_requested, .purse_id = text_of(PURSE),
                .amount = 7);
    scenario_then_steps(1);
    const struct hold_coins_input *hold = scenario_then_step("hold", &hold_coins, PURSE);
    assert_true(text_is(hold->hold_id, TRANSFER));
    assert_int_equal(hold->amount, 7);
    WHEN_REACTS(carry_transfer, TRANSFER, transfer_approved, .chest_id = text_of(CHEST),
                .amount = 7);
    const struct deposit_coins_input *deposit =
        scenario_then_step("deposit", &deposit_coins, CHEST);
    assert_true(text_is(deposit->deposit_id, TRANSFER));
    WHEN_REACTS(carry_transfer, TRANSFER, transfer_cancelling, .purse_id = text_of(PURSE),
                .reason = TEXT("expired"));
    const struct hold_input *released = scenario_then_step("release", &release_hold, PURSE);
    assert_true(text_is(released->hold_id, TRANSFER));
}

static void ids_of_steps_tell_events_reactions_and_steps_apart(void **unused)
{
    struct uuid event = {{1}}, other = {{2}};
    struct uuid hold = reaction_step_id(&event, &carry_transfer, "hold");
    struct uuid again = reaction_step_id(&event, &carry_transfer, "hold");
    struct uuid take = reaction_step_id(&event, &carry_transfer, "take");
    struct uuid of_other = reaction_step_id(&other, &carry_transfer, "hold");
    struct uuid outcome = reaction_outcome_id(&hold);

    (void)unused;
    assert_true(uuid_equal(&hold, &again));
    assert_false(uuid_equal(&hold, &take));
    assert_false(uuid_equal(&hold, &of_other));
    assert_false(uuid_equal(&hold, &outcome));
}

static void a_purse_holds_no_more_than_it_has(void **unused)
{
    (void)unused;
    GIVEN(purse_opened, .coins = 10);
    GIVEN(coins_held, .hold_id = TEXT("other"), .amount = 5);
    WHEN(hold_coins, "{\"hold_id\":\"" TRANSFER "\",\"amount\":6}");
    THEN_REFUSED(coins_short);
    WHEN(hold_coins, "{\"hold_id\":\"" TRANSFER "\",\"amount\":5}");
    assert_int_equal(THEN(0, 1, coins_held)->amount, 5);
}

static void a_release_before_its_hold_refuses_it_later(void **unused)
{
    (void)unused;
    GIVEN(purse_opened, .coins = 10);
    WHEN(release_hold, "{\"hold_id\":\"" TRANSFER "\"}");
    assert_int_equal(THEN(0, 1, hold_released)->amount, 0);
    WHEN(hold_coins, "{\"hold_id\":\"" TRANSFER "\",\"amount\":5}");
    THEN_REFUSED(hold_closed);
    WHEN(release_hold, "{\"hold_id\":\"" TRANSFER "\"}");
    scenario_then_nothing();
}

static void a_hold_is_taken_once(void **unused)
{
    (void)unused;
    GIVEN(purse_opened, .coins = 10);
    GIVEN(coins_held, .hold_id = text_of(TRANSFER), .amount = 5);
    WHEN(take_hold, "{\"hold_id\":\"" TRANSFER "\"}");
    assert_int_equal(THEN(0, 1, hold_taken)->amount, 5);
    assert_int_equal(((const struct purse *)scenario_root())->coins, 5);
    WHEN(take_hold, "{\"hold_id\":\"" TRANSFER "\"}");
    THEN_REFUSED(hold_not_open);
    WHEN(release_hold, "{\"hold_id\":\"" TRANSFER "\"}");
    THEN_REFUSED(hold_not_open);
}

#define OF_TRANSFER(test) cmocka_unit_test_setup_teardown(test, begin_transfer, end)
#define OF_PURSE(test)    cmocka_unit_test_setup_teardown(test, begin_purse, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OF_TRANSFER(a_transfer_expires_after_its_patience),
        OF_TRANSFER(a_transfer_is_approved_only_while_held),
        OF_TRANSFER(a_refused_hold_ends_the_transfer),
        OF_TRANSFER(a_hold_that_answers_after_expiry_changes_nothing),
        OF_TRANSFER(an_approved_transfer_does_not_expire),
        OF_TRANSFER(a_refused_deposit_is_compensated),
        OF_TRANSFER(past_the_deposit_a_refusal_is_not_taken),
        OF_TRANSFER(each_event_asks_for_its_step),
        OF_TRANSFER(ids_of_steps_tell_events_reactions_and_steps_apart),
        OF_PURSE(a_purse_holds_no_more_than_it_has),
        OF_PURSE(a_release_before_its_hold_refuses_it_later),
        OF_PURSE(a_hold_is_taken_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
