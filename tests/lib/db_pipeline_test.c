/* Many questions at once, and what becomes of them when the server, a statement or time fails. */
#include "lib/core/clock.h"
#include "lib/db/pipeline.h"
#include "tests/lib/db_server.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define APPLICATION "sijang-test-pipeline"
#define PATIENCE_US INT64_C(20000000)
#define ASKERS      4
#define ASKED_EACH  500
#define OUTSTANDING 32

struct number_row {
    int64_t number;
};

static const struct field number_fields[] = {{FIELD_AT(number_row, number), .kind = FIELD_INTEGER}};
static const struct record number_record = {.name = "NumberRow",
                                            .size = sizeof(struct number_row),
                                            .fields = number_fields,
                                            .field_count = 1};
static const enum db_type one_bigint[] = {DB_BIGINT};
static const struct db_statement echo = {.name = "echo",
                                         .sql = "SELECT $1::bigint",
                                         .parameters = one_bigint,
                                         .parameter_count = 1,
                                         .row = &number_record};
static const struct db_statement divide = {.name = "divide",
                                           .sql = "SELECT 100 / $1::bigint",
                                           .parameters = one_bigint,
                                           .parameter_count = 1,
                                           .row = &number_record};
static const struct db_statement doze = {
    .name = "doze",
    .sql = "SELECT $1::bigint FROM (SELECT pg_sleep($1::bigint / 1000.0)) AS slept",
    .parameters = one_bigint,
    .parameter_count = 1,
    .row = &number_record};
static const struct db_statement *const statements[] = {&echo, &divide, &doze, NULL};

struct reply {
    struct db_question question;
    struct arena arena;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
    enum fault fault;
    size_t count;
    int64_t number;
};

static void take_reply(struct db_question *question, const struct db_rows *rows,
                       const struct error *error)
{
    struct reply *reply = question->user;

    pthread_mutex_lock(&reply->lock);
    assert_false(reply->done);
    reply->done = true;
    reply->fault = error->fault;
    reply->count = rows->count;
    if (rows->count > 0)
        reply->number = ((const struct number_row *)rows->items)->number;
    pthread_cond_signal(&reply->changed);
    pthread_mutex_unlock(&reply->lock);
}

static void reply_init(struct reply *reply)
{
    memset(reply, 0, sizeof *reply);
    arena_init(&reply->arena, 4096);
    pthread_mutex_init(&reply->lock, NULL);
    pthread_cond_init(&reply->changed, NULL);
}

static void reply_done(struct reply *reply)
{
    arena_done(&reply->arena);
    pthread_cond_destroy(&reply->changed);
    pthread_mutex_destroy(&reply->lock);
}

static bool ask(struct db_pipeline *pipeline, struct reply *reply,
                const struct db_statement *statement, int64_t number, int64_t patience_us)
{
    struct error error = {0};

    arena_reset(&reply->arena);
    reply->done = false;
    reply->question = (struct db_question){.statement = statement,
                                           .values = {db_integer(number)},
                                           .arena = &reply->arena,
                                           .deadline_boot_us = clock_boot_us() + patience_us,
                                           .answer = take_reply,
                                           .user = reply};
    if (db_pipeline_ask(pipeline, &reply->question, &error))
        return true;
    reply->done = true;
    reply->fault = error.fault;
    return false;
}

static enum fault wait_reply(struct reply *reply)
{
    pthread_mutex_lock(&reply->lock);
    while (!reply->done)
        pthread_cond_wait(&reply->changed, &reply->lock);
    pthread_mutex_unlock(&reply->lock);
    return reply->fault;
}

static struct db_pipeline *start(const char *conninfo, int connections, size_t waiting_max,
                                 const struct db_statement *const *list)
{
    struct error error = {0};
    struct db_pipeline_options options = {.connection = {.conninfo = conninfo,
                                                         .application_name = APPLICATION,
                                                         .timeout_ms = 5000,
                                                         .statements = list},
                                          .connections = connections,
                                          .waiting_max = waiting_max,
                                          .in_flight_max = 64};
    struct db_pipeline *pipeline = db_pipeline_start(&options, &error);

    if (pipeline == NULL)
        fail_msg("%s", error.detail);
    return pipeline;
}

