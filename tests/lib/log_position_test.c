/* Marks travel as text and come back the same, or not at all. */
#include "lib/log/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LOG_A "018f4e3a-7b1c-7d2e-8f00-0123456789ab"

static void a_mark_comes_back_as_it_was(void **unused)
{
    struct log_mark mark = {.context = TEXT("catalog"), .partition = 7, .offset = 1234567890123};
    struct log_mark back;
    char string[POSITION_TEXT_SIZE];
    bool malformed;
    struct text log = TEXT(LOG_A);

    (void)unused;
    assert_true(uuid_parse(log, &mark.log));
    size_t length = log_mark_format(&mark, string);
    assert_int_equal(length, strlen(string));
    assert_string_equal(string, "catalog/7@1234567890123~" LOG_A);
    struct text list = text_of(string);
    assert_true(log_mark_parse(&list, &back, &malformed));
    assert_true(text_is(back.context, "catalog"));
    assert_int_equal(back.partition, 7);
    assert_int_equal(back.offset, mark.offset);
    assert_true(uuid_equal(&back.log, &mark.log));
    assert_false(log_mark_parse(&list, &back, &malformed));
    assert_false(malformed);
}

static void the_largest_mark_fits(void **unused)
{
    struct log_mark mark = {.partition = INT32_MAX, .offset = INT64_MAX - 1};
    char string[POSITION_TEXT_SIZE], context[40];
    bool malformed;

    (void)unused;
    memset(context, 'x', sizeof(context));
    mark.context = (struct text){.bytes = context, .size = sizeof(context)};
    assert_true(log_mark_format(&mark, string) < POSITION_TEXT_SIZE);
    struct text list = text_of(string);
    assert_true(log_mark_parse(&list, &mark, &malformed));
    assert_int_equal(mark.offset, INT64_MAX - 1);
}

static void several_marks_are_taken_one_by_one(void **unused)
{
    struct text list = TEXT("catalog/0@1~" LOG_A ", orders/3@22~" LOG_A " ,payments/1@0~" LOG_A);
    struct log_mark mark;
    bool malformed;

    (void)unused;
    assert_true(log_mark_parse(&list, &mark, &malformed));
    assert_true(text_is(mark.context, "catalog"));
    assert_true(log_mark_parse(&list, &mark, &malformed));
    assert_true(text_is(mark.context, "orders"));
    assert_int_equal(mark.offset, 22);
    assert_true(log_mark_parse(&list, &mark, &malformed));
    assert_true(text_is(mark.context, "payments"));
    assert_false(log_mark_parse(&list, &mark, &malformed));
    assert_false(malformed);
}

static void malformed_marks_are_told_from_the_end(void **unused)
{
    static const char *const wrong[] = {
        "catalog",
        "catalog/0",
        "catalog/0@1",
        "catalog/0@1~",
        "catalog/0@1~nonsense",
        "/0@1~" LOG_A,
        "catalog/-1@1~" LOG_A,
        "catalog/0@-1~" LOG_A,
        "catalog/+1@1~" LOG_A,
        "catalog/4294967296@1~" LOG_A,
        "catalog/0@99999999999999999999~" LOG_A,
        "catalog/0@1~" LOG_A "x",
        "catalog/0@1~" LOG_A ",",
        ",",
        "a-context-name-of-more-than-forty-characters/0@1~" LOG_A,
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct text list = text_of(wrong[i]);
        struct log_mark mark;
        bool malformed = false;
        assert_false(log_mark_parse(&list, &mark, &malformed));
        assert_true(malformed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_comes_back_as_it_was),
        cmocka_unit_test(the_largest_mark_fits),
        cmocka_unit_test(several_marks_are_taken_one_by_one),
        cmocka_unit_test(malformed_marks_are_told_from_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
