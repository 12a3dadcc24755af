/* What happens to calls when the log acknowledges, loses, or finds commits again. */
#include "command-svc/lane.h"

#include "command-svc/gate.h"
#include "command-svc/memory.h"
#include "command-svc/metrics.h"
#include "command-svc/pipeline.h"
#include "command-svc/reactor.h"
#include "command-svc/store_outcomes.h"
#include "command-svc/store_parks.h"
#include "command-svc/store_reactions.h"
#include "lib/core/logger.h"

static struct text position_bytes(const struct log_position *position)
{
    return (struct text){(const char *)position, sizeof(*position)};
}

void lane_answer(struct lane *lane, struct call *call)
{
    call->mark = (struct log_mark){
        .context = text_of(lane->store.context->name),
        .partition = lane->number,
        .offset = lane->position.last_offset,
        .log = lane->position.log,
    };
    metrics_count(call);
    atomic_fetch_sub(lane->open_calls, 1);
    call->finish(call);
}

void lane_answer_when_certain(struct lane *lane, struct call *call)
{
    call->token = call->appended ? lane->appended : lane->appended + 1;
    if (call->token <= lane->acknowledged)
        lane_answer(lane, call);
    else
        call_push(&lane->waiting, call);
}

static void take_pending(struct lane *lane)
{
    struct call_queue pending = lane->pending;
    struct call *call;

    lane->pending = (struct call_queue){0};
    while ((call = call_pop(&pending)) != NULL)
        lane_take(lane, call);
}

static void misplace(struct lane *lane, struct call *call)
{
    call_misplace(call);
    lane_answer(lane, call);
}

/* While serving. A forwarded copy may be decided under the term it was made for only. */
static bool is_bound_elsewhere(const struct lane *lane, const struct call *call)
{
    return call->bound && call->bound_term != lane->position.term;
}

static bool lets_in(const struct lane *lane, struct call *call)
{
    int64_t boot_us = log_partition_boot_us(lane->log);

    if (call->taken_boot_us != 0)
        return true;
    enum fault fault = gate_check(lane->gate, lane, boot_us);
    if (fault != FAULT_NONE) {
        call_fault(call, fault);
        return false;
    }
    call->taken_boot_us = boot_us;
    return true;
}

void lane_take(struct lane *lane, struct call *call)
{
    if (log_partition_is_wanted(lane->log) && !lets_in(lane, call)) {
        lane_answer(lane, call);
        return;
    }
    switch (log_partition_state(lane->log)) {
    case LOG_SERVING:
        take_pending(lane);
        if (!log_partition_is_wanted(lane->log) || is_bound_elsewhere(lane, call))
            misplace(lane, call);
        else
            pipeline_work(lane, call);
        break;
    case LOG_STOPPED:
        call_fault(call, log_partition_error(lane->log)->fault);
        lane_answer(lane, call);
        break;
    case LOG_FOLLOWING:
        if (log_partition_is_wanted(lane->log))
            call_push(&lane->pending, call);
        else
            misplace(lane, call);
        break;
    case LOG_CLAIMING:
    case LOG_SETTLING: call_push(&lane->pending, call); break;
    }
}

static void answer_up_to(struct lane *lane, uint64_t token)
{
    lane->acknowledged = token;
    while (lane->waiting.first != NULL && lane->waiting.first->token <= token)
        lane_answer(lane, call_pop(&lane->waiting));
}

int64_t lane_foresee(const struct lane *lane, size_t n)
{
    return lane->position.term + log_partition_sent_seq(lane->log) + (int64_t)n + lane->slip;
}

static int64_t slip_at(const struct log_position *position)
{
    return position->last_offset - position->term - position->seq;
}

/* Void records came in between: all that is not acknowledged lies further back than foreseen. */
static void correct_foresight(struct lane *lane, const struct log_position *after)
{
    int64_t slip = slip_at(after);

    if (slip != lane->slip)
        index_shift(lane->store.index, INDEX_EVENTS, slip - lane->slip);
    lane->slip = slip;
}

static void lane_acknowledged(void *self, struct log_partition *partition, uint64_t token,
                              const struct log_position *after)
{
    struct lane *lane = log_partition_user(partition);
    (void)self;

    correct_foresight(lane, after);
    lane->moved_boot_us = log_partition_boot_us(lane->log);
    lane->position = *after;
    index_acknowledge(lane->store.index, position_bytes(after));
    answer_up_to(lane, token);
}

