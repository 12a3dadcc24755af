/* One function a mishap. */
#include "tests/simulation/mishaps.h"

#include "lib/log/position.h"
#include "tests/simulation/history.h"
#include "tests/simulation/verdict.h"
#include "tests/simulation/world.h"

#define SECOND_US          INT64_C(1000000)
#define BEHIND_US_MAX      (3 * SECOND_US)
#define BEHIND_RECORDS_MAX 5
#define WELL_US_LEAST      (60 * SECOND_US) /* what stays short is taken for cut off */

typedef void mishap_function(struct world *world, struct process *process);

/* From a moment to most of the world's life; rarely half a minute, longer than any patience. */
static int64_t draw_until_us(struct world *world)
{
    static const int64_t steps[] = {20, 200, 1000};
    int64_t longest_us = chance_percent(&world->chance, 10)
                             ? 30 * SECOND_US
                             : steps[chance_draw(&world->chance, 3)] * world->plan.step_us_max;

    return world_now_us(world) + chance_between(&world->chance, 1, longest_us);
}

static void inspect(const struct world *world, int process)
{
    struct history history;

    history_read(&history, world);
    verdict_of_indexes(world, &history, process);
    history_done(&history);
}

static void crash(struct world *world, struct process *process)
{
    uint64_t dice = chance_draw(&world->chance, 10);

    process_kill(process);
    if (chance_percent(&world->chance, 20))
        inspect(world, process->number);
    process_lose_index(process, dice == 0   ? PROCESS_INDEX_GONE
                                : dice <= 2 ? PROCESS_INDEX_OLD
                                            : PROCESS_INDEX_KEPT);
    process->restart_us = draw_until_us(world);
}

static void stall(struct world *world, struct process *process)
{
    process->stalled_until_us = draw_until_us(world);
    world_say(world, "process %d stalls", process->number);
}

static void fill_disk(struct world *world, struct process *process)
{
    process->disk_full_until_us = draw_until_us(world);
    world_say(world, "the disk of process %d is full", process->number);
}

static void lose_producer(struct world *world, struct process *process)
{
    sim_port_lose_producer(process->port);
    world_say(world, "process %d loses its producer", process->number);
}

static void cut(struct world *world, struct process *process)
{
    uint64_t dice = chance_draw(&world->chance, 3);

    if (dice != 0)
        process->mute_until_us = draw_until_us(world);
    if (dice != 1)
        process->deaf_until_us = draw_until_us(world);
    world_say(world, "process %d is cut off", process->number);
}

static void append_foreign(struct world *world, struct process *process)
{
    int32_t partition = (int32_t)chance_draw(&world->chance, (uint64_t)world->plan.partitions);
    const char *topic = world->topics[chance_draw(&world->chance, (uint64_t)world->context_count)];
    int64_t end = sim_broker_end(world->broker, topic, partition);
    static const struct log_record junk = {.value = TEXT("x")};
    (void)process;

    switch (chance_draw(&world->chance, 4)) {
    case 0: sim_broker_append(world->broker, topic, partition, &junk); break;
    case 1: sim_broker_skip_offset(world->broker, topic, partition); break;
    default:
        if (end > 0)
            sim_broker_copy(
                world->broker, topic, partition,
                end - 1 - (int64_t)chance_draw(&world->chance, (uint64_t)(end > 20 ? 20 : end)));
        break;
    }
}

static void hide(struct world *world, int32_t partition, int64_t count)
{
    for (int c = 0; c < world->context_count; c++) {
        int64_t end = sim_broker_end(world->broker, world->topics[c], partition);
        sim_broker_hide(world->broker, world->topics[c], partition,
                        count == 0 ? LOG_OFFSET_NONE : (end > count ? end - count : 0));
    }
}

/* The new leader knows for a moment less of the log than its readers do. */
static void fall_behind(struct world *world)
{
    world->leader_behind_until_us =
        world->broker_down_until_us + chance_between(&world->chance, 1, BEHIND_US_MAX);
    world->leader_well_until_us = world->leader_behind_until_us + WELL_US_LEAST;
    for (int32_t p = 0; p < world->plan.partitions; p++)
        hide(world, p, chance_between(&world->chance, 1, BEHIND_RECORDS_MAX));
}

void mishaps_pass(struct world *world)
{
    if (world->leader_behind_until_us == 0 || world_now_us(world) < world->leader_behind_until_us)
        return;
    world->leader_behind_until_us = 0;
    for (int32_t p = 0; p < world->plan.partitions; p++)
        hide(world, p, 0);
}

/* What the old leader had not replicated is gone, or there without an answer, or sent again; the
 * new one's clock is another. */
static void change_leader(struct world *world, struct process *process)
{
    static const enum sim_fate fates[] = {SIM_LOST, SIM_UNREPORTED};
    (void)process;

    world_say(world, "the leader is gone");
    world->broker_down_until_us = draw_until_us(world);
    sim_broker_shift_clock(world->broker,
                           chance_between(&world->chance, -3 * SECOND_US, 3 * SECOND_US));
    if (world->leader_behind_until_us > world->broker_down_until_us + BEHIND_US_MAX)
        world->leader_behind_until_us = world->broker_down_until_us + BEHIND_US_MAX;
    if (chance_percent(&world->chance, 30) && world_now_us(world) >= world->leader_well_until_us)
        fall_behind(world);
    for (int i = 0; i < world->plan.processes; i++) {
        struct log_port *port = world->processes[i].port;
        uint64_t dice = chance_draw(&world->chance, 3);
        if (port == NULL || dice == 2)
            continue;
        sim_port_deliver_all(port, fates[dice]);
    }
}

static void pause(struct world *world, struct process *process)
{
    (void)process;
    sim_broker_pass(world->broker, draw_until_us(world) - world_now_us(world));
}

static mishap_function *const functions[MISHAP_COUNT] = {
    [MISHAP_CRASH] = crash,
    [MISHAP_STALL] = stall,
    [MISHAP_DISK_FULL] = fill_disk,
    [MISHAP_PRODUCER_LOST] = lose_producer,
    [MISHAP_CUT] = cut,
    [MISHAP_FOREIGN] = append_foreign,
    [MISHAP_LEADER_GONE] = change_leader,
    [MISHAP_PAUSE] = pause,
};

void mishaps_strike(struct world *world)
{
    uint64_t dice = chance_draw(&world->chance, 10000);
    struct process *process =
        &world->processes[chance_draw(&world->chance, (uint64_t)world->plan.processes)];

    for (int i = 0; i < MISHAP_COUNT; i++) {
        unsigned share = functions[i] == NULL ? 0 : world->plan.per_10000[i];
        if (dice < share) {
            if (process_is_up(process))
                functions[i](world, process);
            return;
        }
        dice -= share;
    }
}
