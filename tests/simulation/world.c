/* Steps until the plan is done, then a calm in which everything must come to its end. */
#include "tests/simulation/world.h"

#include "command-svc/contexts.h"
#include "command-svc/readiness.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/history.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/mishaps.h"
#include "tests/simulation/network.h"
#include "tests/simulation/room.h"
#include "tests/simulation/verdict.h"
#include "tests/support/sim_group.h"
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALM_STEPS_MAX 40000
#define CALM_STEP_US   5000
#define REST_STEPS     100
#define PROBES_MAX     200
#define PROBE_STEPS    20 /* between probes */

int64_t world_now_us(const struct world *world)
{
    return sim_broker_boot_us(world->broker);
}

void world_say(const struct world *world, const char *format, ...)
{
    va_list arguments;

    if (!world->verbose)
        return;
    printf("%lld ", (long long)world_now_us(world));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

void world_fail(const struct world *world, const char *format, ...)
{
    va_list arguments;

    printf("seed %llu: ", (unsigned long long)world->seed);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    _exit(1);
}

static void turn_one(struct world *world)
{
    struct process *process =
        &world->processes[chance_draw(&world->chance, (uint64_t)world->plan.processes)];
    int64_t now_us = world_now_us(world);

    if (!process_is_up(process) && now_us >= process->restart_us)
        process_start(process);
    else if (process_is_up(process) && now_us >= process->stalled_until_us)
        process_turn(process);
}

static void step(struct world *world)
{
    uint64_t dice = chance_draw(&world->chance, 100);

    sim_broker_pass(world->broker,
                    1 + (int64_t)chance_draw(&world->chance, (uint64_t)world->plan.step_us_max));
    if (dice < 40)
        turn_one(world);
    else if (dice < 80)
        network_act(world);
    else
        crowd_act(world);
    mishaps_strike(world);
    mishaps_pass(world);
}

static bool has_open_calls(const struct world *world)
{
    for (int i = 0; i < world->plan.processes; i++)
        if (shard_open_calls(world->processes[i].shard) > 0)
            return true;
    return false;
}

static bool all_is_read(const struct world *world)
{
    for (int i = 0; i < world->plan.processes; i++) {
        struct readiness status = {0};
        shard_add_readiness(world->processes[i].shard, &status);
        if (status.stopped > 0)
            world_fail(world, "process %d has stopped a partition", i);
        if (status.behind > 0)
            return false;
    }
    return true;
}

static void flow(struct world *world)
{
    sim_broker_pass(world->broker, CALM_STEP_US);
    network_flow(world);
    for (int p = 0; p < world->plan.processes; p++)
        process_turn(&world->processes[p]);
}

/* Everything works, everyone is up: calls end. */
static void wait_for_answers(struct world *world)
{
    for (int i = 0; i < CALM_STEPS_MAX; i++) {
        flow(world);
        if (!has_open_calls(world))
            return;
    }
    world_fail(world, "calls do not end");
}

/* Nothing goes on by itself any more, and everybody has read the log to its end. */
static void wait_for_rest(struct world *world)
{
    struct history history;

    for (int i = 0; i < CALM_STEPS_MAX; i++) {
        flow(world);
        if (i % REST_STEPS != 0 || has_open_calls(world) || !all_is_read(world))
            continue;
        history_read(&history, world);
        bool rests = room_rests(&history);
        history_done(&history);
        if (rests)
            return;
    }
    world_say(world, "does not come to rest");
}

static void end_mishaps(struct world *world)
{
    world->broker_down_until_us = 0;
    if (world->leader_behind_until_us != 0)
        world->leader_behind_until_us = 1;
    mishaps_pass(world);
    for (int i = 0; i < world->plan.processes; i++) {
        struct process *process = &world->processes[i];
        process->disk_full_until_us = process->deaf_until_us = process->mute_until_us = 0;
        if (!process_is_up(process))
            process_start(process);
    }
}

/* Who asks when all is well gets an answer. */
static void probe(struct world *world)
{
    struct attempt *attempts[PROCESSES_MAX];

    for (int32_t partition = 0; partition < world->plan.partitions; partition++) {
        bool answered = false;
        for (int tries = 0; tries < PROBES_MAX && !answered; tries++) {
            for (int i = 0; i < world->plan.processes; i++)
                attempts[i] = crowd_probe(world, i, partition);
            wait_for_answers(world);
            for (int i = 0; i < PROBE_STEPS; i++)
                flow(world);
            for (int i = 0; i < world->plan.processes; i++)
                answered = answered || (attempts[i] != NULL && attempt_is_definite(attempts[i]));
        }
        if (!answered)
            world_fail(world, "nobody answers for partition %d", (int)partition);
    }
}

static void count(const struct world *world, const struct history *history)
{
    struct census *census = world->census;

    census->commits += (uint64_t)history->commit_count;
    census->voids += (uint64_t)history->void_count;
    census->attempts += (uint64_t)world->crowd->attempt_count;
    for (int i = 0; i < world->crowd->attempt_count; i++) {
        const struct attempt *attempt = world->crowd->attempts[i];
        const struct call *call = &attempt->call;
        bool unknown = call->outcome == CALL_FAULTED && call->fault == FAULT_OUTCOME_UNKNOWN;
        census->lost += attempt->state == ATTEMPT_LOST;
        census->done += call->outcome == CALL_DONE;
        census->refused += call->outcome == CALL_REFUSED;
        census->faulted += call->outcome == CALL_FAULTED;
        census->unknown += unknown;
        census->misplaced += call->outcome == CALL_MISPLACED;
    }
}

static void finish(struct world *world)
{
    struct history history;

    end_mishaps(world);
    probe(world);
    for (int i = 1; i < world->plan.processes; i++)
        process_leave(&world->processes[i]);
    wait_for_rest(world);
    history_read(&history, world);
    verdict_of_history(world, &history);
    room_check(world, &history);
    verdict_of_attempts(world, &history);
    verdict_of_readers(world, &history);
    for (int i = 0; i < world->plan.processes; i++) {
        process_stop(&world->processes[i]);
        verdict_of_indexes(world, &history, i);
    }
    count(world, &history);
    history_done(&history);
}

static void name_topics(struct world *world)
{
    for (; contexts[world->context_count] != NULL; world->context_count++) {
        assert(world->context_count < CONTEXTS_MAX);
        snprintf(world->topics[world->context_count], TOPIC_SIZE, "sijang.%s.events.v1",
                 contexts[world->context_count]->name);
    }
}

void world_live(uint64_t seed, const char *folder, struct census *census, bool verbose)
{
    struct world *world = calloc(1, sizeof(*world));

    if (world == NULL)
        abort();
    world->seed = seed;
    world->verbose = verbose;
    world->folder = folder;
    world->census = census;
    world->chance.state = seed;
    kernel_seed(seed);
    plan_draw(&world->plan, &world->chance);
    name_topics(world);
    world->broker = sim_broker_create(seed);
    world->group = sim_group_create(world->broker, world->context_count, world->plan.partitions,
                                    NEIGHBOURS_SESSION_US);
    world->crowd = crowd_create(world);
    for (int i = 0; i < world->plan.processes; i++) {
        process_init(&world->processes[i], world, i);
        process_start(&world->processes[i]);
    }
    for (int i = 0; i < world->plan.steps; i++)
        step(world);
    finish(world);
    network_done(world);
    crowd_destroy(world->crowd);
    sim_group_destroy(world->group);
    sim_broker_destroy(world->broker);
    free(world);
}