/* Something read from the log: a commit, or a platform record. */
struct reading {
    const struct log_event *events;
    size_t count;
    const struct platform_entry *entry; /* in place of events */
};

static bool stage_entry(const struct lane *lane, const struct platform_entry *entry,
                        struct error *error)
{
    switch (entry->kind) {
    case PLATFORM_OUTCOME: return store_stage_outcome(&lane->store, entry->body, error);
    case PLATFORM_CHECKPOINT: return store_stage_checkpoint(&lane->store, entry->body, error);
    case PLATFORM_PARK: return store_stage_park(&lane->store, entry->body, error);
    case PLATFORM_RELEASE: return store_stage_release(&lane->store, entry->body, error);
    case PLATFORM_BARRIER:
    case PLATFORM_CLAIM:
    case PLATFORM_RECORD_COUNT: break;
    }
    return true;
}

static bool stage(struct lane *lane, const struct reading *reading, struct error *error)
{
    arena_reset(lane->arena);
    bool staged = reading->entry == NULL ? store_apply(&lane->store, reading->events,
                                                       reading->count, lane->arena, error)
                                         : stage_entry(lane, reading->entry, error);
    if (!staged)
        index_abandon(lane->store.index);
    return staged;
}

/* What is read is not bounded by what callers ask for. */
static void flush_if_swollen(struct lane *lane)
{
    struct error error;

    if (index_is_swollen(lane->index) && !index_flush(lane->index, &error))
        log_error("index_flush_failed", LOG_ERROR(&error));
}

/* Where flushes fail, the overlay may be full: one more try. */
static bool take_reading(struct lane *lane, const struct reading *reading,
                         const struct log_position *after, struct error *error)
{
    if (!stage(lane, reading, error) &&
        (error->fault != FAULT_OVERLOADED || !index_flush(lane->index, error) ||
         !stage(lane, reading, error))) {
        log_warning("commit_not_applied", LOG_STRING("context", lane->store.context->name),
                    LOG_NUMBER("partition", lane->number), LOG_NUMBER("offset", after->last_offset),
                    LOG_ERROR(error));
        return false;
    }
    lane->position = *after;
    index_seal(lane->store.index);
    index_acknowledge(lane->store.index, position_bytes(after));
    flush_if_swollen(lane);
    return true;
}

static bool lane_apply(void *self, struct log_partition *partition, const struct log_event *events,
                       size_t count, const struct log_position *after, struct error *error)
{
    (void)self;
    return take_reading(log_partition_user(partition),
                        &(struct reading){.events = events, .count = count}, after, error);
}

static bool lane_platform(void *self, struct log_partition *partition,
                          const struct platform_entry *entry, const struct log_position *after,
                          struct error *error)
{
    (void)self;
    return take_reading(log_partition_user(partition), &(struct reading){.entry = entry}, after,
                        error);
}

static void lane_advanced(void *self, struct log_partition *partition,
                          const struct log_position *after)
{
    struct lane *lane = log_partition_user(partition);
    (void)self;

    lane->position = *after;
    index_advance(lane->store.index, position_bytes(after));
}

/* What was appended and not acknowledged is undecided; everything else can be decided again. */
static void lane_deposed(void *self, struct log_partition *partition)
{
    struct lane *lane = log_partition_user(partition);
    struct call *call;
    (void)self;

    log_warning("lane_deposed", LOG_STRING("context", lane->store.context->name),
                LOG_NUMBER("partition", lane->number),
                LOG_NUMBER("undecided_commits", (int64_t)(lane->appended - lane->acknowledged)));
    reactor_deposed(lane->reactor);
    metric_add(&metric_depositions, 1);
    index_forget(lane->store.index);
    while ((call = call_pop(&lane->waiting)) != NULL)
        call_push(call->appended ? &lane->unsettled : &lane->pending, call);
    lane->acknowledged = lane->appended;
}

/* Up to the next claim everything is decided: found in the log is done, not found did not happen.
 */
static void settle(struct lane *lane, struct call *call)
{
    struct error error;
    bool known;

    if (!pipeline_recall(lane, call, &known, &error)) {
        log_error("settling_failed", LOG_ERROR(&error));
        call_fault(call, FAULT_OUTCOME_UNKNOWN);
    } else if (known) {
        /* answered as it was */
    } else if (is_bound_elsewhere(lane, call)) {
        call_misplace(call);
    } else if (call_is_late(call, log_partition_boot_us(lane->log))) {
        call_fault(call, FAULT_DEADLINE_PASSED);
    } else {
        call->appended = false;
        call_push(&lane->pending, call);
        return;
    }
    lane_answer(lane, call);
}

