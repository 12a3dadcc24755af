/* Arenas: alignment, limits, and what a reset keeps. */
#include "lib/core/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE_MAX_HERE (1024 * 1024)

static void pieces_are_aligned_and_do_not_overlap(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, SIZE_MAX_HERE);
    uint8_t *pieces[500];
    for (size_t i = 0; i < 500; i++) {
        pieces[i] = arena_alloc(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i & 0xff), i);
    }
    for (size_t i = 0; i < 500; i++) {
        for (size_t at = 0; at < i; at++)
            assert_int_equal(pieces[i][at], i & 0xff);
    }
    arena_done(&arena);
}

static void more_than_the_limit_is_refused_and_the_rest_still_fits(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, 1000);
    assert_non_null(arena_alloc(&arena, 512));
    assert_null(arena_alloc(&arena, 512));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 8));
    assert_non_null(arena_alloc(&arena, 480));
    assert_null(arena_alloc(&arena, 1));
    assert_true(arena.used <= arena.size_max);
    arena_done(&arena);
}

/* Under the sanitizers too, memory that is not there is NULL and not the end. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void memory_that_ran_out_is_null_and_the_arena_goes_on(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2, SIZE_MAX / 4};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct text text = {.bytes = "", .size = sizes[i]};
        assert_null(arena_alloc(&arena, sizes[i]));
        assert_null(arena_copy_text(&arena, text).bytes);
        assert_non_null(arena_alloc_zeroed(&arena, 100));
    }
    assert_int_equal(arena.used, 4 * 112);
    arena_done(&arena);
}

static void copies_and_prints_fail_softly_at_the_limit(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, 16);
    assert_null(arena_copy(&arena, "12345678901234567", 17));
    assert_null(arena_copy_text(&arena, text_of("1234567890123456")).bytes);
    assert_null(arena_print(&arena, "%s", "1234567890123456"));
    assert_null(arena_alloc_zeroed(&arena, 17));
    char *fits = arena_print(&arena, "%s", "123456789012345");
    assert_string_equal(fits, "123456789012345");
    arena_done(&arena);
}

/* Every length meets every fill of a block: in its place, at its end, beyond it. */
static void what_is_printed_is_whole_wherever_the_block_ends(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, SIZE_MAX_HERE);
    for (int width = 1; width < 300; width++) {
        char *before = arena_print(&arena, "%d", width);
        char *printed = arena_print(&arena, "%0*d", width, 7);
        assert_non_null(before);
        assert_non_null(printed);
        assert_int_equal(strlen(printed), width);
        assert_int_equal(printed[width - 1], '7');
        assert_int_equal(strspn(printed, "0"), width - 1);
        assert_int_equal(atoi(before), width);
    }
    arena_done(&arena);
}

static void a_reset_gives_the_first_block_again(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, SIZE_MAX_HERE);
    void *first = arena_alloc(&arena, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_alloc(&arena, 5000));
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    arena_done(&arena);
    arena_done(&arena);
    assert_null(arena.first);
}

static void a_reset_gives_back_the_whole_limit(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, 10000);
    for (int turn = 0; turn < 100; turn++) {
        assert_non_null(arena_alloc(&arena, 9000));
        assert_null(arena_alloc(&arena, 9000));
        arena_reset(&arena);
    }
    arena_done(&arena);
}

static void copied_text_ends_in_nul_and_absent_text_becomes_empty(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, SIZE_MAX_HERE);
    struct text copy = arena_copy_text(&arena, (struct text){.bytes = "abcdef", .size = 3});
    assert_string_equal(copy.bytes, "abc");
    assert_int_equal(copy.size, 3);
    assert_string_equal(arena_copy_text(&arena, (struct text){0}).bytes, "");
    assert_memory_equal(arena_copy(&arena, "xyz", 3), "xyz", 3);
    uint8_t *zeroed = arena_alloc_zeroed(&arena, 64);
    for (int i = 0; i < 64; i++)
        assert_int_equal(zeroed[i], 0);
    arena_done(&arena);
}

static void pieces_are_joined_without_what_is_absent(void **unused)
{
    (void)unused;
    struct arena arena;
    arena_init(&arena, 64);
    const struct text pieces[] = {TEXT("a/"), {.bytes = "bcd", .size = 2}, {0}, TEXT("!")};
    assert_string_equal(arena_join(&arena, pieces, 4), "a/bc!");
    assert_string_equal(arena_join(&arena, pieces, 0), "");
    const struct text long_one[] = {TEXT("0123456789012345678901234567890123456789")};
    assert_null(arena_join(&arena, long_one, 1));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(more_than_the_limit_is_refused_and_the_rest_still_fits),
        cmocka_unit_test(memory_that_ran_out_is_null_and_the_arena_goes_on),
        cmocka_unit_test(copies_and_prints_fail_softly_at_the_limit),
        cmocka_unit_test(what_is_printed_is_whole_wherever_the_block_ends),
        cmocka_unit_test(a_reset_gives_the_first_block_again),
        cmocka_unit_test(a_reset_gives_back_the_whole_limit),
        cmocka_unit_test(pieces_are_joined_without_what_is_absent),
        cmocka_unit_test(copied_text_ends_in_nul_and_absent_text_becomes_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
