/* What must hold at the end of a world, and what clients were told. Each ends the program on a
 * violation. */
#pragma once

struct history;
struct world;

/* Commands once, versions without gaps, stock never below zero. */
void verdict_of_history(const struct world *world, const struct history *history);
/* Every answer is true. */
void verdict_of_attempts(const struct world *world, struct history *history);
/* lib/log's reader sees the same commits. */
void verdict_of_readers(struct world *world, const struct history *history);
/* The process's indexes are folds of the log up to their positions. While it is down. */
void verdict_of_indexes(const struct world *world, struct history *history, int process);
