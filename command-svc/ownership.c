/* A lane is claimed when it is assigned here. Lost to a newer claim, it is claimed again only when
 * the assignment has been confirmed since, or has stood long enough for the group to notice that
 * this process had been given up. */
#include "command-svc/ownership.h"

#include "command-svc/lane.h"
#include "lib/core/logger.h"
#include "lib/log/membership.h"
#include "lib/log/owners.h"

#define CONFIRM_US 500000 /* more than two heartbeats */

static const char *context_name(const struct lane *lane)
{
    return lane->store.context->name;
}

static int64_t term_of(const struct lane *lane)
{
    return log_partition_position(lane->log)->term;
}

void ownership_begin(struct lane *lane)
{
    if (lane->tenure.ownership == NULL)
        log_partition_claim(lane->log);
}

/* Another one says that it serves under a newer claim, which an owner that writes nothing has not
 * seen. */
static bool is_succeeded(const struct lane *lane)
{
    const struct ownership *ownership = lane->tenure.ownership;
    const struct log_position *position = log_partition_position(lane->log);
    struct owner owner;

    return owners_find(ownership->owners, context_name(lane), lane->number, &owner) &&
           !uuid_equal(&owner.incarnation, &ownership->incarnation) &&
           uuid_equal(&owner.log, &position->log) && owner.term > position->term;
}

static bool may_claim(const struct lane *lane, int64_t boot_us)
{
    const struct tenure *tenure = &lane->tenure;
    struct standing standing =
        membership_standing(tenure->ownership->membership, tenure->topic, lane->number);

    if (standing.assignment != ASSIGNMENT_HERE ||
        !owners_may_claim(tenure->ownership->owners, context_name(lane), NULL))
        return false;
    return tenure->lost_boot_us == 0 || standing.since_boot_us > tenure->lost_boot_us ||
           boot_us - tenure->lost_boot_us > CONFIRM_US;
}

static void want(struct lane *lane)
{
    lane->tenure.known_term = term_of(lane);
    lane->tenure.lost_boot_us = 0;
    log_partition_claim(lane->log);
}

static void give_up(struct lane *lane)
{
    log_partition_release(lane->log);
    owners_withdraw(lane->tenure.ownership->owners, context_name(lane), lane->number);
}

static void look_at_unserved(struct lane *lane, int64_t boot_us)
{
    struct tenure *tenure = &lane->tenure;
    bool wanted = log_partition_is_wanted(lane->log);

    if (wanted && log_partition_is_claimed_elsewhere(lane->log) &&
        term_of(lane) > tenure->known_term)
        tenure->lost_boot_us = boot_us;
    bool may = may_claim(lane, boot_us);
    if (may && !wanted)
        want(lane);
    else if (!may && wanted)
        give_up(lane);
}

void ownership_look(struct lane *lane, int64_t boot_us)
{
    if (lane->tenure.ownership == NULL)
        return;
    switch (log_partition_state(lane->log)) {
    case LOG_SERVING:
        if (!owners_may_claim(lane->tenure.ownership->owners, context_name(lane), NULL)) {
            give_up(lane);
            break;
        }
        if (!is_succeeded(lane))
            break;
        lane->tenure.lost_boot_us = boot_us;
        log_partition_release(lane->log);
        break;
    case LOG_FOLLOWING:
    case LOG_SETTLING: look_at_unserved(lane, boot_us); break;
    case LOG_CLAIMING: /* decided as soon as the claim has been read */
    case LOG_STOPPED: break;
    }
}

void ownership_serving(struct lane *lane, const struct log_position *at)
{
    struct tenure *tenure = &lane->tenure;

    tenure->known_term = at->term;
    if (tenure->ownership != NULL)
        owners_say(tenure->ownership->owners, context_name(lane), lane->number, at);
}

/* Events of a newer version: whoever decides without knowing them decides wrongly, here and in
 * every other lane that this version may come to. */
void ownership_stopped(struct lane *lane)
{
    struct ownership *ownership = lane->tenure.ownership;

    if (ownership == NULL)
        return;
    owners_withdraw(ownership->owners, context_name(lane), lane->number);
    if (log_partition_error(lane->log)->fault != FAULT_SCHEMA_UNKNOWN)
        return;
    membership_leave(ownership->membership);
    log_error("upgrade_me", LOG_STRING("context", context_name(lane)),
              LOG_NUMBER("partition", lane->number), LOG_ERROR(log_partition_error(lane->log)));
}

void ownership_end(const struct lane *lane)
{
    if (lane->tenure.ownership != NULL)
        owners_withdraw(lane->tenure.ownership->owners, context_name(lane), lane->number);
}

bool ownership_is_near(const struct lane *lane)
{
    switch (log_partition_state(lane->log)) {
    case LOG_FOLLOWING:
    case LOG_SETTLING: return log_partition_is_near_end(lane->log);
    case LOG_CLAIMING:
    case LOG_SERVING:
    case LOG_STOPPED: return true;
    }
    return false;
}

bool ownership_is_elsewhere(const struct lane *lane)
{
    const struct ownership *ownership = lane->tenure.ownership;
    struct owner owner;

    return ownership != NULL &&
           owners_find(ownership->owners, context_name(lane), lane->number, &owner) &&
           !uuid_equal(&owner.incarnation, &ownership->incarnation);
}

bool ownership_is_known(const struct ownership *ownership)
{
    return owners_known(ownership->owners);
}

void ownership_shard_is_near(struct ownership *ownership)
{
    if (atomic_fetch_sub(&ownership->far, 1) == 1)
        membership_join(ownership->membership);
}
