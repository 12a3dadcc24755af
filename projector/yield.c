/* Additive increase, multiplicative decrease: the live views' slowest events decide. */
#include "projector/yield.h"

#define QUIET_US      INT64_C(1000000) /* nobody is live who has done nothing for so long */
#define JUDGE_US      INT64_C(500000)
#define JUDGE_US_MAX  INT64_C(3000000)
#define JUDGED_EVENTS 100
#define CALM_EVENTS   100 /* fewer say little of what is usual */
#define CALM_US       INT64_C(700000)
#define CALM_EVERY_US INT64_C(7000000)
#define SLOWEST       990  /* of a thousand */
#define MARGIN_US     1000 /* append times are whole milliseconds */
#define SHARE_STEP    20
#define SHARE_UNSURE  200

void yield_init(struct yield *yield)
{
    *yield = (struct yield){.share = SHARE_UNSURE};
}

static bool is_slower(const struct yield *yield)
{
    int64_t usual_us = latency_percentile_us(&yield->calm, SLOWEST);
    return latency_percentile_us(&yield->busy, SLOWEST) > usual_us + usual_us / 10 + MARGIN_US;
}

static void judge(struct yield *yield, int64_t now_us)
{
    int64_t since_us = now_us - yield->judged_us;
    bool enough = yield->busy.total >= JUDGED_EVENTS && since_us >= JUDGE_US;
    if (!enough && since_us < JUDGE_US_MAX)
        return;
    if (yield->busy.total > 0)
        yield->share = is_slower(yield) ? yield->share / 2 : yield->share + SHARE_STEP;
    if (yield->share < YIELD_SHARE_MIN)
        yield->share = YIELD_SHARE_MIN;
    if (yield->share > YIELD_SHARE_ALL)
        yield->share = YIELD_SHARE_ALL;
    yield->busy = (struct latency_counts){0};
    yield->judged_us = now_us;
}

/* What was usual long ago is forgotten bit by bit. */
static void remember_calm(struct yield *yield, const struct latency_counts *new)
{
    if (yield->calm.total > 20 * CALM_EVENTS && new->total > 0)
        latency_halve(&yield->calm);
    latency_add_counts(&yield->calm, new);
}

void yield_hear(struct yield *yield, const struct latency_counts *all, int64_t now_us,
                enum yield_mood mood)
{
    struct latency_counts new = *all;
    latency_subtract(&new, &yield->heard);
    yield->heard = *all;
    bool first = yield->heard_us == 0;
    yield->heard_us = now_us;
    if (first) {
        yield->judged_us = now_us;
        return;
    }
    if (new.total > 0)
        yield->seen_us = now_us;
    switch (mood) {
    case YIELD_CALM: remember_calm(yield, &new); break;
    case YIELD_SETTLING: break;
    case YIELD_WORKING:
        latency_add_counts(&yield->busy, &new);
        judge(yield, now_us);
        return;
    }
    yield->judged_us = now_us;
}

/* Nobody has done anything for a while. */
static bool is_quiet(const struct yield *yield)
{
    return yield->seen_us == 0 || yield->heard_us - yield->seen_us > QUIET_US;
}

static int64_t share_of(const struct yield *yield)
{
    if (yield->behind)
        return YIELD_SHARE_MIN;
    if (is_quiet(yield))
        return YIELD_SHARE_ALL;
    if (yield->calm.total < CALM_EVENTS && yield->share > SHARE_UNSURE)
        return SHARE_UNSURE;
    return yield->share;
}

int64_t yield_rest_us(const struct yield *yield, int64_t worked_us)
{
    int64_t share = share_of(yield);
    int64_t rest_us = worked_us * (YIELD_SHARE_ALL - share) / share;
    return rest_us < YIELD_REST_US_MAX ? rest_us : YIELD_REST_US_MAX;
}

int64_t yield_calm_us(struct yield *yield, int64_t now_us)
{
    if (is_quiet(yield) || now_us < yield->calm_due_us)
        return 0;
    bool known = yield->calm.total >= CALM_EVENTS;
    bool first = yield->calm_due_us == 0;
    yield->calm_due_us = now_us + CALM_EVERY_US;
    return first && known ? 0 : CALM_US;
}
