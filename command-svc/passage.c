/* What is sent on, and what comes back. */
#include "command-svc/passage.h"

#include "lib/core/clock.h"
#include <assert.h>
#include <string.h>

#define MARGIN_US_MAX 50000 /* of the deadline: the owner's answer must still get back */

/* there */

static int64_t left_ms(const struct call *call, int64_t boot_us)
{
    int64_t left_us = call->deadline_boot_us - boot_us, margin_us = left_us / 10;

    return (left_us - (margin_us < MARGIN_US_MAX ? margin_us : MARGIN_US_MAX)) / 1000;
}

static bool put_header(struct passage *passage, size_t *count, const char *name, const char *value)
{
    assert(*count < PASSAGE_HEADERS_MAX);
    passage->headers[(*count)++] = (struct web_exchange_header){name, value};
    return value != NULL;
}

/* What the client said, as it said it. */
static bool put_headers_of_client(struct passage *passage, size_t *count)
{
    static const char *const names[] = {"Authorization", "Content-Type", "Idempotency-Key",
                                        "If-Match"};
    struct arena *arena = passage->call->arena;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct text value = web_request_header(passage->request, names[i]);
        if (value.bytes != NULL &&
            !put_header(passage, count, names[i], arena_copy_text(arena, value).bytes))
            return false;
    }
    return true;
}

static bool put_headers(struct passage *passage, const struct forwarded_key *key, int64_t boot_us)
{
    const struct call *call = passage->call;
    struct arena *arena = call->arena;
    const char *method = web_request_method(passage->request);
    const char *path = web_request_path(passage->request);
    struct trace_context trace;
    char parent[TRACE_PARENT_SIZE];
    size_t count = 0;
    struct forwarded forwarded = {
        .term = passage->to.term,
        .left_ms = left_ms(call, boot_us),
        .until_wall_ms = clock_wall_us() / 1000 + left_ms(call, boot_us),
        .drawn = web_request_header(passage->request, "Idempotency-Key").bytes == NULL,
        .command_id = call->command_id,
    };

    trace_child(call->trace, &trace);
    trace_format(&trace, parent);
    bool put = put_headers_of_client(passage, &count) &&
               put_header(passage, &count, "X-Request-ID",
                          arena_copy_text(arena, call->request_id).bytes) &&
               put_header(passage, &count, "traceparent", arena_print(arena, "%s", parent)) &&
               put_header(passage, &count, FORWARDED_HEADER,
                          forwarded_write(&forwarded, key, method, path, arena));
    passage->headers[count] = (struct web_exchange_header){0};
    return put;
}

bool passage_write(struct passage *passage, const struct forwarded_key *key, int64_t boot_us)
{
    char *url = arena_print(passage->call->arena, "http://%s%s", passage->to.address,
                            web_request_path(passage->request));

    if (url == NULL || !put_headers(passage, key, boot_us))
        return false;
    passage->exchange = (struct web_exchange){
        .method = web_request_method(passage->request),
        .url = url,
        .headers = passage->headers,
        .body = web_request_body(passage->request),
        .deadline_boot_us = passage->call->deadline_boot_us,
    };
    return true;
}

void passage_note_unresolved(struct passage *passage)
{
    if (passage->to.term > passage->unresolved_term)
        passage->unresolved_term = passage->to.term;
    passage->call->copied = true;
}

bool passage_is_unresolved(const struct passage *passage)
{
    return passage->unresolved_term != LOG_OFFSET_NONE;
}

/* and back */

static bool keep_header(struct passage *passage, struct relayed *relayed, const char *name)
{
    struct text value = web_exchange_header(&passage->exchange, name);

    if (value.bytes == NULL)
        return true;
    struct text copy = arena_copy_text(passage->call->arena, value);
    if (copy.bytes == NULL)
        return false;
    if (strcmp(name, "Content-Type") == 0)
        relayed->content_type = copy.bytes;
    else
        relayed->headers[relayed->header_count++] = (struct relayed_header){name, copy.bytes};
    return true;
}

static bool relay(struct passage *passage)
{
    static const char *const names[] = {"Content-Type",    "Location",    "ETag",
                                        "Sijang-Position", "Retry-After", "WWW-Authenticate"};
    struct arena *arena = passage->call->arena;
    struct relayed *relayed = arena_alloc_zeroed(arena, sizeof(*relayed));

    if (relayed == NULL)
        return false;
    relayed->status = passage->exchange.status;
    relayed->body = arena_copy_text(arena, passage->exchange.answer);
    if (relayed->body.bytes == NULL)
        return false;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!keep_header(passage, relayed, names[i]))
            return false;
    call_relay(passage->call, relayed);
    return true;
}

static bool is_fault(const struct web_exchange *exchange, enum fault fault)
{
    return exchange->status == fault_entry(fault)->http_status &&
           problem_has_code(exchange->answer, fault_entry(fault)->code);
}

/* With an older copy out, an answer must come from the log: one with a position has looked there
 * for the command's id first. An acceptance is of whichever copy; a refusal counts if the term it
 * was decided under makes the older copy void. */
static bool is_final(const struct passage *passage)
{
    if (!passage_is_unresolved(passage))
        return true;
    if (web_exchange_header(&passage->exchange, "Sijang-Position").bytes == NULL)
        return false;
    return passage->exchange.status / 100 == 2 || passage->unresolved_term < passage->to.term;
}

enum passage_verdict passage_read(struct passage *passage)
{
    const struct web_exchange *exchange = &passage->exchange;

    if (exchange->status == problem_not_owner.status || is_fault(exchange, FAULT_SHUTTING_DOWN))
        return PASSAGE_TURNED_AWAY;
    if (is_final(passage))
        return relay(passage) ? PASSAGE_FINAL : PASSAGE_UNCERTAIN;
    return exchange->status == 503 ? PASSAGE_TURNED_AWAY : PASSAGE_UNCERTAIN;
}
