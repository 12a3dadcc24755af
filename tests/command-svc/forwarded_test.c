/* The header between processes: what was written is read, nothing else is. */
#include "command-svc/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "a secret for tests, forty characters long"

static struct arena arena;
static struct forwarded_key key;

static int set_up(void **unused)
{
    (void)unused;
    arena_init(&arena, 65536);
    forwarded_key_derive(SECRET, &key);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    arena_done(&arena);
    return 0;
}

static char *write_some(bool drawn)
{
    struct forwarded forwarded = {
        .term = 7, .left_ms = 4200, .until_wall_ms = -1, .drawn = drawn, .command_id = {{1, 2, 3}}};
    char *value = forwarded_write(&forwarded, &key, "POST", "/v1/things", &arena);

    assert_non_null(value);
    return value;
}

static bool reads(const char *value)
{
    struct forwarded read;

    return forwarded_read(text_of(value), &key, "POST", "/v1/things", &read);
}

static void what_is_written_is_read(void **unused)
{
    (void)unused;
    struct forwarded read;
    struct uuid id = {{1, 2, 3}};

    assert_true(forwarded_read(text_of(write_some(true)), &key, "POST", "/v1/things", &read));
    assert_int_equal(read.term, 7);
    assert_int_equal(read.left_ms, 4200);
    assert_int_equal(read.until_wall_ms, -1);
    assert_true(read.drawn);
    assert_true(uuid_equal(&read.command_id, &id));
    assert_true(forwarded_read(text_of(write_some(false)), &key, "POST", "/v1/things", &read));
    assert_false(read.drawn);
}

static void any_changed_character_is_noticed(void **unused)
{
    (void)unused;
    char *value = write_some(true);

    for (size_t i = 0; i < strlen(value); i++) {
        char was = value[i];
        value[i] = was == '1' ? '2' : '1';
        assert_false(reads(value));
        value[i] = was;
    }
    assert_true(reads(value));
}

static void it_counts_for_its_method_and_path_only(void **unused)
{
    (void)unused;
    struct text value = text_of(write_some(true));
    struct forwarded read;

    assert_false(forwarded_read(value, &key, "PUT", "/v1/things", &read));
    assert_false(forwarded_read(value, &key, "POST", "/v1/thing", &read));
    assert_false(forwarded_read(value, &key, "POST/v1", "/things", &read));
}

static void another_secret_writes_nothing_readable(void **unused)
{
    (void)unused;
    struct forwarded forwarded = {.term = 7, .left_ms = 1}, read;
    struct forwarded_key other;

    forwarded_key_derive("another secret, forty characters long too", &other);
    char *value = forwarded_write(&forwarded, &other, "POST", "/v1/things", &arena);
    assert_non_null(value);
    assert_false(forwarded_read(text_of(value), &key, "POST", "/v1/things", &read));
}

static void junk_is_refused(void **unused)
{
    (void)unused;
    static const char *const values[] = {
        "",
        ";",
        "7;1;1;-;",
        "7;1;1;-;0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        ";0000000000000000000000000000000000000000000000000000000000000000",
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_false(reads(values[i]));
    assert_false(
        forwarded_read((struct text){0}, &key, "POST", "/v1/things", &(struct forwarded){0}));
}

#define FORWARDED_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FORWARDED_TEST(what_is_written_is_read),
        FORWARDED_TEST(any_changed_character_is_noticed),
        FORWARDED_TEST(it_counts_for_its_method_and_path_only),
        FORWARDED_TEST(another_secret_writes_nothing_readable),
        FORWARDED_TEST(junk_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
