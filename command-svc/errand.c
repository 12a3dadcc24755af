/* Calls the service gives itself. */
#include "command-svc/errand.h"

#include "command-svc/request_hash.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ERRAND_ARENA_MAX (1024 * 1024)

static void set_caller(struct caller *caller, const char *subject)
{
    size_t size = strlen(subject);

    assert(size < sizeof(caller->subject));
    memcpy(caller->subject, subject, size + 1);
    caller->roles = ROLE_SERVICE;
}

/* What follows from an event is of its trace. */
static void set_trace(struct trace_context *trace, const struct errand_order *order)
{
    memcpy(trace->trace_id, order->correlation_id.bytes, sizeof(trace->trace_id));
    memcpy(trace->span_id, order->command_id.bytes, sizeof(trace->span_id));
}

static bool fill(struct errand *errand, const struct errand_order *order, struct error *error)
{
    struct call *call = &errand->call;
    const struct command *command = order->command;

    *call = (struct call){
        .command = command,
        .arena = &errand->arena,
        .trace = &errand->trace,
        .deadline_boot_us = order->deadline_boot_us,
        .origin = errand,
        .input = order->input,
        .aggregate_id = arena_copy_text(&errand->arena, order->aggregate_id),
        .expected_version = -1,
        .keyed = true,
        .lasting = true,
        .command_id = order->command_id,
        .causation_id = order->causation_id,
        .correlation_id = order->correlation_id,
        .mark = {.offset = LOG_OFFSET_NONE},
    };
    if (call->input == NULL)
        call->input = arena_alloc_zeroed(&errand->arena, command->input->size + 1);
    set_caller(&call->caller, order->caller);
    set_trace(&errand->trace, order);
    if (call->input == NULL || call->aggregate_id.bytes == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "giving %s", command->name);
    if (command->part != NULL) {
        const struct field *field = record_find_field(command->input, command->part);
        call->part_id = *(const struct text *)((const char *)call->input + field->offset);
    }
    return request_hash(call, NULL) ||
           error_set(error, FAULT_LIMIT_EXCEEDED, "the input of %s", command->name);
}

struct errand *errand_create(const struct errand_order *order, struct error *error)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (errand == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "giving %s", order->command->name);
        return NULL;
    }
    arena_init(&errand->arena, ERRAND_ARENA_MAX);
    if (fill(errand, order, error))
        return errand;
    errand_destroy(errand);
    return NULL;
}

void errand_destroy(struct errand *errand)
{
    arena_done(&errand->arena);
    free(errand);
}
