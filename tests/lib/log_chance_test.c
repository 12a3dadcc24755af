/* Two owners of one partition under chance: lost records and reports, copies, junk, zombies,
 * crashes, restarts from older positions. After thousands of steps the log must tell one history:
 * every answered command in it once, no refused one, each decided on the state it follows. */
#include "lib/log/reader.h"
#include "lib/log/writer.h"
#include "tests/support/sim_broker.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TOPIC        "sijang.catalog.events.v1"
#define SEEDS        150
#define STEPS        1500
#define COMMANDS_MAX 2000
#define SNAPSHOTS    4
#define RECORDS_MAX  3
#define PERCENT      100

enum command_state {
    COMMAND_NONE,
    COMMAND_WAITING,
    COMMAND_DONE,
    COMMAND_REFUSED,
    COMMAND_UNANSWERED
};

struct snapshot {
    struct log_position position;
    int64_t version;
};

struct process {
    struct log_port *port;
    struct log_writer *writer;
    struct log_partition *partition;
    int number;
    int64_t version; /* of what is certain */
    int64_t staged;  /* with what is under way */
    struct snapshot snapshots[SNAPSHOTS];
    int snapshot_count;
};

static struct sim_broker *broker;
static struct process processes[2];
static enum command_state commands[COMMANDS_MAX];
static int owners[COMMANDS_MAX]; /* process that waits for it */
static int command_count;
static uint64_t seed_now, chance_state;
static int64_t acknowledged_total;

static uint64_t chance(uint64_t below)
{
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    chance_state ^= chance_state << 17;
    return chance_state % below;
}

static int64_t command_of(const struct log_event *event)
{
    int64_t number;

    memcpy(&number, event->command_id.bytes, sizeof(number));
    return number;
}

static void remember(struct process *process, const struct log_position *position)
{
    if (process->snapshot_count == SNAPSHOTS) {
        memmove(&process->snapshots[0], &process->snapshots[1],
                (SNAPSHOTS - 1) * sizeof(process->snapshots[0]));
        process->snapshot_count--;
    }
    process->snapshots[process->snapshot_count++] =
        (struct snapshot){.position = *position, .version = process->version};
}

static bool on_apply(void *self, struct log_partition *partition, const struct log_event *events,
                     size_t count, const struct log_position *after, struct error *error)
{
    struct process *process = self;
    int64_t number = command_of(&events[0]);

    (void)partition;
    (void)error;
    assert_int_equal(events[0].version, process->version + 1);
    assert_int_equal(events[0].fence.count, count);
    process->staged = ++process->version;
    if (commands[number] == COMMAND_WAITING && owners[number] == process->number)
        commands[number] = COMMAND_DONE;
    remember(process, after);
    return true;
}

static void on_advanced(void *self, struct log_partition *partition,
                        const struct log_position *after)
{
    (void)partition;
    remember(self, after);
}

static void on_settled(void *self, struct log_partition *partition, const struct log_position *at)
{
    const struct process *process = self;

    (void)partition;
    (void)at;
    for (int i = 0; i < command_count; i++)
        if (owners[i] == process->number && commands[i] == COMMAND_WAITING)
            commands[i] = COMMAND_REFUSED;
}

static void on_serving(void *self, struct log_partition *partition, const struct log_position *at)
{
    struct process *process = self;

    (void)partition;
    for (int i = 0; i < command_count; i++)
        assert_false(owners[i] == process->number && commands[i] == COMMAND_WAITING);
    process->staged = process->version;
    remember(process, at);
}

static void on_acknowledged(void *self, struct log_partition *partition, uint64_t token,
                            const struct log_position *after)
{
    struct process *process = self;

    (void)partition;
    assert_int_equal(commands[token], COMMAND_WAITING);
    commands[token] = COMMAND_DONE;
    acknowledged_total++;
    process->version++;
    remember(process, after);
}

