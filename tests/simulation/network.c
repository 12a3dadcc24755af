/* Each port's records, reports and reads move on their own, so connections overtake each other. */
#include "tests/simulation/network.h"

#include "tests/simulation/world.h"

#define BURST_MAX 8

static bool reaches_broker(const struct world *world, const struct process *process)
{
    int64_t now_us = world_now_us(world);

    return now_us >= process->mute_until_us && now_us >= world->broker_down_until_us;
}

static bool hears_broker(const struct world *world, const struct process *process)
{
    int64_t now_us = world_now_us(world);

    return now_us >= process->deaf_until_us && now_us >= world->broker_down_until_us;
}

void network_reach(const struct world *world, const struct process *process)
{
    bool deaf = !hears_broker(world, process);

    sim_port_hold_messages(process->port, deaf);
    if (process->neighbours.port != NULL)
        sim_port_hold_messages(process->neighbours.port, deaf);
}

static enum sim_fate draw_fate(struct world *world)
{
    static const enum sim_fate rare[] = {SIM_LOST, SIM_UNREPORTED, SIM_DUPLICATED, SIM_SILENT,
                                         SIM_VANISHED};

    if (chance_draw(&world->chance, 10000) >= world->plan.per_10000[MISHAP_LOST_RECORD])
        return SIM_DELIVERED;
    return rare[chance_draw(&world->chance, 5)];
}

static void deliver_records(struct world *world, struct log_port *port)
{
    uint64_t burst = 1 + chance_draw(&world->chance, BURST_MAX);

    while (burst-- > 0 && sim_port_under_way(port, SIM_ANY_SOURCE) > 0)
        sim_port_deliver(port, SIM_ANY_SOURCE, draw_fate(world));
}

static void deliver_reports(struct world *world, struct log_port *port)
{
    uint64_t burst = 1 + chance_draw(&world->chance, BURST_MAX);

    while (burst-- > 0 && sim_port_waiting(port) > 0)
        sim_port_report(port, 0);
}

static void see(struct world *world, struct log_port *port)
{
    for (int32_t i = 0; i < sim_port_sources(port); i++) {
        int64_t unseen = sim_port_unseen(port, i);
        if (unseen > 0)
            sim_port_see(port, i, chance_between(&world->chance, 0, unseen));
    }
}

static void deliver_ghost(struct world *world)
{
    int number = (int)chance_draw(&world->chance, (uint64_t)world->ghost_count);
    struct log_port *ghost = world->ghosts[number];

    if (chance_percent(&world->chance, 70) && sim_port_deliver_zombie(ghost))
        return;
    sim_port_destroy(ghost);
    world->ghosts[number] = world->ghosts[--world->ghost_count];
}

static struct log_port *draw_port(struct chance *chance, const struct process *process)
{
    struct log_port *other = process->neighbours.port;

    return other != NULL && chance_percent(chance, 30) ? other : process->port;
}

void network_act(struct world *world)
{
    struct chance *chance = &world->chance;
    struct process *process =
        &world->processes[chance_draw(chance, (uint64_t)world->plan.processes)];

    if (world->ghost_count > 0 && chance_percent(chance, world->ghost_count > 4 ? 50 : 2))
        deliver_ghost(world);
    if (!process_is_up(process))
        return;
    struct log_port *port = draw_port(chance, process);
    switch (chance_draw(chance, 3)) {
    case 0:
        if (reaches_broker(world, process))
            deliver_records(world, port);
        break;
    case 1:
        if (hears_broker(world, process))
            deliver_reports(world, port);
        break;
    default:
        if (hears_broker(world, process))
            see(world, port);
        break;
    }
    if (world->plan.per_10000[MISHAP_PRODUCER_LOST] > 0 && chance_percent(chance, 1))
        (void)sim_port_deliver_zombie(process->port);
}

static void flow(struct log_port *port)
{
    while (sim_port_deliver_zombie(port))
        continue;
    sim_port_deliver_all(port, SIM_DELIVERED);
    while (sim_port_waiting(port) > 0)
        sim_port_report(port, 0);
    for (int32_t s = 0; s < sim_port_sources(port); s++)
        sim_port_see(port, s, sim_port_unseen(port, s));
}

void network_flow(struct world *world)
{
    while (world->ghost_count > 0)
        deliver_ghost(world);
    for (int i = 0; i < world->plan.processes; i++) {
        flow(world->processes[i].port);
        if (world->processes[i].neighbours.port != NULL)
            flow(world->processes[i].neighbours.port);
    }
}

void network_done(struct world *world)
{
    while (world->ghost_count > 0)
        sim_port_destroy(world->ghosts[--world->ghost_count]);
}
