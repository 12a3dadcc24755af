/* Which partitions this process should own, as a consumer group deals them out: range over all
 * topics, so that a partition number is the same process's in each. A suggestion only: what makes
 * an owner is its claim. */
#pragma once

#include "lib/core/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct membership;
struct group_port;

enum assignment {
    ASSIGNMENT_UNKNOWN = 1, /* not joined, being dealt anew, or out of touch with the group */
    ASSIGNMENT_HERE,
    ASSIGNMENT_ELSEWHERE,
};

struct standing {
    enum assignment assignment;
    int64_t since_boot_us; /* when it was last confirmed to be so */
};

struct membership_options {
    int topic_count; /* of the group's topics */
    int32_t partition_count;
    int64_t session_timeout_us;
    void (*changed)(void *user); /* on the thread of membership_turn; NULL: nobody asks */
    void *user;
};

/* The port outlives the membership. */
MUST_CHECK struct membership *membership_create(struct group_port *group,
                                                const struct membership_options *options,
                                                struct error *error);
struct membership *membership_destroy(struct membership *membership); /* NULL accepted */

/* Any thread. Joins the group at the next turn; nothing if it did, or has left. */
void membership_join(struct membership *membership);
/* Any thread. Leaves it at the next turn, for good. */
void membership_leave(struct membership *membership);

/* Any thread. */
struct standing membership_standing(struct membership *membership, int topic, int32_t partition);
/* Any thread. Everything was assigned here, when anything was assigned last. */
bool membership_is_alone(struct membership *membership);
/* Any thread. A process of the same name has taken its place. */
bool membership_is_fenced(struct membership *membership);

/* On one thread, at least every few hundred milliseconds. Returns how much happened. */
size_t membership_turn(struct membership *membership);
