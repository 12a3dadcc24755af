/* One turn of a shard: take calls, turn the log, look after lanes, flush. Time comes from the log's
 * port, so that a simulation owns it. */
#include "command-svc/shard.h"

#include "command-svc/deadlines.h"
#include "command-svc/metrics.h"
#include "command-svc/proof.h"
#include "command-svc/shard_inside.h"
#include "lib/core/logger.h"
#include "lib/log/port.h"
#include <assert.h>

#define FLUSH_COMMITS      256
#define FLUSH_INTERVAL_US  500000
#define FLUSH_RETRY_US     1000000
#define FLUSH_READING_US   5000000 /* what is not flushed yet can be read again */
#define FLUSH_HURRY_US     20000
#define LOOK_INTERVAL_US   20000
#define GATHER_CALLS_MAX   64
#define GATHER_US_MAX      1000
#define GATHER_MS          1
#define PROOF_MS           2
#define IDLE_MS            20
#define BUSY_FLUSH_WAIT_MS 5

static int64_t boot_us_of(const struct shard *shard)
{
    return shard->port->boot_us(shard->port);
}

static struct lane *find_lane(struct shard *shard, int32_t partition, int context)
{
    int place = hosting_find(&shard->hosting, context);

    assert(place >= 0);
    return &shard->holdings[partition / shard->config->shards].lanes[place];
}

bool shard_submit(struct shard *shard, struct call *call, int32_t partition, int context)
{
    if (atomic_fetch_add(&shard->open_calls, 1) >= (size_t)shard->config->calls_max) {
        atomic_fetch_sub(&shard->open_calls, 1);
        return false;
    }
    call->lane = find_lane(shard, partition, context);
    pthread_mutex_lock(&shard->mutex);
    bool closed = shard->closed, sleeps = shard->submitted.first == NULL;
    if (sleeps)
        shard->submitted_boot_us = boot_us_of(shard);
    if (!closed)
        call_push(&shard->submitted, call);
    bool full = shard->submitted.count == GATHER_CALLS_MAX;
    pthread_mutex_unlock(&shard->mutex);
    if (closed)
        atomic_fetch_sub(&shard->open_calls, 1);
    else if (sleeps || full)
        log_writer_wake(shard->writer);
    return !closed;
}

bool shard_look_up(struct shard *shard, struct history *history, int32_t partition, int context)
{
    history->lane = find_lane(shard, partition, context);
    if (!history_queue_submit(&shard->histories, history))
        return false;
    log_writer_wake(shard->writer);
    return true;
}

static bool anything_appended(const struct shard *shard)
{
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            if (log_partition_unacknowledged(shard->holdings[i].lanes[c].log) > 0)
                return true;
    return false;
}

/* While commits are on their way, calls gather: one append to the log then carries many, as Nagle's
 * rule (RFC 896) does for small packets. A call that comes alone never waits. */
static bool gathers(const struct shard *shard)
{
    return shard->submitted.count < GATHER_CALLS_MAX && anything_appended(shard) &&
           boot_us_of(shard) - shard->submitted_boot_us < GATHER_US_MAX;
}

static size_t take_submitted(struct shard *shard)
{
    struct call_queue taken = {0};

    pthread_mutex_lock(&shard->mutex);
    if (shard->submitted.count > 0 && !gathers(shard)) {
        taken = shard->submitted;
        shard->submitted = (struct call_queue){0};
    }
    pthread_mutex_unlock(&shard->mutex);

    size_t count = taken.count;
    struct call *call;
    while ((call = call_pop(&taken)) != NULL)
        lane_take(call->lane, call);
    return count;
}

static bool hurries(const struct holding *holding, int context_count)
{
    for (int c = 0; c < context_count; c++)
        if (holding->lanes[c].hurries)
            return true;
    return false;
}