static void on_deposed(void *self, struct log_partition *partition)
{
    struct process *process = self;

    (void)partition;
    process->staged = process->version;
}

static void start(struct process *process, const struct snapshot *from)
{
    struct log_writer_options options = {
        .partition_count = 1,
        .settle_backoff_us_min = 1000,
        .settle_backoff_us_max = 50000,
    };
    struct log_owner owner = {
        .self = process,
        .apply = on_apply,
        .advanced = on_advanced,
        .serving = on_serving,
        .acknowledged = on_acknowledged,
        .deposed = on_deposed,
        .settled = on_settled,
    };

    process->port = sim_port_create(broker);
    sim_port_hold(process->port, true);
    process->writer = log_writer_create(process->port, &owner, &options, NULL);
    assert_non_null(process->writer);
    process->version = process->staged = from->version;
    assert_true(log_writer_attach(process->writer,
                                  &(struct log_attachment){.topic = TOPIC, .from = &from->position},
                                  &process->partition, NULL));
    log_partition_claim(process->partition);
}

static void crash(struct process *process)
{
    struct snapshot from = {.version = 0};

    for (int i = 0; i < command_count; i++)
        if (owners[i] == process->number && commands[i] == COMMAND_WAITING)
            commands[i] = COMMAND_UNANSWERED;
    log_writer_destroy(process->writer);
    sim_port_destroy(process->port);
    log_position_start(&from.position);
    if (process->snapshot_count > 0)
        from = process->snapshots[chance((uint64_t)process->snapshot_count)];
    process->snapshot_count = 0;
    start(process, &from);
}

static void append(struct process *process)
{
    struct log_event events[RECORDS_MAX];
    int64_t number = command_count;
    size_t count = 1 + (size_t)chance(RECORDS_MAX);

    if (log_partition_state(process->partition) != LOG_SERVING || number == COMMANDS_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        events[i] = (struct log_event){
            .key = TEXT("k"),
            .type = TEXT("sijang.test.Happened"),
            .source = TEXT("/test/thing"),
            .subject = TEXT("k"),
            .time_us = 1000000,
            .version = process->staged + 1,
            .id = {.bytes = {1}},
            .payload = TEXT("p"),
        };
        memcpy(events[i].command_id.bytes, &number, sizeof(number));
        events[i].command_id.bytes[15] = 1;
    }
    if (!log_partition_append(process->partition, events, count, (uint64_t)number, NULL))
        return; /* the producer is lost, and the turn that will notice has not come */
    process->staged++;
    commands[number] = COMMAND_WAITING;
    owners[number] = process->number;
    command_count++;
}

static void deliver(struct process *process)
{
    static const enum sim_fate rare[] = {SIM_LOST, SIM_UNREPORTED, SIM_DUPLICATED, SIM_SILENT,
                                         SIM_VANISHED};

    if (sim_port_under_way(process->port, SIM_ANY_SOURCE) == 0)
        return;
    sim_port_deliver(process->port, SIM_ANY_SOURCE,
                     chance(PERCENT) < 96 ? SIM_DELIVERED : rare[chance(5)]);
}

static void disturb(void)
{
    int64_t end = sim_broker_end(broker, TOPIC, 0);

    switch (chance(4)) {
    case 0: sim_broker_append(broker, TOPIC, 0, &(struct log_record){.value = TEXT("x")}); break;
    case 1: sim_broker_skip_offset(broker, TOPIC, 0); break;
    default:
        if (end > 0)
            sim_broker_copy(broker, TOPIC, 0, (int64_t)chance((uint64_t)end));
        break;
    }
}

