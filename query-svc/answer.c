/* One row is an object with its version as ETag, a list is a page with its digest; no row is the
 * question's own problem. */
#include "query-svc/answer.h"
#include "lib/core/id.h"
#include "lib/record/json.h"
#include "query-svc/page.h"

static const char *render_etag(const struct question *question, const void *row,
                               struct arena *arena)
{
    const struct field *field = record_find_field(question->statements[0]->row, question->version);
    const int64_t *version = (const void *)((const char *)row + field->offset);
    char digits[TEXT_INTEGER_SIZE];
    const struct text quote = TEXT("\"");

    return arena_join(arena, (const struct text[]){quote, text_of_integer(*version, digits), quote},
                      3);
}

/* A list has no version: the same bytes have the same tag. */
static const char *render_list_etag(struct text body, struct arena *arena)
{
    static const struct uuid lists = {{0}};
    const struct uuid digest = uuid_v5(&lists, body.bytes, body.size);
    char name[UUID_TEXT_SIZE];

    uuid_format(&digest, name);
    return arena_print(arena, "\"%s\"", name);
}

static void render(const struct question *question, const void *input, const struct db_rows *rows,
                   struct buffer *rendering)
{
    const struct record *row = question->statements[0]->row; /* all of them have the same */

    buffer_clear(rendering);
    if (question->missing == NULL)
        page_write(input, row, rows, rendering);
    else
        json_write(row, rows->items, rendering);
}

void answer_rows(struct answer *answer, const struct answering *with, const struct db_rows *rows)
{
    const struct question *question = with->question;

    if (rows->count == 0 && question->missing != NULL) {
        answer->problem = question->missing;
        return;
    }
    render(question, with->input, rows, with->rendering);
    answer->status = 200;
    answer->body = arena_copy_text(with->arena, buffer_text(with->rendering));
    bool tagged = question->version != NULL || question->missing == NULL;
    if (question->version != NULL)
        answer->etag = render_etag(question, rows->items, with->arena);
    else if (tagged && answer->body.bytes != NULL)
        answer->etag = render_list_etag(answer->body, with->arena);
    if (with->rendering->failed)
        answer->fault = FAULT_LIMIT_EXCEEDED;
    else if (answer->body.bytes == NULL || (tagged && answer->etag == NULL))
        answer->fault = FAULT_OUT_OF_MEMORY;
}
