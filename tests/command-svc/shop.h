/* One shard of command-svc with the catalog, over a broker in memory whose clock the test moves.
 * Calls are given without waiting, answers are noted in words as they come. */
#pragma once

#include "command-svc/call.h"
#include "command-svc/config.h"
#include "command-svc/shard.h"
#include "tests/support/sim_broker.h"

#define SHOP_CALLS_MAX      256
#define SHOP_LANE_CALLS_MAX 20
#define SHOP_LATENCY_MS_MAX 1000
#define SHOP_TRACE_SIZE     8192
#define SHOP_TOPIC          "sijang.catalog.events.v1"
#define MILLISECOND_US      INT64_C(1000)
#define SECOND_US           INT64_C(1000000)

struct shop {
    struct sim_broker *broker;
    struct log_port *port;
    struct shard *shard;
    struct command_config config;
    char folder[64];
    struct shop_call *calls[SHOP_CALLS_MAX];
    size_t call_count;
    char trace[SHOP_TRACE_SIZE]; /* "3:done 4:stock_short" */
};

/* Begins with an empty log and one partition, and serves. */
void shop_open(struct shop *shop);
/* With so many partitions, and places for calls in all. */
void shop_open_with(struct shop *shop, int partitions, int64_t calls_max);
void shop_close(struct shop *shop);
/* The process ends and another one starts, on the same index. */
void shop_restart(struct shop *shop);

/* Asks to list a product with so much stock, under this id and key (NULL: without one). */
void shop_list(struct shop *shop, int number, const char *id, int64_t stock, const char *key);
/* Asks for one unit of it. */
void shop_reserve(struct shop *shop, int number, const char *id, const char *reservation);

/* The same, forwarded by another process that knows this owner by its claim at `term`. */
void shop_reserve_copy(struct shop *shop, int number, const char *id, const char *reservation,
                       int64_t term);

/* Does what there is to do at this moment. */
void shop_turn(struct shop *shop);
/* Lets time pass, in steps of half a millisecond. */
void shop_pass(struct shop *shop, int64_t duration_us);
/* Asserts the answers since the last time. */
void shop_expect(struct shop *shop, const char *trace);
/* Records in the log. */
int64_t shop_records(const struct shop *shop);
