/* Staging, sealing, acknowledging, forgetting, flushing: what is found when. */
#include "tests/lib/index/index_room.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct text one = TEXT("1"), two = TEXT("2"), three = TEXT("3");

static void what_is_staged_is_found_before_it_is_sealed(void **state)
{
    struct room *room = *state;
    put(room->orders, INDEX_ROOTS, "a", "new");
    assert_found(room->orders, "a", "new");
    assert_absent(room->catalog, "a");
}

static void the_same_key_in_another_table_is_another_key(void **state)
{
    struct room *room = *state;
    put(room->orders, INDEX_PARTS, "a", "part");
    assert_absent(room->orders, "a");
}

static void abandoning_brings_the_older_value_back(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "old");
    put(room->orders, INDEX_ROOTS, "a", "new");
    put(room->orders, INDEX_ROOTS, "a", "newer");
    put(room->orders, INDEX_ROOTS, "b", "new");
    index_abandon(room->orders);
    assert_found(room->orders, "a", "old");
    assert_absent(room->orders, "b");
}

static void abandoning_nothing_changes_nothing(void **state)
{
    struct room *room = *state;
    index_abandon(room->orders);
    commit(room->orders, "a", "1");
    index_abandon(room->orders);
    assert_found(room->orders, "a", "1");
}

static void forgetting_throws_away_only_what_is_not_acknowledged(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "acknowledged");
    commit(room->orders, "a", "sealed");
    commit(room->orders, "b", "sealed");
    commit(room->catalog, "c", "of another context");
    put(room->orders, INDEX_ROOTS, "d", "staged");
    index_acknowledge(room->orders, one);
    index_forget(room->orders);
    assert_found(room->orders, "a", "acknowledged");
    assert_absent(room->orders, "b");
    assert_absent(room->orders, "d");
    assert_found(room->catalog, "c", "of another context");
    flush(room);
    assert_found(room->orders, "a", "acknowledged");
    assert_position(room->orders, "1");
}

static int64_t number_of(struct index_context *context, const char *key)
{
    struct text value;
    int64_t number = -1;
    assert_true(index_find(context, INDEX_EVENTS, text_of(key), &value, NULL));
    assert_non_null(value.bytes);
    memcpy(&number, value.bytes, sizeof number);
    return number;
}

static void put_number(struct index_context *context, const char *key, int64_t number)
{
    struct text value = {(const char *)&number, sizeof number};
    assert_true(index_put(context, INDEX_EVENTS, text_of(key), value, NULL));
}

static void a_shift_reaches_what_is_not_acknowledged_and_no_other(void **state)
{
    struct room *room = *state;
    put_number(room->orders, "a", 10);
    index_seal(room->orders);
    put_number(room->orders, "b", 20);
    put(room->orders, INDEX_ROOTS, "b", "as it was");
    index_seal(room->orders);
    put_number(room->orders, "c", 30);
    put_number(room->catalog, "b", 20);
    index_acknowledge(room->orders, one);
    index_shift(room->orders, INDEX_EVENTS, 3);
    assert_int_equal(number_of(room->orders, "a"), 10);
    assert_int_equal(number_of(room->orders, "b"), 23);
    assert_int_equal(number_of(room->orders, "c"), 33);
    assert_int_equal(number_of(room->catalog, "b"), 20);
    assert_found(room->orders, "b", "as it was");
    index_seal(room->orders);
    index_acknowledge(room->orders, two);
    flush(room);
    assert_int_equal(number_of(room->orders, "b"), 23);
}

static void work_goes_on_after_forgetting(void **state)
{
    struct room *room = *state;
    index_seal(room->orders);
    commit(room->orders, "a", "lost");
    index_seal(room->orders);
    put(room->orders, INDEX_ROOTS, "a", "lost too");
    index_forget(room->orders);
    commit(room->orders, "a", "kept");
    commit(room->orders, "a", "lost again");
    index_acknowledge(room->orders, one);
    index_forget(room->orders);
    flush(room);
    assert_found(room->orders, "a", "kept");
}

