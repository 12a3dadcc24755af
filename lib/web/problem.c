/* Problem documents, RFC 9457, written member by member. */
#include "lib/web/problem.h"

#include <string.h>

static const struct text type_prefix = TEXT("{\"type\":\"urn:sijang:problem:");

#define WEB_PROBLEM_DEFINE(name, status_, title_)                                                  \
    const struct problem problem_##name = {.status = (status_), .code = #name, .title = (title_)};
WEB_PROBLEMS(WEB_PROBLEM_DEFINE)
#undef WEB_PROBLEM_DEFINE

static void put_member(struct buffer *out, const char *name, const char *value)
{
    buffer_put_json_string(out, text_of(name));
    buffer_put_byte(out, ':');
    buffer_put_json_string(out, text_of(value));
}

static void put_errors(struct buffer *out, const struct field_errors *errors)
{
    buffer_put_string(out, ",\"errors\":[");
    for (size_t i = 0; i < errors->count; i++) {
        const struct field_error *entry = &errors->entries[i];
        buffer_put_string(out, i == 0 ? "{" : ",{");
        put_member(out, "field", entry->field);
        buffer_put_byte(out, ',');
        put_member(out, "code", entry->code);
        buffer_put_byte(out, ',');
        put_member(out, "message", entry->message);
        buffer_put_byte(out, '}');
    }
    buffer_put_byte(out, ']');
}

void problem_write(const struct problem *problem, struct text request_id, struct buffer *out)
{
    buffer_put_text(out, type_prefix);
    buffer_put_string(out, problem->code); /* snake_case: nothing to escape */
    buffer_put_string(out, "\",");
    put_member(out, "title", problem->title);
    buffer_put_string(out, ",\"status\":");
    buffer_put_integer(out, problem->status);
    buffer_put_byte(out, ',');
    put_member(out, "code", problem->code);
    if (problem->detail != NULL) {
        buffer_put_byte(out, ',');
        put_member(out, "detail", problem->detail);
    }
    if (problem->errors != NULL && problem->errors->count > 0)
        put_errors(out, problem->errors);
    buffer_put_string(out, ",\"request_id\":");
    buffer_put_json_string(out, request_id);
    buffer_put_byte(out, '}');
}

bool problem_has_code(struct text document, const char *code)
{
    size_t size = strlen(code), prefix = type_prefix.size;

    return document.size > prefix + size &&
           memcmp(document.bytes, type_prefix.bytes, prefix) == 0 &&
           memcmp(document.bytes + prefix, code, size) == 0 && document.bytes[prefix + size] == '"';
}
