/* The index as its users see it: an overlay per context before one LMDB environment. Commits are
 * numbered per context; three numbers tell which are flushed, acknowledged and sealed. */
#include "lib/index/index.h"

#include "lib/core/buffer.h"
#include "lib/core/id.h"
#include "lib/index/environment.h"
#include "lib/index/folder.h"
#include "lib/index/opening.h"
#include "lib/index/overlay.h"
#include "lib/index/rewriting.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXTS_MAX    16
#define TABLE_NAME_MAX  96
#define POSITIONS_TABLE "positions"
#define TABLES_MAX      (CONTEXTS_MAX * INDEX_TABLE_COUNT + 1)
/* Changed by one flush: more than LMDB shall keep memory for. Commands change half of that. */
#define KEPT_BYTES_MAX ((size_t)6 * 1024 * 1024)

static const char *const table_names[INDEX_TABLE_COUNT] = {
    [INDEX_EVENTS] = "events",     [INDEX_ROOTS] = "roots",
    [INDEX_PARTS] = "parts",       [INDEX_COMMANDS] = "commands",
    [INDEX_OUTCOMES] = "outcomes", [INDEX_CHECKPOINTS] = "checkpoints",
    [INDEX_PARKS] = "parks",       [INDEX_DEADLINES] = "deadlines",
    [INDEX_TRIGGERS] = "triggers",
};

struct position {
    char bytes[INDEX_POSITION_SIZE_MAX];
    size_t size;
};

struct index_context {
    struct index *index;
    char *name;
    size_t first_table; /* its tables' numbers in the environment begin here */
    struct overlay overlay;
    uint64_t flushed, acknowledged,
        sealed;                  /* commits below are; `sealed` is the one being staged */
    bool incomplete;             /* a put of the commit being staged has failed */
    bool moved;                  /* `reached` is not flushed yet */
    struct position reached;     /* behind the last acknowledged commit */
    struct position stored;      /* in LMDB */
    struct rewriting *rewriting; /* NULL but inside index_rewrite */
};

struct index {
    struct environment *environment;
    char *path;
    char *names[TABLES_MAX];
    size_t name_count;
    struct index_context contexts[CONTEXTS_MAX];
    size_t context_count;
    size_t overlay_bytes;
    size_t overlay_bytes_max;
    bool flush_failed; /* the last one */
};

static char *print_table_name(const char *context, const char *table)
{
    struct buffer CLEANUP(buffer_done) name;
    buffer_init(&name, TABLE_NAME_MAX);
    buffer_print(&name, "%s.%s", context, table);
    return name.failed ? NULL : strndup((const char *)name.bytes, name.size);
}

static bool add_context(struct index *index, const char *name)
{
    assert(index->context_count < CONTEXTS_MAX);
    struct index_context *context = &index->contexts[index->context_count++];
    uint64_t seed;

    random_fill(&seed, sizeof seed);
    overlay_init(&context->overlay, seed, &index->overlay_bytes);
    context->index = index;
    context->first_table = index->name_count;
    context->name = strdup(name);
    for (size_t i = 0; i < INDEX_TABLE_COUNT; i++) {
        index->names[index->name_count] = print_table_name(name, table_names[i]);
        if (index->names[index->name_count++] == NULL)
            return false;
    }
    return context->name != NULL;
}

static size_t positions_table(const struct index *index)
{
    return index->name_count - 1;
}

static void set_position(struct position *position, struct text bytes)
{
    assert(bytes.size <= sizeof position->bytes);
    if (bytes.size > 0)
        memcpy(position->bytes, bytes.bytes, bytes.size);
    position->size = bytes.size;
}

static struct text position_text(const struct position *position)
{
    return (struct text){.bytes = position->bytes, .size = position->size};
}

static bool load_positions(struct index *index, struct error *error)
{
    for (size_t i = 0; i < index->context_count; i++) {
        struct index_context *context = &index->contexts[i];
        struct text stored;
        if (!environment_find(index->environment, positions_table(index), text_of(context->name),
                              &stored, error))
            return false;
        if (stored.size > INDEX_POSITION_SIZE_MAX)
            return error_set(error, FAULT_INDEX_FAILED, "the position of %s has %zu bytes",
                             context->name, stored.size);
        set_position(&context->stored, stored);
        context->reached = context->stored;
    }
    return true;
}

static void free_index(struct index *index)
{
    for (size_t i = 0; i < index->context_count; i++) {
        overlay_done(&index->contexts[i].overlay);
        free(index->contexts[i].name);
    }
    for (size_t i = 0; i < index->name_count; i++)
        free(index->names[i]);
    free(index->path);
    free(index);
}