static void a_flush_keeps_what_is_not_acknowledged(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "1");
    commit(room->orders, "a", "2");
    put(room->orders, INDEX_ROOTS, "a", "3");
    index_acknowledge(room->orders, one);
    flush(room);
    assert_found(room->orders, "a", "3");
    index_abandon(room->orders);
    assert_found(room->orders, "a", "2");
    index_forget(room->orders);
    assert_found(room->orders, "a", "1");
    assert_int_equal(index_overlay_bytes(room->index), 0);
}

static void the_last_of_many_values_survives_a_flush(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "1");
    commit(room->orders, "a", "2");
    commit(room->orders, "b", "1");
    index_acknowledge(room->orders, one);
    index_acknowledge(room->orders, two);
    index_acknowledge(room->orders, three);
    assert_int_equal(index_unflushed(room->index), 3);
    flush(room);
    assert_int_equal(index_unflushed(room->index), 0);
    room_reopen(room);
    assert_found(room->orders, "a", "2");
    assert_found(room->orders, "b", "1");
    assert_position(room->orders, "3");
}

static void an_absent_value_removes(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "1");
    index_acknowledge(room->orders, one);
    flush(room);
    commit(room->orders, "a", NULL);
    commit(room->orders, "never there", NULL);
    assert_absent(room->orders, "a");
    index_acknowledge(room->orders, two);
    index_acknowledge(room->orders, three);
    flush(room);
    assert_absent(room->orders, "a");
    room_reopen(room);
    assert_absent(room->orders, "a");
}

static void an_empty_value_is_not_an_absent_one(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "");
    assert_found(room->orders, "a", "");
    index_acknowledge(room->orders, one);
    flush(room);
    assert_found(room->orders, "a", "");
}

static void a_position_moves_without_a_commit(void **state)
{
    struct room *room = *state;
    assert_int_equal(index_position(room->orders).size, 0);
    index_advance(room->orders, two);
    assert_int_equal(index_position(room->orders).size, 0);
    flush(room);
    assert_position(room->orders, "2");
    assert_int_equal(index_position(room->catalog).size, 0);
    room_reopen(room);
    assert_position(room->orders, "2");
}

static void a_full_overlay_refuses_and_recovers_by_a_flush(void **state)
{
    struct room *room = *state;
    struct error error;
    char value[1000] = "";
    struct text text = {.bytes = value, .size = sizeof value};
    uint32_t commits = 0;

    while (index_put(room->orders, INDEX_EVENTS, (struct text){(char *)&commits, sizeof commits},
                     text, &error)) {
        assert_true(index_overlay_bytes(room->index) <= room->options.overlay_bytes_max);
        index_seal(room->orders);
        commits++;
    }
    assert_int_equal(error.fault, FAULT_OVERLOADED);
    index_abandon(room->orders);
    assert_in_range(commits, 3000, 4194);
    assert_false(index_put(room->catalog, INDEX_EVENTS, (struct text)TEXT("b"), text, &error));
    index_abandon(room->catalog);

    for (uint32_t i = 0; i < commits; i++)
        index_acknowledge(room->orders, one);
    flush(room);
    assert_int_equal(index_overlay_bytes(room->index), 0);
    put(room->catalog, INDEX_EVENTS, "b", "fits again");
}

static void a_value_larger_than_any_chunk_is_kept(void **state)
{
    struct room *room = *state;
    size_t size = 300000;
    char *value = malloc(size + 1);
    assert_non_null(value);
    memset(value, 'x', size);
    value[size] = '\0';
    commit(room->orders, "before", "1");
    commit(room->orders, "large", value);
    commit(room->orders, "after", "1");
    for (int i = 0; i < 3; i++)
        index_acknowledge(room->orders, one);
    assert_found(room->orders, "large", value);
    flush(room);
    assert_found(room->orders, "large", value);
    assert_found(room->orders, "before", "1");
    assert_found(room->orders, "after", "1");
    free(value);
}

