/* The row cache: what was put in comes out, until it is forgotten whole. */
#include "projector/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEYS     5000
#define HEADROOM (16 * 1024 * 1024)

struct thing {
    struct text id;
    struct text name; /* may be absent */
    int64_t count;
};

static const struct field thing_fields[] = {
    {FIELD_AT(thing, id), .kind = FIELD_TEXT},
    {FIELD_AT(thing, name), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(thing, count), .kind = FIELD_INTEGER},
};

static const struct record thing_record = {
    .name = "Thing",
    .size = sizeof(struct thing),
    .fields = thing_fields,
    .field_count = COUNT_OF(thing_fields),
};

static struct cached_row *get(struct cache *cache, size_t number)
{
    char key[32];
    (void)snprintf(key, sizeof(key), "key-%zu", number);
    struct cached_row *row = cache_get(cache, text_of(key));
    assert_non_null(row);
    assert_true(text_is(row->key, key));
    const struct thing *thing = (const void *)row->values;
    assert_ptr_equal(thing->id.bytes, row->key.bytes);
    return row;
}

/* Changes a row as a fold does, with a text that does not outlive this call. */
static void change(struct cache *cache, struct cached_row *row, int64_t count)
{
    struct thing *thing = (void *)row->values;
    struct thing before = *thing;
    char name[32];
    (void)snprintf(name, sizeof(name), "name-%lld", (long long)count);
    thing->name = text_of(name);
    thing->count = count;
    row->loaded = true;
    assert_true(cache_keep_texts(cache, row, &before));
    memset(name, 'x', sizeof(name));
}

static void assert_thing(const struct cached_row *row, int64_t count)
{
    const struct thing *thing = (const void *)row->values;
    char name[32];
    (void)snprintf(name, sizeof(name), "name-%lld", (long long)count);
    assert_true(text_is(thing->name, name));
    assert_int_equal(thing->count, count);
}

static void a_row_is_made_once_and_keeps_its_place(void **unused)
{
    (void)unused;
    struct cache cache;
    struct cached_row *rows[KEYS];
    cache_init(&cache, &thing_record, "id", 1 << 30, HEADROOM);
    for (size_t i = 0; i < KEYS; i++) {
        rows[i] = get(&cache, i);
        assert_false(rows[i]->loaded);
        change(&cache, rows[i], (int64_t)i);
    }
    for (size_t i = 0; i < KEYS; i++) {
        assert_ptr_equal(get(&cache, i), rows[i]);
        assert_thing(rows[i], (int64_t)i);
    }
    cache_done(&cache);
}

static void a_row_used_again_survives_aging(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 64 * 1024, HEADROOM);
    change(&cache, get(&cache, 0), 0);
    for (size_t i = 1; i < KEYS; i++) {
        change(&cache, get(&cache, i), (int64_t)i);
        assert_true(get(&cache, 0)->loaded);
        assert_thing(get(&cache, 0), 0);
        cache_age(&cache);
    }
    cache_done(&cache);
}

static void a_row_not_used_again_is_forgotten(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 64 * 1024, HEADROOM);
    change(&cache, get(&cache, 0), 0);
    for (size_t i = 1; i < KEYS; i++) {
        change(&cache, get(&cache, i), (int64_t)i);
        cache_age(&cache);
    }
    assert_false(get(&cache, 0)->loaded);
    assert_true(cache.young.arena.used + cache.old.arena.used < 128 * 1024);
    cache_done(&cache);
}

static void a_filled_row_has_texts_of_its_own(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 1 << 20, HEADROOM);
    struct cached_row *row = get(&cache, 1);
    char id[] = "key-1", name[] = "name-7";
    struct thing found = {.id = text_of(id), .name = text_of(name), .count = 7};
    assert_true(cache_fill(&cache, row, &found));
    memset(id, 'x', sizeof(id));
    memset(name, 'x', sizeof(name));
    assert_true(row->loaded);
    assert_thing(get(&cache, 1), 7);
    cache_done(&cache);
}

static void an_absent_text_stays_absent(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 1 << 20, HEADROOM);
    struct cached_row *row = get(&cache, 1);
    assert_true(cache_fill(&cache, row, &(struct thing){.count = 1}));
    assert_null(((const struct thing *)(const void *)row->values)->name.bytes);
    cache_done(&cache);
}

static void a_cleared_cache_knows_nothing(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 1 << 20, HEADROOM);
    change(&cache, get(&cache, 1), 1);
    cache_clear(&cache);
    assert_false(get(&cache, 1)->loaded);
    cache_done(&cache);
}

static void memory_that_ran_out_is_said(void **unused)
{
    (void)unused;
    struct cache cache;
    cache_init(&cache, &thing_record, "id", 1024, 4096);
    size_t made = 0;
    char key[32];
    do
        (void)snprintf(key, sizeof(key), "key-%zu", made);
    while (cache_get(&cache, text_of(key)) != NULL && made++ < KEYS);
    assert_true(made > 10 && made < 100);
    cache_done(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_is_made_once_and_keeps_its_place),
        cmocka_unit_test(a_row_used_again_survives_aging),
        cmocka_unit_test(a_row_not_used_again_is_forgotten),
        cmocka_unit_test(a_filled_row_has_texts_of_its_own),
        cmocka_unit_test(an_absent_text_stays_absent),
        cmocka_unit_test(a_cleared_cache_knows_nothing),
        cmocka_unit_test(memory_that_ran_out_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
