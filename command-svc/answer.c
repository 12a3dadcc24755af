/* The end of the pipeline: an outcome as an HTTP answer. */
#include "command-svc/answer.h"

#include "command-svc/call.h"
#include "command-svc/passage.h"
#include <assert.h>

const struct problem problem_context_not_hosted = {
    .status = 421,
    .code = "context_not_hosted",
    .title = "This process does not host the context. Ask one that does.",
};

static struct text created_id(const struct call *call)
{
    return call->command->effect == COMMAND_CREATES_PART ? call->part_id : call->aggregate_id;
}

static void answer_done(struct web_request *request, const struct call *call)
{
    struct arena *arena = web_request_arena(request);
    bool created = call->command->effect != COMMAND_CHANGES;
    struct text id = created ? created_id(call) : call->aggregate_id;
    char digits[TEXT_INTEGER_SIZE];
    const struct text version = text_of_integer(call->version, digits), quote = TEXT("\"");
    const struct text object[] = {TEXT("{\"id\":\""), id, TEXT("\",\"version\":"), version,
                                  TEXT("}")};
    const struct text path[] = {text_of(web_request_path(request)), TEXT("/"), id};
    char *body = arena_join(arena, object, 5);
    char *tag = arena_join(arena, (const struct text[]){quote, version, quote}, 3);
    char *location = created ? arena_join(arena, path, 3) : NULL;

    if (body == NULL || tag == NULL || (created && location == NULL)) {
        web_fault(request, FAULT_OUTCOME_UNKNOWN);
        return;
    }
    web_header(request, "ETag", tag);
    if (created)
        web_header(request, "Location", location);
    web_answer(request, created ? 201 : 200, "application/json", text_of(body));
}

static void answer_relayed(struct web_request *request, const struct relayed *relayed)
{
    for (size_t i = 0; i < relayed->header_count; i++)
        web_header(request, relayed->headers[i].name, relayed->headers[i].value);
    web_answer(request, relayed->status, relayed->content_type, relayed->body);
}

/* Only where the outcome is sure. */
static bool tells_position(const struct call *call)
{
    return call->mark.offset != LOG_OFFSET_NONE &&
           (call->outcome == CALL_DONE || call->outcome == CALL_REFUSED);
}

void call_answer(struct web_request *request, void *state)
{
    const struct call *call = state;
    char *mark = arena_alloc(web_request_arena(request), POSITION_TEXT_SIZE);

    if (mark != NULL && tells_position(call)) {
        log_mark_format(&call->mark, mark);
        web_header(request, "Sijang-Position", mark);
    }
    switch (call->outcome) {
    case CALL_DONE: answer_done(request, call); break;
    case CALL_REFUSED: web_problem(request, &call->problem); break;
    case CALL_FAULTED: web_fault(request, call->fault); break;
    case CALL_MISPLACED: web_problem(request, &problem_not_owner); break;
    case CALL_RELAYED: answer_relayed(request, call->relayed); break;
    case CALL_OPEN: assert(false);
    }
}