/* Asks until the pipeline answers; the asking is the synchronisation. */
static void ask_until_answered(struct db_pipeline *pipeline)
{
    struct reply reply;
    int64_t give_up = clock_boot_us() + PATIENCE_US;

    reply_init(&reply);
    do {
        if (ask(pipeline, &reply, &echo, 1, PATIENCE_US))
            (void)wait_reply(&reply);
        assert_true(clock_boot_us() < give_up);
    } while (reply.fault != FAULT_NONE);
    reply_done(&reply);
}

struct asker {
    struct db_pipeline *pipeline;
    int64_t base;
    int64_t answered;
    int64_t unavailable;
    int64_t other;
    const atomic_bool *stop; /* NULL: ASKED_EACH rounds */
};

static void count_reply(struct asker *asker, struct reply *reply, int64_t expected)
{
    enum fault fault = wait_reply(reply);

    asker->answered += fault == FAULT_NONE && reply->count == 1 && reply->number == expected;
    asker->unavailable += fault == FAULT_DATABASE_UNAVAILABLE;
    asker->other += fault != FAULT_NONE && fault != FAULT_DATABASE_UNAVAILABLE;
}

static void *keep_asking(void *argument)
{
    struct asker *asker = argument;
    struct reply replies[OUTSTANDING];

    for (size_t i = 0; i < OUTSTANDING; i++)
        reply_init(&replies[i]);
    for (int round = 0; asker->stop != NULL ? !atomic_load(asker->stop) : round < ASKED_EACH;
         round++) {
        int64_t number = asker->base + (int64_t)round * OUTSTANDING;
        for (int i = 0; i < OUTSTANDING; i++)
            (void)ask(asker->pipeline, &replies[i], &echo, number + i, PATIENCE_US);
        for (int i = 0; i < OUTSTANDING; i++)
            count_reply(asker, &replies[i], number + i);
    }
    for (size_t i = 0; i < OUTSTANDING; i++)
        reply_done(&replies[i]);
    return NULL;
}

static void each_of_many_threads_gets_its_own_answers(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 2, 1000, statements);
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];

    (void)unused;
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.pipeline = pipeline, .base = INT64_C(1000000) * i};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &askers[i]), 0);
    }
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(askers[i].answered, ASKED_EACH * OUTSTANDING);
    }
    assert_true(db_pipeline_connected(pipeline));
    db_pipeline_stop(pipeline);
}

static void a_question_that_fails_fails_alone(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 1, 1000, statements);
    struct reply replies[OUTSTANDING];

    (void)unused;
    for (int i = 0; i < OUTSTANDING; i++) {
        reply_init(&replies[i]);
        assert_true(ask(pipeline, &replies[i], &divide, i % 5, PATIENCE_US));
    }
    for (int i = 0; i < OUTSTANDING; i++) {
        assert_int_equal(wait_reply(&replies[i]), i % 5 == 0 ? FAULT_DATA_CORRUPT : FAULT_NONE);
        if (i % 5 != 0)
            assert_int_equal(replies[i].number, 100 / (i % 5));
        reply_done(&replies[i]);
    }
    db_pipeline_stop(pipeline);
}

static void deadlines_pass_while_the_server_works_and_while_waiting_for_it(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 1, 1000, statements);
    struct reply dozing, behind, waiting[3];
    int64_t start_us;

    (void)unused;
    ask_until_answered(pipeline);
    start_us = clock_boot_us();
    reply_init(&dozing);
    reply_init(&behind);
    assert_true(ask(pipeline, &dozing, &doze, 2000, 100000));
    assert_true(ask(pipeline, &behind, &echo, 7, PATIENCE_US));
    for (int i = 0; i < 3; i++) {
        reply_init(&waiting[i]);
        assert_true(ask(pipeline, &waiting[i], &echo, i, 150000));
    }
    assert_int_equal(wait_reply(&dozing), FAULT_DEADLINE_PASSED);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wait_reply(&waiting[i]), FAULT_DEADLINE_PASSED);
    assert_true(clock_boot_us() - start_us < 1500000);
    assert_int_equal(wait_reply(&behind), FAULT_NONE);
    assert_int_equal(behind.number, 7);
    for (int i = 0; i < 3; i++)
        reply_done(&waiting[i]);
    reply_done(&dozing);
    reply_done(&behind);
    db_pipeline_stop(pipeline);
}

