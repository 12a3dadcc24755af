/* Envelopes come back as they were written; what strangers write is told apart. */
#include "lib/log/envelope_wire.h"

#include "lib/log/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HEADERS_MAX 100

/* A port that has one message: the headers below. */
static struct log_header headers[HEADERS_MAX];
static size_t header_count;

static bool get_header(const struct log_port *port, const struct log_message *message, size_t index,
                       struct log_header *ret_header)
{
    (void)port;
    (void)message;
    if (index >= header_count)
        return false;
    *ret_header = headers[index];
    return true;
}

static const struct log_port port = {.header = get_header};
static struct envelope envelope;

static struct log_event full_event(void)
{
    struct log_event event = {
        .key = TEXT("product-1"),
        .type = TEXT("sijang.catalog.ProductListed"),
        .source = TEXT("/catalog/product"),
        .subject = TEXT("product-1"),
        .time_us = INT64_C(1767225600123456),
        .version = 42,
        .actor = TEXT("seller:가게"),
        .payload = TEXT("payload"),
        .trace = {.trace_id = {1}, .span_id = {2}, .flags = 1},
    };

    memset(event.id.bytes, 0x11, sizeof(event.id.bytes));
    memset(event.command_id.bytes, 0x22, sizeof(event.command_id.bytes));
    memset(event.correlation_id.bytes, 0x33, sizeof(event.correlation_id.bytes));
    memset(event.causation_id.bytes, 0x44, sizeof(event.causation_id.bytes));
    memset(event.request_hash, 0xa5, sizeof(event.request_hash));
    return event;
}

static void write_full(void)
{
    struct log_event event = full_event();
    struct log_fence fence = {.term = 1234567890123, .seq = 77, .index = 2, .count = 3};

    envelope_write(&event, &fence, &envelope);
    header_count = envelope.count;
    memcpy(headers, envelope.headers, header_count * sizeof(headers[0]));
}

static enum envelope_kind read_back(struct log_event *ret_event)
{
    struct log_message message = {
        .offset = 9,
        .append_time_us = 5,
        .key = TEXT("product-1"),
        .value = TEXT("payload"),
    };

    return envelope_read(&port, &message, ret_event);
}

static struct log_header *header_named(const char *name)
{
    for (size_t i = 0; i < header_count; i++)
        if (text_is(headers[i].name, name))
            return &headers[i];
    fail_msg("no header %s", name);
    return NULL;
}

static void expect_void_with(const char *name, const char *value)
{
    struct log_event event;

    write_full();
    header_named(name)->value = text_of(value);
    if (read_back(&event) != ENVELOPE_MALFORMED)
        fail_msg("%s: %s was accepted", name, value);
}

static void an_envelope_comes_back_as_it_was(void **unused)
{
    struct log_event event, written = full_event();

    (void)unused;
    write_full();
    assert_true(text_is(headers[0].name, "ce_fence"));
    assert_true(text_is(headers[0].value, "1234567890123.77.2.3"));
    assert_int_equal(header_count, ENVELOPE_HEADERS_MAX);
    assert_int_equal(read_back(&event), ENVELOPE_FENCED);
    assert_true(text_equal(event.key, written.key));
    assert_true(text_equal(event.type, written.type));
    assert_true(text_equal(event.source, written.source));
    assert_true(text_equal(event.subject, written.subject));
    assert_true(text_equal(event.actor, written.actor));
    assert_true(text_equal(event.payload, written.payload));
    assert_int_equal(event.time_us, written.time_us);
    assert_int_equal(event.version, written.version);
    assert_true(uuid_equal(&event.id, &written.id));
    assert_true(uuid_equal(&event.command_id, &written.command_id));
    assert_true(uuid_equal(&event.correlation_id, &written.correlation_id));
    assert_true(uuid_equal(&event.causation_id, &written.causation_id));
    assert_memory_equal(event.request_hash, written.request_hash, REQUEST_HASH_SIZE);
    assert_memory_equal(event.trace.trace_id, written.trace.trace_id, 16);
    assert_int_equal(event.fence.term, 1234567890123);
    assert_int_equal(event.fence.seq, 77);
    assert_int_equal(event.fence.index, 2);
    assert_int_equal(event.fence.count, 3);
    assert_int_equal(event.offset, 9);
    assert_int_equal(event.append_time_us, 5);
}

