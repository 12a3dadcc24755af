/* What goes wrong, as often as the plan says. */
#pragma once

struct world;

/* After a step: nothing, or a mishap. */
void mishaps_strike(struct world *world);
/* What is over by now, is over. */
void mishaps_pass(struct world *world);
