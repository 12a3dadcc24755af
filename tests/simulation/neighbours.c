/* As command-svc/deployment.c does it. */
#include "tests/simulation/neighbours.h"

#include "command-svc/contexts.h"
#include "lib/log/membership.h"
#include "lib/log/owners.h"
#include "tests/simulation/world.h"
#include "tests/support/sim_group.h"
#include <assert.h>
#include <stdio.h>

#define ADDRESS_FORMAT "process%d:80"

static void tell_changed(void *self)
{
    const struct process *process = self;

    if (process->shard != NULL)
        shard_look(process->shard);
}

static void open_owners(struct neighbours *neighbours, struct process *process)
{
    struct owners_options options = {
        .contexts = neighbours->contexts,
        .partition_count = process->world->plan.partitions,
        .address = neighbours->address,
        .incarnation = neighbours->ownership.incarnation,
        .changed = tell_changed,
        .user = process,
    };

    neighbours->ownership.owners = owners_create(neighbours->port, &options, NULL);
    assert(neighbours->ownership.owners != NULL);
}

static void open_membership(struct neighbours *neighbours, struct process *process)
{
    const struct world *world = process->world;
    struct membership_options options = {
        .topic_count = world->context_count,
        .partition_count = world->plan.partitions,
        .session_timeout_us = NEIGHBOURS_SESSION_US,
        .changed = tell_changed,
        .user = process,
    };

    neighbours->ownership.membership = membership_create(neighbours->member, &options, NULL);
    assert(neighbours->ownership.membership != NULL);
}

void neighbours_open(struct neighbours *neighbours, struct process *process, struct log_port *port,
                     int64_t clock_shift_us)
{
    *neighbours = (struct neighbours){.port = port};
    for (int c = 0; contexts[c] != NULL; c++)
        neighbours->contexts[c] = contexts[c]->name;
    snprintf(neighbours->address, sizeof(neighbours->address), ADDRESS_FORMAT, process->number);
    neighbours->member = sim_member_create(process->world->group, neighbours->address);
    sim_member_shift_clock(neighbours->member, clock_shift_us);
    neighbours->ownership.incarnation = process_incarnation(process);
    atomic_init(&neighbours->ownership.far, 1);
    open_owners(neighbours, process);
    open_membership(neighbours, process);
}

void neighbours_turn(struct neighbours *neighbours, bool cut_off)
{
    sim_member_hold(neighbours->member, cut_off);
    (void)membership_turn(neighbours->ownership.membership);
    (void)owners_turn(neighbours->ownership.owners);
}

bool neighbours_find(const struct neighbours *neighbours, const char *context, int32_t partition,
                     struct serving_process *ret_owner)
{
    struct owner owner;

    if (!owners_find(neighbours->ownership.owners, context, partition, &owner))
        return false;
    ret_owner->term = owner.term;
    return sscanf(owner.address, ADDRESS_FORMAT, &ret_owner->number) == 1;
}

void neighbours_leave(struct neighbours *neighbours)
{
    membership_leave(neighbours->ownership.membership);
}

struct log_port *neighbours_die(struct neighbours *neighbours)
{
    struct log_port *port = neighbours->port;

    membership_destroy(neighbours->ownership.membership);
    sim_member_destroy(neighbours->member);
    owners_destroy(neighbours->ownership.owners);
    *neighbours = (struct neighbours){0};
    return port;
}
