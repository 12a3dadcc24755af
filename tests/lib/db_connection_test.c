/* Values, statements, faults and transactions of the blocking connection, against a real server. */
#include "lib/core/clock.h"
#include "lib/db/connection.h"
#include "tests/lib/db_server.h"
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define APPLICATION "sijang-test-connection"

enum colour { RED, GREEN };
static const char *const colours[] = {"red", "green", NULL};

struct thing {
    struct text id;
    struct text title;
    struct text note;
    struct text bytes;
    int64_t price;
    int64_t small;
    int64_t at_us;
    struct optional_integer weight;
    struct optional_boolean fragile;
    bool active;
    int colour;
};

static const struct field thing_fields[] = {
    {FIELD_AT(thing, id), .kind = FIELD_TEXT, .format = TEXT_UUID},
    {FIELD_AT(thing, title), .kind = FIELD_TEXT},
    {FIELD_AT(thing, note), .kind = FIELD_TEXT, .optional = true},
    {FIELD_AT(thing, bytes), .kind = FIELD_BYTES},
    {FIELD_AT(thing, price), .kind = FIELD_INTEGER},
    {FIELD_AT(thing, small), .kind = FIELD_INTEGER},
    {FIELD_AT(thing, at_us), .kind = FIELD_INTEGER},
    {FIELD_AT(thing, weight), .kind = FIELD_INTEGER, .optional = true},
    {FIELD_AT(thing, fragile), .kind = FIELD_BOOLEAN, .optional = true},
    {FIELD_AT(thing, active), .kind = FIELD_BOOLEAN},
    {FIELD_AT(thing, colour), .kind = FIELD_CHOICE, .symbols = colours},
};
static const struct record thing_record = {.name = "Thing",
                                           .size = sizeof(struct thing),
                                           .fields = thing_fields,
                                           .field_count = COUNT_OF(thing_fields)};

static const enum db_type thing_arrays[] = {
    DB_UUID_ARRAY,    DB_TEXT_ARRAY,    DB_TEXT_ARRAY,      DB_BYTEA_ARRAY,
    DB_BIGINT_ARRAY,  DB_INTEGER_ARRAY, DB_TIMESTAMP_ARRAY, DB_BIGINT_ARRAY,
    DB_BOOLEAN_ARRAY, DB_BOOLEAN_ARRAY, DB_TEXT_ARRAY,
};
static const struct db_statement put_things = {
    .name = "put_things",
    .sql = "INSERT INTO thing SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[],"
           " $5::bigint[], $6::integer[], $7::timestamptz[], $8::bigint[], $9::boolean[],"
           " $10::boolean[], $11::text[])"
           " ON CONFLICT (id) DO UPDATE SET title = excluded.title, price = excluded.price",
    .parameters = thing_arrays,
    .parameter_count = COUNT_OF(thing_arrays),
};
static const enum db_type one_uuid[] = {DB_UUID};
static const struct db_statement get_thing = {
    .name = "get_thing",
    .sql = "SELECT * FROM thing WHERE id = $1",
    .parameters = one_uuid,
    .parameter_count = 1,
    .row = &thing_record,
};
static const struct db_statement list_things = {
    .name = "list_things", .sql = "SELECT * FROM thing ORDER BY id", .row = &thing_record};
static const enum db_type two_bigints[] = {DB_BIGINT, DB_BIGINT};
static const struct db_statement change_price = {
    .name = "change_price",
    .sql = "UPDATE thing SET price = $1 WHERE price < $2",
    .parameters = two_bigints,
    .parameter_count = 2,
};
static const enum db_type one_bigint_array[] = {DB_BIGINT_ARRAY};
static const struct db_statement delete_prices = {
    .name = "delete_prices",
    .sql = "DELETE FROM thing WHERE price = ANY($1)",
    .parameters = one_bigint_array,
    .parameter_count = 1,
};
static const enum db_type one_text_array[] = {DB_TEXT_ARRAY};
static const struct db_statement delete_titles = {
    .name = "delete_titles",
    .sql = "DELETE FROM thing WHERE title = ANY($1)",
    .parameters = one_text_array,
    .parameter_count = 1,
};
static const struct db_statement *const statements[] = {
    &put_things, &get_thing, &list_things, &change_price, &delete_prices, &delete_titles, NULL};

struct fixture {
    struct db_connection *connection;
    struct arena arena;
    struct error error;
};

