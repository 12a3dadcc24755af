/* The thread that reads the contexts' logs and publishes what counts in them. Which partitions are
 * this process's, a consumer group deals out; that nobody else publishes there, transactions see
 * to. */
#pragma once

#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include "lib/core/metrics.h"

struct relay;
struct relay_config;

/* The config outlives it. */
MUST_CHECK struct relay *relay_create(const struct relay_config *config, struct error *error);
struct relay *relay_destroy(struct relay *relay); /* NULL accepted; stops it first */
MUST_CHECK bool relay_start(struct relay *relay, struct error *error);

/* NULL-terminated, as long as the relay. */
struct metric *const *relay_metrics(struct relay *relay);
/* Any thread: whether all partitions dealt to it are published, as members of a JSON object. */
bool relay_ready(void *self, struct buffer *out);