static void flush(const struct shard *shard, struct holding *holding, int64_t boot_us)
{
    struct error error;

    holding->flush_failed = !index_flush(holding->index, &error);
    if (holding->flush_failed)
        log_error("index_flush_failed", LOG_ERROR(&error));
    else
        metric_observe_us(&metric_flush, boot_us_of(shard) - boot_us);
    holding->flushed_boot_us = boot_us;
    for (int c = 0; c < shard->context_count; c++)
        lane_flushed(&holding->lanes[c], !holding->flush_failed);
    if (holding->flush_failed)
        holding->flush_after_boot_us = boot_us + FLUSH_RETRY_US;
    else
        holding->flush_after_boot_us =
            boot_us + (holding->reads ? FLUSH_READING_US : FLUSH_INTERVAL_US);
}

static bool flush_is_due(const struct shard *shard, const struct holding *holding, int64_t boot_us)
{
    size_t unflushed = index_unflushed(holding->index);

    if (unflushed == 0)
        return false;
    if (boot_us >= holding->flush_after_boot_us)
        return true;
    return !holding->flush_failed && !holding->reads &&
           (unflushed >= FLUSH_COMMITS || (boot_us >= holding->flushed_boot_us + FLUSH_HURRY_US &&
                                           hurries(holding, shard->context_count)));
}

/* At most one a turn, so that commands never wait for all of them; each in its turn. */
static void flush_one_that_is_due(struct shard *shard, int64_t boot_us)
{
    for (size_t i = 0; i < shard->holding_count; i++) {
        size_t number = (shard->flushed + 1 + i) % shard->holding_count;
        if (!flush_is_due(shard, &shard->holdings[number], boot_us))
            continue;
        shard->flushed = number;
        flush(shard, &shard->holdings[number], boot_us);
        return;
    }
}

static void give_proofs(struct shard *shard, int64_t boot_us)
{
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            proof_give_if_due(&shard->holdings[i].lanes[c], boot_us);
}

static int64_t proofs_due_us(const struct shard *shard)
{
    int64_t due_us = INT64_MAX;

    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++) {
            int64_t one_us = proof_due_us(&shard->holdings[i].lanes[c]);
            due_us = one_us < due_us ? one_us : due_us;
        }
    return due_us;
}

/* How long the thread may sleep unless it is woken. */
static int idle_ms(struct shard *shard)
{
    int64_t proof_us = proofs_due_us(shard) - boot_us_of(shard);

    pthread_mutex_lock(&shard->mutex);
    bool gathering = shard->submitted.count > 0;
    pthread_mutex_unlock(&shard->mutex);
    if (proof_us <= 0)
        return 0;
    if (gathering || proof_us <= GATHER_US_MAX)
        return GATHER_MS;
    if (proof_us <= PROOF_RETRY_US)
        return PROOF_MS;
    for (size_t i = 0; i < shard->holding_count; i++)
        if (index_unflushed(shard->holdings[i].index) > 0)
            return BUSY_FLUSH_WAIT_MS;
    return IDLE_MS;
}

static bool is_closed(struct shard *shard)
{
    pthread_mutex_lock(&shard->mutex);
    bool closed = shard->closed;
    pthread_mutex_unlock(&shard->mutex);
    return closed;
}

/* Who waits until all its lanes are near takes over quickly whatever it is dealt. Where nobody
 * else serves anything, nobody gains by that: what is near is served, the rest follows. */
static void join_when_due(struct shard *shard, size_t far, size_t elsewhere)
{
    size_t lanes = shard->holding_count * (size_t)shard->context_count;
    bool alone = elsewhere == 0 && ownership_is_known(shard->ownership);

    if (far > 0 && (far == lanes || !alone))
        return;
    shard->near = true;
    ownership_shard_is_near(shard->ownership);
}

static void note_reading(struct holding *holding, bool reads, int64_t boot_us)
{
    if (holding->reads && !reads) {
        index_give_back(holding->index);
        holding->flush_after_boot_us = boot_us;
    }
    holding->reads = reads;
}