static struct index *create_index(const struct index_options *options)
{
    struct index *index = calloc(1, sizeof *index);
    if (index == NULL)
        return NULL;
    index->overlay_bytes_max = options->overlay_bytes_max;
    index->path = strdup(options->path);
    bool complete = index->path != NULL;
    for (const char *const *name = options->contexts; complete && *name != NULL; name++)
        complete = add_context(index, *name);
    if (complete) {
        index->names[index->name_count] = strdup(POSITIONS_TABLE);
        complete = index->names[index->name_count++] != NULL;
    }
    if (complete)
        return index;
    free_index(index);
    return NULL;
}

static bool open_environment(struct index *index, const struct environment_options *options,
                             bool *ret_wiped, struct error *error)
{
    index->environment = environment_open(options, ret_wiped, error);
    return index->environment != NULL && load_positions(index, error);
}

/* Damage that shows only when the positions are read: the second opening wipes. */
static bool open_twice(struct index *index, const struct environment_options *options,
                       bool *ret_wiped, struct error *error)
{
    if (open_environment(index, options, ret_wiped, error))
        return true;
    bool corrupt = index->environment != NULL && environment_is_corrupt(index->environment);
    index->environment = environment_close(index->environment);
    return corrupt && open_environment(index, options, ret_wiped, error);
}

struct index *index_open_in_boot(const struct index_options *options, const char *boot_id_path,
                                 bool *ret_wiped, struct error *error)
{
    struct index *index = create_index(options);
    bool wiped;

    if (index == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "no memory for an index");
        return NULL;
    }
    struct environment_options inner = {
        .path = index->path,
        .boot_id_path = boot_id_path,
        .map_size_bytes = options->map_size_bytes,
        .format = options->format,
        .tables = (const char *const *)index->names,
        .table_count = index->name_count,
    };
    if (!open_twice(index, &inner, &wiped, error)) {
        environment_close(index->environment);
        free_index(index);
        return NULL;
    }
    if (ret_wiped != NULL)
        *ret_wiped = wiped;
    return index;
}

struct index *index_open(const struct index_options *options, bool *ret_wiped, struct error *error)
{
    return index_open_in_boot(options, BOOT_ID_PATH, ret_wiped, error);
}

struct index *index_close(struct index *index)
{
    if (index == NULL)
        return NULL;
    /* What a failing flush leaves out is in the log behind the stored position. */
    bool flushed = index_flush(index, NULL);
    (void)flushed;
    environment_close(index->environment);
    free_index(index);
    return NULL;
}

struct index_context *index_context(struct index *index, const char *name)
{
    size_t i = 0;
    while (i < index->context_count && strcmp(index->contexts[i].name, name) != 0)
        i++;
    assert(i < index->context_count);
    return &index->contexts[i];
}

struct text index_position(struct index_context *context)
{
    return position_text(&context->stored);
}

static void check_key(enum index_table table, struct text key)
{
    assert(table < INDEX_TABLE_COUNT);
    assert(key.size >= 1 && key.size <= INDEX_KEY_SIZE_MAX);
}

bool index_find(struct index_context *context, enum index_table table, struct text key,
                struct text *ret_value, struct error *error)
{
    check_key(table, key);
    const struct put *put = overlay_find(&context->overlay, (uint8_t)table, key);
    assert(put == NULL || context->rewriting == NULL);
    if (put == NULL)
        return environment_find(context->index->environment, context->first_table + table, key,
                                ret_value, error);
    *ret_value = put_value(put);
    return true;
}

bool index_put(struct index_context *context, enum index_table table, struct text key,
               struct text value, struct error *error)
{
    struct index *index = context->index;
    check_key(table, key);

    assert(context->rewriting == NULL ||
           overlay_find(&context->overlay, (uint8_t)table, key) == NULL);
    if (context->rewriting != NULL)
        return rewriting_put(context->rewriting, table, key, value, error);
    if (value.size > UINT32_MAX ||
        index->overlay_bytes + overlay_put_bytes(key.size, value.size) > index->overlay_bytes_max) {
        context->incomplete = true;
        return error_set(error, FAULT_OVERLOADED, "the index of %s holds %zu of %zu bytes",
                         context->name, index->overlay_bytes, index->overlay_bytes_max);
    }
    if (!overlay_put(&context->overlay, context->sealed, (uint8_t)table, key, value)) {
        context->incomplete = true;
        return error_set(error, FAULT_OUT_OF_MEMORY, "no memory to stage a commit of %s",
                         context->name);
    }
    return true;
}

