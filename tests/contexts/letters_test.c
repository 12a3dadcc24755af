/* Errands between processes: what is written is what is read, and nothing else is. */
#include "command-svc/errand.h"
#include "command-svc/errand_letter.h"
#include "command-svc/exchange/purse.h"
#include "lib/record/avro.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define PURSE "11111111-1111-4111-8111-111111111111"

static struct hold_coins_input wanted = {.hold_id = TEXT("a-hold"), .amount = 7};
static struct errand *errand;
static struct buffer letter;
static struct arena arena;

static int write_letter(void **unused)
{
    struct errand_order order = {
        .command = &hold_coins,
        .caller = "carry_transfer",
        .aggregate_id = TEXT(PURSE),
        .input = &wanted,
        .command_id = {{1}},
        .causation_id = {{2}},
        .correlation_id = {{3}},
    };
    (void)unused;

    errand = errand_create(&order, NULL);
    assert_non_null(errand);
    buffer_init(&letter, ERRAND_LETTER_MAX);
    arena_init(&arena, ERRAND_LETTER_MAX);
    assert_true(errand_letter_write(&errand->call, &letter));
    return 0;
}

static int drop_letter(void **unused)
{
    (void)unused;
    errand_destroy(errand);
    buffer_done(&letter);
    arena_done(&arena);
    return 0;
}

static void a_letter_says_all_that_the_errand_is(void **unused)
{
    struct errand_letter read;
    struct hold_coins_input input;
    (void)unused;

    assert_true(errand_letter_read(buffer_text(&letter), &arena, &read));
    assert_true(text_is(read.context, "exchange") && text_is(read.command, "HoldCoins"));
    assert_true(text_is(read.aggregate_id, PURSE) && text_is(read.actor, "carry_transfer"));
    assert_int_equal(read.command_id.bytes[0], 1);
    assert_int_equal(read.causation_id.bytes[0], 2);
    assert_int_equal(read.correlation_id.bytes[0], 3);
    assert_true(avro_decode(hold_coins.input, read.input, &arena, &input, NULL));
    assert_true(text_is(input.hold_id, "a-hold"));
    assert_int_equal(input.amount, 7);
}

static void a_letter_cut_short_is_none(void **unused)
{
    struct errand_letter read;
    (void)unused;

    for (size_t size = 0; size < letter.size; size++)
        assert_false(
            errand_letter_read((struct text){(const char *)letter.bytes, size}, &arena, &read));
}

static void another_letter_has_another_digest(void **unused)
{
    char digest[ERRAND_DIGEST_SIZE], other[ERRAND_DIGEST_SIZE];
    (void)unused;

    errand_letter_digest(buffer_text(&letter), digest);
    letter.bytes[letter.size / 2] ^= 1;
    errand_letter_digest(buffer_text(&letter), other);
    assert_string_not_equal(digest, other);
}

static void tell(struct call *ret_call)
{
    char answer[ERRAND_ANSWER_SIZE];

    errand_answer_write(&errand->call, answer);
    *ret_call = (struct call){.arena = &arena};
    errand_answer_read(text_of(answer), ret_call);
}

static void answers_come_back_as_they_were(void **unused)
{
    struct call *call = &errand->call, heard;
    (void)unused;

    call_done(call, 3);
    tell(&heard);
    assert_int_equal(heard.outcome, CALL_DONE);
    call_refuse(call, &coins_short);
    tell(&heard);
    assert_int_equal(heard.outcome, CALL_REFUSED);
    assert_string_equal(heard.problem.code, "coins_short");
    call_fault(call, FAULT_DATA_CORRUPT);
    tell(&heard);
    assert_int_equal(heard.outcome, CALL_FAULTED);
    assert_int_equal(heard.fault, FAULT_DATA_CORRUPT);
    call_misplace(call);
    tell(&heard);
    assert_int_equal(heard.outcome, CALL_MISPLACED);
}

static void what_is_no_answer_leaves_it_unknown(void **unused)
{
    static const char *const answers[] = {"", "accepte", "accepted ", "refused", "faulted", "no"};
    (void)unused;

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct call heard = {.arena = &arena};
        errand_answer_read(text_of(answers[i]), &heard);
        assert_int_equal(heard.outcome, CALL_FAULTED);
        assert_int_equal(heard.fault, FAULT_OUTCOME_UNKNOWN);
    }
}

#define WITH_LETTER(test) cmocka_unit_test_setup_teardown(test, write_letter, drop_letter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LETTER(a_letter_says_all_that_the_errand_is),
        WITH_LETTER(a_letter_cut_short_is_none),
        WITH_LETTER(another_letter_has_another_digest),
        WITH_LETTER(answers_come_back_as_they_were),
        WITH_LETTER(what_is_no_answer_leaves_it_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
