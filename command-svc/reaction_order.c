/* From the operator to every shard: each looks after the partitions it serves. */
#include "command-svc/reaction_order.h"

#include "command-svc/answer.h"
#include "command-svc/contexts.h"
#include "command-svc/deployment.h"
#include "command-svc/forwarded.h"
#include "command-svc/reaction.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/log/owners.h"
#include "lib/log/partition.h"
#include "lib/record/json.h"
#include <string.h>

struct order_input {
    struct text sender;
    struct optional_integer version;
    struct optional_boolean discard;
    struct text reason;
};

static const struct field input_fields[] = {
    {FIELD_AT(order_input, sender), .kind = FIELD_TEXT, .optional = true, .min = 1, .max = 100},
    {FIELD_AT(order_input, version), .kind = FIELD_INTEGER, .optional = true, .min = 1,
     .max = INT64_MAX},
    {FIELD_AT(order_input, discard), .kind = FIELD_BOOLEAN, .optional = true},
    {FIELD_AT(order_input, reason), .kind = FIELD_TEXT, .min = 1, .max = 50},
};

static const struct record input_record = {
    .name = "ReleaseInput",
    .size = sizeof(struct order_input),
    .fields = input_fields,
    .field_count = COUNT_OF(input_fields),
};

static const struct problem problem_no_reaction = {
    .status = 404, .code = "reaction_not_found", .title = "There is no such reaction."};

static bool find_reaction(const struct web_request *request, struct reaction_order *order)
{
    struct text context = web_request_param(request, "context");
    struct text name = web_request_param(request, "reaction");

    for (order->context = 0; contexts[order->context] != NULL; order->context++) {
        const struct reaction *const *all = contexts[order->context]->reactions;
        if (all == NULL || !text_is(context, contexts[order->context]->name))
            continue;
        for (order->reaction = 0; all[order->reaction] != NULL; order->reaction++)
            if (text_is(name, all[order->reaction]->name))
                return true;
    }
    return false;
}

/* False: it is answered. */
static bool read_order(struct web_request *request, struct reaction_order *order)
{
    struct json_reading reading = {.arena = web_request_arena(request)};
    struct order_input input = {.reason = {.bytes = NULL}};
    struct problem problem = problem_invalid_fields;

    switch (json_read(&input_record, web_request_body(request), &reading, &input)) {
    case JSON_OK:
        order->discard = input.discard.present && input.discard.value;
        order->version = input.version.present ? input.version.value : 0;
        memcpy(order->reason, input.reason.bytes, input.reason.size);
        if (input.sender.bytes != NULL)
            memcpy(order->sender, input.sender.bytes, input.sender.size);
        return true;
    case JSON_INVALID:
        problem.errors = &reading.errors;
        web_problem(request, &problem);
        return false;
    case JSON_MALFORMED: web_problem(request, &problem_malformed_json); return false;
    case JSON_OUT_OF_MEMORY: web_fault(request, FAULT_OUT_OF_MEMORY); return false;
    }
    return false;
}

bool reaction_order_admit(struct web_request *request, struct reaction_order *ret_order)
{
    const struct service *service = web_request_user(request);
    const struct problem *problem;
    struct caller caller;

    *ret_order = (struct reaction_order){.context = 0};
    if (!web_authenticate(service->auth, request, &caller, &problem)) {
        web_problem(request, problem);
        return false;
    }
    problem = NULL;
    if ((caller.roles & ROLE_ADMIN) == 0)
        problem = &problem_forbidden;
    else if (!find_reaction(request, ret_order))
        problem = &problem_no_reaction;
    else if (hosting_find(&service->hosting, ret_order->context) < 0)
        problem = &problem_context_not_hosted;
    if (problem != NULL)
        web_problem(request, problem);
    memcpy(ret_order->actor, caller.subject, sizeof(ret_order->actor));
    return problem == NULL;
}

/* An order about one sender is no use anywhere else. */
static bool is_served_here(const struct service *service, const struct reaction_order *order)
{
    struct owners *owners = deployment_ownership(service->deployment)->owners;
    int32_t partition =
        log_partition_of(text_of(order->sender), (int32_t)service->config->partitions);
    struct owner owner;

    return owners_find(owners, contexts[order->context]->name, partition, &owner) &&
           uuid_equal(&owner.incarnation, &service->incarnation);
}

static void accept_order(struct web_request *request, const void *unused)
{
    const struct service *service = web_request_user(request);
    struct reaction_order order;
    bool taken = true;
    (void)unused;

    if (!reaction_order_admit(request, &order) || !read_order(request, &order))
        return;
    if (order.sender[0] != '\0' && !is_served_here(service, &order)) {
        web_problem(request, &problem_not_owner);
        return;
    }
    for (int64_t i = 0; i < service->config->shards; i++)
        taken = shard_order(service->shards[i].shard, &order) && taken;
    if (taken)
        web_answer(request, 202, "application/json", text_of("{}"));
    else
        web_fault(request, FAULT_OVERLOADED);
}

const struct web_route reaction_routes[] = {
    {.method = "POST",
     .path = "/v1/reactions/{context}/{reaction}/release",
     .handle = accept_order},
    {0},
};
