/* Problem documents as RFC 9457 and the clients' page want them. */
#include "lib/web/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_written(const struct problem *problem, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 10000);
    problem_write(problem, text_of("req-1"), &out);
    assert_false(out.failed);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.bytes, expected, out.size);
    buffer_done(&out);
}

static void a_bare_problem_has_type_title_status_code_and_request(void **unused)
{
    (void)unused;
    assert_written(&problem_not_found,
                   "{\"type\":\"urn:sijang:problem:not_found\",\"title\":\"There is nothing "
                   "here.\",\"status\":404,\"code\":\"not_found\",\"request_id\":\"req-1\"}");
}

static void detail_and_field_errors_are_escaped_and_in_order(void **unused)
{
    (void)unused;
    static const struct field_errors errors = {
        .entries = {{"title", "too_long", "At most 64."}, {"a\"b", "unknown", "No \n such."}},
        .count = 2,
    };
    struct problem problem = problem_invalid_fields;
    problem.detail = "Say \"when\".";
    problem.errors = &errors;
    assert_written(
        &problem,
        "{\"type\":\"urn:sijang:problem:invalid_fields\",\"title\":\"Some fields are not valid.\","
        "\"status\":422,\"code\":\"invalid_fields\",\"detail\":\"Say \\\"when\\\".\",\"errors\":["
        "{\"field\":\"title\",\"code\":\"too_long\",\"message\":\"At most 64.\"},"
        "{\"field\":\"a\\\"b\",\"code\":\"unknown\",\"message\":\"No \\n such.\"}],"
        "\"request_id\":\"req-1\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_problem_has_type_title_status_code_and_request),
        cmocka_unit_test(detail_and_field_errors_are_escaped_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