static struct db_options options_for(const struct db_statement *const *list)
{
    return (struct db_options){.conninfo = db_server_conninfo(),
                               .search_path = "connection_test, public",
                               .application_name = APPLICATION,
                               .asynchronous_commit = true,
                               .timeout_ms = 10000,
                               .statements = list};
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct db_options options = options_for(statements);

    db_server_script("DROP SCHEMA IF EXISTS connection_test CASCADE; CREATE SCHEMA connection_test;"
                     "CREATE TABLE connection_test.thing (id uuid PRIMARY KEY, title text NOT NULL,"
                     " note text, bytes bytea NOT NULL, price bigint CHECK (price >= 0),"
                     " small integer, at_us timestamptz, weight bigint, fragile boolean,"
                     " active boolean, colour text)");
    arena_init(&fixture->arena, 64 * 1024 * 1024);
    fixture->connection = db_connect(&options, &fixture->error);
    if (fixture->connection == NULL)
        fail_msg("%s", fixture->error.detail);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    fixture->connection = db_close(fixture->connection);
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

static void must(struct fixture *fixture, bool fine)
{
    if (!fine)
        fail_msg("%s", fixture->error.detail);
}

static struct thing *make_thing(struct fixture *fixture, int64_t number)
{
    struct thing *thing = arena_alloc_zeroed(&fixture->arena, sizeof *thing);

