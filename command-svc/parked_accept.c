/* Asks one partition after the other, each on its shard's thread, and answers when all have. */
#include "command-svc/parked_accept.h"

#include "command-svc/parked.h"
#include "command-svc/reaction.h"
#include "command-svc/reaction_order.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"

#define BODY_BYTES_MAX ((size_t)256 * 1024)

static void write_member(struct buffer *out, const char *name, struct text value)
{
    buffer_print(out, ",\"%s\":", name);
    buffer_put_json_string(out, value);
}

static void write_event(const struct parked_event *event, struct buffer *out)
{
    buffer_print(out, "{\"partition\":%d", (int)event->partition);
    write_member(out, "type", event->aggregate);
    write_member(out, "id", event->id);
    buffer_print(out, ",\"version\":%lld", (long long)event->version);
    write_member(out, "step", event->step);
    write_member(out, "reason", event->reason);
    buffer_put_byte(out, '}');
}

static void write_list(const struct parked_list *list, struct buffer *out)
{
    buffer_print(out, "{\"context\":\"%s\",\"reaction\":\"%s\",\"items\":[",
                 list->inquiry.context->name, list->reaction);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buffer_put_byte(out, ',');
        write_event(&list->events[i], out);
    }
    buffer_print(out, "],\"more\":%s}", list->more ? "true" : "false");
}

static void answer(struct web_request *request, void *state)
{
    const struct parked_list *list = state;
    struct buffer CLEANUP(buffer_done) body;
    struct text copy = {0};

    if (list->inquiry.fault != FAULT_NONE) {
        web_fault(request, list->inquiry.fault);
        return;
    }
    buffer_init(&body, BODY_BYTES_MAX);
    write_list(list, &body);
    if (!body.failed)
        copy = arena_copy_text(web_request_arena(request), buffer_text(&body));
    if (copy.bytes == NULL)
        web_fault(request, FAULT_LIMIT_EXCEEDED);
    else
        web_answer(request, 200, "application/json", copy);
}

static bool ask(struct history *inquiry, const struct service *service)
{
    struct shard *shard = service->shards[inquiry->partition % service->config->shards].shard;

    if (shard_look_up(shard, inquiry, inquiry->partition, inquiry->context_number))
        return true;
    inquiry->fault = FAULT_OVERLOADED;
    return false;
}

/* On the shard's thread that was asked last. */
static void finish(struct history *inquiry)
{
    const struct service *service = web_request_user(inquiry->origin);
    const struct parked_list *list = inquiry->subject;

    inquiry->partition++;
    if (inquiry->fault != FAULT_NONE || list->more ||
        inquiry->partition == service->config->partitions || !ask(inquiry, service))
        web_resume(inquiry->origin);
}

static struct parked_list *create_list(struct web_request *request,
                                       const struct reaction_order *named)
{
    struct arena *arena = web_request_arena(request);
    struct parked_list *list = arena_alloc_zeroed(arena, sizeof(*list));

    if (list == NULL)
        return NULL;
    list->reaction = contexts[named->context]->reactions[named->reaction]->name;
    list->inquiry = (struct history){
        .arena = arena,
        .request_id = web_request_id(request),
        .deadline_boot_us = web_request_deadline_boot_us(request),
        .origin = request,
        .look_up = parked_look_up,
        .finish = finish,
        .context = contexts[named->context],
        .context_number = named->context,
        .subject = list,
    };
    return list;
}

static void accept_list(struct web_request *request, const void *unused)
{
    struct reaction_order named;
    (void)unused;

    if (!reaction_order_admit(request, &named))
        return;
    struct parked_list *list = create_list(request, &named);
    if (list == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    web_suspend(request, answer, list);
    if (!ask(&list->inquiry, web_request_user(request)))
        web_resume(request);
}

const struct web_route parked_routes[] = {
    {.method = "GET", .path = "/v1/reactions/{context}/{reaction}/parked", .handle = accept_list},
    {0},
};