static void the_map_grows_when_it_is_full(void **state)
{
    struct room *room = *state;
    char key[16], value[2000];
    memset(value, 'v', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (int i = 0; i < 4000; i++) { /* 8 MB into a map of 1 MB */
        snprintf(key, sizeof key, "%06d", i);
        commit(room->orders, key, value);
        index_acknowledge(room->orders, one);
        if (i % 1500 == 0)
            flush(room);
    }
    flush(room);
    assert_found(room->orders, "000000", value);
    room_reopen(room); /* the option is smaller than the file now */
    assert_false(room->wiped);
    assert_found(room->orders, "003999", value);
    commit(room->orders, "one more", value);
    index_acknowledge(room->orders, two);
    flush(room);
    assert_found(room->orders, "one more", value);
}

static void sixteen_contexts_fit_into_the_smallest_map(void **state)
{
    struct room *room = *state;
    const char *const names[] = {"orders", "catalog", "c2",  "c3",  "c4",  "c5",  "c6",  "c7", "c8",
                                 "c9",     "c10",     "c11", "c12", "c13", "c14", "c15", NULL};
    room_close(room);
    room->options.contexts = names;
    room->options.map_size_bytes = 4096;
    room_open(room);
    assert_false(room->wiped);
    for (const char *const *name = names; *name != NULL; name++) {
        struct index_context *context = index_context(room->index, *name);
        commit(context, "a", *name);
        index_acknowledge(context, one);
    }
    room_reopen(room);
    for (const char *const *name = names; *name != NULL; name++)
        assert_found(index_context(room->index, *name), "a", *name);
}

struct visited {
    char keys[64];
    size_t size;
    size_t left;
};

static bool note_key(void *self, struct text key, struct text value)
{
    struct visited *visited = self;
    assert_true(text_is(value, "v"));
    assert_true(visited->size + key.size + 2 <= sizeof visited->keys);
    memcpy(visited->keys + visited->size, key.bytes, key.size);
    visited->size += key.size;
    visited->keys[visited->size++] = ' ';
    visited->keys[visited->size] = '\0';
    return --visited->left > 0;
}

static const char *scan(struct index_context *context, const char *prefix, const char *from,
                        struct visited *visited)
{
    struct error error;
    visited->keys[visited->size = 0] = '\0';
    if (!index_scan(context, INDEX_ROOTS,
                    &(struct index_scan){.prefix = text_of(prefix),
                                         .from = text_of(from),
                                         .visit = note_key,
                                         .self = visited},
                    &error))
        fail_msg("%s", error.detail);
    return visited->keys;
}

static void a_scan_visits_the_flushed_keys_of_its_prefix_in_order(void **state)
{
    struct room *room = *state;
    struct visited all = {.left = 100}, few = {.left = 2};

    assert_string_equal(scan(room->orders, "", NULL, &all), "");
    for (const char *const *key = (const char *const[]){"b2", "a", "b1", "c", "b", "b3", NULL};
         *key != NULL; key++) {
        commit(room->orders, *key, "v");
        index_acknowledge(room->orders, one);
    }
    flush(room);
    commit(room->orders, "b9", "not flushed");
    assert_string_equal(scan(room->orders, "", NULL, &all), "a b b1 b2 b3 c ");
    assert_string_equal(scan(room->orders, "b", NULL, &all), "b b1 b2 b3 ");
    assert_string_equal(scan(room->orders, "b", "b2", &all), "b2 b3 ");
    assert_string_equal(scan(room->orders, "b", "b2x", &all), "b3 ");
    assert_string_equal(scan(room->orders, "b", "a", &all), "b b1 b2 b3 ");
    assert_string_equal(scan(room->orders, "b", "c", &all), "");
    assert_string_equal(scan(room->orders, "b", NULL, &few), "b b1 ");
    assert_string_equal(scan(room->orders, "z", NULL, &all), "");
    assert_string_equal(scan(room->catalog, "b", NULL, &all), "");
}

static bool remove_key(void *self, struct text key, struct text value)
{
    struct error error;
    (void)value;
    if (!index_put(self, INDEX_ROOTS, key, (struct text){0}, &error))
        fail_msg("%s", error.detail);
    return true;
}

static void a_scan_may_stage_commits_for_what_it_sees(void **state)
{
    struct room *room = *state;
    struct error error;
    put(room->orders, INDEX_ROOTS, "a", "v");
    commit(room->orders, "b", "v");
    index_acknowledge(room->orders, one);
    flush(room);
    assert_true(index_scan(room->orders, INDEX_ROOTS,
                           &(struct index_scan){.visit = remove_key, .self = room->orders},
                           &error));
    index_seal(room->orders);
    index_acknowledge(room->orders, two);
    flush(room);
    assert_absent(room->orders, "a");
    assert_absent(room->orders, "b");
}

/* LMDB keeps the pages of its largest transaction as long as it is open. */
static void a_large_flush_keeps_no_memory(void **state)
{
    struct room *room = *state;
    char key[16];
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i * 7919 % 5000);
        commit(room->orders, key, "0123456789012345678901234567890123456789012345678901234567890");
        index_acknowledge(room->orders, one);
    }
    flush(room);
    struct mallinfo2 after = mallinfo2();
    assert_true(after.uordblks < before.uordblks + 256 * 1024);
    assert_found(room->orders, "4999",
                 "0123456789012345678901234567890123456789012345678901234567890");
    commit(room->orders, "0", "newer");
    index_acknowledge(room->orders, two);
    flush(room);
    assert_found(room->orders, "0", "newer");
}