static void more_than_may_wait_are_refused(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 1, 10, statements);
    struct reply replies[200];
    int refused = 0;

    (void)unused;
    ask_until_answered(pipeline);
    for (int i = 0; i < 200; i++) {
        reply_init(&replies[i]);
        if (!ask(pipeline, &replies[i], &doze, i == 0 ? 500 : 0, PATIENCE_US)) {
            assert_int_equal(replies[i].fault, FAULT_OVERLOADED);
            refused++;
        }
    }
    assert_in_range(refused, 1, 190);
    for (int i = 0; i < 200; i++) {
        enum fault fault = wait_reply(&replies[i]);
        assert_true(fault == FAULT_NONE || fault == FAULT_OVERLOADED);
        reply_done(&replies[i]);
    }
    db_pipeline_stop(pipeline);
}

static void backends_killed_under_load_are_unavailable_for_a_moment(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 2, 1000, statements);
    atomic_bool stop = false;
    struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    int64_t unavailable = 0, other = 0;

    (void)unused;
    ask_until_answered(pipeline);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.pipeline = pipeline, .stop = &stop};
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &askers[i]), 0);
    }
    for (int i = 0; i < 5; i++) {
        ask_until_answered(pipeline);
        assert_true(db_server_terminate(APPLICATION) >= 1);
    }
    ask_until_answered(pipeline);
    atomic_store(&stop, true);
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        unavailable += askers[i].unavailable;
        other += askers[i].other;
        assert_true(askers[i].answered > 0);
    }
    assert_true(unavailable > 0);
    assert_int_equal(other, 0);
    db_pipeline_stop(pipeline);
}

static void a_server_that_is_away_is_said_at_once(void **unused)
{
    struct db_pipeline *pipeline = start("host=127.0.0.1 port=1 user=me", 2, 1000, statements);
    int64_t start_us = clock_boot_us();
    struct reply reply;
    struct error trouble;

    (void)unused;
    reply_init(&reply);
    for (int i = 0; i < 3; i++) {
        assert_true(ask(pipeline, &reply, &echo, 1, PATIENCE_US));
        assert_int_equal(wait_reply(&reply), FAULT_DATABASE_UNAVAILABLE);
    }
    assert_true(clock_boot_us() - start_us < 2000000);
    assert_false(db_pipeline_connected(pipeline));
    db_pipeline_trouble(pipeline, &trouble);
    assert_int_equal(trouble.fault, FAULT_DATABASE_UNAVAILABLE);
    reply_done(&reply);
    db_pipeline_stop(pipeline);
}

static void a_missing_table_keeps_it_away_until_the_table_is_there(void **unused)
{
    static const struct db_statement later = {
        .name = "later", .sql = "SELECT number FROM pipeline_later", .row = &number_record};
    static const struct db_statement *const list[] = {&echo, &later, NULL};
    struct db_pipeline *pipeline;
    struct error trouble;
    struct reply reply;

    (void)unused;
    db_server_script("DROP TABLE IF EXISTS pipeline_later");
    pipeline = start(db_server_conninfo(), 1, 1000, list);
    reply_init(&reply);
    assert_true(ask(pipeline, &reply, &echo, 1, PATIENCE_US));
    assert_int_equal(wait_reply(&reply), FAULT_DATABASE_UNAVAILABLE);
    db_pipeline_trouble(pipeline, &trouble);
    assert_int_equal(trouble.fault, FAULT_DATABASE_FAILED);
    assert_non_null(strstr(trouble.detail, "pipeline_later"));
    db_server_script("CREATE TABLE pipeline_later (number bigint)");
    ask_until_answered(pipeline);
    reply_done(&reply);
    db_pipeline_stop(pipeline);
}

