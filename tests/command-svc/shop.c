/* The shop: a shard turned by hand. */
#include "tests/command-svc/shop.h"

#include "command-svc/catalog/product.h"
#include "lib/core/logger.h"
#include "lib/log/partition.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STEP_US         500
#define TURNS_MAX       1000
#define PATIENCE_US     (5 * SECOND_US)
#define CALL_ARENA_MAX  65536
#define FOLDERS_OPEN    8
#define INPUT_BYTES_MAX 512

extern const struct command list_product, reserve_stock;

struct shop_call {
    struct call call;
    struct arena arena;
    struct trace_context trace;
    struct shop *shop;
    int number;
    bool finished;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

static void start(struct shop *shop)
{
    struct error error;

    shop->port = sim_port_create(shop->broker);
    shop->shard = shard_open(
        &(struct shard_options){
            .config = &shop->config,
            .port = shop->port,
            .incarnation = uuid_v7(),
        },
        &error);
    if (shop->shard == NULL)
        fail_msg("%s", error.detail);
    shop_pass(shop, SECOND_US);
}

static void stop(struct shop *shop)
{
    shard_abandon(shop->shard);
    shop->shard = shard_close(shop->shard);
    sim_port_destroy(shop->port);
}

void shop_open(struct shop *shop)
{
    shop_open_with(shop, 1, SHOP_CALLS_MAX);
}

void shop_open_with(struct shop *shop, int partitions, int64_t calls_max)
{
    logger_start("shop", LOGGER_ERROR);
    *shop = (struct shop){.folder = "/tmp/sijang-shop-XXXXXX"};
    assert_non_null(mkdtemp(shop->folder));
    shop->broker = sim_broker_create(1);
    shop->config = (struct command_config){
        .partitions = partitions,
        .shards = 1,
        .index_path = shop->folder,
        .calls_max = calls_max,
        .partition_calls_max = SHOP_LANE_CALLS_MAX,
        .latency_ms_max = SHOP_LATENCY_MS_MAX,
        .overlay_bytes_max = 16 * 1024 * 1024,
    };
    start(shop);
    assert_int_equal(shop_records(shop), 1); /* the claim */
}

void shop_close(struct shop *shop)
{
    stop(shop);
    for (size_t i = 0; i < shop->call_count; i++) {
        assert_true(shop->calls[i]->finished);
        arena_done(&shop->calls[i]->arena);
        free(shop->calls[i]);
    }
    nftw(shop->folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
    sim_broker_destroy(shop->broker);
}

void shop_restart(struct shop *shop)
{
    stop(shop);
    start(shop);
}

static void finish(struct call *call)
{
    struct shop_call *mine = call->origin;
    char *trace = mine->shop->trace;
    size_t used = strlen(trace);
    const char *what = "done";

    assert_false(mine->finished);
    mine->finished = true;
    if (call->outcome == CALL_REFUSED)
        what = call->problem.code;
    else if (call->outcome == CALL_MISPLACED)
        what = "misplaced";
    else if (call->outcome == CALL_FAULTED)
        what = fault_entry(call->fault)->code;
    int size = snprintf(trace + used, SHOP_TRACE_SIZE - used, "%s%d:%s", used > 0 ? " " : "",
                        mine->number, what);
    assert_true(size > 0 && used + (size_t)size < SHOP_TRACE_SIZE);
}

static struct shop_call *make_call(struct shop *shop, int number, const struct command *command,
                                   const char *id)
{
    struct shop_call *mine = calloc(1, sizeof(*mine));

    assert_non_null(mine);
    assert_true(shop->call_count < SHOP_CALLS_MAX);
    shop->calls[shop->call_count++] = mine;
    mine->shop = shop;
    mine->number = number;
    arena_init(&mine->arena, CALL_ARENA_MAX);
    mine->call = (struct call){
        .command = command,
        .arena = &mine->arena,
        .trace = &mine->trace,
        .deadline_boot_us = shop->port->boot_us(shop->port) + PATIENCE_US,
        .origin = mine,
        .finish = finish,
        .caller = {.subject = "anna", .roles = ROLE_SELLER},
        .aggregate_id = text_of(id),
        .expected_version = -1,
        .command_id = uuid_v7(),
    };
    mine->call.input = arena_alloc_zeroed(&mine->arena, command->input->size);
    assert_non_null(mine->call.input);
    return mine;
}

static void set(const struct shop_call *mine, const char *name, const void *value, size_t size)
{
    const struct field *field = record_find_field(mine->call.command->input, name);

    assert_non_null(field);
    memcpy((char *)mine->call.input + field->offset, value, size);
}

static void set_text(const struct shop_call *mine, const char *name, const char *value)
{
    struct text text = text_of(value);

    set(mine, name, &text, sizeof(text));
}

static void set_number(const struct shop_call *mine, const char *name, int64_t value)
{
    set(mine, name, &value, sizeof(value));
}

static void submit(struct shop *shop, struct shop_call *mine)
{
    int32_t partition = log_partition_of(mine->call.aggregate_id, (int32_t)shop->config.partitions);

    if (shard_submit(shop->shard, &mine->call, partition, 0))
        return;
    call_fault(&mine->call, FAULT_OVERLOADED);
    finish(&mine->call);
}

void shop_list(struct shop *shop, int number, const char *id, int64_t stock, const char *key)
{
    static const struct uuid keys;
    struct shop_call *mine = make_call(shop, number, &list_product, id);

    set_text(mine, "title", "Latte");
    set_number(mine, "price", 4500);
    set_number(mine, "stock", stock);
    if (key != NULL) {
        mine->call.keyed = true;
        mine->call.command_id = uuid_v5(&keys, key, strlen(key));
    }
    submit(shop, mine);
}

static struct shop_call *make_reservation(struct shop *shop, int number, const char *id,
                                          const char *reservation)
{
    struct shop_call *mine = make_call(shop, number, &reserve_stock, id);

    set_text(mine, "reservation_id", reservation);
    set_number(mine, "quantity", 1);
    mine->call.part_id = text_of(reservation);
    return mine;
}

void shop_reserve(struct shop *shop, int number, const char *id, const char *reservation)
{
    submit(shop, make_reservation(shop, number, id, reservation));
}

void shop_reserve_copy(struct shop *shop, int number, const char *id, const char *reservation,
                       int64_t term)
{
    struct shop_call *mine = make_reservation(shop, number, id, reservation);

    mine->call.keyed = true;
    mine->call.bound = true;
    mine->call.bound_term = term;
    submit(shop, mine);
}

void shop_turn(struct shop *shop)
{
    int idle = 0; /* what a turn does last is seen in the next one */

    for (int i = 0; i < TURNS_MAX && idle < 2; i++)
        idle = shard_turn(shop->shard) > 0 ? 0 : idle + 1;
}

void shop_pass(struct shop *shop, int64_t duration_us)
{
    for (int64_t passed = 0; passed < duration_us; passed += STEP_US) {
        shop_turn(shop);
        sim_broker_pass(shop->broker, STEP_US);
    }
    shop_turn(shop);
}

void shop_expect(struct shop *shop, const char *trace)
{
    assert_string_equal(shop->trace, trace);
    shop->trace[0] = '\0';
}

int64_t shop_records(const struct shop *shop)
{
    return sim_broker_end(shop->broker, SHOP_TOPIC, 0);
}
