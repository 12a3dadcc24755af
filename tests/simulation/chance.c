/* SplitMix64 (https://prng.di.unimi.it/splitmix64.c). */
#include "tests/simulation/chance.h"

uint64_t chance_draw(struct chance *chance, uint64_t below)
{
    uint64_t bits = (chance->state += UINT64_C(0x9e3779b97f4a7c15));

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (bits ^ (bits >> 31)) % below;
}

int64_t chance_between(struct chance *chance, int64_t least, int64_t most)
{
    return least + (int64_t)chance_draw(chance, (uint64_t)(most - least) + 1);
}

bool chance_percent(struct chance *chance, unsigned percent)
{
    return chance_draw(chance, 100) < percent;
}