static void a_view_replaced_under_it_is_read_on(void **unused)
{
    static const struct db_statement swapped = {
        .name = "swapped", .sql = "SELECT number FROM pipeline_swapped", .row = &number_record};
    static const struct db_statement *const list[] = {&echo, &swapped, NULL};
    struct db_pipeline *pipeline;
    struct error trouble;
    struct reply reply;

    (void)unused;
    db_server_script("DROP VIEW IF EXISTS pipeline_swapped;"
                     "CREATE VIEW pipeline_swapped AS SELECT 1::bigint AS number");
    pipeline = start(db_server_conninfo(), 1, 1000, list);
    reply_init(&reply);
    assert_true(ask(pipeline, &reply, &swapped, 0, PATIENCE_US));
    assert_int_equal(wait_reply(&reply), FAULT_NONE);
    db_server_script("DROP VIEW pipeline_swapped;"
                     "CREATE VIEW pipeline_swapped AS SELECT 2::bigint AS number");
    assert_true(ask(pipeline, &reply, &swapped, 0, PATIENCE_US));
    assert_int_equal(wait_reply(&reply), FAULT_NONE);
    assert_int_equal(reply.number, 2);

    db_server_script("DROP VIEW pipeline_swapped;"
                     "CREATE VIEW pipeline_swapped AS SELECT 'three' AS number");
    for (int i = 0; i < 2; i++) {
        assert_true(ask(pipeline, &reply, &swapped, 0, PATIENCE_US));
        assert_int_equal(wait_reply(&reply), FAULT_DATABASE_UNAVAILABLE);
    }
    db_pipeline_trouble(pipeline, &trouble);
    assert_int_equal(trouble.fault, FAULT_DATABASE_FAILED);
    assert_non_null(strstr(trouble.detail, "column number"));
    reply_done(&reply);
    db_pipeline_stop(pipeline);
}

static void stopping_answers_everything(void **unused)
{
    struct db_pipeline *pipeline = start(db_server_conninfo(), 1, 1000, statements);
    struct reply replies[200];

    (void)unused;
    ask_until_answered(pipeline);
    for (int i = 0; i < 200; i++) {
        reply_init(&replies[i]);
        assert_true(ask(pipeline, &replies[i], &doze, i == 0 ? 3000 : 0, PATIENCE_US));
    }
    db_pipeline_stop(pipeline);
    for (int i = 0; i < 200; i++) {
        assert_true(replies[i].done);
        assert_int_equal(replies[i].fault, FAULT_SHUTTING_DOWN);
        reply_done(&replies[i]);
    }
}

static void a_malformed_connection_string_does_not_start(void **unused)
{
    struct db_pipeline_options options = {
        .connection = {.conninfo = "nonsense"}, .connections = 1, .in_flight_max = 1};
    struct error error = {0};

    (void)unused;
    assert_null(db_pipeline_start(&options, &error));
    assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_threads_gets_its_own_answers),
        cmocka_unit_test(a_question_that_fails_fails_alone),
        cmocka_unit_test(deadlines_pass_while_the_server_works_and_while_waiting_for_it),
        cmocka_unit_test(more_than_may_wait_are_refused),
        cmocka_unit_test(backends_killed_under_load_are_unavailable_for_a_moment),
        cmocka_unit_test(a_server_that_is_away_is_said_at_once),
        cmocka_unit_test(a_missing_table_keeps_it_away_until_the_table_is_there),
        cmocka_unit_test(a_view_replaced_under_it_is_read_on),
        cmocka_unit_test(stopping_answers_everything),
        cmocka_unit_test(a_malformed_connection_string_does_not_start),
    };

    if (db_server_conninfo() == NULL)
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