/* Looks after what no event moves, and publishes how the lanes stand. */
static void look_around(struct shard *shard, int64_t boot_us)
{
    int64_t overlay = 0, reactions = 0;
    bool closed = is_closed(shard);
    size_t far = 0, elsewhere = 0;

    for (size_t i = 0; i < shard->holding_count; i++) {
        size_t nearer = far;
        overlay += (int64_t)index_overlay_bytes(shard->holdings[i].index);
        for (int c = 0; c < shard->context_count; c++) {
            struct lane *lane = &shard->holdings[i].lanes[c];
            lane_look_after(lane, boot_us);
            reactions += (int64_t)reactor_open(lane->reactor);
            if (!closed)
                deadlines_fire(lane, boot_us);
            readiness_publish(lane);
            far += !ownership_is_near(lane);
            elsewhere += ownership_is_elsewhere(lane);
        }
        note_reading(&shard->holdings[i], far > nearer, boot_us);
    }
    if (shard->ownership != NULL && !shard->near)
        join_when_due(shard, far, elsewhere);
    metric_set(&metric_overlay, overlay);
    metric_set(&metric_reactions_open, reactions);
    metric_set(&metric_open_calls, (int64_t)atomic_load(&shard->open_calls));
}

bool shard_order(struct shard *shard, const struct reaction_order *order)
{
    pthread_mutex_lock(&shard->mutex);
    bool free = !shard->ordered;
    if (free)
        shard->order = *order;
    shard->ordered = true;
    pthread_mutex_unlock(&shard->mutex);
    log_writer_wake(shard->writer);
    return free;
}

static void take_order(struct shard *shard)
{
    pthread_mutex_lock(&shard->mutex);
    bool ordered = shard->ordered;
    struct reaction_order order = shard->order;
    shard->ordered = false;
    pthread_mutex_unlock(&shard->mutex);
    for (size_t i = 0; ordered && i < shard->holding_count; i++)
        reactor_order(find_lane(shard, shard->holdings[i].lanes[0].number, order.context)->reactor,
                      &order);
}

static void react(struct shard *shard, int64_t boot_us)
{
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            if (shard->holdings[i].lanes[c].reactor != NULL && !is_closed(shard))
                reactor_turn(shard->holdings[i].lanes[c].reactor, boot_us);
}

size_t shard_turn(struct shard *shard)
{
    if (shard->port->connected(shard->port))
        shard->gate.reached_boot_us = boot_us_of(shard);
    size_t handled = take_submitted(shard) + returns_take(&shard->returns);

    handled += log_writer_turn(shard->writer);
    int64_t boot_us = boot_us_of(shard);
    handled += history_queue_turn(&shard->histories, boot_us);
    if (boot_us >= shard->look_boot_us || !shard->near ||
        atomic_exchange(&shard->look_now, false)) {
        take_order(shard);
        look_around(shard, boot_us);
        shard->look_boot_us = boot_us + LOOK_INTERVAL_US;
    }
    give_proofs(shard, boot_us);
    flush_one_that_is_due(shard, boot_us);
    react(shard, boot_us);
    return handled;
}

void shard_wait(struct shard *shard)
{
    log_writer_wait(shard->writer, idle_ms(shard));
}

void shard_wake(struct shard *shard)
{
    log_writer_wake(shard->writer);
}

void shard_look(struct shard *shard)
{
    atomic_store(&shard->look_now, true);
    shard_wake(shard);
}

void shard_refuse(struct shard *shard)
{
    pthread_mutex_lock(&shard->mutex);
    shard->closed = true;
    pthread_mutex_unlock(&shard->mutex);
    history_queue_close(&shard->histories);
}

size_t shard_open_calls(const struct shard *shard)
{
    return atomic_load(&shard->open_calls) + history_queue_count(&shard->histories);
}

void shard_abandon(struct shard *shard)
{
    history_queue_abandon(&shard->histories);
    while (shard->submitted.count > 0)
        take_submitted(shard);
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            lane_abandon(&shard->holdings[i].lanes[c]);
}

void shard_add_readiness(const struct shard *shard, struct readiness *readiness)
{
    for (size_t i = 0; i < shard->holding_count; i++)
        for (int c = 0; c < shard->context_count; c++)
            readiness_add(&shard->holdings[i].lanes[c], readiness);
}