    assert_non_null(thing);
    thing->id = text_of(arena_print(&fixture->arena, "00000000-0000-7000-8000-%012d", (int)number));
    thing->title = text_of(arena_print(&fixture->arena, "thing %d", (int)number));
    thing->bytes = (struct text){.bytes = "\0\1", .size = 2};
    thing->price = number;
    thing->small = -7;
    thing->at_us = INT64_C(1790000000123456);
    thing->active = true;
    thing->colour = GREEN;
    return thing;
}

static void fill_arrays(struct db_value values[COUNT_OF(thing_fields)], const void *const *rows,
                        size_t count)
{
    for (size_t i = 0; i < COUNT_OF(thing_fields); i++)
        values[i] = db_column(&thing_record, thing_fields[i].name, rows, count);
}

static const void **make_things(struct fixture *fixture, size_t count)
{
    const void **rows = arena_alloc(&fixture->arena, (count + 1) * sizeof *rows);

    assert_non_null(rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = make_thing(fixture, (int64_t)i);
    return rows;
}

static struct db_rows run(struct fixture *fixture, const struct db_statement *statement,
                          const struct db_value *values)
{
    struct db_rows rows = {0};

    must(fixture,
         db_run(fixture->connection, statement, values, &fixture->arena, &rows, &fixture->error));
    return rows;
}

static void store(struct fixture *fixture, size_t count)
{
    struct db_value values[COUNT_OF(thing_fields)];

    fill_arrays(values, make_things(fixture, count), count);
    assert_int_equal(run(fixture, &put_things, values).affected, count);
}

static void every_kind_of_value_comes_back_as_it_went(void **state)
{
    struct fixture *fixture = *state;
    struct thing *first = make_thing(fixture, 1);
    struct thing *second = make_thing(fixture, 2);
    const void *rows[] = {first, second};
    struct db_value values[COUNT_OF(thing_fields)];
    struct db_rows read;
    const struct thing *things;

    first->note = (struct text)TEXT("");
    first->weight = (struct optional_integer){.value = INT64_MIN, .present = true};
    first->fragile = (struct optional_boolean){.value = true, .present = true};
    second->active = false;
    second->colour = RED;
    fill_arrays(values, rows, 2);
    assert_int_equal(run(fixture, &put_things, values).affected, 2);

    read = run(fixture, &list_things, NULL);
    assert_int_equal(read.count, 2);
    assert_int_equal(read.affected, 0);
    things = read.items;
    assert_true(text_equal(things[0].id, first->id));
    assert_true(text_equal(things[1].title, second->title));
    assert_true(text_equal(things[0].bytes, first->bytes));
    assert_non_null(things[0].note.bytes);
    assert_int_equal(things[0].note.size, 0);
    assert_null(things[1].note.bytes);
    assert_int_equal(things[0].small, -7);
    assert_int_equal(things[0].at_us, first->at_us);
    assert_true(things[0].weight.present && things[0].weight.value == INT64_MIN);
    assert_false(things[1].weight.present);
    assert_true(things[0].fragile.present && things[0].fragile.value);
    assert_false(things[1].fragile.present);
    assert_true(things[0].active && !things[1].active);
    assert_true(things[0].colour == GREEN && things[1].colour == RED);
}

static void a_scalar_finds_its_row_and_a_missing_one_finds_none(void **state)
{
    struct fixture *fixture = *state;
    struct db_value id = db_text(text_of("00000000-0000-7000-8000-000000000002"));
    struct db_value other = db_text(text_of("00000000-0000-7000-8000-000000000009"));

    store(fixture, 3);
    assert_int_equal(run(fixture, &get_thing, &id).count, 1);
    assert_int_equal(run(fixture, &get_thing, &other).count, 0);
}

static void plain_lists_are_arrays_and_empty_arrays_match_nothing(void **state)
{
    struct fixture *fixture = *state;
    const int64_t prices[] = {0, 2, 77};
    const struct text titles[] = {TEXT("thing 1"), TEXT("thing 3"), {0}};
    struct db_value none = db_integers(NULL, 0);
    struct db_value some = db_integers(prices, 3);
    struct db_value named = db_texts(titles, 3);

    store(fixture, 4);
    assert_int_equal(run(fixture, &delete_prices, &none).affected, 0);
    assert_int_equal(run(fixture, &delete_prices, &some).affected, 2);
    assert_int_equal(run(fixture, &delete_titles, &named).affected, 2);
}

static void a_text_that_is_no_uuid_is_corrupt_data_and_the_connection_goes_on(void **state)
{
    struct fixture *fixture = *state;
    struct db_value id = db_text(text_of("not-a-uuid"));
    struct db_rows rows;

    assert_false(
        db_run(fixture->connection, &get_thing, &id, &fixture->arena, &rows, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATA_CORRUPT);
    store(fixture, 1);
}

static void a_statement_whose_parameter_type_differs_is_refused_at_connect(void **state)
{
    static const struct db_statement wrong = {.name = "wrong_parameter",
                                              .sql = "SELECT * FROM thing WHERE title = $1",
                                              .parameters = one_uuid,
                                              .parameter_count = 1,
                                              .row = &thing_record};
    static const struct db_statement *const list[] = {&get_thing, &wrong, NULL};
    struct fixture *fixture = *state;
    struct db_options options = options_for(list);

    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_FAILED);
    assert_non_null(strstr(fixture->error.detail, "wrong_parameter"));
    assert_non_null(strstr(fixture->error.detail, "$1"));
}

static void a_column_of_another_type_is_refused_at_connect_by_name(void **state)
{
    static const struct field fields[] = {{FIELD_AT(thing, price), .kind = FIELD_INTEGER},
                                          {FIELD_AT(thing, small), .kind = FIELD_INTEGER}};
    static const struct record record = {
        .name = "Wrong", .size = sizeof(struct thing), .fields = fields, .field_count = 2};
    static const struct db_statement wrong = {
        .name = "wrong_column", .sql = "SELECT price, title FROM thing", .row = &record};
    static const struct db_statement *const list[] = {&wrong, NULL};
    struct fixture *fixture = *state;
    struct db_options options = options_for(list);

    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_FAILED);
    assert_non_null(strstr(fixture->error.detail, "wrong_column"));
    assert_non_null(strstr(fixture->error.detail, "title"));
}

static void a_missing_table_is_refused_at_connect(void **state)
{
    static const struct db_statement wrong = {.name = "no_such_table",
                                              .sql = "DELETE FROM nowhere"};
    static const struct db_statement *const list[] = {&get_thing, &wrong, &list_things, NULL};
    struct fixture *fixture = *state;
    struct db_options options = options_for(list);

    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_FAILED);
    assert_non_null(strstr(fixture->error.detail, "no_such_table"));
}

