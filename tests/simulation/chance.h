/* Random numbers of a seed: the same every time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

uint64_t chance_draw(struct chance *chance, uint64_t below); /* 0 … below - 1 */
int64_t chance_between(struct chance *chance, int64_t least, int64_t most);
bool chance_percent(struct chance *chance, unsigned percent);