static void what_is_absent_stays_absent(void **unused)
{
    struct log_event event = full_event(), back;
    struct log_fence fence = {.term = 0, .seq = 1, .index = 1, .count = 1};

    (void)unused;
    event.actor = (struct text){0};
    memset(&event.causation_id, 0, sizeof(event.causation_id));
    memset(&event.trace, 0, sizeof(event.trace));
    envelope_write(&event, &fence, &envelope);
    header_count = envelope.count;
    memcpy(headers, envelope.headers, header_count * sizeof(headers[0]));
    assert_int_equal(header_count, ENVELOPE_HEADERS_MAX - 3);
    assert_int_equal(read_back(&back), ENVELOPE_FENCED);
    assert_null(back.actor.bytes);
    assert_true(uuid_equal(&back.causation_id, &event.causation_id));
}

static void a_malformed_fence_is_void(void **unused)
{
    static const char *const wrong[] = {
        "",
        ".",
        "...",
        "1.2.3",
        "1.2.3.",
        "1.2.3.4.5",
        "1.2.3.4 ",
        " 1.2.3.4",
        "-1.2.3.4",
        "1.+2.3.4",
        "1..3.4",
        "a.2.3.4",
        "1.2.3.4x",
        "99999999999999999999.1.1.1",
        "1.2.3.4294967297",
        "9223372036854775808.1.1.1",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_void_with("ce_fence", wrong[i]);
}

static void a_malformed_attribute_is_void(void **unused)
{
    (void)unused;
    expect_void_with("ce_specversion", "0.3");
    expect_void_with("ce_id", "not-a-uuid");
    expect_void_with("ce_type", "");
    expect_void_with("ce_source", "\xff\xfe");
    expect_void_with("ce_time", "yesterday");
    expect_void_with("ce_version", "0");
    expect_void_with("ce_version", "-3");
    expect_void_with("ce_version", "1.5");
    expect_void_with("ce_commandid", "");
    expect_void_with("ce_requesthash", "a5");
    expect_void_with("ce_requesthash", "zza5a5a5a5a5a5a5a5a5a5a5a5a5a5a5");
    expect_void_with("ce_correlationid", "x");
    expect_void_with("ce_actor", NULL);
}

static void a_missing_required_attribute_is_void(void **unused)
{
    static const char *const required[] = {
        "ce_fence",   "ce_specversion", "ce_id",      "ce_type",      "ce_source",
        "ce_subject", "ce_time",        "ce_version", "ce_commandid",
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
        struct log_event event;
        write_full();
        header_named(required[i])->name = text_of("x-renamed");
        if (read_back(&event) != ENVELOPE_MALFORMED)
            fail_msg("accepted without %s", required[i]);
    }
}

static void the_fence_must_be_the_first_header(void **unused)
{
    struct log_event event;

    (void)unused;
    write_full();
    struct log_header first = headers[0];
    headers[0] = headers[1];
    headers[1] = first;
    assert_int_equal(read_back(&event), ENVELOPE_MALFORMED);
}

static void an_attribute_given_twice_is_void(void **unused)
{
    struct log_event event;

    (void)unused;
    write_full();
    headers[header_count++] = *header_named("ce_id");
    assert_int_equal(read_back(&event), ENVELOPE_MALFORMED);
}

static void unknown_headers_are_passed_over_up_to_a_limit(void **unused)
{
    struct log_event event;

    (void)unused;
    write_full();
    while (header_count < 64)
        headers[header_count++] =
            (struct log_header){.name = TEXT("x-other"), .value = TEXT("\x00\xff")};
    assert_int_equal(read_back(&event), ENVELOPE_FENCED);
    headers[header_count++] = (struct log_header){.name = TEXT("x-other")};
    assert_int_equal(read_back(&event), ENVELOPE_MALFORMED);
}

static void a_record_without_headers_is_void(void **unused)
{
    struct log_event event;

    (void)unused;
    header_count = 0;
    assert_int_equal(read_back(&event), ENVELOPE_MALFORMED);
}

static void a_strange_trace_does_not_void_a_record(void **unused)
{
    struct log_event event;

    (void)unused;
    write_full();
    header_named("traceparent")->value = text_of("cc-from-the-future");
    assert_int_equal(read_back(&event), ENVELOPE_FENCED);
}

static void a_claim_comes_back_as_it_was(void **unused)
{
    struct platform_claim claim = {.partition_count = 8}, back;
    struct uuid id = uuid_v7();
    struct buffer payload;
    struct log_event event;

    (void)unused;
    claim.incarnation = uuid_v7();
    claim.log = uuid_v7();
    buffer_init(&payload, 1024);
    assert_true(platform_write_claim(&claim, &id, &payload, &envelope));
    header_count = envelope.count;
    memcpy(headers, envelope.headers, header_count * sizeof(headers[0]));
    assert_int_equal(read_back(&event), ENVELOPE_CLAIM);
    assert_true(platform_read_claim(buffer_text(&payload), &back));
    assert_true(uuid_equal(&back.incarnation, &claim.incarnation));
    assert_true(uuid_equal(&back.log, &claim.log));
    assert_int_equal(back.partition_count, 8);
    buffer_done(&payload);
}

static void what_is_no_claim_is_not_taken_for_one(void **unused)
{
    struct platform_claim claim = {.partition_count = 0}, back;
    struct uuid id = uuid_v7();
    struct buffer payload;

    (void)unused;
    buffer_init(&payload, 1024);
    assert_true(platform_write_claim(&claim, &id, &payload, &envelope));
    assert_false(platform_read_claim(buffer_text(&payload), &back));
    claim.partition_count = 8;
    assert_true(platform_write_claim(&claim, &id, &payload, &envelope));
    struct text whole = buffer_text(&payload);
    assert_true(platform_read_claim(whole, &back));
    for (size_t size = 0; size < whole.size; size++)
        assert_false(platform_read_claim((struct text){.bytes = whole.bytes, .size = size}, &back));
    assert_false(platform_read_claim((struct text){0}, &back));
    buffer_done(&payload);
}

static void a_barrier_is_a_fenced_record_without_a_key(void **unused)
{
    struct log_message message = {.offset = 1};
    struct log_fence fence = {.term = 0, .seq = 1, .index = 1, .count = 1};
    struct platform_entry entry = {.kind = PLATFORM_BARRIER, .id = uuid_v7()};
    struct buffer payload;
    struct log_event barrier, event;

    (void)unused;
    buffer_init(&payload, 1024);
    assert_true(platform_write(&entry, &payload, &barrier, NULL));
    envelope_write(&barrier, &fence, &envelope);
    header_count = envelope.count;
    memcpy(headers, envelope.headers, header_count * sizeof(headers[0]));
    assert_int_equal(envelope_read(&port, &message, &event), ENVELOPE_FENCED);
    assert_true(text_is(event.type, ENVELOPE_BARRIER_TYPE));
    buffer_done(&payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_comes_back_as_it_was),
        cmocka_unit_test(what_is_absent_stays_absent),
        cmocka_unit_test(a_malformed_fence_is_void),
        cmocka_unit_test(a_malformed_attribute_is_void),
        cmocka_unit_test(a_missing_required_attribute_is_void),
        cmocka_unit_test(the_fence_must_be_the_first_header),
        cmocka_unit_test(an_attribute_given_twice_is_void),
        cmocka_unit_test(unknown_headers_are_passed_over_up_to_a_limit),
        cmocka_unit_test(a_record_without_headers_is_void),
        cmocka_unit_test(a_strange_trace_does_not_void_a_record),
        cmocka_unit_test(a_claim_comes_back_as_it_was),
        cmocka_unit_test(what_is_no_claim_is_not_taken_for_one),
        cmocka_unit_test(a_barrier_is_a_fenced_record_without_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