static void a_null_the_code_does_not_expect_is_corrupt_data(void **state)
{
    struct fixture *fixture = *state;
    struct db_rows rows;

    store(fixture, 1);
    db_server_script("UPDATE connection_test.thing SET price = NULL");
    assert_false(
        db_run(fixture->connection, &list_things, NULL, &fixture->arena, &rows, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATA_CORRUPT);
    assert_non_null(strstr(fixture->error.detail, "price"));
}

static void what_is_taken_before_commit_decides_whether_to_commit(void **state)
{
    struct fixture *fixture = *state;
    struct db_connection *connection = fixture->connection;
    struct error *error = &fixture->error;
    struct db_value values[] = {db_integer(50), db_integer(0)};
    struct db_value arrays[COUNT_OF(thing_fields)];
    struct db_rows rows = {0};

    store(fixture, 10);
    fill_arrays(arrays, make_things(fixture, 20), 20);
    must(fixture, db_begin(connection, error));
    must(fixture, db_send(connection, &change_price, values, error));
    must(fixture, db_send(connection, &put_things, arrays, error));
    must(fixture, db_take(connection, &fixture->arena, &rows, error));
    assert_int_equal(rows.affected, 0);
    db_roll_back(connection);
    db_roll_back(connection);
    assert_int_equal(run(fixture, &list_things, NULL).count, 10);

    values[1] = db_integer(5);
    must(fixture, db_begin(connection, error));
    must(fixture, db_send(connection, &change_price, values, error));
    must(fixture, db_take(connection, &fixture->arena, &rows, error));
    assert_int_equal(rows.affected, 5);
    must(fixture, db_send(connection, &list_things, NULL, error));
    must(fixture, db_take(connection, &fixture->arena, &rows, error));
    assert_int_equal(rows.count, 10);
    must(fixture, db_send(connection, &put_things, arrays, error));
    must(fixture, db_commit(connection, error));
    assert_int_equal(run(fixture, &list_things, NULL).count, 20);
}

static void a_transaction_fails_whole_with_the_first_failure(void **state)
{
    struct fixture *fixture = *state;
    struct db_connection *connection = fixture->connection;
    struct error *error = &fixture->error;
    struct db_value bad[] = {db_integer(-1), db_integer(5)};
    struct db_value good[] = {db_integer(1), db_integer(5)};

    store(fixture, 10);
    must(fixture, db_begin(connection, error));
    must(fixture, db_send(connection, &change_price, good, error));
    must(fixture, db_send(connection, &change_price, bad, error));
    must(fixture, db_send(connection, &change_price, good, error));
    assert_false(db_commit(connection, error));
    assert_int_equal(error->fault, FAULT_DATA_CORRUPT);
    assert_non_null(strstr(error->detail, "23514"));
    assert_int_equal(((const struct thing *)run(fixture, &list_things, NULL).items)->price, 0);
}

static void a_failure_seen_by_take_can_be_rolled_back(void **state)
{
    struct fixture *fixture = *state;
    struct db_connection *connection = fixture->connection;
    struct error *error = &fixture->error;
    struct db_value bad[] = {db_integer(-1), db_integer(5)};
    struct db_rows rows;

    store(fixture, 10);
    must(fixture, db_begin(connection, error));
    must(fixture, db_send(connection, &change_price, bad, error));
    must(fixture, db_send(connection, &list_things, NULL, error));
    assert_false(db_take(connection, &fixture->arena, &rows, error));
    assert_int_equal(error->fault, FAULT_DATA_CORRUPT);
    db_roll_back(connection);
    must(fixture, db_begin(connection, error));
    must(fixture, db_commit(connection, error));
}

static void a_long_pipeline_with_long_answers_does_not_stop_both_sides(void **state)
{
    struct fixture *fixture = *state;
    struct db_connection *connection = fixture->connection;
    struct db_value arrays[COUNT_OF(thing_fields)];
    struct db_rows rows = {0};

    store(fixture, 2000);
    fill_arrays(arrays, make_things(fixture, 2000), 2000);
    must(fixture, db_begin(connection, &fixture->error));
    for (int i = 0; i < 60; i++) {
        must(fixture, db_send(connection, &put_things, arrays, &fixture->error));
        must(fixture, db_send(connection, &list_things, NULL, &fixture->error));
    }
    must(fixture, db_take(connection, &fixture->arena, &rows, &fixture->error));
    must(fixture, db_take(connection, &fixture->arena, &rows, &fixture->error));
    assert_int_equal(rows.count, 2000);
    must(fixture, db_commit(connection, &fixture->error));
}

static void more_statements_than_a_transaction_holds_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct db_value values[] = {db_integer(1), db_integer(0)};
    bool fine = true;
    int sent = 0;

    must(fixture, db_begin(fixture->connection, &fixture->error));
    while (fine && sent < 5000) {
        fine = db_send(fixture->connection, &change_price, values, &fixture->error);
        sent += fine;
    }
    assert_in_range(sent, 1000, 1100);
    assert_int_equal(fixture->error.fault, FAULT_LIMIT_EXCEEDED);
    must(fixture, db_commit(fixture->connection, &fixture->error));
}

