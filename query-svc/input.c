/* Query parameters that no field names are ignored, as the web does. */
#include "query-svc/input.h"
#include "lib/record/json.h"
#include "query-svc/page.h"
#include <string.h>

static enum json_outcome add_error(struct field_errors *errors, const struct field_error *error)
{
    if (errors->count < FIELD_ERRORS_MAX)
        errors->entries[errors->count++] = *error;
    return JSON_INVALID;
}

static enum json_outcome read_field(struct web_request *request, const struct record *record,
                                    const struct field *field, struct json_reading *reading,
                                    void *input)
{
    struct text given = web_request_param(request, field->name);

    if (given.bytes == NULL)
        given = web_request_query(request, field->name);
    if (given.bytes != NULL)
        return json_set_text(record, field->name, given, reading, input);
    if (field->optional)
        return JSON_OK;
    return add_error(&reading->errors,
                     &(struct field_error){field->name, "missing", "Is required."});
}

static enum json_outcome read_fields(struct web_request *request, const struct record *record,
                                     struct json_reading *reading, void *input)
{
    enum json_outcome outcome = JSON_OK;

    for (size_t i = 0; i < record->field_count && outcome != JSON_OUT_OF_MEMORY; i++) {
        enum json_outcome one = read_field(request, record, &record->fields[i], reading, input);
        if (one != JSON_OK)
            outcome = one;
    }
    return outcome;
}

/* A path that cannot be anything's is the path of nothing; a bad query is an error. */
static void refuse(struct web_request *request, const struct question *question,
                   const struct field_errors *errors)
{
    struct problem problem = problem_invalid_fields;

    problem.errors = errors;
    for (size_t i = 0; question->missing != NULL && i < errors->count; i++)
        if (web_request_param(request, errors->entries[i].field).bytes != NULL) {
            web_problem(request, question->missing);
            return;
        }
    web_problem(request, &problem);
}

const void *input_read(struct web_request *request, const struct question *question)
{
    struct arena *arena = web_request_arena(request);
    const struct record *row = question->statements[0]->row;
    struct json_reading reading = {.arena = arena};
    void *input = arena_alloc_zeroed(arena, question->input->size);
    enum json_outcome outcome = JSON_OUT_OF_MEMORY;

    if (input != NULL)
        outcome = read_fields(request, question->input, &reading, input);
    if (outcome == JSON_OK && question->missing == NULL &&
        !page_open(input, row->fields[0].format, arena))
        outcome =
            add_error(&reading.errors, &(struct field_error){"cursor", "bad_format",
                                                             "Must be the next_cursor of a page."});
    if (outcome == JSON_OK)
        return input;
    if (outcome == JSON_OUT_OF_MEMORY)
        web_fault(request, FAULT_OUT_OF_MEMORY);
    else
        refuse(request, question, &reading.errors);
    return NULL;
}
