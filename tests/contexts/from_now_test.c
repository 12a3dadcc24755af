/* A reaction that a later version brings: FROM_NOW it leaves alone what was there before it, and
 * misses nothing from then on. The house's exchange context is this file's own. */
#include "command-svc/contexts.h"
#include "command-svc/exchange/purse.h"
#include "command-svc/exchange/transfer.h"
#include "command-svc/reaction.h"
#include "tests/contexts/house.h"
#include "tests/contexts/transfers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define OTHER_PURSE "22222222-2222-4222-8222-222222222222"

/* As soon as a purse is opened, a coin is held in it. */
static void hold_one_react(const struct event *event, struct reaction_steps *steps)
{
    (void)event;
    step(steps, "hold", &hold_coins, steps->source_id,
         &(struct hold_coins_input){.hold_id = steps->source_id, .amount = 1});
}

static const struct record *const hold_one_events[] = {&purse_opened_record, NULL};

static struct reaction hold_one = {
    .name = "hold_one",
    .events = hold_one_events,
    .react = hold_one_react,
};

extern const struct command open_purse;
static const struct command *const commands[] = {&open_purse, &hold_coins, NULL};
static const struct aggregate *const aggregates[] = {&purse_aggregate, NULL};
static const struct reaction *reactions[] = {NULL, NULL}; /* as the running version has them */

#define REFUSAL(refusal_name, refusal_status, refusal_text)                                        \
    const struct refusal refusal_name = {                                                          \
        .code = #refusal_name, .status = refusal_status, .text = refusal_text};
#include "schemas/exchange/refusals.def"
#undef REFUSAL

extern const struct context exchange_context;
const struct context exchange_context = {
    .name = "exchange",
    .commands = commands,
    .aggregates = aggregates,
    .reactions = reactions,
    .events = exchange_events,
};

static struct house house;

static int open_house(void **unused)
{
    (void)unused;
    reactions[0] = NULL;
    house_open(&house);
    return 0;
}

static int close_house(void **unused)
{
    (void)unused;
    house_close(&house);
    return 0;
}

static size_t held(const char *purse)
{
    house_run(&house, SECOND_US);
    return house_events(&house, "exchange", &coins_held_record, purse);
}

static void upgrade(enum reaction_start from)
{
    house_stop(&house);
    hold_one.from = from;
    reactions[0] = &hold_one;
    house_start(&house);
}

static void from_now_leaves_alone_what_was_there_before(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    upgrade(REACTION_FROM_NOW);
    assert_int_equal(held(PURSE), 0);
    transfers_open_purse(&house, OTHER_PURSE, 10);
    assert_int_equal(held(OTHER_PURSE), 1);
    assert_int_equal(held(NULL), 1);
}

/* Where it began is in the log: neither a restart nor a lost index begins anew. */
static void now_is_when_it_first_served(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    upgrade(REACTION_FROM_NOW);
    transfers_open_purse(&house, OTHER_PURSE, 10);
    house_stop(&house);
    house_forget(&house);
    house_start(&house);
    assert_int_equal(held(OTHER_PURSE), 1);
    assert_int_equal(held(NULL), 1);
}

static void from_the_beginning_takes_everything(void **unused)
{
    (void)unused;
    transfers_open_purse(&house, PURSE, 10);
    upgrade(REACTION_FROM_BEGINNING);
    transfers_open_purse(&house, OTHER_PURSE, 10);
    assert_int_equal(held(PURSE), 1);
    assert_int_equal(held(NULL), 2);
}

#define IN_HOUSE(test) cmocka_unit_test_setup_teardown(test, open_house, close_house)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(from_now_leaves_alone_what_was_there_before),
        IN_HOUSE(now_is_when_it_first_served),
        IN_HOUSE(from_the_beginning_takes_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
