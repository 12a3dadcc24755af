/* Connecting and setting up. All of the set-up travels as one pipeline: one round trip however many
 * statements there are. */
#include "lib/db/link.h"
#include "lib/core/clock.h"
#include "lib/db/faults.h"
#include <poll.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000

struct setting {
    const char *name;
    const char *value; /* NULL: left alone */
};

#define SETTINGS_MAX 3
#define NUMBER_SIZE  12

/* Not negative. */
static const char *print_number(int number, char text[static NUMBER_SIZE])
{
    char *at = text + NUMBER_SIZE - 1;

    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return at;
}

static bool lost(struct db_link *link, const char *what, struct error *error)
{
    db_fail_connection(error, link->pg, what);
    db_link_close(link);
    return false;
}

static int timeout_ms(const struct db_options *options)
{
    return options->timeout_ms > 0 ? options->timeout_ms : CONNECT_TIMEOUT_MS;
}

static void ignore_notice(void *unused, const PGresult *notice)
{
    (void)unused;
    (void)notice;
}

bool db_link_check(const char *conninfo, struct error *error)
{
    char *message = NULL;
    PQconninfoOption *parsed = PQconninfoParse(conninfo, &message);

    PQfreemem(message); /* it quotes what it could not read, a password perhaps */
    if (parsed == NULL)
        return error_set(error, FAULT_CONFIG_INVALID,
                         "the database connection string is not well formed");
    PQconninfoFree(parsed);
    return true;
}

static const char *find_option(const PQconninfoOption *options, const char *name)
{
    while (options->keyword != NULL && strcmp(options->keyword, name) != 0)
        options++;
    return options->val != NULL ? options->val : "";
}

bool db_check_single(const char *conninfo, struct error *error)
{
    if (!db_link_check(conninfo, error))
        return false;
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    if (options == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "the database connection string");
    bool several = strchr(find_option(options, "host"), ',') != NULL ||
                   strchr(find_option(options, "hostaddr"), ',') != NULL;
    const char *wanted = find_option(options, "target_session_attrs");
    bool writes = strcmp(wanted, "read-write") == 0 || strcmp(wanted, "primary") == 0;
    PQconninfoFree(options);
    return !several || writes ||
           error_set(error, FAULT_CONFIG_INVALID,
                     "several database hosts need target_session_attrs=read-write: positions and "
                     "rows must come from one server");
}

bool db_link_open(struct db_link *link, const struct db_options *options, struct error *error)
{
    char tcp_timeout[NUMBER_SIZE];
    /* What stands in the connection string comes later and wins. */
    const char *keywords[] = {"keepalives",       "keepalives_idle",  "keepalives_interval",
                              "keepalives_count", "tcp_user_timeout", "dbname",
                              "application_name", "client_encoding",  NULL};
    const char *values[] = {"1",
                            "5",
                            "2",
                            "3",
                            print_number(timeout_ms(options), tcp_timeout),
                            options->conninfo,
                            options->application_name,
                            "UTF8",
                            NULL};

    *link = (struct db_link){.options = options};
    if (!db_link_check(options->conninfo, error))
        return false;
    link->pg = PQconnectStartParams(keywords, values, 1);
    if (link->pg == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "connecting");
    if (PQstatus(link->pg) == CONNECTION_BAD)
        return lost(link, "connecting", error);
    PQsetNoticeReceiver(link->pg, ignore_notice, NULL);
    link->state = DB_LINK_CONNECTING;
    link->wanted = POLLOUT;
    link->deadline_boot_us = clock_boot_us() + (int64_t)timeout_ms(options) * 1000;
    return true;
}

static size_t statement_count(const struct db_options *options)
{
    size_t count = 0;

    while (options->statements != NULL && options->statements[count] != NULL)
        count++;
    return count;
}

static size_t find_settings(const struct db_options *options, char timeout[static NUMBER_SIZE],
                            struct setting ret_settings[static SETTINGS_MAX])
{
    size_t count = 0;

    if (options->search_path != NULL)
        ret_settings[count++] = (struct setting){"search_path", options->search_path};
    if (options->asynchronous_commit)
        ret_settings[count++] = (struct setting){"synchronous_commit", "off"};
    if (options->timeout_ms > 0)
        ret_settings[count++] =
            (struct setting){"statement_timeout", print_number(options->timeout_ms, timeout)};
    return count;
}

