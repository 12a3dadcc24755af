/* As command-svc/forward.c does it, without HTTP. */
#include "tests/simulation/passages.h"

#include "command-svc/contexts.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/world.h"

#define PERCENT_PASSED 40

bool passage_begin(struct world *world, struct client *client)
{
    const struct process *home = &world->processes[client->process];
    struct operation *operation = client->operation;

    if (!process_is_up(home) || home->neighbours.port == NULL ||
        !chance_percent(&world->chance, PERCENT_PASSED))
        return false;
    operation->passed = true;
    operation->unknown_term = -1;
    client->home_starts = home->starts;
    client->patience_us = world_now_us(world) + world->plan.deadline_us;
    client->attempt = attempt_send(world, &(struct attempt_order){
                                              .operation = operation,
                                              .process = client->process,
                                              .deadline_us = client->patience_us,
                                          });
    return true;
}

static void end(struct client *client)
{
    client->operation = NULL;
    client->attempt = NULL;
}

static void note_unknown(const struct client *client)
{
    const struct call *call = &client->attempt->call;
    struct operation *operation = client->operation;

    if (call->bound && call->bound_term > operation->unknown_term)
        operation->unknown_term = call->bound_term;
}

/* To the owner as this process knows it, if it knows one newer than `than`. */
static void send_copy(struct world *world, struct client *client, int64_t than)
{
    const struct process *home = &world->processes[client->process];
    const struct call *call = &client->attempt->call;
    struct serving_process owner;

    if (!neighbours_find(&home->neighbours, contexts[call->context]->name, call->partition,
                         &owner) ||
        owner.term <= than)
        return;
    if (client->attempt->state != ATTEMPT_ENDED)
        note_unknown(client);
    struct attempt *copy = attempt_send(world, &(struct attempt_order){
                                                   .operation = client->operation,
                                                   .process = owner.number,
                                                   .bound = true,
                                                   .term = owner.term,
                                                   .deadline_us = client->patience_us,
                                               });
    if (copy != NULL)
        client->attempt = copy;
}

/* Under a newer term than that of every copy of unknown fate, any answer is final. */
static void take_answer(struct world *world, struct client *client)
{
    const struct call *call = &client->attempt->call;
    struct operation *operation = client->operation;

    if (call->outcome == CALL_MISPLACED) {
        send_copy(world, client, -1);
        return;
    }
    if (attempt_is_definite(client->attempt) &&
        (operation->unknown_term < 0 ||
         (call->bound && call->bound_term > operation->unknown_term)))
        operation->final = client->attempt;
    end(client);
}

void passage_act(struct world *world, struct client *client)
{
    const struct process *home = &world->processes[client->process];
    const struct attempt *attempt = client->attempt;
    int64_t now_us = world_now_us(world);

    if (!process_is_up(home) || home->starts != client->home_starts || attempt == NULL ||
        now_us >= client->patience_us)
        end(client);
    else if (now_us < home->stalled_until_us)
        return;
    else if (attempt->state == ATTEMPT_ENDED)
        take_answer(world, client);
    else if (attempt->call.bound)
        send_copy(world, client, attempt->call.bound_term);
}