/* Bytes that this process has handed to write and its kin. */
static size_t written_bytes(void)
{
    char line[64];
    unsigned long long bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "wchar: %llu", &bytes) == 1)
            break;
    fclose(file);
    return (size_t)bytes;
}

/* So that each key lies on another page than the one before. */
static void read_scattered(struct room *room, int i)
{
    char key[16];
    snprintf(key, sizeof key, "%d", (int)((unsigned)i * 7919u % 60000u));
    commit(room->orders, key, "0123456789012345678901234567890123456789012345678901234567890");
    index_acknowledge(room->orders, one);
}

static void a_flush_changes_no_more_pages_than_were_foretold(void **state)
{
    struct room *room = *state;
    assert_int_equal(index_dirty_bytes(room->index), 0);
    for (int i = 0; i < 60000; i++) {
        read_scattered(room, i);
        if (index_is_swollen(room->index))
            flush(room);
    }
    flush(room);
    assert_int_equal(index_dirty_bytes(room->index), 0);

    int count = 0;
    for (; !index_is_swollen(room->index); count++)
        read_scattered(room, count * 37);
    size_t foretold = index_dirty_bytes(room->index), before = written_bytes();
    assert_in_range(foretold, INDEX_DIRTY_BYTES_MAX, INDEX_DIRTY_BYTES_MAX + 8192);
    flush(room);
    size_t written = written_bytes() - before;
    assert_in_range(written, foretold / 4, foretold);
    assert_false(index_is_swollen(room->index));
}

static void giving_memory_back_loses_nothing(void **state)
{
    struct room *room = *state;
    commit(room->orders, "a", "flushed");
    index_acknowledge(room->orders, one);
    flush(room);
    commit(room->orders, "b", "not flushed");
    index_give_back(room->index);
    assert_found(room->orders, "a", "flushed");
    assert_found(room->orders, "b", "not flushed");
    index_acknowledge(room->orders, two);
    flush(room);
    assert_position(room->orders, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, room_setup, room_teardown)
        TEST(what_is_staged_is_found_before_it_is_sealed),
        TEST(the_same_key_in_another_table_is_another_key),
        TEST(abandoning_brings_the_older_value_back),
        TEST(abandoning_nothing_changes_nothing),
        TEST(forgetting_throws_away_only_what_is_not_acknowledged),
        TEST(a_shift_reaches_what_is_not_acknowledged_and_no_other),
        TEST(work_goes_on_after_forgetting),
        TEST(a_flush_keeps_what_is_not_acknowledged),
        TEST(the_last_of_many_values_survives_a_flush),
        TEST(an_absent_value_removes),
        TEST(an_empty_value_is_not_an_absent_one),
        TEST(a_large_flush_keeps_no_memory),
        TEST(a_flush_changes_no_more_pages_than_were_foretold),
        TEST(giving_memory_back_loses_nothing),
        TEST(a_position_moves_without_a_commit),
        TEST(a_full_overlay_refuses_and_recovers_by_a_flush),
        TEST(a_value_larger_than_any_chunk_is_kept),
        TEST(the_map_grows_when_it_is_full),
        TEST(sixteen_contexts_fit_into_the_smallest_map),
        TEST(a_scan_visits_the_flushed_keys_of_its_prefix_in_order),
        TEST(a_scan_may_stage_commits_for_what_it_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