static void lane_settled(void *self, struct log_partition *partition, const struct log_position *at)
{
    struct lane *lane = log_partition_user(partition);
    struct call *call;
    (void)self;

    lane->position = *at;
    while ((call = call_pop(&lane->unsettled)) != NULL)
        settle(lane, call);
}

static void lane_serving(void *self, struct log_partition *partition, const struct log_position *at)
{
    struct lane *lane = log_partition_user(partition);
    (void)self;

    lane->position = *at;
    lane->slip = slip_at(at);
    log_info("lane_serving", LOG_STRING("context", lane->store.context->name),
             LOG_NUMBER("partition", lane->number), LOG_NUMBER("term", at->term));
    reactor_serving(lane->reactor);
    ownership_serving(lane, at);
    take_pending(lane);
}

const struct log_owner lane_owner = {
    .apply = lane_apply,
    .platform = lane_platform,
    .advanced = lane_advanced,
    .serving = lane_serving,
    .acknowledged = lane_acknowledged,
    .deposed = lane_deposed,
    .settled = lane_settled,
};

static void expire_queue(struct lane *lane, struct call_queue *queue, int64_t boot_us)
{
    struct call_queue kept = {0};
    struct call *call;

    while ((call = call_pop(queue)) != NULL) {
        if (!call_is_late(call, boot_us)) {
            call_push(&kept, call);
            continue;
        }
        call_fault(call, call->appended ? FAULT_OUTCOME_UNKNOWN : FAULT_DEADLINE_PASSED);
        lane_answer(lane, call);
    }
    *queue = kept;
}

static void say_if_stopped(struct lane *lane)
{
    if (lane->stop_said || log_partition_state(lane->log) != LOG_STOPPED)
        return;
    lane->stop_said = true;
    log_error("lane_stopped", LOG_STRING("context", lane->store.context->name),
              LOG_NUMBER("partition", lane->number), LOG_ERROR(log_partition_error(lane->log)));
    ownership_stopped(lane);
}

static void say_of_clocks(struct lane *lane)
{
    bool differs = !log_partition_clock_agrees(lane->log);
    int64_t ahead_ms = log_partition_clock_ahead_us(lane->log) / 1000;

    if (differs == lane->clock_said)
        return;
    lane->clock_said = differs;
    if (differs)
        log_error("clocks_differ", LOG_STRING("context", lane->store.context->name),
                  LOG_NUMBER("partition", lane->number), LOG_NUMBER("host_ahead_ms", ahead_ms));
    else
        log_info("clocks_agree", LOG_STRING("context", lane->store.context->name),
                 LOG_NUMBER("partition", lane->number));
}

void lane_look_after(struct lane *lane, int64_t boot_us)
{
    say_if_stopped(lane);
    say_of_clocks(lane);
    ownership_look(lane, boot_us);
    if (lane->acknowledged == lane->appended)
        lane->moved_boot_us = boot_us;
    take_pending(lane);
    expire_queue(lane, &lane->pending, boot_us);
    expire_queue(lane, &lane->waiting, boot_us);
    expire_queue(lane, &lane->unsettled, boot_us);
    memory_sweep(lane, boot_us);
}

/* A flush writes what is acknowledged: the rest is waited for still. */
void lane_flushed(struct lane *lane, bool flushed)
{
    if (!flushed)
        return;
    if (lane->acknowledged == lane->appended)
        lane->hurries = false;
    reactor_flushed(lane->reactor);
}

int64_t lane_next_place(const struct lane *lane)
{
    return lane->position.term + log_partition_sent_seq(lane->log) + 1;
}

void lane_abandon(struct lane *lane)
{
    struct call_queue *queues[] = {&lane->pending, &lane->waiting, &lane->unsettled};
    struct call *call;

    for (size_t i = 0; i < COUNT_OF(queues); i++)
        while ((call = call_pop(queues[i])) != NULL) {
            call_fault(call, call->appended ? FAULT_OUTCOME_UNKNOWN : FAULT_SHUTTING_DOWN);
            lane_answer(lane, call);
        }
    ownership_end(lane);
}
