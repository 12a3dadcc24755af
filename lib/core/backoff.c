/* Patience between attempts. */
#include "lib/core/backoff.h"

#include "lib/core/random.h"
#include <assert.h>

int64_t backoff_us(const struct backoff *backoff, uint32_t failures, uint32_t chance)
{
    assert(backoff->min_us > 0 && backoff->max_us >= backoff->min_us);
    int64_t delay_us = backoff->min_us;
    for (uint32_t i = 1; i < failures && delay_us < backoff->max_us; i++)
        delay_us = delay_us <= backoff->max_us / 2 ? delay_us * 2 : backoff->max_us;
    uint64_t spread_us = (uint64_t)delay_us / 2;
    uint64_t drawn_us =
        spread_us / UINT32_MAX * chance + spread_us % UINT32_MAX * chance / UINT32_MAX;
    return delay_us - (int64_t)(spread_us - drawn_us);
}

int64_t backoff_draw_us(const struct backoff *backoff, uint32_t failures)
{
    uint32_t chance;
    random_take(&chance, sizeof(chance));
    return backoff_us(backoff, failures, chance);
}
