/* A failed transaction is treated as the relay's own death: a new publisher asks the public topic
 * how far it came. There is no other way back. */
#include "relay/lane.h"

#include "lib/core/backoff.h"
#include "lib/core/logger.h"
#include <assert.h>
#include <string.h>

/* A log that does not fit is known as such by then. */
#define FITS_AFTER_US INT64_C(15000000)

static const struct backoff patience = {.min_us = 200000, .max_us = 10000000};

bool lane_init(struct lane *lane, const struct context *context, int32_t partition,
               struct arena *arena)
{
    char *labels =
        arena_print(arena, "context=\"%s\",partition=\"%d\"", context->name, (int)partition);
    char *name = arena_print(arena, "sijang.relay.%s.%d", context->name, (int)partition);

    *lane = (struct lane){
        .context = context,
        .partition = partition,
        .source = -1,
        .shown = LOG_OFFSET_NONE,
        .lag = {.name = "sijang_relay_lag_events",
                .help = "Records on the log that are not published yet; -1: not known here.",
                .kind = METRIC_GAUGE,
                .labels = labels},
        .published = {.name = "sijang_relay_published_total",
                      .help = "Events written to the public topic.",
                      .kind = METRIC_COUNTER,
                      .labels = labels},
    };
    metric_set(&lane->lag, -1);
    if (labels == NULL || name == NULL)
        return false;
    assert(strlen(name) < sizeof(lane->name));
    memcpy(lane->name, name, strlen(name) + 1);
    return true;
}

static void set_state(struct lane *lane, enum lane_state state)
{
    lane->state = state;
    atomic_store(&lane->shown_state, (int)state);
}

void lane_close(struct lane *lane, const struct lane_ground *ground, enum lane_state next)
{
    if (lane->publisher != NULL && lane->source >= 0)
        log_reader_detach(ground->reader, lane->source);
    lane->publisher = log_publisher_close(lane->publisher);
    lane->appended = 0;
    lane->failed = false;
    if (next == LANE_ELSEWHERE)
        lane->due_boot_us = lane->failures = 0;
    lane->shown = LOG_OFFSET_NONE;
    metric_set(&lane->lag, -1);
    set_state(lane, next);
}

static void pause(struct lane *lane, const struct lane_ground *ground, int64_t boot_us)
{
    if (lane->said != lane->error.fault)
        log_warning("publishing_interrupted", LOG_STRING("context", lane->context->name),
                    LOG_NUMBER("partition", lane->partition), LOG_ERROR(&lane->error));
    lane->said = lane->error.fault;
    lane->failures++;
    lane->due_boot_us = boot_us + backoff_draw_us(&patience, lane->failures);
    lane_close(lane, ground, LANE_WAITING);
}

static bool attach(struct lane *lane, const struct lane_ground *ground, struct error *error)
{
    struct log_position from;
    struct log_reading reading = {
        .topic = lane->context->topic,
        .partition = lane->partition,
        .from = &from,
    };
    struct log_publisher_options options = {
        .name = lane->name,
        .topic = lane->context->public_topic,
        .partition = lane->partition,
        .timeout_ms = (int)ground->config->timeout_ms,
        .queued_bytes_max = (size_t)ground->config->fetch_bytes * 2,
    };

    lane->publisher = log_publisher_open(ground->port, &options, error);
    return lane->publisher != NULL && log_publisher_resume(lane->publisher, &from, error) &&
           log_reader_attach(ground->reader, &reading, &lane->source, error);
}

void lane_open(struct lane *lane, const struct lane_ground *ground, int64_t boot_us)
{
    assert(lane->publisher == NULL);
    lane->opened_boot_us = boot_us;
    if (!attach(lane, ground, &lane->error))
        pause(lane, ground, boot_us);
    else if (lane->said == FAULT_NONE)
        set_state(lane, LANE_PUBLISHING);
    else
        set_state(lane, LANE_WAITING); /* what went wrong may go wrong again */
}

void lane_fits(struct lane *lane)
{
    if (lane->publisher == NULL || lane->failed || lane->state == LANE_PUBLISHING)
        return;
    if (lane->said != FAULT_NONE)
        log_info("publishing_again", LOG_STRING("context", lane->context->name),
                 LOG_NUMBER("partition", lane->partition));
    lane->said = FAULT_NONE;
    lane->failures = 0;
    set_state(lane, LANE_PUBLISHING);
}

void lane_take(struct lane *lane, const struct log_event *events, size_t count,
               const struct log_position *after)
{
    const struct log_mark commit = {
        .context = text_of(lane->context->name),
        .partition = lane->partition,
        .offset = after->last_offset,
        .log = after->log,
    };

    if (lane->publisher == NULL || lane->failed)
        return;
    lane->appended += (int64_t)count;
    lane->failed = !log_publisher_append(lane->publisher, events, count, &commit, &lane->error);
}

void lane_commit(struct lane *lane, const struct lane_ground *ground, int64_t boot_us)
{
    if (lane->publisher == NULL)
        return;
    if (!lane->failed && lane->appended > 0)
        lane->failed = !log_publisher_commit(lane->publisher, &lane->error);
    if (lane->failed) {
        pause(lane, ground, boot_us);
        return;
    }
    if (lane->appended > 0 || boot_us - lane->opened_boot_us > FITS_AFTER_US)
        lane_fits(lane);
    metric_add(&lane->published, lane->appended);
    lane->appended = 0;
}

int64_t lane_lag(const struct lane *lane, const struct lane_ground *ground)
{
    if (lane->publisher == NULL)
        return LOG_OFFSET_NONE;
    int64_t end = log_reader_end(ground->reader, lane->source);
    int64_t next = log_reader_position(ground->reader, lane->source)->next;
    if (end == LOG_OFFSET_NONE)
        return LOG_OFFSET_NONE;
    return end > next ? end - next : 0;
}
