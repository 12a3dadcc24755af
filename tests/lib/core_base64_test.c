/* Base64 in both spellings: RFC 4648's own examples, and texts that nobody should have written. */
#include "lib/core/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *bytes;
    const char *quoted;
    const char *bare;
} examples[] = {
    {"", "\"\"", ""},
    {"f", "\"Zg==\"", "Zg"},
    {"of", "\"b2Y=\"", "b2Y"},
    {"foo", "\"Zm9v\"", "Zm9v"},
    {"foob", "\"Zm9vYg==\"", "Zm9vYg"},
    {"fooba", "\"Zm9vYmE=\"", "Zm9vYmE"},
    {"foobar", "\"Zm9vYmFy\"", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "\"+/+/\"", "-_-_"},
};

typedef void writer(struct text bytes, struct buffer *out);
typedef bool reader(struct text text, struct arena *arena, struct text *ret_bytes);

static struct text without_quotes(struct text text)
{
    if (text_starts_with(text, "\""))
        return (struct text){.bytes = text.bytes + 1, .size = text.size - 2};
    return text;
}

static void check(const char *bytes, const char *text, writer *write, reader *read)
{
    struct arena arena;
    struct buffer out;
    struct text back;

    arena_init(&arena, 4096);
    buffer_init(&out, 4096);
    write(text_of(bytes), &out);
    assert_int_equal(out.size, strlen(text));
    if (out.size > 0)
        assert_memory_equal(out.bytes, text, out.size);
    assert_true(read(without_quotes(text_of(text)), &arena, &back));
    assert_true(text_is(back, bytes));
    buffer_done(&out);
    arena_done(&arena);
}

static void the_examples_of_the_standard_come_out(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        check(examples[i].bytes, examples[i].quoted, base64_write, base64_read);
        check(examples[i].bytes, examples[i].bare, base64url_write, base64url_read);
    }
}

static void what_nobody_would_have_written_is_refused(void **unused)
{
    static const char *const padded[] = {
        "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v=", "-_-_", "Zm 9"};
    static const char *const bare[] = {"Z", "Zm9vZ", "Zg==", "Zh", "+/+/", "zz z"};
    struct arena arena;
    struct text back;

    (void)unused;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++)
        assert_false(base64_read(text_of(padded[i]), &arena, &back));
    for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
        assert_false(base64url_read(text_of(bare[i]), &arena, &back));
    arena_done(&arena);
}

static void without_memory_there_are_no_bytes(void **unused)
{
    struct arena arena;
    struct text back = TEXT("before");

    (void)unused;
    arena_init(&arena, 1);
    assert_true(base64_read(text_of("Zm9v"), &arena, &back));
    assert_null(back.bytes);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_standard_come_out),
        cmocka_unit_test(what_nobody_would_have_written_is_refused),
        cmocka_unit_test(without_memory_there_are_no_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
