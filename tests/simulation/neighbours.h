/* What a process knows of the others: its place in a simulated consumer group, and the owners'
 * topic. The code is production's; connection and thread are the simulation's. */
#pragma once

#include "command-svc/ownership.h"

struct group_port;
struct log_port;
struct process;
struct sim_group;

#define NEIGHBOURS_NAMES_MAX   5
#define NEIGHBOURS_SESSION_US  INT64_C(2000000)
#define NEIGHBOURS_ADDRESS_MAX 32

struct neighbours {
    struct log_port *port; /* to the owners' topic; NULL: the process believes to be alone */
    struct group_port *member;
    struct ownership ownership;
    const char *contexts[NEIGHBOURS_NAMES_MAX];
    char address[NEIGHBOURS_ADDRESS_MAX];
};

/* Takes the port. */
void neighbours_open(struct neighbours *neighbours, struct process *process, struct log_port *port,
                     int64_t clock_shift_us);
void neighbours_turn(struct neighbours *neighbours, bool cut_off);
struct serving_process {
    int number;
    int64_t term;
};

/* Whom it believes to serve this lane; false: nobody. */
bool neighbours_find(const struct neighbours *neighbours, const char *context, int32_t partition,
                     struct serving_process *ret_owner);
/* The others shall come for what is served here. */
void neighbours_leave(struct neighbours *neighbours);
/* As by kill -9: the group will notice. The port is the caller's again. */
struct log_port *neighbours_die(struct neighbours *neighbours);