static void step(struct process *process)
{
    uint64_t dice = chance(1000);

    sim_broker_pass(broker, (int64_t)chance(2000));
    if (dice < 350)
        log_writer_turn(process->writer);
    else if (dice < 600)
        append(process);
    else if (dice < 900)
        deliver(process);
    else if (dice < 915)
        disturb();
    else if (dice < 920)
        sim_port_lose_producer(process->port);
    else if (dice < 930)
        (void)sim_port_deliver_zombie(process->port);
    else if (dice < 934)
        crash(process);
    else if (dice < 945)
        log_partition_release(process->partition);
    else if (dice < 990)
        log_partition_claim(process->partition);
    else
        sim_port_hold_messages(process->port, chance(3) == 0);
}

struct history {
    int64_t count;
    int seen[COMMANDS_MAX];
};

static void on_commit(void *self, int32_t source, const struct log_event *events, size_t count,
                      const struct log_position *after)
{
    struct history *history = self;

    (void)source;
    (void)after;
    if (events[0].version != history->count + 1)
        fail_msg("seed %" PRIu64 ": decided on a state that is not the history", seed_now);
    assert_int_equal(events[0].fence.count, count);
    history->count++;
    history->seen[command_of(&events[0])]++;
}

static void on_moved(void *self, int32_t source, const struct log_position *after)
{
    (void)self;
    (void)source;
    (void)after;
}

static void on_stopped(void *self, int32_t source, const struct error *error)
{
    (void)self;
    (void)source;
    fail_msg("seed %" PRIu64 ": %s", seed_now, error->detail);
}

static void check_history(void)
{
    static struct history history;
    struct log_reader_handler handler = {&history, on_commit, on_moved, on_stopped};
    struct log_port *port = sim_port_create(broker);
    struct log_reader *reader = log_reader_create(port, &handler, 1, NULL);
    struct log_position beginning;
    int32_t source;

    memset(&history, 0, sizeof(history));
    log_position_start(&beginning);
    assert_true(
        log_reader_attach(reader, &(struct log_reading){TOPIC, 0, &beginning}, &source, NULL));
    while (!log_reader_at_end(reader))
        log_reader_poll(reader, 1 + (size_t)chance(50), 0);
    for (int i = 0; i < command_count; i++) {
        if (history.seen[i] > 1)
            fail_msg("seed %" PRIu64 ": command %d twice", seed_now, i);
        if (commands[i] == COMMAND_DONE && history.seen[i] == 0)
            fail_msg("seed %" PRIu64 ": command %d was answered and is not there", seed_now, i);
        if (commands[i] == COMMAND_REFUSED && history.seen[i] > 0)
            fail_msg("seed %" PRIu64 ": command %d was refused and is there", seed_now, i);
    }
    log_reader_destroy(reader);
    sim_port_destroy(port);
}

static void run_seed(uint64_t seed)
{
    struct snapshot beginning = {.version = 0};

    seed_now = seed;
    chance_state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    command_count = 0;
    memset(commands, 0, sizeof(commands));
    broker = sim_broker_create(seed);
    log_position_start(&beginning.position);
    for (int i = 0; i < 2; i++) {
        processes[i] = (struct process){.number = i};
        start(&processes[i], &beginning);
    }
    for (int i = 0; i < STEPS; i++) {
        /* One for a while, then the other, so that some work gets done in between. */
        step(&processes[chance(10) == 0 ? (int)chance(2) : (i / 200) % 2]);
        for (int p = 0; p < 2; p++)
            if (log_partition_state(processes[p].partition) == LOG_STOPPED)
                fail_msg("seed %" PRIu64 ": %s", seed,
                         log_partition_error(processes[p].partition)->detail);
    }
    check_history();
    for (int i = 0; i < 2; i++) {
        log_writer_destroy(processes[i].writer);
        sim_port_destroy(processes[i].port);
    }
    sim_broker_destroy(broker);
}

static void chance_leaves_one_history(void **unused)
{
    (void)unused;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
    print_message("%d seeds, %" PRId64 " acknowledged\n", SEEDS, acknowledged_total);
    assert_true(acknowledged_total > SEEDS * 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance_leaves_one_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
