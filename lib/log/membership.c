/* Keeps what the group said last, and doubts it after a sleep: who did not run for a session
 * timeout may have lost everything without having heard of it yet. */
#include "lib/log/membership.h"

#include "lib/log/group.h"
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum wish { WISH_NOTHING, WISH_JOIN, WISH_LEAVE };

struct membership {
    struct group_port *group;
    struct membership_options options;
    bool joined, left;
    int64_t turned_boot_us;  /* the last turn; 0: none yet */
    int64_t doubted_boot_us; /* until then; 0: not at all */
    pthread_mutex_t mutex;   /* of what follows */
    enum wish wish;
    bool known; /* dealt, and neither revoked nor lost since */
    bool doubted;
    bool alone, fenced;
    int64_t since_boot_us;
    bool here[]; /* by topic, then partition */
};

static size_t share_count(const struct membership_options *options)
{
    return (size_t)options->topic_count * (size_t)options->partition_count;
}

struct membership *membership_create(struct group_port *group,
                                     const struct membership_options *options, struct error *error)
{
    assert(options->topic_count > 0 && options->partition_count > 0);
    assert(options->session_timeout_us > 0);
    size_t shares = share_count(options);
    struct membership *membership = calloc(1, sizeof(*membership) + shares * sizeof(bool));
    if (membership == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "membership");
        return NULL;
    }
    membership->group = group;
    membership->options = *options;
    pthread_mutex_init(&membership->mutex, NULL);
    return membership;
}

struct membership *membership_destroy(struct membership *membership)
{
    if (membership == NULL)
        return NULL;
    pthread_mutex_destroy(&membership->mutex);
    free(membership);
    return NULL;
}

static void wish(struct membership *membership, enum wish wish)
{
    pthread_mutex_lock(&membership->mutex);
    bool changed = wish > membership->wish;
    if (changed)
        membership->wish = wish;
    pthread_mutex_unlock(&membership->mutex);
    if (changed)
        membership->group->wake(membership->group);
}

void membership_join(struct membership *membership)
{
    wish(membership, WISH_JOIN);
}

void membership_leave(struct membership *membership)
{
    wish(membership, WISH_LEAVE);
}

struct standing membership_standing(struct membership *membership, int topic, int32_t partition)
{
    const struct membership_options *options = &membership->options;
    struct standing standing = {.assignment = ASSIGNMENT_UNKNOWN};

    assert(topic >= 0 && topic < options->topic_count);
    assert(partition >= 0 && partition < options->partition_count);
    size_t number = (size_t)topic * (size_t)options->partition_count + (size_t)partition;
    pthread_mutex_lock(&membership->mutex);
    standing.since_boot_us = membership->since_boot_us;
    if (membership->known && !membership->doubted)
        standing.assignment = membership->here[number] ? ASSIGNMENT_HERE : ASSIGNMENT_ELSEWHERE;
    pthread_mutex_unlock(&membership->mutex);
    return standing;
}

bool membership_is_alone(struct membership *membership)
{
    pthread_mutex_lock(&membership->mutex);
    bool alone = membership->alone;
    pthread_mutex_unlock(&membership->mutex);
    return alone;
}

bool membership_is_fenced(struct membership *membership)
{
    pthread_mutex_lock(&membership->mutex);
    bool fenced = membership->fenced;
    pthread_mutex_unlock(&membership->mutex);
    return fenced;
}

static void deal(struct membership *membership, const struct group_event *event)
{
    const struct membership_options *options = &membership->options;

    memset(membership->here, 0, share_count(options) * sizeof(bool));
    for (size_t i = 0; i < event->count; i++) {
        const struct group_share *share = &event->shares[i];
        /* A topic that was made larger than configured: nobody can serve the rest. */
        if (share->partition >= options->partition_count)
            continue;
        membership->here[share->topic * options->partition_count + share->partition] = true;
    }
    membership->known = true;
    membership->alone = event->count >= share_count(options);
}

static void take_event(struct membership *membership, const struct group_event *event,
                       int64_t boot_us)
{
    pthread_mutex_lock(&membership->mutex);
    switch (event->kind) {
    case GROUP_ASSIGNED: deal(membership, event); break;
    case GROUP_FENCED: membership->fenced = true; /* fall through */
    case GROUP_REVOKED:
    case GROUP_LOST: membership->known = false; break;
    }
    membership->since_boot_us = boot_us;
    membership->doubted = false; /* the group has been heard of */
    membership->doubted_boot_us = 0;
    pthread_mutex_unlock(&membership->mutex);
}

/* True if there is a change. Without a word from the group for another session timeout, this
 * process awake, the group has noticed nothing. */
static bool doubt(struct membership *membership, int64_t boot_us)
{
    int64_t timeout_us = membership->options.session_timeout_us;
    int64_t slept_us = membership->turned_boot_us == 0 ? 0 : boot_us - membership->turned_boot_us;
    bool over = membership->doubted_boot_us != 0 && boot_us >= membership->doubted_boot_us;

    membership->turned_boot_us = boot_us;
    if (slept_us < timeout_us && !over)
        return false;
    membership->doubted_boot_us = slept_us < timeout_us ? 0 : boot_us + timeout_us;
    pthread_mutex_lock(&membership->mutex);
    membership->doubted = membership->doubted_boot_us != 0;
    membership->since_boot_us = boot_us;
    pthread_mutex_unlock(&membership->mutex);
    return true;
}

static void fulfil(struct membership *membership)
{
    pthread_mutex_lock(&membership->mutex);
    enum wish wish = membership->wish;
    if (wish == WISH_LEAVE)
        membership->known = false;
    pthread_mutex_unlock(&membership->mutex);
    if (wish == WISH_JOIN && !membership->joined)
        membership->group->join(membership->group);
    if (wish == WISH_LEAVE && membership->joined && !membership->left)
        membership->group->leave(membership->group);
    membership->joined = membership->joined || wish == WISH_JOIN;
    membership->left = membership->left || wish == WISH_LEAVE;
}

size_t membership_turn(struct membership *membership)
{
    int64_t boot_us = membership->group->boot_us(membership->group);
    struct group_event event;
    size_t count = doubt(membership, boot_us);

    fulfil(membership);
    while (membership->group->poll(membership->group, &event)) {
        count++;
        if (!membership->left)
            take_event(membership, &event, boot_us);
    }
    if (count > 0 && membership->options.changed != NULL)
        membership->options.changed(membership->options.user);
    return count;
}
