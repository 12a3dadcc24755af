/* From another process's reactions to the shard here. */
#include "command-svc/errand_accept.h"

#include "command-svc/contexts.h"
#include "command-svc/errand.h"
#include "command-svc/errand_letter.h"
#include "command-svc/service.h"
#include "command-svc/shard_thread.h"
#include "lib/core/clock.h"
#include "lib/log/partition.h"
#include "lib/record/avro.h"
#include <string.h>

/* In the request's arena. */
struct visit {
    struct web_request *request;
    char answer[ERRAND_ANSWER_SIZE];
};

static void answer(struct web_request *request, void *state)
{
    const struct visit *visit = state;

    web_answer(request, 200, "text/plain", text_of(visit->answer));
}

/* On the shard's thread. */
static void finish(struct call *call)
{
    struct errand *errand = call->origin;
    struct visit *visit = errand->about;

    errand_answer_write(call, visit->answer);
    errand_destroy(errand);
    web_resume(visit->request);
}

/* Signed by one of us, for exactly this body. */
static bool is_genuine(const struct web_request *request, const struct service *service,
                       struct forwarded *ret_forwarded)
{
    char digest[ERRAND_DIGEST_SIZE];

    errand_letter_digest(web_request_body(request), digest);
    return text_is(web_request_param(request, "digest"), digest) &&
           forwarded_read(web_request_header(request, FORWARDED_HEADER), &service->forwarded_key,
                          web_request_method(request), web_request_path(request), ret_forwarded);
}

static const struct command *find_command(const struct errand_letter *letter, int *ret_context)
{
    for (int c = 0; contexts[c] != NULL; c++) {
        if (!text_is(letter->context, contexts[c]->name))
            continue;
        *ret_context = c;
        for (const struct command *const *k = contexts[c]->commands; *k != NULL; k++)
            if (text_is(letter->command, (*k)->name))
                return *k;
    }
    return NULL;
}

static struct uuid uuid_of(struct text bytes)
{
    struct uuid id;

    memcpy(id.bytes, bytes.bytes, sizeof(id.bytes));
    return id;
}

/* NULL: it is not understood, by this version at least. */
static struct errand *read_errand(const struct web_request *request, struct arena *arena,
                                  int64_t deadline_boot_us, int *ret_context)
{
    struct errand_letter letter;

    if (!errand_letter_read(web_request_body(request), arena, &letter))
        return NULL;
    const struct command *command = find_command(&letter, ret_context);
    struct text actor = arena_copy_text(arena, letter.actor);
    if (command == NULL || actor.bytes == NULL || actor.size >= CALLER_SUBJECT_SIZE)
        return NULL;
    void *input = arena_alloc_zeroed(arena, command->input->size + 1);
    if (input == NULL || !avro_decode(command->input, letter.input, arena, input, NULL))
        return NULL;
    return errand_create(
        &(struct errand_order){
            .command = command,
            .caller = actor.bytes,
            .aggregate_id = letter.aggregate_id,
            .input = input,
            .command_id = uuid_of(letter.command_id),
            .causation_id = uuid_of(letter.causation_id),
            .correlation_id = uuid_of(letter.correlation_id),
            .deadline_boot_us = deadline_boot_us,
        },
        NULL);
}

static void submit(struct visit *visit, const struct service *service, struct errand *errand,
                   int context)
{
    struct call *call = &errand->call;
    struct shard *shard;

    errand->about = visit;
    call->finish = finish;
    call->context = context;
    call->partition = log_partition_of(call->aggregate_id, (int32_t)service->config->partitions);
    web_suspend(visit->request, answer, visit);
    if (hosting_find(&service->hosting, context) < 0) {
        call_misplace(call);
        finish(call);
        return;
    }
    shard = service->shards[call->partition % service->config->shards].shard;
    if (shard_submit(shard, call, call->partition, context))
        return;
    call_fault(call, FAULT_OVERLOADED);
    finish(call);
}

static void accept_errand(struct web_request *request, const void *unused)
{
    const struct service *service = web_request_user(request);
    struct arena *arena = web_request_arena(request);
    struct visit *visit = arena_alloc_zeroed(arena, sizeof(*visit));
    struct forwarded forwarded;
    int context;
    (void)unused;

    if (visit == NULL) {
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return;
    }
    if (!is_genuine(request, service, &forwarded)) {
        web_problem(request, &problem_forged);
        return;
    }
    visit->request = request;
    struct errand *errand =
        read_errand(request, arena, clock_boot_us() + forwarded.left_ms * 1000, &context);
    if (errand == NULL) {
        web_fault(request, FAULT_SCHEMA_UNKNOWN);
        return;
    }
    submit(visit, service, errand, context);
}

const struct web_route errand_routes[] = {
    {.method = "POST", .path = ERRAND_PATH "{digest}", .handle = accept_errand},
    {0},
};
