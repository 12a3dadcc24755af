/* Which command this is. Command id: uuid5 of caller, method, path and key, so that two callers, or
 * two paths, never share one. */
#include "command-svc/request_key.h"

#include "command-svc/request_hash.h"
#include <string.h>

#define KEY_SIZE_MAX 128

static const struct uuid command_namespace = {{0x53, 0x1a, 0x9c, 0x0e, 0x6b, 0x0f, 0x5d, 0x1e, 0x8a,
                                               0x77, 0x3d, 0x52, 0x90, 0x41, 0x6e, 0xc3}};

static bool key_is_sane(struct text key)
{
    if (key.size < 1 || key.size > KEY_SIZE_MAX)
        return false;
    for (size_t i = 0; i < key.size; i++)
        if (key.bytes[i] < 0x20 || key.bytes[i] > 0x7e)
            return false;
    return true;
}

static bool name_command(struct call *call, const struct web_request *request, struct text key)
{
    const struct text line_end = TEXT("\n");
    const struct text lines[] = {text_of(call->caller.subject),
                                 line_end,
                                 text_of(web_request_method(request)),
                                 line_end,
                                 text_of(web_request_path(request)),
                                 line_end,
                                 key};
    const char *name = arena_join(call->arena, lines, 7);

    if (name == NULL)
        return false;
    call->command_id = uuid_v5(&command_namespace, name, strlen(name));
    return true;
}

/* Of a header that has one value: on two lines it has two, and none can be meant. */
static bool read_single(struct web_request *request, const char *name, struct text *ret_value)
{
    struct text joined;

    *ret_value = web_request_header(request, name);
    return web_request_header_joined(request, name, &joined) && joined.size == ret_value->size;
}

/* If-Match: "7", or * for any version; one tag, strong. */
static bool read_precondition(struct call *call, struct web_request *request)
{
    struct text tag;
    bool single = read_single(request, "If-Match", &tag);
    int64_t version;

    if (single && (tag.bytes == NULL || text_is(tag, "*")))
        return true;
    if (!single || tag.size < 3 || tag.bytes[0] != '"' || tag.bytes[tag.size - 1] != '"' ||
        !text_to_integer((struct text){tag.bytes + 1, tag.size - 2}, &version) || version < 0) {
        call_refuse_problem(call, &problem_precondition_failed);
        call->problem.detail = "If-Match takes one entity tag as given by ETag.";
        return false;
    }
    call->expected_version = version;
    return true;
}

bool request_key_read(struct call *call, struct web_request *request,
                      const struct request_hash_key *hash_key)
{
    struct text key;
    bool single = read_single(request, "Idempotency-Key", &key);

    if (!read_precondition(call, request))
        return false;
    if (key.bytes == NULL) {
        call->command_id = uuid_v7();
        if (call->command->effect == COMMAND_CHANGES)
            return true;
        call_refuse_problem(call, &problem_idempotency_key_required);
        return false;
    }
    if (!single || !key_is_sane(key)) {
        call_refuse_problem(call, &problem_idempotency_key_invalid);
        return false;
    }
    call->keyed = true;
    if (!name_command(call, request, key) || !request_hash(call, hash_key)) {
        call_fault(call, FAULT_OUT_OF_MEMORY);
        return false;
    }
    return true;
}
