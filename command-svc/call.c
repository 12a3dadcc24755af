/* Calls: queues of them, and their outcomes. */
#include "command-svc/call.h"

#include <assert.h>

void call_push(struct call_queue *queue, struct call *call)
{
    call->next = NULL;
    if (queue->last != NULL)
        queue->last->next = call;
    else
        queue->first = call;
    queue->last = call;
    queue->count++;
}

struct call *call_pop(struct call_queue *queue)
{
    struct call *call = queue->first;

    if (call == NULL)
        return NULL;
    queue->first = call->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    call->next = NULL;
    return call;
}

void call_done(struct call *call, int64_t version)
{
    call->outcome = CALL_DONE;
    call->version = version;
}

void call_refuse(struct call *call, const struct refusal *refusal)
{
    call->outcome = CALL_REFUSED;
    call->problem = (struct problem){
        .status = refusal->status,
        .code = refusal->code,
        .title = refusal->text,
    };
}

void call_refuse_problem(struct call *call, const struct problem *problem)
{
    call->outcome = CALL_REFUSED;
    call->problem = *problem;
}

void call_fault(struct call *call, enum fault fault)
{
    assert(fault != FAULT_NONE);
    call->outcome = CALL_FAULTED;
    call->fault = fault;
}

void call_misplace(struct call *call)
{
    call->outcome = CALL_MISPLACED;
}

void call_relay(struct call *call, const struct relayed *relayed)
{
    call->outcome = CALL_RELAYED;
    call->relayed = relayed;
}

bool call_is_late(const struct call *call, int64_t boot_us)
{
    return boot_us >= call->deadline_boot_us;
}
