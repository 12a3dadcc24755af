/* A process is ready once a command for any of its partitions is decided by it, or would reach the
 * owner from it. */
#include "command-svc/readiness.h"

#include "command-svc/lane.h"
#include "command-svc/metrics.h"
#include "lib/log/membership.h"

static const char *state_name(enum log_state state)
{
    switch (state) {
    case LOG_FOLLOWING: return "following";
    case LOG_CLAIMING: return "claiming";
    case LOG_SERVING: return "serving";
    case LOG_SETTLING: return "settling";
    case LOG_STOPPED: return "stopped";
    }
    return "unknown";
}

static bool is_assigned(const struct lane *lane)
{
    const struct tenure *tenure = &lane->tenure;

    return tenure->ownership == NULL ||
           membership_standing(tenure->ownership->membership, tenure->topic, lane->number)
                   .assignment == ASSIGNMENT_HERE;
}

static int64_t records_behind(const struct lane *lane)
{
    int64_t end = log_partition_end(lane->log);
    int64_t next = log_partition_position(lane->log)->next;

    return end == LOG_OFFSET_NONE || end < next ? 0 : end - next;
}

/* Gauges over all shards: each lane adds what changed. */
static void gauge(struct metric *metric, int64_t now, int64_t before)
{
    if (now != before)
        metric_add(metric, now - before);
}

void readiness_publish(struct lane *lane)
{
    struct published *published = &lane->published;
    enum log_state state = log_partition_state(lane->log);
    int known = atomic_exchange(&published->state, (int)state);
    int before = published->counted ? known : -1;
    bool assigned = is_assigned(lane), differs = !log_partition_clock_agrees(lane->log);
    int64_t behind = state == LOG_SERVING ? 0 : records_behind(lane);

    published->counted = true;
    gauge(&metric_lanes_serving, state == LOG_SERVING, before == LOG_SERVING);
    gauge(&metric_lanes_following, state == LOG_FOLLOWING, before == LOG_FOLLOWING);
    gauge(&metric_lanes_assigned, assigned, atomic_exchange(&published->assigned, assigned));
    gauge(&metric_clocks_differ, differs, atomic_exchange(&published->clock_differs, differs));
    gauge(&metric_records_behind, behind, atomic_exchange(&published->behind, behind));
    atomic_store(&published->near, ownership_is_near(lane));
}

void readiness_add(const struct lane *lane, struct readiness *readiness)
{
    const struct published *published = &lane->published;
    enum log_state state = (enum log_state)atomic_load(&published->state);
    bool assigned = atomic_load(&published->assigned);
    int64_t behind = atomic_load(&published->behind);
    bool follows = state == LOG_FOLLOWING && atomic_load(&published->near);

    readiness->count++;
    readiness->assigned += assigned;
    readiness->serving += state == LOG_SERVING;
    readiness->following += state == LOG_FOLLOWING;
    readiness->stopped += state == LOG_STOPPED;
    readiness->behind += behind;
    readiness->clocks_differ += atomic_load(&published->clock_differs);
    readiness->usable += state == LOG_SERVING || (follows && ownership_is_elsewhere(lane));
    if (readiness->lanes == NULL)
        return;
    buffer_print(readiness->lanes,
                 "%s{\"context\":\"%s\",\"partition\":%d,\"state\":\"%s\",\"assigned\":%s,"
                 "\"behind\":%lld}",
                 readiness->count == 1 ? "" : ",", lane->store.context->name, (int)lane->number,
                 state_name(state), assigned ? "true" : "false", (long long)behind);
}

bool readiness_write(const struct readiness *readiness, struct buffer *out)
{
    buffer_print(out,
                 "\"partitions\":%lld,\"assigned\":%lld,\"serving\":%lld,\"following\":%lld,"
                 "\"stopped\":%lld,\"records_behind\":%lld,\"clocks_differ\":%lld,\"lanes\":[",
                 (long long)readiness->count, (long long)readiness->assigned,
                 (long long)readiness->serving, (long long)readiness->following,
                 (long long)readiness->stopped, (long long)readiness->behind,
                 (long long)readiness->clocks_differ);
    buffer_put_text(out, buffer_text(readiness->lanes));
    buffer_put_string(out, "]");
    return readiness->count > 0 && readiness->usable == readiness->count;
}