static bool send_settings(struct db_link *link)
{
    struct setting settings[SETTINGS_MAX];
    char timeout[NUMBER_SIZE];
    size_t count = find_settings(link->options, timeout, settings);

    for (size_t i = 0; i < count; i++) {
        const char *values[] = {settings[i].name, settings[i].value};
        if (PQsendQueryParams(link->pg, "SELECT set_config($1, $2, false)", 2, NULL, values, NULL,
                              NULL, 0) != 1)
            return false;
    }
    return true;
}

static bool send_statements(struct db_link *link)
{
    for (size_t i = 0; i < statement_count(link->options); i++) {
        const struct db_statement *statement = link->options->statements[i];
        if (PQsendPrepare(link->pg, statement->name, statement->sql, 0, NULL) != 1 ||
            PQsendDescribePrepared(link->pg, statement->name) != 1)
            return false;
    }
    return true;
}

static bool start_preparing(struct db_link *link, struct error *error)
{
    if (PQsetnonblocking(link->pg, 1) != 0 || PQenterPipelineMode(link->pg) != 1 ||
        !send_settings(link) || !send_statements(link) || PQpipelineSync(link->pg) != 1)
        return lost(link, "preparing statements", error);
    link->state = DB_LINK_PREPARING;
    return true;
}

/* Results come in the order sent: settings, then two for each statement. */
static void take_prepared(struct db_link *link, const PGresult *result)
{
    struct setting settings[SETTINGS_MAX];
    char timeout[NUMBER_SIZE];
    size_t setting_count = find_settings(link->options, timeout, settings);
    size_t index = link->prepared++;
    ExecStatusType status = PQresultStatus(result);
    const struct db_statement *statement;

    if (link->trouble.fault != FAULT_NONE)
        return;
    if (index < setting_count) {
        if (status != PGRES_TUPLES_OK)
            db_fail_setup(&link->trouble, result, settings[index].name);
        return;
    }
    statement = link->options->statements[(index - setting_count) / 2];
    if (status != PGRES_COMMAND_OK)
        db_fail_setup(&link->trouble, result, statement->name);
    else if ((index - setting_count) % 2 == 1 &&
             !db_statement_compare(statement, result, &link->trouble))
        return;
}

static bool finish_preparing(struct db_link *link, struct error *error)
{
    if (link->trouble.fault != FAULT_NONE) {
        error_set(error, link->trouble.fault, "%s", link->trouble.detail);
        db_link_close(link);
        return false;
    }
    link->state = DB_LINK_READY;
    return true;
}

static bool advance_preparing(struct db_link *link, struct error *error)
{
    int unsent = PQflush(link->pg);

    if (unsent < 0 || PQconsumeInput(link->pg) != 1)
        return lost(link, "preparing statements", error);
    link->wanted = unsent == 1 ? POLLIN | POLLOUT : POLLIN;
    while (!PQisBusy(link->pg)) {
        PGresult *result = PQgetResult(link->pg);
        bool synced = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (PQstatus(link->pg) == CONNECTION_BAD) {
            PQclear(result);
            return lost(link, "preparing statements", error);
        }
        if (result != NULL && !synced)
            take_prepared(link, result);
        PQclear(result);
        if (synced)
            return finish_preparing(link, error);
    }
    return true;
}

static bool advance_connecting(struct db_link *link, struct error *error)
{
    switch (PQconnectPoll(link->pg)) {
    case PGRES_POLLING_READING: link->wanted = POLLIN; return true;
    case PGRES_POLLING_WRITING: link->wanted = POLLOUT; return true;
    case PGRES_POLLING_OK: return start_preparing(link, error) && advance_preparing(link, error);
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE: break;
    }
    return lost(link, "connecting", error);
}

bool db_link_advance(struct db_link *link, struct error *error)
{
    if (link->state == DB_LINK_CONNECTING)
        return advance_connecting(link, error);
    return link->state != DB_LINK_PREPARING || advance_preparing(link, error);
}

void db_link_close(struct db_link *link)
{
    PQfinish(link->pg);
    link->pg = NULL;
    link->state = DB_LINK_CLOSED;
}
