/* Public copies carry what the original has, and say where to go on. */
#include "lib/log/public_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct log_mark commit = {
    .context = TEXT("letters"), .partition = 3, .offset = 41, .log = {{7}}};

static struct log_event last_of_two(void)
{
    return (struct log_event){
        .key = TEXT("letter-1"),
        .id = {{1}},
        .type = TEXT("sijang.letters.LetterSent"),
        .source = TEXT("/letters/letter"),
        .subject = TEXT("letter-1"),
        .time_us = 1000000,
        .version = 2,
        .command_id = {{2}},
        .payload = TEXT("payload"),
        .fence = {.term = 30, .seq = 9, .index = 2, .count = 2},
    };
}

static struct text header_of(const struct public_record *copy, const char *name)
{
    for (size_t i = 0; i < copy->record.header_count; i++)
        if (text_is(copy->record.headers[i].name, name))
            return copy->record.headers[i].value;
    return (struct text){0};
}

static void a_copy_has_the_headers_of_its_original_and_the_position_behind_them(void **unused)
{
    struct log_event event = last_of_two();
    struct envelope original;
    struct public_record copy;

    (void)unused;
    envelope_write(&event, &event.fence, &original);
    public_record_write(&event, &commit, &copy);
    assert_int_equal(copy.record.header_count, original.count + 1);
    for (size_t i = 0; i < original.count; i++) {
        assert_true(text_equal(copy.record.headers[i].name, original.headers[i].name));
        assert_true(text_equal(copy.record.headers[i].value, original.headers[i].value));
    }
    assert_true(text_is(header_of(&copy, "ce_position"),
                        "letters/3@41~07000000-0000-0000-0000-000000000000"));
    assert_true(text_is(copy.record.key, "letter-1"));
    assert_true(text_is(copy.record.value, "payload"));
}

static void the_last_copy_says_where_the_source_goes_on(void **unused)
{
    struct log_event event = last_of_two();
    struct public_record copy;
    struct public_source source;
    struct log_position from;
    struct error error;

    (void)unused;
    public_record_write(&event, &commit, &copy);
    assert_true(public_record_read(header_of(&copy, PUBLIC_POSITION_HEADER),
                                   header_of(&copy, PUBLIC_FENCE_HEADER), &source, &error));
    public_record_resume(&source, &from);
    assert_int_equal(from.next, 42);
    assert_int_equal(from.last_offset, 41);
    assert_int_equal(from.term, 30);
    assert_int_equal(from.seq, 9);
    assert_true(uuid_equal(&from.log, &commit.log));
}

static void what_no_relay_wrote_last_is_refused(void **unused)
{
    const struct text position = TEXT("letters/3@41~07000000-0000-0000-0000-000000000000");
    const struct text two = TEXT("letters/3@41~07000000-0000-0000-0000-000000000000,letters/4@1~"
                                 "07000000-0000-0000-0000-000000000000");
    const struct text end = TEXT("30.9.2.2"), middle = TEXT("30.8.1.2"), junk = TEXT("30.9.2");
    const struct text none = {0};
    struct public_source source;
    struct error error;

    (void)unused;
    assert_true(public_record_read(position, end, &source, &error));
    assert_false(public_record_read(position, middle, &source, &error));
    assert_int_equal(error.fault, FAULT_DATA_CORRUPT);
    assert_false(public_record_read(position, junk, &source, &error));
    assert_false(public_record_read(position, none, &source, &error));
    assert_false(public_record_read(none, end, &source, &error));
    assert_false(public_record_read(two, end, &source, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_the_headers_of_its_original_and_the_position_behind_them),
        cmocka_unit_test(the_last_copy_says_where_the_source_goes_on),
        cmocka_unit_test(what_no_relay_wrote_last_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
