/* A consumer group in memory behind lib/log/group.h: range over members in the order of their
 * names, static members, sessions that run out by the simulated broker's clock. One thread. */
#pragma once

#include "lib/log/group.h"

struct sim_broker;
struct sim_group;

struct sim_group *sim_group_create(struct sim_broker *broker, int topic_count,
                                   int32_t partition_count, int64_t session_timeout_us);
/* Asserts that all members are gone. */
void sim_group_destroy(struct sim_group *group);

/* A process's side of it. Polling is its heartbeat. A name borne by another member fences that. */
struct group_port *sim_member_create(struct sim_group *group, const char *name);
/* As a crash: the group keeps the member until its session runs out. */
void sim_member_destroy(struct group_port *member);
/* No event reaches it while held, as on a cut connection; it is not heard of, either. */
void sim_member_hold(struct group_port *member, bool held);
/* Its monotonic clock is so far from the broker's. */
void sim_member_shift_clock(struct group_port *member, int64_t shift_us);
