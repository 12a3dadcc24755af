/* sijangctl views audit: who did what to which view, and why. */
#include "ctl/views_rebuild.h"

#include <stdio.h>

struct audit_line {
    struct text at;
    struct text who;
    struct text action;
    struct text view;
    int64_t revision;
    struct text key; /* empty: the whole view */
    struct text detail;
};

static const struct field audit_fields[] = {
    {FIELD_AT(audit_line, at), .kind = FIELD_TEXT},
    {FIELD_AT(audit_line, who), .kind = FIELD_TEXT},
    {FIELD_AT(audit_line, action), .kind = FIELD_TEXT},
    {FIELD_AT(audit_line, view), .kind = FIELD_TEXT},
    {FIELD_AT(audit_line, revision), .kind = FIELD_INTEGER},
    {FIELD_AT(audit_line, key), .kind = FIELD_TEXT},
    {FIELD_AT(audit_line, detail), .kind = FIELD_TEXT},
};

static const struct record audit_record = {
    .name = "AuditLine",
    .size = sizeof(struct audit_line),
    .fields = audit_fields,
    .field_count = COUNT_OF(audit_fields),
};

static const struct db_statement read_audit = {
    .name = "views_audit",
    .sql = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS at, who,"
           " action, view, revision, key, detail FROM (SELECT * FROM projector.audit"
           " WHERE view = $1 ORDER BY number DESC LIMIT 100) AS newest ORDER BY number",
    .parameters = (const enum db_type[]){DB_TEXT},
    .parameter_count = 1,
    .row = &audit_record,
};

static const struct db_statement *const statements[] = {&read_audit, NULL};

static bool list(struct rebuild_call *call, struct error *error)
{
    const struct db_value view = db_text(call->view);
    struct db_rows rows;
    if (!db_run(call->connection, &read_audit, &view, &call->arena, &rows, error))
        return false;
    const struct audit_line *lines = rows.items;
    for (size_t i = 0; i < rows.count; i++)
        (void)printf("%.*s %.*s %.*s %.*s r%lld %.*s %.*s\n", TEXT_ARGS(lines[i].at),
                     TEXT_ARGS(lines[i].who), TEXT_ARGS(lines[i].action), TEXT_ARGS(lines[i].view),
                     (long long)lines[i].revision, TEXT_ARGS(lines[i].key),
                     TEXT_ARGS(lines[i].detail));
    return true;
}

static enum command_exit run(int argc, char **argv, struct error *error)
{
    struct rebuild_call call;
    enum command_exit outcome = rebuild_call_begin(&call, argc, argv, statements, 0, error);
    if (outcome == COMMAND_DONE && !list(&call, error))
        outcome = COMMAND_FAILED;
    rebuild_call_end(&call);
    return outcome;
}

const struct command views_audit = {
    .words = {"views", "audit"},
    .arguments = "VIEW",
    .help =
        "  The last 100 things that were done to VIEW: rebuilds, pauses, throttles, swaps, drops,\n"
        "  parked events tried again or discarded; when, by whom, why.\n"
        "\n"
        "  Example: sijangctl views audit product_list\n",
    .settings = rebuild_settings,
    .run = run,
};
