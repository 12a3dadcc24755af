/* Metrics: what Prometheus reads. */
#include "lib/core/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct metric done_a = {.name = "sijang_done_total",
                               .help = "Done.\nWith a \\.",
                               .kind = METRIC_COUNTER,
                               .labels = "kind=\"a\""};
static struct metric done_b = {.name = "sijang_done_total",
                               .help = "Done.\nWith a \\.",
                               .kind = METRIC_COUNTER,
                               .labels = "kind=\"b\""};
static struct metric waiting = {
    .name = "sijang_waiting", .help = "Waiting now.", .kind = METRIC_GAUGE};
static struct metric took = {.name = "sijang_took_seconds",
                             .help = "How long it took.",
                             .kind = METRIC_HISTOGRAM,
                             .labels = "kind=\"a\""};

static struct metric *const list[] = {&done_a, &done_b, &waiting, &took, NULL};

static int count_of(const char *text, const char *word)
{
    int count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

static void rendered_metrics_are_in_the_text_format(void **unused)
{
    (void)unused;
    metric_add(&done_a, 2);
    metric_add(&done_a, 1);
    metric_add(&done_b, 7);
    metric_set(&waiting, 5);
    metric_add(&waiting, -6);
    metric_observe_us(&took, -3);
    metric_observe_us(&took, 1);
    metric_observe_us(&took, 2);
    metric_observe_us(&took, 3);
    metric_observe_us(&took, 1000000);
    metric_observe_us(&took, INT64_C(1) << 40);

    struct buffer out;
    buffer_init(&out, 100000);
    metrics_render(list, &out);
    buffer_put_byte(&out, '\0');
    assert_false(out.failed);
    const char *text = (const char *)out.bytes;
    assert_int_equal(count_of(text, "# TYPE sijang_done_total counter\n"), 1);
    assert_non_null(strstr(text, "# HELP sijang_done_total Done.\\nWith a \\\\.\n"));
    assert_non_null(strstr(text, "\nsijang_done_total{kind=\"a\"} 3\n"));
    assert_non_null(strstr(text, "\nsijang_done_total{kind=\"b\"} 7\n"));
    assert_non_null(strstr(text, "\nsijang_waiting -1\n"));
    assert_non_null(strstr(text, "# TYPE sijang_took_seconds histogram\n"));
    const char *prefix = "sijang_took_seconds_bucket{kind=\"a\",le=";
    assert_int_equal(count_of(text, prefix), METRIC_BUCKETS + 1);
    assert_non_null(strstr(text, "kind=\"a\",le=\"0.000001\"} 2\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"0.000002\"} 3\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"0.000004\"} 4\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"0.524288\"} 4\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"1.048576\"} 5\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"134.217728\"} 5\n"));
    assert_non_null(strstr(text, "kind=\"a\",le=\"+Inf\"} 6\n"));
    assert_non_null(strstr(text, "sijang_took_seconds_sum{kind=\"a\"} 1099512.627782\n"));
    assert_non_null(strstr(text, "sijang_took_seconds_count{kind=\"a\"} 6\n"));
    buffer_done(&out);
}

static void a_bucket_holds_its_own_bound(void **unused)
{
    (void)unused;
    for (int i = 0; i < METRIC_BUCKETS; i++) {
        struct metric histogram = {.name = "x", .help = "x", .kind = METRIC_HISTOGRAM};
        metric_observe_us(&histogram, INT64_C(1) << i);
        assert_int_equal(histogram.buckets[i], 1);
        metric_observe_us(&histogram, (INT64_C(1) << i) + 1);
        int64_t above = i + 1 < METRIC_BUCKETS ? histogram.buckets[i + 1] : 1;
        assert_int_equal(above, 1);
        assert_int_equal(histogram.value, 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rendered_metrics_are_in_the_text_format),
        cmocka_unit_test(a_bucket_holds_its_own_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
