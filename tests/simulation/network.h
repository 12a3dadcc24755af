/* The network between processes and broker: what is under way arrives, is lost, or waits. */
#pragma once

struct process;
struct world;

/* Something moves, or nothing does. */
void network_act(struct world *world);
/* Before a turn: nothing is there to be read by who is cut off. */
void network_reach(const struct world *world, const struct process *process);
/* Everything under way arrives. */
void network_flow(struct world *world);
/* Forgets what dead processes had under way. */
void network_done(struct world *world);