static void a_terminated_backend_is_unavailable_and_a_new_connection_works(void **state)
{
    struct fixture *fixture = *state;
    struct db_options options = options_for(statements);
    struct db_rows rows;

    must(fixture, db_begin(fixture->connection, &fixture->error));
    must(fixture, db_send(fixture->connection, &list_things, NULL, &fixture->error));
    assert_true(db_server_terminate(APPLICATION) >= 1);
    assert_false(db_commit(fixture->connection, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_UNAVAILABLE);
    db_roll_back(fixture->connection);
    assert_false(
        db_run(fixture->connection, &list_things, NULL, &fixture->arena, &rows, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_UNAVAILABLE);

    db_close(fixture->connection);
    fixture->connection = db_connect(&options, &fixture->error);
    must(fixture, fixture->connection != NULL);
    store(fixture, 1);
}

static void a_script_is_all_or_nothing(void **state)
{
    struct fixture *fixture = *state;

    assert_false(db_run_script(fixture->connection,
                               "INSERT INTO nowhere VALUES (1); CREATE TABLE never (id int);",
                               &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_FAILED);
    assert_false(db_run_script(fixture->connection,
                               "CREATE TABLE first (id int); INSERT INTO first VALUES (1 / 0)",
                               &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATA_CORRUPT);
    must(fixture, db_run_script(fixture->connection, "CREATE TABLE first (id int); SELECT 1;",
                                &fixture->error));
}

static void nobody_at_the_address_is_unavailable(void **state)
{
    struct fixture *fixture = *state;
    struct db_options options = {.conninfo = "host=127.0.0.1 port=1 user=me password=hunter2"};

    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_UNAVAILABLE);
    assert_null(strstr(fixture->error.detail, "hunter2"));
}

static void a_statement_over_its_time_is_unavailable(void **state)
{
    static const struct db_statement doze = {.name = "doze",
                                             .sql = "DELETE FROM thing WHERE pg_sleep(30) IS NULL"};
    static const struct db_statement *const list[] = {&doze, NULL};
    struct fixture *fixture = *state;
    struct db_options options = options_for(list);
    struct db_connection *impatient;
    struct db_rows rows;

    store(fixture, 2);
    options.timeout_ms = 100;
    impatient = db_connect(&options, &fixture->error);
    must(fixture, impatient != NULL);
    assert_false(db_run(impatient, &doze, NULL, &fixture->arena, &rows, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_UNAVAILABLE);
    assert_non_null(strstr(fixture->error.detail, "57014"));
    db_close(impatient);
}

static void a_server_that_says_nothing_is_unavailable_in_time(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct db_options options = {.timeout_ms = 200};
    int64_t start_us = clock_boot_us();

    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &size), 0);
    options.conninfo = arena_print(&fixture->arena, "host=127.0.0.1 port=%d user=me password=x",
                                   ntohs(address.sin_port));
    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_DATABASE_UNAVAILABLE);
    assert_in_range(clock_boot_us() - start_us, 200000, 5000000);
    close(listening);
}

static void a_malformed_connection_string_is_not_quoted(void **state)
{
    struct fixture *fixture = *state;
    struct db_options options = {.conninfo = "host=127.0.0.1 hunter2"};

    assert_null(db_connect(&options, &fixture->error));
    assert_int_equal(fixture->error.fault, FAULT_CONFIG_INVALID);
    assert_null(strstr(fixture->error.detail, "hunter2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(every_kind_of_value_comes_back_as_it_went),
        CASE(a_scalar_finds_its_row_and_a_missing_one_finds_none),
        CASE(plain_lists_are_arrays_and_empty_arrays_match_nothing),
        CASE(a_text_that_is_no_uuid_is_corrupt_data_and_the_connection_goes_on),
        CASE(a_statement_whose_parameter_type_differs_is_refused_at_connect),
        CASE(a_column_of_another_type_is_refused_at_connect_by_name),
        CASE(a_missing_table_is_refused_at_connect),
        CASE(a_null_the_code_does_not_expect_is_corrupt_data),
        CASE(what_is_taken_before_commit_decides_whether_to_commit),
        CASE(a_transaction_fails_whole_with_the_first_failure),
        CASE(a_failure_seen_by_take_can_be_rolled_back),
        CASE(a_long_pipeline_with_long_answers_does_not_stop_both_sides),
        CASE(more_statements_than_a_transaction_holds_are_refused),
        CASE(a_terminated_backend_is_unavailable_and_a_new_connection_works),
        CASE(a_script_is_all_or_nothing),
        CASE(nobody_at_the_address_is_unavailable),
        CASE(a_statement_over_its_time_is_unavailable),
        CASE(a_server_that_says_nothing_is_unavailable_in_time),
        CASE(a_malformed_connection_string_is_not_quoted),
    };

    if (db_server_conninfo() == NULL)
        return TEST_SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
