/* Two tables of a local index. Its overlay takes what is new, and is written out as it fills. */
#include "ctl/scratch.h"

#include "lib/core/arena.h"
#include "lib/index/index.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTEXT_NAME      "scratch"
#define MAP_BYTES         ((size_t)1024 * 1024 * 1024)
#define OVERLAY_BYTES_MAX ((size_t)32 * 1024 * 1024)
#define PUTS_A_COMMIT     1024
#define PATH_BYTES_MAX    ((size_t)64 * 1024)

struct scratch {
    struct arena arena;
    char *path;
    struct index *index;
    struct index_context *context;
    size_t puts; /* of the commit being staged */
};

static bool make_folder(struct scratch *scratch, const char *folder, struct error *error)
{
    scratch->path = arena_print(&scratch->arena, "%s/sijangctl-XXXXXX", folder);
    if (scratch->path == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "a scratch folder");
    if (mkdtemp(scratch->path) != NULL)
        return true;
    scratch->path = NULL;
    return error_set(error, FAULT_IO_FAILED, "a scratch folder in %s: %s", folder, strerror(errno));
}

struct scratch *scratch_open(const char *folder, struct error *error)
{
    static const char *const names[] = {CONTEXT_NAME, NULL};
    struct scratch *scratch = calloc(1, sizeof(*scratch));

    if (scratch == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "a scratch folder");
        return NULL;
    }
    arena_init(&scratch->arena, PATH_BYTES_MAX);
    if (!make_folder(scratch, folder, error))
        return scratch_close(scratch);
    const struct index_options options = {
        .path = scratch->path,
        .contexts = names,
        .map_size_bytes = MAP_BYTES,
        .overlay_bytes_max = OVERLAY_BYTES_MAX,
        .format = 1,
    };
    scratch->index = index_open(&options, NULL, error);
    if (scratch->index == NULL)
        return scratch_close(scratch);
    scratch->context = index_context(scratch->index, CONTEXT_NAME);
    return scratch;
}

static void remove_folder(struct scratch *scratch)
{
    DIR *folder = opendir(scratch->path);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *path = arena_print(&scratch->arena, "%s/%s", scratch->path, entry->d_name);
        if (path != NULL && entry->d_name[0] != '.')
            (void)unlink(path);
    }
    if (folder != NULL)
        (void)closedir(folder);
    (void)rmdir(scratch->path);
}

struct scratch *scratch_close(struct scratch *scratch)
{
    if (scratch == NULL)
        return NULL;
    index_close(scratch->index);
    if (scratch->path != NULL)
        remove_folder(scratch);
    arena_done(&scratch->arena);
    free(scratch);
    return NULL;
}

static bool write_out(struct scratch *scratch, struct error *error)
{
    index_seal(scratch->context);
    index_acknowledge(scratch->context, (struct text)TEXT("-"));
    scratch->puts = 0;
    return index_overlay_bytes(scratch->index) < OVERLAY_BYTES_MAX / 2 ||
           index_flush(scratch->index, error);
}

static bool put(struct scratch *scratch, enum index_table table, const struct uuid *key,
                struct text value, struct error *error)
{
    struct text bytes = {(const char *)key->bytes, sizeof(key->bytes)};

    if (!index_put(scratch->context, table, bytes, value, error))
        return false;
    return ++scratch->puts < PUTS_A_COMMIT || write_out(scratch, error);
}

static bool find(struct scratch *scratch, enum index_table table, const struct uuid *key,
                 struct text *ret_value, struct error *error)
{
    struct text bytes = {(const char *)key->bytes, sizeof(key->bytes)};

    return index_find(scratch->context, table, bytes, ret_value, error);
}

bool scratch_swap_version(struct scratch *scratch, const struct uuid *stream, int64_t version,
                          int64_t *ret_before, struct error *error)
{
    struct text found;

    if (!find(scratch, INDEX_ROOTS, stream, &found, error))
        return false;
    *ret_before = 0;
    if (found.size == sizeof(*ret_before))
        memcpy(ret_before, found.bytes, sizeof(*ret_before));
    return put(scratch, INDEX_ROOTS, stream, (struct text){(const char *)&version, sizeof(version)},
               error);
}

bool scratch_add_event(struct scratch *scratch, const struct uuid *event,
                       const struct scratch_place *place, bool *ret_known,
                       struct scratch_place *ret_before, struct error *error)
{
    struct text found;

    if (!find(scratch, INDEX_EVENTS, event, &found, error))
        return false;
    *ret_known = found.size == sizeof(*ret_before);
    if (*ret_known) {
        memcpy(ret_before, found.bytes, sizeof(*ret_before));
        return true;
    }
    return put(scratch, INDEX_EVENTS, event, (struct text){(const char *)place, sizeof(*place)},
               error);
}
