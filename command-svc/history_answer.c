/* A page of a stream as JSON. */
#include "command-svc/history.h"
#include "command-svc/history_accept.h"
#include "lib/log/event_json.h"
#include "lib/web/etag.h"

#define BODY_BYTES_MAX ((size_t)2 * 1024 * 1024)

static bool set_headers(struct web_request *request, const struct history *history,
                        const char **ret_etag)
{
    struct arena *arena = web_request_arena(request);
    char *mark = arena_alloc(arena, POSITION_TEXT_SIZE);

    *ret_etag = arena_print(arena, "\"%lld\"", (long long)history->version);
    if (mark == NULL || *ret_etag == NULL)
        return false;
    if (history->mark.offset != LOG_OFFSET_NONE) {
        log_mark_format(&history->mark, mark);
        web_header(request, "Sijang-Position", mark);
    }
    return true;
}

static void write_page(const struct history *history, struct arena *arena, struct buffer *out)
{
    const struct aggregate *aggregate = history->aggregate;
    int64_t next = history->from_version + (int64_t)history->event_count;
    struct log_mark mark = history->mark;
    char *source = arena_print(arena, "/%s/%s", aggregate->context, aggregate->name);

    out->failed = out->failed || source == NULL;
    buffer_print(out, "{\"context\":\"%s\",\"type\":\"%s\",\"id\":\"%.*s\",\"version\":%lld,",
                 aggregate->context, aggregate->name, TEXT_ARGS(history->id),
                 (long long)history->version);
    buffer_put_string(out, "\"items\":[");
    for (size_t i = 0; i < history->event_count; i++) {
        history->events[i].event.source = text_of(source);
        mark.offset = history->events[i].commit_offset;
        if (i > 0)
            buffer_put_byte(out, ',');
        event_json_write(aggregate->event_records, &history->events[i].event, &mark, arena, out);
    }
    buffer_put_byte(out, ']');
    if (history->event_count > 0 && next <= history->version)
        buffer_print(out, ",\"next_from_version\":%lld", (long long)next);
    buffer_put_byte(out, '}');
}

static struct text render_page(const struct history *history, struct arena *arena)
{
    struct buffer CLEANUP(buffer_done) body;
    struct text copy = {0};

    buffer_init(&body, BODY_BYTES_MAX);
    write_page(history, arena, &body);
    if (!body.failed)
        copy = arena_copy_text(arena, buffer_text(&body));
    return copy;
}

static void answer_page(struct web_request *request, const struct history *history)
{
    struct text body = TEXT("");
    const char *etag;
    int status = 304;

    if (!set_headers(request, history, &etag)) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    if (!etag_matches(web_request_header(request, "If-None-Match"), etag)) {
        body = render_page(history, web_request_arena(request));
        status = 200;
    }
    if (body.bytes == NULL) {
        web_fault(request, FAULT_LIMIT_EXCEEDED);
        return;
    }
    web_header(request, "ETag", etag);
    web_answer(request, status, status == 200 ? "application/json" : NULL, body);
}

void history_answer(struct web_request *request, void *state)
{
    const struct history *history = state;

    if (history->fault != FAULT_NONE)
        web_fault(request, history->fault);
    else if (history->problem != NULL)
        web_problem(request, history->problem);
    else
        answer_page(request, history);
}
