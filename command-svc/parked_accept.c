/* Asks one partition after the other, each on its shard's thread, and answers when all have. */
#include "command-svc/parked_accept.h"

#include "command-svc/deployment.h"
#include "command-svc/parked.h"
#include "command-svc/reaction.h"
#include "command-svc/reaction_order.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/log/owners.h"
#include "lib/record/json.h"
#include <string.h>

#define BODY_BYTES_MAX ((size_t)256 * 1024)
#define NEXT_BYTES_MAX 1024

struct list_input {
    int64_t limit;
    struct text from;
};

static const struct field input_fields[] = {
    {FIELD_AT(list_input, limit), .kind = FIELD_INTEGER, .min = 1, .max = PARKED_EVENTS_MAX},
    {FIELD_AT(list_input, from), .kind = FIELD_TEXT, .min = 1, .max = 500},
};

static const struct record input_record = {
    .name = "ParkedListInput",
    .size = sizeof(struct list_input),
    .fields = input_fields,
    .field_count = COUNT_OF(input_fields),
};

static void write_member(struct buffer *out, const char *name, struct text value)
{
    buffer_print(out, ",\"%s\":", name);
    buffer_put_json_string(out, value);
}

static void write_owner(const struct parked_list *list, int32_t partition, struct buffer *out)
{
    const struct service *service = web_request_user(list->inquiry.origin);
    struct owners *owners = deployment_ownership(service->deployment)->owners;
    struct owner owner;

    if (owners_find(owners, list->inquiry.context->name, partition, &owner))
        write_member(out, "owner", text_of(owner.address));
}

static void write_event(const struct parked_list *list, const struct parked_event *event,
                        struct buffer *out)
{
    buffer_print(out, "{\"partition\":%d", (int)event->partition);
    write_owner(list, event->partition, out);
    write_member(out, "type", event->aggregate);
    write_member(out, "id", event->id);
    buffer_print(out, ",\"version\":%lld", (long long)event->version);
    write_member(out, "step", event->step);
    write_member(out, "reason", event->reason);
    buffer_put_byte(out, '}');
}

/* What read_from reads: behind this one. */
static void write_next(const struct parked_event *last, struct buffer *out)
{
    struct buffer CLEANUP(buffer_done) next;

    buffer_init(&next, NEXT_BYTES_MAX);
    buffer_print(&next, "%d/%lld/%.*s", (int)last->partition, (long long)last->place + 1,
                 TEXT_ARGS(last->id));
    write_member(out, "next", buffer_text(&next));
}

static void write_list(const struct parked_list *list, struct buffer *out)
{
    buffer_print(out, "{\"context\":\"%s\",\"reaction\":\"%s\",\"items\":[",
                 list->inquiry.context->name, list->reaction);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            buffer_put_byte(out, ',');
        write_event(list, &list->events[i], out);
    }
    buffer_print(out, "],\"more\":%s", list->more ? "true" : "false");
    if (list->more)
        write_next(&list->events[list->count - 1], out);
    buffer_put_byte(out, '}');
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

/* "PARTITION/PLACE/SENDER" */
static bool read_from(struct parked_list *list, struct text from, int64_t partitions)
{
    int64_t *const numbers[] = {&list->from_partition, &list->from_place};

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        const char *slash = memchr(from.bytes, '/', from.size);
        if (slash == NULL)
            return false;
        struct text number = {from.bytes, (size_t)(slash - from.bytes)};
        if (!text_to_integer(number, numbers[i]) || *numbers[i] < 0)
            return false;
        from.size -= number.size + 1;
        from.bytes = slash + 1;
    }
    list->from = from;
    return from.size > 0 && list->from_partition < partitions;
}

/* False: it is answered. */
static bool read_input(struct web_request *request, struct parked_list *list)
{
    const struct service *service = web_request_user(request);
    struct json_reading reading = {.arena = web_request_arena(request)};
    struct list_input input = {.limit = PARKED_EVENTS_MAX};
    struct problem problem = problem_invalid_fields;
    bool valid = true;

    for (size_t i = 0; i < COUNT_OF(input_fields); i++) {
        const char *name = input_fields[i].name;
        struct text given = web_request_query(request, name);
        if (given.bytes != NULL &&
            json_set_text(&input_record, name, given, &reading, &input) != JSON_OK)
            valid = false;
    }
    list->limit = (size_t)input.limit;
    if (valid && input.from.bytes != NULL &&
        !read_from(list, input.from, service->config->partitions)) {
        reading.errors.entries[reading.errors.count++] =
            (struct field_error){"from", "bad_format", "Must be the \"next\" of another page."};
        valid = false;
    }
    problem.errors = &reading.errors;
    if (!valid)
        web_problem(request, &problem);
    return valid;
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
    if (!read_input(request, list))
        return;
    list->inquiry.partition = (int32_t)list->from_partition;
    web_suspend(request, answer, list);
    if (!ask(&list->inquiry, web_request_user(request)))
        web_resume(request);
}

const struct web_route parked_routes[] = {
    {.method = "GET", .path = "/v1/reactions/{context}/{reaction}/parked", .handle = accept_list},
    {0},
};
