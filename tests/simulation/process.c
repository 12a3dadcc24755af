/* Starting, turning and killing processes. */
#include "tests/simulation/process.h"

#include "tests/simulation/clients.h"
#include "tests/simulation/files.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/network.h"
#include "tests/simulation/world.h"
#include <stdio.h>
#include <string.h>

#define LATENCY_MS_MAX     1000
#define CLOCK_SHIFT_US_MAX INT64_C(1000000000)

void process_init(struct process *process, struct world *world, int number)
{
    *process = (struct process){
        .world = world,
        .number = number,
        .config =
            {
                .partitions = world->plan.partitions,
                .index_path = process->path,
                .shards = 1,
                .calls_max = world->plan.calls_max,
                .partition_calls_max = world->plan.calls_max,
                .latency_ms_max = LATENCY_MS_MAX,
                .overlay_bytes_max = world->plan.overlay_bytes_max,
            },
    };
    snprintf(process->path, sizeof(process->path), "%s/process%d", world->folder, number);
}

bool process_is_up(const struct process *process)
{
    return process->shard != NULL;
}

struct uuid process_incarnation(const struct process *process)
{
    return (struct uuid){{(uint8_t)(process->number + 1), (uint8_t)process->starts}};
}

static struct log_port *open_port(struct process *process, int64_t clock_shift_us)
{
    struct log_port *port = sim_port_create(process->world->broker);

    sim_port_hold(port, true);
    sim_port_hold_reports(port, true);
    sim_port_lag(port, true);
    sim_port_shift_clock(port, clock_shift_us);
    return port;
}

void process_start(struct process *process)
{
    struct error error;
    struct shard_options options = {.config = &process->config};

    int64_t clock_shift_us = chance_between(&process->world->chance, 0, CLOCK_SHIFT_US_MAX);

    process->starts++;
    process->port = options.port = open_port(process, clock_shift_us);
    if (process->world->plan.grouped) {
        neighbours_open(&process->neighbours, process, open_port(process, clock_shift_us),
                        clock_shift_us);
        options.ownership = &process->neighbours.ownership;
    }
    process->stalled_until_us = process->mute_until_us = process->deaf_until_us = 0;
    options.incarnation = process_incarnation(process);
    process->shard = shard_open(&options, &error);
    if (process->shard == NULL)
        world_fail(process->world, "process %d does not start: %s", process->number, error.detail);
    world_say(process->world, "process %d starts", process->number);
}

static void set_disk(const struct process *process)
{
    bool full = world_now_us(process->world) < process->disk_full_until_us;

    kernel_set_disk(full ? KERNEL_DISK_FULL : KERNEL_DISK_WELL);
}

static void close_shard(struct process *process)
{
    process->shard = shard_close(process->shard);
    crowd_process_died(process->world, process->number);
}

void process_stop(struct process *process)
{
    set_disk(process);
    shard_refuse(process->shard);
    shard_abandon(process->shard);
    close_shard(process);
    kernel_set_disk(KERNEL_DISK_WELL);
    sim_port_destroy(process->port);
    process->port = NULL;
    if (process->neighbours.port != NULL)
        sim_port_destroy(neighbours_die(&process->neighbours));
}

/* What it had under way may still arrive. */
static void give_up_ghost(struct world *world, struct log_port *port)
{
    sim_port_lose_producer(port);
    if (world->ghost_count == GHOSTS_MAX)
        sim_port_destroy(world->ghosts[--world->ghost_count]);
    world->ghosts[world->ghost_count++] = port;
}

void process_kill(struct process *process)
{
    struct world *world = process->world;

    world->census->kills++;
    kernel_set_disk(KERNEL_DISK_DEAD);
    close_shard(process);
    kernel_set_disk(KERNEL_DISK_WELL);
    give_up_ghost(world, process->port);
    process->port = NULL;
    if (process->neighbours.port != NULL)
        give_up_ghost(world, neighbours_die(&process->neighbours));
    world_say(world, "process %d is killed", process->number);
}

void process_leave(struct process *process)
{
    if (process->neighbours.port != NULL)
        neighbours_leave(&process->neighbours);
}

static void old_path(const struct process *process, char *path, size_t size)
{
    snprintf(path, size, "%s.old", process->path);
}

void process_lose_index(struct process *process, enum process_index left)
{
    char old[PROCESS_PATH_SIZE + 8];

    old_path(process, old, sizeof(old));
    switch (left) {
    case PROCESS_INDEX_KEPT: break;
    case PROCESS_INDEX_GONE: files_remove(process->path); break;
    case PROCESS_INDEX_OLD:
        if (files_exist(old)) {
            files_remove(process->path);
            files_copy(old, process->path);
        }
        break;
    }
    if (chance_percent(&process->world->chance, 30)) {
        files_remove(old);
        if (files_exist(process->path))
            files_copy(process->path, old);
    }
}

void process_turn(struct process *process)
{
    int64_t now_us = world_now_us(process->world);

    set_disk(process);
    network_reach(process->world, process);
    if (process->neighbours.port != NULL)
        neighbours_turn(&process->neighbours,
                        now_us < process->mute_until_us || now_us < process->deaf_until_us);
    (void)shard_turn(process->shard);
    kernel_set_disk(KERNEL_DISK_WELL);
}
