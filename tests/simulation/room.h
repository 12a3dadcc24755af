/* What the rooms of a program want in a simulated world. One implementation is linked in. */
#pragma once

#include <stdbool.h>

struct history;
struct operation;
struct world;

/* Draws command, part, body and caller. */
void room_draw(struct world *world, struct operation *operation);
/* Nothing goes on by itself any more. */
bool room_rests(const struct history *history);
/* What the rooms promise, of the whole history. */
void room_check(const struct world *world, const struct history *history);
