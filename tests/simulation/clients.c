/* Attempts and who makes them. */
#include "tests/simulation/clients.h"

#include "command-svc/contexts.h"
#include "lib/log/partition.h"
#include "tests/simulation/passages.h"
#include "tests/simulation/world.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPT_ARENA_MAX (1024 * 1024)

struct crowd *crowd_create(struct world *world)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    assert(crowd != NULL);
    crowd->clients = calloc((size_t)world->plan.clients, sizeof(*crowd->clients));
    assert(crowd->clients != NULL);
    return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
    for (int i = 0; i < crowd->attempt_count; i++) {
        arena_done(&crowd->attempts[i]->arena);
        free(crowd->attempts[i]);
    }
    for (int i = 0; i < crowd->operation_count; i++)
        free(crowd->operations[i]);
    free(crowd->clients);
    free(crowd);
}

static const char *code_of(const struct call *call)
{
    switch (call->outcome) {
    case CALL_DONE: return "done";
    case CALL_REFUSED: return call->problem.code;
    case CALL_FAULTED: return fault_entry(call->fault)->code;
    case CALL_MISPLACED: return "misplaced";
    case CALL_RELAYED: return "relayed";
    case CALL_OPEN: break;
    }
    return "open";
}

static void hear_of(struct crowd *crowd, const struct call *call)
{
    const struct aggregate *aggregate = call->command->aggregate;

    for (int i = 0; i < crowd->known_count; i++)
        if (text_is(call->aggregate_id, crowd->known[i].id))
            return;
    assert(call->aggregate_id.size == ID_SIZE - 1);
    if (crowd->known_count == KNOWN_MAX)
        return;
    struct known *known = &crowd->known[crowd->known_count++];
    known->aggregate = aggregate;
    memcpy(known->id, call->aggregate_id.bytes, call->aggregate_id.size);
}

int crowd_count_known(const struct crowd *crowd, const struct aggregate *aggregate)
{
    int count = 0;

    for (int i = 0; i < crowd->known_count; i++)
        count += crowd->known[i].aggregate == aggregate;
    return count;
}

const char *crowd_draw_known(struct world *world, const struct aggregate *aggregate)
{
    const struct crowd *crowd = world->crowd;
    int count = crowd_count_known(crowd, aggregate);

    if (count == 0)
        return NULL;
    int number = (int)chance_draw(&world->chance, (uint64_t)count);
    for (int i = 0;; i++)
        if (crowd->known[i].aggregate == aggregate && number-- == 0)
            return crowd->known[i].id;
}

static void finish(struct call *call)
{
    struct attempt *attempt = call->origin;
    struct world *world = attempt->world;

    if (attempt->state != ATTEMPT_OPEN)
        world_fail(world, "attempt %d is answered twice", attempt->number);
    attempt->state = ATTEMPT_ENDED;
    attempt->ended_us = world_now_us(world);
    if (call->outcome == CALL_DONE && !attempt->other_body) {
        attempt->operation->done = true;
        hear_of(world->crowd, call);
    }
    world_say(world, "attempt %d of %d at process %d: %s, version %lld", attempt->number,
              attempt->operation->number, attempt->process, code_of(call),
              (long long)call->version);
}

static int context_of(const struct command *command)
{
    int context = 0;

    while (strcmp(contexts[context]->name, command->aggregate->context) != 0)
        context++;
    return context;
}

/* As accept.c does it. */
static void fill_call(struct attempt *attempt, const struct attempt_order *order,
                      const struct log_port *port)
{
    const struct operation *operation = attempt->operation;
    struct call *call = &attempt->call;
    struct world *world = attempt->world;
    char id[ID_SIZE];

    attempt->trace.trace_id[0] = 1;
    memcpy(&attempt->trace.trace_id[8], &attempt->number, sizeof(attempt->number));
    attempt->trace.span_id[0] = 1;
    *call = (struct call){
        .command = operation->command,
        .arena = &attempt->arena,
        .trace = &attempt->trace,
        .request_id = TEXT("simulated"),
        .deadline_boot_us = port->boot_us(port) + order->deadline_us - world_now_us(world),
        .origin = attempt,
        .finish = finish,
        .caller = {.roles = operation->roles},
        .expected_version = operation->expected_version,
        .keyed = operation->keyed || order->bound,
        .bound = order->bound,
        .bound_term = order->term,
        .context = context_of(operation->command),
        .command_id = operation->command_id,
        .mark = {.offset = LOG_OFFSET_NONE},
    };
    memcpy(call->caller.subject, operation->subject, strlen(operation->subject));
    memcpy(call->request_hash, operation->request_hash, REQUEST_HASH_SIZE);
    call->request_hash[0] ^= attempt->other_body ? 1 : 0;
    call->input = operation_read_input(operation, &attempt->arena);
    memcpy(id, operation->aggregate_id, sizeof(id));
    if (operation->command->effect == COMMAND_CREATES)
        operation_draw_id(world, &operation->command_id, id);
    call->aggregate_id = arena_copy_text(&attempt->arena, text_of(id));
    call->partition = log_partition_of(call->aggregate_id, world->plan.partitions);
    if (operation->command->part != NULL)
        call->part_id = text_of(operation->part_id);
}

struct attempt *attempt_send(struct world *world, const struct attempt_order *order)
{
    struct crowd *crowd = world->crowd;
    struct process *process = &world->processes[order->process];

