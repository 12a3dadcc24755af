/* Types by name and number, and the comparison at connect: a column that changed its type is found
 * at start, not as rubbish in an answer. */
#include "lib/db/statement.h"
#include "lib/db/wire.h"
#include <assert.h>

static const struct db_type_entry types[] = {
    [DB_BIGINT] = {"bigint", OID_INT8, 0, DB_BIGINT},
    [DB_INTEGER] = {"integer", OID_INT4, 0, DB_INTEGER},
    [DB_BOOLEAN] = {"boolean", OID_BOOL, 0, DB_BOOLEAN},
    [DB_TEXT] = {"text", OID_TEXT, 0, DB_TEXT},
    [DB_UUID] = {"uuid", OID_UUID, 0, DB_UUID},
    [DB_BYTEA] = {"bytea", OID_BYTEA, 0, DB_BYTEA},
    [DB_TIMESTAMP] = {"timestamptz", OID_TIMESTAMPTZ, 0, DB_TIMESTAMP},
    [DB_BIGINT_ARRAY] = {"bigint[]", OID_INT8_ARRAY, OID_INT8, DB_BIGINT},
    [DB_INTEGER_ARRAY] = {"integer[]", OID_INT4_ARRAY, OID_INT4, DB_INTEGER},
    [DB_BOOLEAN_ARRAY] = {"boolean[]", OID_BOOL_ARRAY, OID_BOOL, DB_BOOLEAN},
    [DB_TEXT_ARRAY] = {"text[]", OID_TEXT_ARRAY, OID_TEXT, DB_TEXT},
    [DB_UUID_ARRAY] = {"uuid[]", OID_UUID_ARRAY, OID_UUID, DB_UUID},
    [DB_BYTEA_ARRAY] = {"bytea[]", OID_BYTEA_ARRAY, OID_BYTEA, DB_BYTEA},
    [DB_TIMESTAMP_ARRAY] = {"timestamptz[]", OID_TIMESTAMPTZ_ARRAY, OID_TIMESTAMPTZ, DB_TIMESTAMP},
};

const struct db_type_entry *db_type_find(enum db_type type)
{
    assert((size_t)type < COUNT_OF(types));
    return &types[type];
}

static bool column_fits(const struct field *field, Oid oid)
{
    switch (field->kind) {
    case FIELD_INTEGER: return oid == OID_INT8 || oid == OID_INT4 || oid == OID_TIMESTAMPTZ;
    case FIELD_BOOLEAN: return oid == OID_BOOL;
    case FIELD_TEXT: return oid == OID_TEXT || oid == OID_VARCHAR || oid == OID_UUID;
    case FIELD_BYTES: return oid == OID_BYTEA;
    case FIELD_CHOICE: return oid == OID_TEXT || oid == OID_VARCHAR;
    case FIELD_LIST:
    case FIELD_RECORD: return false;
    }
    return false;
}

/* varchar travels like text. */
static bool parameter_fits(const struct db_type_entry *type, Oid oid)
{
    return oid == type->oid || (type->oid == OID_TEXT && oid == OID_VARCHAR);
}

static bool compare_parameters(const struct db_statement *statement, const PGresult *description,
                               struct error *error)
{
    size_t count = (size_t)PQnparams(description);

    if (count != statement->parameter_count)
        return error_set(error, FAULT_DATABASE_FAILED,
                         "statement %s has %zu parameters, the code gives %zu", statement->name,
                         count, statement->parameter_count);
    for (size_t i = 0; i < count; i++) {
        const struct db_type_entry *type = db_type_find(statement->parameters[i]);
        Oid oid = PQparamtype(description, (int)i);
        if (!parameter_fits(type, oid))
            return error_set(error, FAULT_DATABASE_FAILED,
                             "statement %s, parameter $%zu: the code gives %s, the server takes "
                             "type %u",
                             statement->name, i + 1, type->name, oid);
    }
    return true;
}

bool db_statement_compare(const struct db_statement *statement, const PGresult *description,
                          struct error *error)
{
    size_t columns = (size_t)PQnfields(description);
    size_t declared = statement->row != NULL ? statement->row->field_count : 0;

    if (!compare_parameters(statement, description, error))
        return false;
    if (columns != declared)
        return error_set(error, FAULT_DATABASE_FAILED,
                         "statement %s returns %zu columns, the code expects %zu", statement->name,
                         columns, declared);
    for (size_t i = 0; i < columns; i++) {
        const struct field *field = &statement->row->fields[i];
        Oid oid = PQftype(description, (int)i);
        if (!column_fits(field, oid))
            return error_set(error, FAULT_DATABASE_FAILED,
                             "statement %s, column %s: type %u does not fit the code's field %s",
                             statement->name, PQfname(description, (int)i), oid, field->name);
    }
    return true;
}
