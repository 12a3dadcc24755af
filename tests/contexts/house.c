/* The simulated process: shards turned by hand, one clock for all. */
#include "tests/contexts/house.h"

#include "command-svc/contexts.h"
#include "lib/core/logger.h"
#include "lib/log/partition.h"
#include "lib/log/reader.h"
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STEP_US         5000
#define TURNS_MAX       1000
#define CALLS_MAX       4096
#define OVERLAY_MAX     (16 * 1024 * 1024)
#define PATIENCE_US     (5 * SECOND_US)
#define CALL_ARENA_MAX  65536
#define RECORDS_A_POLL  1000
#define TOPIC_SIZE      64
#define FOLDERS_OPEN    8
#define SERVING_RUN_US  SECOND_US
#define LINES_FROM_HERE LOGGER_ERROR

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

void house_forget(struct house *house)
{
    nftw(house->folder, remove_one, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS);
}

static bool deliver(void *self, struct call *call, int32_t partition, int context)
{
    struct house *house = self;
    struct shard *shard = house->shards[partition % HOUSE_SHARDS];

    call->partition = partition;
    call->context = context;
    return shard != NULL && partition != house->unreachable &&
           partition != house->unreachable_too && shard_submit(shard, call, partition, context);
}

void house_start(struct house *house)
{
    struct error error;

    contexts_check();

    for (int i = 0; i < HOUSE_SHARDS; i++) {
        house->ports[i] = sim_port_create(house->broker);
        house->shards[i] = shard_open(
            &(struct shard_options){
                .config = &house->config,
                .number = i,
                .port = house->ports[i],
                .incarnation = uuid_v7(),
                .deliver = deliver,
                .deliver_self = house,
            },
            &error);
        if (house->shards[i] == NULL)
            fail_msg("%s", error.detail);
    }
    house_run(house, SERVING_RUN_US);
}

void house_stop(struct house *house)
{
    for (int i = 0; i < HOUSE_SHARDS; i++)
        shard_abandon(house->shards[i]);
    for (int i = 0; i < HOUSE_SHARDS; i++) {
        house->shards[i] = shard_close(house->shards[i]);
        sim_port_destroy(house->ports[i]);
    }
}

void house_open(struct house *house)
{
    logger_start("house", LINES_FROM_HERE);
    *house = (struct house){.folder = "/tmp/sijang-house-XXXXXX"};
    assert_non_null(mkdtemp(house->folder));
    house->unreachable = house->unreachable_too = -1;
    house->broker = sim_broker_create(1);
    house->config = (struct command_config){
        .partitions = HOUSE_PARTITIONS,
        .shards = HOUSE_SHARDS,
        .index_path = house->folder,
        .calls_max = CALLS_MAX,
        .partition_calls_max = CALLS_MAX,
        .latency_ms_max = 1000,
        .overlay_bytes_max = OVERLAY_MAX,
    };
    house_start(house);
}

void house_close(struct house *house)
{
    house_stop(house);
    house_forget(house);
    sim_broker_destroy(house->broker);
}

static void turn_all(struct house *house)
{
    size_t handled = 1;

    for (int i = 0; handled > 0 && i < TURNS_MAX; i++) {
        handled = 0;
        for (int s = 0; s < HOUSE_SHARDS; s++)
            handled += shard_turn(house->shards[s]);
    }
}

void house_run(struct house *house, int64_t duration_us)
{
    for (int64_t passed = 0; passed < duration_us; passed += STEP_US) {
        turn_all(house);
        sim_broker_pass(house->broker, STEP_US);
    }
    turn_all(house);
}

static void finish(struct call *call)
{
    *(bool *)call->origin = true;
}

static int context_of(const struct command *command)
{
    int c = 0;

    while (strcmp(contexts[c]->name, command->aggregate->context) != 0)
        c++;
    return c;
}

struct house_answer house_ask(struct house *house, const struct command *command, const char *id,
                              void *input)
{
    static const struct trace_context trace;
    struct house_answer answer = {0};
    struct arena arena;
    bool finished = false;
    int32_t partition = log_partition_of(text_of(id), HOUSE_PARTITIONS);

    arena_init(&arena, CALL_ARENA_MAX);
    struct call call = {
        .command = command,
        .arena = &arena,
        .trace = &trace,
        .deadline_boot_us = house->ports[0]->boot_us(house->ports[0]) + PATIENCE_US,
        .origin = &finished,
        .finish = finish,
        .caller = {.subject = "anna", .roles = ROLE_ADMIN},
        .input = input,
        .aggregate_id = text_of(id),
        .expected_version = -1,
        .command_id = uuid_v7(),
    };
    assert_true(shard_submit(house->shards[partition % HOUSE_SHARDS], &call, partition,
                             context_of(command)));
    for (int i = 0; i < TURNS_MAX && !finished; i++)
        house_run(house, STEP_US);
    assert_true(finished);
    answer.accepted = call.outcome == CALL_DONE;
    answer.version = call.version;
    if (!answer.accepted)
        snprintf(answer.code, sizeof(answer.code), "%s",
                 call.outcome == CALL_REFUSED ? call.problem.code : fault_entry(call.fault)->code);
    arena_done(&arena);
    return answer;
}

struct counting {
    const struct record *record;
    const char *id;
    size_t count;
};

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    struct counting *counting = self;
    (void)source, (void)after;

    for (size_t i = 0; i < count; i++)
        counting->count += text_is(events[i].type, counting->record->full_name) &&
                           (counting->id == NULL || text_is(events[i].subject, counting->id));
}

static void on_advanced(void *self, int32_t source, const struct log_position *after)
{
    (void)self, (void)source, (void)after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    (void)self, (void)source;
    fail_msg("%s", error->detail);
}

size_t house_events(struct house *house, const char *context, const struct record *record,
                    const char *id)
{
    struct counting counting = {.record = record, .id = id};
    struct log_reader_handler handler = {&counting, on_commit, on_advanced, on_stopped};
    struct log_port *port = sim_port_create(house->broker);
    struct log_reader *reader = log_reader_create(port, &handler, HOUSE_PARTITIONS, NULL);
    struct log_position beginning;
    char topic[TOPIC_SIZE];
    int32_t source;

    assert_non_null(reader);
    snprintf(topic, sizeof(topic), "sijang.%s.events.v1", context);
    log_position_start(&beginning);
    for (int32_t p = 0; p < HOUSE_PARTITIONS; p++)
        assert_true(log_reader_attach(
            reader, &(struct log_reading){.topic = topic, .partition = p, .from = &beginning},
            &source, NULL));
    for (int i = 0; i < TURNS_MAX && !log_reader_at_end(reader); i++)
        log_reader_poll(reader, RECORDS_A_POLL, 1);
    log_reader_destroy(reader);
    sim_port_destroy(port);
    return counting.count;
}