    if (!process_is_up(process) || crowd->attempt_count == ATTEMPTS_MAX)
        return NULL;
    struct attempt *attempt = calloc(1, sizeof(*attempt));
    assert(attempt != NULL);
    *attempt = (struct attempt){
        .number = crowd->attempt_count,
        .world = world,
        .operation = order->operation,
        .process = order->process,
        .other_body = order->other_body,
        .sent_us = world_now_us(world),
        .ended_us = NEVER_US,
    };
    arena_init(&attempt->arena, ATTEMPT_ARENA_MAX);
    fill_call(attempt, order, process->port);
    if (!shard_submit(process->shard, &attempt->call, attempt->call.partition,
                      attempt->call.context)) {
        arena_done(&attempt->arena);
        free(attempt);
        return NULL;
    }
    crowd->attempts[crowd->attempt_count++] = attempt;
    world_say(world, "attempt %d of %d at process %d: %s %s %s", attempt->number,
              order->operation->number, order->process, order->operation->command->name,
              attempt->call.aggregate_id.bytes, order->operation->body);
    return attempt;
}

struct operation *operation_create(struct world *world)
{
    struct crowd *crowd = world->crowd;
    struct operation *operation = calloc(1, sizeof(*operation));

    assert(operation != NULL && crowd->operation_count < OPERATIONS_MAX);
    operation->number = crowd->operation_count;
    operation_draw(world, operation);
    crowd->operations[crowd->operation_count++] = operation;
    return operation;
}

static int64_t deadline_from_now_us(const struct world *world)
{
    return world_now_us(world) + world->plan.deadline_us;
}

static struct attempt *ask(struct world *world, struct operation *operation, int process)
{
    return attempt_send(world, &(struct attempt_order){
                                   .operation = operation,
                                   .process = process,
                                   .deadline_us = deadline_from_now_us(world),
                               });
}

static void attempt_again(struct world *world, struct client *client)
{
    const struct process *process = &world->processes[client->process];

    if (!process_is_up(process) || chance_percent(&world->chance, 5))
        client->process = (int)chance_draw(&world->chance, (uint64_t)world->plan.processes);
    client->attempt = ask(world, client->operation, client->process);
    client->patience_us =
        world_now_us(world) + chance_between(&world->chance, 1, 2 * world->plan.deadline_us);
}

/* Something new, or an old operation once more: the answer must be the same. */
static void begin(struct world *world, struct client *client)
{
    struct crowd *crowd = world->crowd;
    struct operation *old = NULL;
    int fresh = crowd->operation_count;

    if (crowd->operation_count > 0 && chance_percent(&world->chance, 15))
        old = crowd->operations[chance_draw(&world->chance, (uint64_t)crowd->operation_count)];
    if (old != NULL && old->keyed && !old->passed) {
        if (old->done && chance_percent(&world->chance, 20))
            (void)attempt_send(world, &(struct attempt_order){
                                          .operation = old,
                                          .process = client->process,
                                          .other_body = true,
                                          .deadline_us = deadline_from_now_us(world),
                                      });
        client->operation = old;
    } else if (crowd->operation_count < OPERATIONS_MAX) {
        client->operation = operation_create(world);
    }
    if (client->operation != NULL && client->operation->number == fresh &&
        passage_begin(world, client))
        return;
    if (client->operation != NULL)
        attempt_again(world, client);
}

bool attempt_is_definite(const struct attempt *attempt)
{
    enum call_outcome outcome = attempt->call.outcome;

    return attempt->state == ATTEMPT_ENDED && (outcome == CALL_DONE || outcome == CALL_REFUSED);
}

/* Whom to ask next: the one that the last one points to, or any. */
static int draw_process(struct world *world, const struct attempt *attempt)
{
    const struct process *process = &world->processes[attempt->process];
    const struct call *call = &attempt->call;
    struct serving_process owner;

    if (call->outcome == CALL_MISPLACED && process_is_up(process) &&
        process->neighbours.port != NULL &&
        neighbours_find(&process->neighbours, contexts[call->context]->name, call->partition,
                        &owner))
        return owner.number;
    return (int)chance_draw(&world->chance, (uint64_t)world->plan.processes);
}

static void go_on(struct world *world, struct client *client)
{
    const struct operation *operation = client->operation;
    bool asked = client->attempt != NULL;

    if (asked && attempt_is_definite(client->attempt)) {
        client->operation = NULL;
    } else if ((asked && !operation->keyed && client->attempt->call.outcome != CALL_MISPLACED) ||
               chance_percent(&world->chance, 20)) {
        client->operation = NULL; /* gives up */
    } else {
        if (asked)
            client->process = draw_process(world, client->attempt);
        attempt_again(world, client);
        return;
    }
    client->attempt = NULL;
}

void crowd_act(struct world *world)
{
    struct client *client =
        &world->crowd->clients[chance_draw(&world->chance, (uint64_t)world->plan.clients)];

    if (client->operation == NULL)
        begin(world, client);
    else if (client->operation->passed)
        passage_act(world, client);
    else if (client->attempt == NULL || client->attempt->state != ATTEMPT_OPEN ||
             world_now_us(world) >= client->patience_us)
        go_on(world, client);
}

void crowd_process_died(struct world *world, int process)
{
    struct crowd *crowd = world->crowd;

    for (int i = 0; i < crowd->attempt_count; i++) {
        struct attempt *attempt = crowd->attempts[i];
        if (attempt->state == ATTEMPT_OPEN && attempt->process == process)
            attempt->state = ATTEMPT_LOST;
    }
}

struct attempt *crowd_probe(struct world *world, int process, int32_t partition)
{
    struct operation *operation = operation_create(world);
    char id[ID_SIZE];

    /* In this partition, whatever it is. */
    do {
        operation->command_id.bytes[0]++;
        operation_draw_id(world, &operation->command_id, id);
    } while (log_partition_of(text_of(id), world->plan.partitions) != partition);
    memcpy(operation->aggregate_id, id, sizeof(id));
    return ask(world, operation, process);
}
