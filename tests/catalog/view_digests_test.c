/* The rows that recorded events give, as one digest per view: an apply that gives other rows needs
 * another revision, because the rows it has written before are no longer what a rebuild would
 * write. */
#include "lib/core/id.h"
#include "lib/record/avro.h"
#include "lib/record/json.h"
#include "projector/views.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS_MAX    64
#define ROW_SIZE    512
#define MEMORY_MAX  (16 * 1024 * 1024)
#define EVENTS_FILE RECORDED_EVENTS

struct golden {
    const char *view;
    int revision;
    const char *digest;
};

/* A new revision gets a new line here; an old line is never changed. */
static const struct golden goldens[] = {
    {"product_detail", 1, "76c41933-8311-5cba-834d-9873c76eeea1"},
    {"product_list", 1, "2ac1827a-7f8e-594f-b276-c9efb6d00c9f"},
};

struct table {
    const struct view *view;
    struct text keys[ROWS_MAX];
    _Alignas(16) uint8_t rows[ROWS_MAX][ROW_SIZE];
    size_t count;
};

static uint8_t *table_row(struct table *table, struct text key)
{
    const struct record *record = table->view->row;
    for (size_t i = 0; i < table->count; i++)
        if (text_equal(table->keys[i], key))
            return table->rows[i];
    assert_true(table->count < ROWS_MAX && record->size <= ROW_SIZE);
    uint8_t *row = table->rows[table->count];
    table->keys[table->count++] = key;
    memset(row, 0, ROW_SIZE);
    memcpy(row + record_find_field(record, table->view->key)->offset, &key, sizeof(key));
    return row;
}

static uint8_t nibble(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static size_t read_hex(const char *hex, uint8_t *bytes)
{
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return size;
}

static void apply(struct table *table, const struct record *record, struct view_event *event)
{
    const struct context *context = context_find("catalog");
    struct view_keys keys;
    event->context = context->name;
    while (context->events[event->kind] != record)
        event->kind++;
    assert_true(table->view->keys(event, &keys));
    for (size_t i = 0; i < keys.count; i++)
        assert_int_not_equal(table->view->apply(table_row(table, keys.keys[i]), event),
                             VIEW_REFUSED);
}

static void apply_line(struct table *table, const char *line, struct arena *arena)
{
    char subject[UUID_TEXT_SIZE];
    long long version;
    int hex_at = 0;
    assert_int_equal(sscanf(line, "%36s %lld %n", subject, &version, &hex_at), 2);
    uint8_t *bytes = arena_alloc(arena, strlen(line));
    assert_non_null(bytes);
    size_t size = read_hex(line + hex_at, bytes);
    uint32_t schema_id;
    assert_true(avro_frame(bytes, size, &schema_id));
    const struct record *record = avro_find_record(context_find("catalog")->events, schema_id);
    assert_non_null(record);
    void *value = arena_alloc(arena, record->size);
    assert_non_null(value);
    struct error error = {0};
    if (!avro_decode_framed(record, (struct text){(const char *)bytes, size}, arena, value, &error))
        fail_msg("%s: %s", line, error.detail);
    apply(table, record,
          &(struct view_event){
              .value = value,
              .subject = arena_copy_text(arena, text_of(subject)),
              .version = version,
          });
}

static void fold_file(struct table *table, struct arena *arena)
{
    FILE *file = fopen(EVENTS_FILE, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0, events = 0;
    while (getline(&line, &capacity, file) > 0)
        if (line[0] != '#') {
            apply_line(table, line, arena);
            events++;
        }
    free(line);
    (void)fclose(file);
    assert_true(events > 100);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void digest(const struct table *table, char ret_digest[static UUID_TEXT_SIZE])
{
    static const struct uuid name_space;
    char *lines[ROWS_MAX];
    struct buffer line, all;
    buffer_init(&line, MEMORY_MAX);
    buffer_init(&all, MEMORY_MAX);
    for (size_t i = 0; i < table->count; i++) {
        buffer_clear(&line);
        json_write(table->view->row, table->rows[i], &line);
        buffer_put_byte(&line, '\0');
        lines[i] = strdup((const char *)line.bytes);
    }
    qsort(lines, table->count, sizeof(lines[0]), by_text);
    for (size_t i = 0; i < table->count; i++) {
        buffer_put_string(&all, lines[i]);
        buffer_put_byte(&all, '\n');
        free(lines[i]);
    }
    assert_false(line.failed || all.failed);
    struct uuid sum = uuid_v5(&name_space, all.bytes, all.size);
    uuid_format(&sum, ret_digest);
    buffer_done(&line);
    buffer_done(&all);
}

static const struct golden *find_golden(const struct view *view)
{
    for (size_t i = 0; i < COUNT_OF(goldens); i++)
        if (strcmp(goldens[i].view, view->name) == 0 && goldens[i].revision == view->revision)
            return &goldens[i];
    return NULL;
}

static void recorded_events_give_the_rows_of_the_revision(void **unused)
{
    (void)unused;
    for (const struct view *const *view = view_lists[CONTEXT_catalog]; *view != NULL; view++) {
        static struct table table;
        struct arena arena;
        char found[UUID_TEXT_SIZE];
        memset(&table, 0, sizeof(table));
        table.view = *view;
        arena_init(&arena, MEMORY_MAX);
        fold_file(&table, &arena);
        digest(&table, found);
        arena_done(&arena);
        const struct golden *golden = find_golden(*view);
        if (golden == NULL)
            fail_msg("%s revision %d has no golden digest; it would be %s", (*view)->name,
                     (*view)->revision, found);
        else if (strcmp(golden->digest, found) != 0)
            fail_msg("%s revision %d gives other rows (%s): it needs a new revision", (*view)->name,
                     (*view)->revision, found);
    }
}

static void a_schema_is_named_by_view_and_revision(void **unused)
{
    (void)unused;
    for (size_t context = 0; context < CONTEXT_COUNT; context++)
        for (const struct view *const *view = view_lists[context]; *view != NULL; view++) {
            char name[128];
            (void)snprintf(name, sizeof(name), "view_%s_r%d", (*view)->name, (*view)->revision);
            assert_string_equal((*view)->schema, name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_events_give_the_rows_of_the_revision),
        cmocka_unit_test(a_schema_is_named_by_view_and_revision),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
