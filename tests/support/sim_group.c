/* The simulated group: a list of seats in order of names; every change deals all shares anew. */
#include "tests/support/sim_group.h"

#include "tests/support/sim_broker.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 16
#define NAME_SIZE   64

struct sim_member {
    struct group_port port;
    struct sim_group *group;
    char name[NAME_SIZE];
    bool joined, held;
    int64_t clock_shift_us;
    bool gone; /* told LOST or FENCED next */
    bool fenced;
    uint64_t told; /* the deal it knows */
    bool revoked;  /* it knows that there is a newer one */
    struct group_share *shares;
};

/* A member as the group knows it, which may be dead. */
struct seat {
    char name[NAME_SIZE];
    struct sim_member *member; /* NULL: crashed */
    int64_t heard_us;
};

struct sim_group {
    struct sim_broker *broker;
    int topic_count;
    int32_t partition_count;
    int64_t session_timeout_us;
    struct seat seats[MEMBERS_MAX];
    int seat_count;
    uint64_t deals;
    int processes;
};

static struct sim_member *of(struct group_port *port)
{
    return (struct sim_member *)port;
}

struct sim_group *sim_group_create(struct sim_broker *broker, int topic_count,
                                   int32_t partition_count, int64_t session_timeout_us)
{
    struct sim_group *group = calloc(1, sizeof(*group));

    assert(group != NULL);
    group->broker = broker;
    group->topic_count = topic_count;
    group->partition_count = partition_count;
    group->session_timeout_us = session_timeout_us;
    return group;
}

void sim_group_destroy(struct sim_group *group)
{
    assert(group->processes == 0);
    free(group);
}

static int find_seat(const struct sim_group *group, const char *name)
{
    int number = 0;

    while (number < group->seat_count && strcmp(group->seats[number].name, name) != 0)
        number++;
    return number;
}

static void remove_seat(struct sim_group *group, int number)
{
    struct sim_member *member = group->seats[number].member;

    if (member != NULL)
        member->gone = true;
    group->seat_count--;
    memmove(&group->seats[number], &group->seats[number + 1],
            (size_t)(group->seat_count - number) * sizeof(group->seats[0]));
    group->deals++;
}

static void expel_silent(struct sim_group *group)
{
    int64_t now_us = sim_broker_boot_us(group->broker);

    for (int i = group->seat_count - 1; i >= 0; i--)
        if (now_us - group->seats[i].heard_us >= group->session_timeout_us)
            remove_seat(group, i);
}

static void add_seat(struct sim_group *group, struct sim_member *member)
{
    int place = 0;

    assert(group->seat_count < MEMBERS_MAX);
    while (place < group->seat_count && strcmp(group->seats[place].name, member->name) < 0)
        place++;
    memmove(&group->seats[place + 1], &group->seats[place],
            (size_t)(group->seat_count - place) * sizeof(group->seats[0]));
    group->seats[place] = (struct seat){0};
    memcpy(group->seats[place].name, member->name, NAME_SIZE);
    group->seat_count++;
    group->deals++;
}

/* A static member that comes back finds its share: nothing is dealt anew. */
static void sit_down(struct sim_group *group, struct sim_member *member)
{
    int number = find_seat(group, member->name);

    if (number == group->seat_count) {
        add_seat(group, member);
        number = find_seat(group, member->name);
    }
    struct seat *seat = &group->seats[number];
    if (seat->member != NULL && seat->member != member)
        seat->member->gone = seat->member->fenced = true;
    seat->member = member;
    seat->heard_us = sim_broker_boot_us(group->broker);
    member->gone = false;
    member->told = 0;
}

static void sim_join(struct group_port *port)
{
    struct sim_member *member = of(port);

    member->joined = true;
    expel_silent(member->group);
    sit_down(member->group, member);
}

static void sim_leave(struct group_port *port)
{
    struct sim_member *member = of(port);
    int number = find_seat(member->group, member->name);

    if (number < member->group->seat_count && member->group->seats[number].member == member)
        remove_seat(member->group, number);
    member->joined = member->gone = false;
}

static size_t deal(struct sim_member *member)
{
    const struct sim_group *group = member->group;
    int32_t place = find_seat(group, member->name), seats = group->seat_count;
    int32_t each = group->partition_count / seats, more = group->partition_count % seats;
    int32_t first = place * each + (place < more ? place : more);
    int32_t count = each + (place < more);
    size_t dealt = 0;

    free(member->shares);
    member->shares = calloc((size_t)(group->topic_count * count) + 1, sizeof(member->shares[0]));
    assert(member->shares != NULL);
    for (int topic = 0; topic < group->topic_count; topic++)
        for (int32_t i = 0; i < count; i++)
            member->shares[dealt++] = (struct group_share){topic, first + i};
    return dealt;
}

static bool tell_gone(struct sim_member *member, struct group_event *ret_event)
{
    *ret_event = (struct group_event){.kind = member->fenced ? GROUP_FENCED : GROUP_LOST};
    member->gone = false;
    member->revoked = false;
    if (member->fenced)
        member->joined = false;
    else
        sit_down(member->group, member);
    return true;
}

static bool sim_poll(struct group_port *port, struct group_event *ret_event)
{
    struct sim_member *member = of(port);
    struct sim_group *group = member->group;

    if (!member->joined || member->held)
        return false;
    expel_silent(group);
    if (member->gone)
        return tell_gone(member, ret_event);
    group->seats[find_seat(group, member->name)].heard_us = sim_broker_boot_us(group->broker);
    if (member->told == group->deals)
        return false;
    if (member->told != 0 && !member->revoked) {
        member->revoked = true;
        *ret_event = (struct group_event){.kind = GROUP_REVOKED};
        return true;
    }
    size_t count = deal(member);
    member->told = group->deals;
    member->revoked = false;
    *ret_event =
        (struct group_event){.kind = GROUP_ASSIGNED, .shares = member->shares, .count = count};
    return true;
}

static int64_t sim_group_boot_us(const struct group_port *port)
{
    const struct sim_member *member = (const struct sim_member *)port;

    return sim_broker_boot_us(member->group->broker) + member->clock_shift_us;
}

static void sim_group_wake(struct group_port *port)
{
    (void)port;
}

struct group_port *sim_member_create(struct sim_group *group, const char *name)
{
    struct sim_member *member = calloc(1, sizeof(*member));

    assert(member != NULL && strlen(name) < NAME_SIZE);
    member->port = (struct group_port){
        .join = sim_join,
        .leave = sim_leave,
        .poll = sim_poll,
        .boot_us = sim_group_boot_us,
        .wake = sim_group_wake,
    };
    member->group = group;
    memcpy(member->name, name, strlen(name) + 1);
    group->processes++;
    return &member->port;
}

void sim_member_destroy(struct group_port *port)
{
    struct sim_member *member = of(port);
    struct sim_group *group = member->group;

    for (int i = 0; i < group->seat_count; i++)
        if (group->seats[i].member == member)
            group->seats[i].member = NULL;
    group->processes--;
    free(member->shares);
    free(member);
}

void sim_member_hold(struct group_port *port, bool held)
{
    of(port)->held = held;
}

void sim_member_shift_clock(struct group_port *member, int64_t shift_us)
{
    of(member)->clock_shift_us = shift_us;
}