void index_abandon(struct index_context *context)
{
    overlay_drop_from(&context->overlay, context->sealed);
    context->incomplete = false;
}

void index_seal(struct index_context *context)
{
    assert(!context->incomplete);
    context->sealed++;
}

static void move_to(struct index_context *context, struct text position)
{
    set_position(&context->reached, position);
    context->moved = true;
}

void index_acknowledge(struct index_context *context, struct text position)
{
    assert(context->acknowledged < context->sealed);
    context->acknowledged++;
    move_to(context, position);
}

void index_advance(struct index_context *context, struct text position)
{
    assert(context->acknowledged == context->sealed);
    move_to(context, position);
}

void index_shift(struct index_context *context, enum index_table table, int64_t delta)
{
    overlay_shift(&context->overlay, context->acknowledged, (uint8_t)table, delta);
}

void index_forget(struct index_context *context)
{
    overlay_drop_from(&context->overlay, context->acknowledged);
    context->sealed = context->acknowledged;
    context->incomplete = false;
}

/* Values overwritten by a later commit of the same flush are left out. */
static int write_commits(struct environment *environment, const struct index_context *context)
{
    struct place place = overlay_front(&context->overlay);
    const struct put *put;

    while ((put = overlay_next(&place)) != NULL && put->commit < context->acknowledged) {
        if (put->newer != NULL && put->newer->commit < context->acknowledged)
            continue;
        int code = environment_put(environment, context->first_table + put->table, put_key(put),
                                   put_value(put));
        if (code != 0)
            return code;
    }
    return 0;
}

static int write_contexts(struct environment *environment, void *self)
{
    struct index *index = self;
    for (size_t i = 0; i < index->context_count; i++) {
        const struct index_context *context = &index->contexts[i];
        if (!context->moved)
            continue;
        int code = write_commits(environment, context);
        if (code == 0)
            code = environment_put(environment, positions_table(index), text_of(context->name),
                                   position_text(&context->reached));
        if (code != 0)
            return code;
    }
    return 0;
}

bool index_flush(struct index *index, struct error *error)
{
    size_t dirty_bytes = index_dirty_bytes(index);
    bool moved = false;
    for (size_t i = 0; i < index->context_count; i++)
        moved = moved || index->contexts[i].moved;
    if (!moved)
        return true;
    index->flush_failed = !environment_write(index->environment, write_contexts, index, error);
    if (index->flush_failed)
        return false;
    for (size_t i = 0; i < index->context_count; i++) {
        struct index_context *context = &index->contexts[i];
        overlay_drop_before(&context->overlay, context->acknowledged);
        context->flushed = context->acknowledged;
        context->stored = context->reached;
        context->moved = false;
    }
    if (dirty_bytes - index_dirty_bytes(index) > KEPT_BYTES_MAX)
        environment_trim(index->environment);
    return true;
}

bool index_remove_all(struct index_context *context, enum index_table table, struct text prefix,
                      struct error *error)
{
    assert(context->rewriting != NULL);
    return rewriting_remove_all(context->rewriting, table, prefix, error);
}

bool index_rewrite(struct index_context *context, index_rewriter *rewrite, void *self,
                   struct error *error)
{
    struct rewriting rewriting = {
        .environment = context->index->environment,
        .first_table = context->first_table,
        .rewrite = rewrite,
        .self = self,
    };

    assert(context->rewriting == NULL);
    context->rewriting = &rewriting;
    bool written = rewriting_run(&rewriting, error);
    context->rewriting = NULL;
    return written;
}

void index_give_back(struct index *index)
{
    environment_trim(index->environment);
    environment_return_memory(index->environment);
}

size_t index_dirty_bytes(const struct index *index)
{
    size_t keys = 0;
    for (size_t i = 0; i < index->context_count; i++)
        keys += index->contexts[i].overlay.key_count;
    return keys * ENVIRONMENT_PAGE_BYTES + index->overlay_bytes;
}

bool index_is_swollen(const struct index *index)
{
    return !index->flush_failed && index_dirty_bytes(index) >= INDEX_DIRTY_BYTES_MAX;
}

size_t index_overlay_bytes(const struct index *index)
{
    return index->overlay_bytes;
}

size_t index_unflushed(const struct index *index)
{
    uint64_t commits = 0;
    for (size_t i = 0; i < index->context_count; i++)
        commits += index->contexts[i].acknowledged - index->contexts[i].flushed;
    return commits;
}

bool index_scan(struct index_context *context, enum index_table table,
                const struct index_scan *scan, struct error *error)
{
    assert(table < INDEX_TABLE_COUNT);
    return environment_scan(context->index->environment, context->first_table + table, scan, error);
}
