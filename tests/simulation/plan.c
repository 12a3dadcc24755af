/* Drawn so that half of all mishaps are absent from a world, and one may be frequent. */
#include "tests/simulation/plan.h"

static const unsigned often_per_10000[MISHAP_COUNT] = {
    [MISHAP_CRASH] = 40,    [MISHAP_STALL] = 40,         [MISHAP_DISK_FULL] = 30,
    [MISHAP_CUT] = 40,      [MISHAP_PRODUCER_LOST] = 40, [MISHAP_LOST_RECORD] = 400,
    [MISHAP_FOREIGN] = 200, [MISHAP_LEADER_GONE] = 20,   [MISHAP_PAUSE] = 30,
};

static int64_t one_of(struct chance *chance, const int64_t *values, uint64_t count)
{
    return values[chance_draw(chance, count)];
}

static void draw_mishaps(struct plan *plan, struct chance *chance)
{
    for (int i = 0; i < MISHAP_COUNT; i++)
        if (chance_percent(chance, 50))
            plan->per_10000[i] = 1 + (unsigned)chance_draw(chance, often_per_10000[i]);
}

void plan_draw(struct plan *plan, struct chance *chance)
{
    static const int64_t step_us[] = {200, 500, 1000, 5000, 20000};
    static const int64_t deadline_us[] = {100000, 1000000, 5000000, 20000000};
    static const int64_t calls[] = {2, 8, 4096};
    static const int64_t overlay_bytes[] = {20000, 60000, 1048576};

    *plan = (struct plan){
        .processes = 1 + (int)chance_draw(chance, PROCESSES_MAX),
        .partitions = 1 + (int32_t)chance_draw(chance, 3),
        .clients = 1 + (int)chance_draw(chance, 8),
        .products = 1 + (int)chance_draw(chance, 5),
        .steps = 3000 + (int)chance_draw(chance, 7000),
        .step_us_max = one_of(chance, step_us, 5),
        .deadline_us = one_of(chance, deadline_us, 4),
        .calls_max = one_of(chance, calls, 3),
        .overlay_bytes_max = one_of(chance, overlay_bytes, 3),
    };
    plan->grouped = plan->processes > 1 && chance_percent(chance, 60);
    draw_mishaps(plan, chance);
}
