/* Answers come from the table that the build made: they need neither database nor token. */
#include "query-svc/registry.h"
#include "lib/core/buffer.h"
#include "schemas/registry.h"
#include <string.h>

#define CONTENT_TYPE     "application/vnd.schemaregistry.v1+json"
#define ANSWER_BYTES_MAX ((size_t)1024 * 1024)

/* Of the registry's own numbering, which its clients look at. */
struct registry_refusal {
    int status;
    const char *body;
};

static const struct registry_refusal subject_not_found = {
    404, "{\"error_code\":40401,\"message\":\"Subject not found.\"}"};
static const struct registry_refusal version_not_found = {
    404, "{\"error_code\":40402,\"message\":\"Version not found.\"}"};
static const struct registry_refusal schema_not_found = {
    404, "{\"error_code\":40403,\"message\":\"Schema not found.\"}"};
static const struct registry_refusal version_invalid = {
    422, "{\"error_code\":42202,\"message\":\"The specified version is not a valid version id.\"}"};

static void refuse(struct web_request *request, const struct registry_refusal *refusal)
{
    web_answer(request, refusal->status, CONTENT_TYPE, text_of(refusal->body));
}

static void answer(struct web_request *request, struct buffer *body)
{
    struct text copy = {0};

    if (!body->failed)
        copy = arena_copy_text(web_request_arena(request), buffer_text(body));
    if (copy.bytes == NULL)
        web_fault(request, FAULT_OUT_OF_MEMORY);
    else
        web_answer(request, 200, CONTENT_TYPE, copy);
    buffer_done(body);
}

static bool has_subject(const struct registry_schema *schema, struct text subject)
{
    return text_is(subject, schema->subject);
}

static bool is_first_of_subject(size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(registry_schemas[i].subject, registry_schemas[index].subject) == 0)
            return false;
    return true;
}

static const struct registry_schema *find_schema(struct text id_text)
{
    int64_t id = 0;

    if (text_to_integer(id_text, &id))
        for (size_t i = 0; i < registry_schema_count; i++)
            if (registry_schemas[i].schema_id == id)
                return &registry_schemas[i];
    return NULL;
}

static void get_schema(struct web_request *request, const void *unused)
{
    const struct registry_schema *schema = find_schema(web_request_param(request, "id"));
    struct buffer body;

    (void)unused;
    if (schema == NULL) {
        refuse(request, &schema_not_found);
        return;
    }
    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_put_string(&body, "{\"schema\":");
    buffer_put_json_string(&body, text_of(schema->schema));
    buffer_put_byte(&body, '}');
    answer(request, &body);
}

/* The schema alone, as it was written. */
static void get_bare_schema(struct web_request *request, const void *unused)
{
    const struct registry_schema *schema = find_schema(web_request_param(request, "id"));

    (void)unused;
    if (schema == NULL)
        refuse(request, &schema_not_found);
    else
        web_answer(request, 200, CONTENT_TYPE, text_of(schema->schema));
}

/* An id belongs to one version of one subject. */
static void list_places(struct web_request *request, const void *unused)
{
    const struct registry_schema *schema = find_schema(web_request_param(request, "id"));
    struct buffer body;

    (void)unused;
    if (schema == NULL) {
        refuse(request, &schema_not_found);
        return;
    }
    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_put_string(&body, "[{\"subject\":");
    buffer_put_json_string(&body, text_of(schema->subject));
    buffer_put_string(&body, ",\"version\":");
    buffer_put_integer(&body, schema->version);
    buffer_put_string(&body, "}]");
    answer(request, &body);
}

static void list_types(struct web_request *request, const void *unused)
{
    (void)unused;
    web_answer(request, 200, CONTENT_TYPE, text_of("[\"AVRO\"]"));
}

static void list_subjects(struct web_request *request, const void *unused)
{
    struct buffer body;

    (void)unused;
    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_put_byte(&body, '[');
    for (size_t i = 0; i < registry_schema_count; i++) {
        if (!is_first_of_subject(i))
            continue;
        if (i > 0)
            buffer_put_byte(&body, ',');
        buffer_put_json_string(&body, text_of(registry_schemas[i].subject));
    }
    buffer_put_byte(&body, ']');
    answer(request, &body);
}

static void list_versions(struct web_request *request, const void *unused)
{
    struct text subject = web_request_param(request, "subject");
    struct buffer body;
    size_t found = 0;

    (void)unused;
    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_put_byte(&body, '[');
    for (size_t i = 0; i < registry_schema_count; i++) {
        if (!has_subject(&registry_schemas[i], subject))
            continue;
        if (found++ > 0)
            buffer_put_byte(&body, ',');
        buffer_put_integer(&body, registry_schemas[i].version);
    }
    buffer_put_byte(&body, ']');
    if (found > 0) {
        answer(request, &body);
        return;
    }
    buffer_done(&body);
    refuse(request, &subject_not_found);
}

static void answer_version(struct web_request *request, const struct registry_schema *schema)
{
    struct buffer body;

    buffer_init(&body, ANSWER_BYTES_MAX);
    buffer_put_string(&body, "{\"subject\":");
    buffer_put_json_string(&body, text_of(schema->subject));
    buffer_put_string(&body, ",\"version\":");
    buffer_put_integer(&body, schema->version);
    buffer_put_string(&body, ",\"id\":");
    buffer_put_integer(&body, schema->schema_id);
    buffer_put_string(&body, ",\"schema\":");
    buffer_put_json_string(&body, text_of(schema->schema));
    buffer_put_byte(&body, '}');
    answer(request, &body);
}

static void get_version(struct web_request *request, const void *unused)
{
    struct text subject = web_request_param(request, "subject");
    struct text wanted = web_request_param(request, "version");
    const struct registry_schema *found = NULL;
    bool latest = text_is(wanted, "latest"), known = false;
    int64_t version = 0;

    (void)unused;
    if (!latest && (!text_to_integer(wanted, &version) || version < 1)) {
        refuse(request, &version_invalid);
        return;
    }
    for (size_t i = 0; i < registry_schema_count; i++) {
        const struct registry_schema *schema = &registry_schemas[i];
        if (!has_subject(schema, subject))
            continue;
        known = true;
        if (latest ? found == NULL || schema->version > found->version : schema->version == version)
            found = schema;
    }
    if (found != NULL)
        answer_version(request, found);
    else
        refuse(request, known ? &version_not_found : &subject_not_found);
}

const struct web_route registry_routes[] = {
    {.method = "GET", .path = "/schemas/ids/{id}", .handle = get_schema},
    {.method = "GET", .path = "/schemas/ids/{id}/schema", .handle = get_bare_schema},
    {.method = "GET", .path = "/schemas/ids/{id}/versions", .handle = list_places},
    {.method = "GET", .path = "/schemas/types", .handle = list_types},
    {.method = "GET", .path = "/subjects", .handle = list_subjects},
    {.method = "GET", .path = "/subjects/{subject}/versions", .handle = list_versions},
    {.method = "GET", .path = "/subjects/{subject}/versions/{version}", .handle = get_version},
    {0},
};
