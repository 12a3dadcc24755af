/* The three paths every process answers. */
#include "lib/web/probes.h"

#include <stddef.h>

#define METRICS_SIZE_MAX (1024 * 1024)
#define READY_SIZE_MAX   16384

static const struct web_probes *probes;

void web_probes_set(const struct web_probes *all)
{
    static struct web_probes kept;
    kept = *all;
    probes = &kept;
}

static void answer_with(struct web_request *request, int status, const char *content_type,
                        const struct buffer *out)
{
    struct text body = {0};
    if (!out->failed)
        body = arena_copy_text(web_request_arena(request), buffer_text(out));
    if (body.bytes == NULL)
        web_fault(request, FAULT_OUT_OF_MEMORY);
    else
        web_answer(request, status, content_type, body);
}

static void answer_health(struct web_request *request, const void *unused)
{
    (void)unused;
    static const struct text body = TEXT("{\"alive\":true}");
    web_answer(request, 200, "application/json", body);
}

static void answer_ready(struct web_request *request, const void *unused)
{
    (void)unused;
    struct buffer why CLEANUP(buffer_done);
    struct buffer out CLEANUP(buffer_done);
    buffer_init(&why, READY_SIZE_MAX);
    buffer_init(&out, READY_SIZE_MAX);
    bool ready = probes == NULL || probes->ready == NULL || probes->ready(probes->self, &why);
    buffer_put_string(&out, ready ? "{\"ready\":true" : "{\"ready\":false");
    if (why.size > 0)
        buffer_put_byte(&out, ',');
    buffer_put_text(&out, buffer_text(&why));
    buffer_put_byte(&out, '}');
    if (why.failed)
        out.failed = true;
    answer_with(request, ready ? 200 : 503, "application/json", &out);
}

static void answer_metrics(struct web_request *request, const void *unused)
{
    (void)unused;
    struct buffer out CLEANUP(buffer_done);
    buffer_init(&out, METRICS_SIZE_MAX);
    if (probes != NULL && probes->metrics != NULL)
        metrics_render(probes->metrics, &out);
    answer_with(request, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

const struct web_route web_probe_routes[] = {
    {.method = "GET", .path = "/health", .handle = answer_health},
    {.method = "GET", .path = "/ready", .handle = answer_ready},
    {.method = "GET", .path = "/metrics", .handle = answer_metrics},
    {0},
};
