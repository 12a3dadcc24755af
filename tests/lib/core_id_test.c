/* UUIDs against the vectors of RFC 9562, and the order of drawn ones. */
#include "lib/core/id.h"

#include "lib/core/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DRAWS        1000000
#define THREADS      4
#define THREAD_DRAWS 50000

static struct uuid parsed(const char *string)
{
    struct uuid uuid;
    assert_true(uuid_parse(text_of(string), &uuid));
    return uuid;
}

static void version_5_gives_the_vector_of_the_rfc(void **unused)
{
    (void)unused;
    /* RFC 9562, appendix A.4: namespace DNS, www.example.com */
    struct uuid dns = parsed("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
    struct uuid uuid = uuid_v5(&dns, "www.example.com", 15);
    char string[UUID_TEXT_SIZE];
    uuid_format(&uuid, string);
    assert_string_equal(string, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
    struct uuid empty = uuid_v5(&dns, "", 0);
    assert_false(uuid_equal(&empty, &uuid));
}

static void version_7_has_its_fields_where_the_rfc_puts_them(void **unused)
{
    (void)unused;
    uint64_t before_ms = (uint64_t)clock_wall_us() / 1000;
    struct uuid uuid = uuid_v7();
    uint64_t after_ms = (uint64_t)clock_wall_us() / 1000;
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | uuid.bytes[i];
    assert_true(ms >= before_ms && ms <= after_ms);
    assert_int_equal(uuid.bytes[6] >> 4, 7);
    assert_int_equal(uuid.bytes[8] >> 6, 2);
}

static void a_million_draws_strictly_increase_and_stay_near_the_clock(void **unused)
{
    (void)unused;
    struct uuid previous = uuid_v7();
    for (int i = 0; i < DRAWS; i++) {
        struct uuid next = uuid_v7();
        assert_true(memcmp(previous.bytes, next.bytes, 16) < 0);
        assert_int_equal(next.bytes[6] >> 4, 7);
        assert_int_equal(next.bytes[8] >> 6, 2);
        previous = next;
    }
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | previous.bytes[i];
    assert_true(ms <= (uint64_t)clock_wall_us() / 1000 + 1);
}

static void *draw_many(void *argument)
{
    struct uuid *uuids = argument;
    for (size_t i = 0; i < THREAD_DRAWS; i++)
        uuids[i] = uuid_v7();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct uuid));
}

static void threads_never_draw_the_same(void **unused)
{
    (void)unused;
    struct uuid *uuids = calloc((size_t)THREADS * THREAD_DRAWS, sizeof(*uuids));
    assert_non_null(uuids);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, draw_many, uuids + i * THREAD_DRAWS), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    qsort(uuids, (size_t)THREADS * THREAD_DRAWS, sizeof(*uuids), compare);
    for (size_t i = 1; i < (size_t)THREADS * THREAD_DRAWS; i++)
        assert_false(uuid_equal(&uuids[i - 1], &uuids[i]));
    free(uuids);
}

static void text_and_bytes_are_each_others_inverse(void **unused)
{
    (void)unused;
    struct uuid uuid = parsed("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
    char string[UUID_TEXT_SIZE];
    uuid_format(&uuid, string);
    assert_string_equal(string, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    struct uuid again = parsed(string);
    assert_true(uuid_equal(&uuid, &again));
}

static void what_is_no_uuid_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398ff",
        "017f22e279b07cc398c4dc0c0c07398f",
        "017f22e2079b0-7cc3-98c4-dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "017f22e-279b0-7cc3-98c4-dc0c0c07398f",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398}",
    };
    struct uuid uuid;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(uuid_parse(text_of(bad[i]), &uuid));
    assert_false(uuid_parse((struct text){0}, &uuid));
}

static void the_kernel_fills_all_of_it(void **unused)
{
    (void)unused;
    uint8_t seen[300] = {0};
    uint8_t bytes[300];
    for (int turn = 0; turn < 20; turn++) {
        random_fill(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_5_gives_the_vector_of_the_rfc),
        cmocka_unit_test(version_7_has_its_fields_where_the_rfc_puts_them),
        cmocka_unit_test(a_million_draws_strictly_increase_and_stay_near_the_clock),
        cmocka_unit_test(threads_never_draw_the_same),
        cmocka_unit_test(text_and_bytes_are_each_others_inverse),
        cmocka_unit_test(what_is_no_uuid_is_refused),
        cmocka_unit_test(the_kernel_fills_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
