/* W3C trace context in and out. */
#include "lib/core/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define EXAMPLE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void the_example_of_the_standard_survives_the_round_trip(void **unused)
{
    (void)unused;
    struct trace_context context;
    assert_true(trace_parse(text_of(EXAMPLE), &context));
    assert_int_equal(context.trace_id[0], 0x4b);
    assert_int_equal(context.span_id[7], 0xb7);
    assert_int_equal(context.flags, 1);
    char string[TRACE_PARENT_SIZE];
    trace_format(&context, string);
    assert_string_equal(string, EXAMPLE);
}

static void anything_else_is_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {
        "",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
    };
    struct trace_context context;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(trace_parse(text_of(bad[i]), &context));
    assert_false(trace_parse((struct text){0}, &context));
}

static void a_child_keeps_the_trace_and_has_a_span_of_its_own(void **unused)
{
    (void)unused;
    struct trace_context parent, child, other;
    trace_start(&parent);
    trace_start(&other);
    trace_child(&parent, &child);
    assert_memory_equal(parent.trace_id, child.trace_id, 16);
    assert_memory_not_equal(parent.span_id, child.span_id, 8);
    assert_memory_not_equal(parent.trace_id, other.trace_id, 16);
    assert_int_equal(child.flags, parent.flags);
    char string[TRACE_PARENT_SIZE];
    trace_format(&child, string);
    struct trace_context again;
    assert_true(trace_parse(text_of(string), &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_standard_survives_the_round_trip),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_child_keeps_the_trace_and_has_a_span_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
