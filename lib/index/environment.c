/* NOSYNC: what a dead process wrote is the kernel's and survives it, so only a crash of the host
 * can tear the file, and the mark finds that out. No WRITEMAP: a full disk is an error code here.
 * NOLOCK: the folder's lock admits one process, and no read transaction stands while a write one is
 * open. NORDAHEAD: look-ups are random, and reading ahead would only evict what is warm. */
#include "lib/index/environment.h"

#include "lib/index/data_file.h"
#include "lib/index/folder.h"
#include <assert.h>
#include <errno.h>
#include <lmdb.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FLAGS (MDB_NOSYNC | MDB_NOLOCK | MDB_NOTLS | MDB_NORDAHEAD)

/* LMDB asks for 3 MiB of lists each time it opens, and hardly touches them. Left to itself, glibc
 * takes such pieces from the heap once one was given back, and clears them: all of it resident. */
#define MAPPED_BYTES_MIN (1024 * 1024)
/* Kept at the end of each heap: what one flush gives back the next one takes. */
#define KEPT_BYTES_MAX (4 * 1024 * 1024)
/* Pieces scattered over the heap stay resident until it is swept as a whole, which costs as much as
 * a flush: now and then. */
#define TRIMS_A_SWEEP 32

struct environment {
    struct environment_options options;
    struct folder folder;
    bool corrupt;    /* found so while open: condemned, never marked clean */
    MDB_env *lmdb;   /* NULL after a fatal failure, until the next use attaches again */
    MDB_txn *reader; /* kept for the life of lmdb, reset while writing */
    bool reading;    /* the reader is live */
    MDB_txn *writer;
    size_t scans;   /* under way */
    unsigned trims; /* since the heap was swept */
    MDB_dbi tables[];
};

/* Codes that mean: these bytes are no use, whatever is done. */
static bool means_corrupt(int code)
{
    return code == MDB_INVALID || code == MDB_VERSION_MISMATCH || code == MDB_CORRUPTED ||
           code == MDB_PAGE_NOTFOUND || code == MDB_INCOMPATIBLE;
}

static void detach(struct environment *environment)
{
    if (environment->reader != NULL)
        mdb_txn_abort(environment->reader);
    if (environment->lmdb != NULL)
        mdb_env_close(environment->lmdb);
    environment->reader = NULL;
    environment->reading = false;
    environment->lmdb = NULL;
}

static bool fail(struct environment *environment, int code, const char *what, struct error *error)
{
    error_set(error, FAULT_INDEX_FAILED, "%s in %s: %s", what, environment->options.path,
              mdb_strerror(code));
    if (means_corrupt(code)) {
        environment->corrupt = true;
        folder_condemn(&environment->folder);
    }
    if (code == MDB_PANIC)
        detach(environment);
    return false;
}

static void stop_reading(struct environment *environment)
{
    assert(environment->scans == 0);
    if (environment->reading)
        mdb_txn_reset(environment->reader);
    environment->reading = false;
}

static int start_reading(struct environment *environment)
{
    if (environment->reading)
        return 0;
    int code = environment->reader != NULL
                   ? mdb_txn_renew(environment->reader)
                   : mdb_txn_begin(environment->lmdb, NULL, MDB_RDONLY, &environment->reader);
    environment->reading = code == 0;
    return code;
}

/* LMDB unmaps before it maps the larger size, so try first whether there is room. */
static int grow(struct environment *environment)
{
    MDB_envinfo info;
    int code = mdb_env_info(environment->lmdb, &info);
    if (code != 0)
        return code;
    if (info.me_mapsize > SIZE_MAX / 4)
        return ENOMEM;

    size_t size = info.me_mapsize * 2;
    void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return errno;
    munmap(room, size);
    code = mdb_env_set_mapsize(environment->lmdb, size);
    return code == 0 ? 0 : MDB_PANIC;
}

static void pad_file(struct environment *environment)
{
    MDB_envinfo info;
    MDB_stat stat;
    int descriptor;
    if (mdb_env_info(environment->lmdb, &info) == 0 &&
        mdb_env_stat(environment->lmdb, &stat) == 0 &&
        mdb_env_get_fd(environment->lmdb, &descriptor) == 0)
        data_file_pad(descriptor, info.me_last_pgno + 1, stat.ms_psize);
}

static int write_once(struct environment *environment, environment_writer *write, void *self)
{
    int code = mdb_txn_begin(environment->lmdb, NULL, 0, &environment->writer);
    if (code != 0) {
        environment->writer = NULL;
        return code;
    }
    code = write(environment, self);
    if (code == 0)
        code = mdb_txn_commit(environment->writer);
    else
        mdb_txn_abort(environment->writer);
    environment->writer = NULL;
    return code;
}

static int write_growing(struct environment *environment, environment_writer *write, void *self)
{
    stop_reading(environment);
    int code = write_once(environment, write, self);
    while (code == MDB_MAP_FULL) {
        code = grow(environment);
        if (code == 0)
            code = write_once(environment, write, self);
    }
    if (code == 0)
        pad_file(environment);
    return code;
}

static int open_tables(struct environment *environment, void *unused)
{
    (void)unused;
    for (size_t i = 0; i < environment->options.table_count; i++) {
        int code = mdb_dbi_open(environment->writer, environment->options.tables[i], MDB_CREATE,
                                &environment->tables[i]);
        if (code != 0)
            return code;
    }
    return 0;
}

static int attach(struct environment *environment)
{
    const struct environment_options *options = &environment->options;
    if (environment->lmdb != NULL)
        return 0;

    int code = mdb_env_create(&environment->lmdb);
    if (code == 0)
        code = mdb_env_set_maxdbs(environment->lmdb, (MDB_dbi)options->table_count);
    if (code == 0)
        code = mdb_env_set_mapsize(environment->lmdb, options->map_size_bytes);
    if (code == 0)
        code = mdb_env_open(environment->lmdb, options->path, FLAGS, 0644);
    if (code == 0)
        code = write_growing(environment, open_tables, NULL);
    if (code != 0)
        detach(environment);
    return code;
}

static bool attach_or_wipe(struct environment *environment, bool *ret_wiped, struct error *error)
{
    enum folder_content content = folder_examine(&environment->folder);
    bool wipe = content == FOLDER_UNUSABLE;
    int code = 0;

    if (content == FOLDER_USABLE) {
        if (!folder_mark_open(&environment->folder, error))
            return false;
        code = attach(environment);
        wipe = means_corrupt(code) || code == MDB_PANIC;
    }
    if (wipe && !folder_wipe(&environment->folder, error))
        return false;
    if (wipe || content == FOLDER_EMPTY) {
        if (!folder_mark_open(&environment->folder, error))
            return false;
        code = attach(environment);
    }
    if (code != 0)
        return fail(environment, code, "cannot open the index", error);
    *ret_wiped = wipe;
    return true;
}

struct environment *environment_open(const struct environment_options *options, bool *ret_wiped,
                                     struct error *error)
{
    struct environment *environment =
        calloc(1, sizeof *environment + options->table_count * sizeof environment->tables[0]);
    if (environment == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "no memory for an index");
        return NULL;
    }
    environment->options = *options;
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES_MAX);
    if (!folder_open(&environment->folder, options->path, options->boot_id_path, options->format,
                     error)) {
        free(environment);
        return NULL;
    }
    if (!attach_or_wipe(environment, ret_wiped, error)) {
        folder_close(&environment->folder);
        free(environment);
        return NULL;
    }
    return environment;
}

struct environment *environment_close(struct environment *environment)
{
    if (environment == NULL)
        return NULL;
    bool synced = environment->lmdb != NULL && mdb_env_sync(environment->lmdb, 1) == 0;
    detach(environment);
    /* Without the mark the next opening in this boot still trusts the file, after a crash it wipes.
     */
    if (synced && !environment->corrupt && !folder_mark_clean(&environment->folder, NULL))
        folder_condemn(&environment->folder);
    folder_close(&environment->folder);
    free(environment);
    return NULL;
}

void environment_return_memory(struct environment *environment)
{
    environment->trims = 0;
    (void)malloc_trim(0);
}

void environment_trim(struct environment *environment)
{
    assert(environment->scans == 0);
    detach(environment);
    if (++environment->trims >= TRIMS_A_SWEEP)
        environment_return_memory(environment);
    (void)attach(environment); /* a failure shows at the next use */
}

bool environment_is_corrupt(const struct environment *environment)
{
    return environment->corrupt;
}

static MDB_val to_val(struct text text)
{
    return (MDB_val){.mv_size = text.size, .mv_data = (void *)(uintptr_t)text.bytes};
}

static struct text from_val(MDB_val val)
{
    return (struct text){.bytes = val.mv_data, .size = val.mv_size};
}

static int prepare_reading(struct environment *environment)
{
    if (environment->writer != NULL)
        return 0;
    int code = attach(environment);
    return code == 0 ? start_reading(environment) : code;
}

/* Within a write, reading sees what was written. */
static MDB_txn *reading_in(const struct environment *environment)
{
    return environment->writer != NULL ? environment->writer : environment->reader;
}

bool environment_find(struct environment *environment, size_t table, struct text key,
                      struct text *ret_value, struct error *error)
{
    MDB_val name = to_val(key), value;
    int code = prepare_reading(environment);

    if (code == 0)
        code = mdb_get(reading_in(environment), environment->tables[table], &name, &value);
    if (code != 0 && code != MDB_NOTFOUND)
        return fail(environment, code, "cannot read", error);
    *ret_value = code == 0 ? from_val(value) : (struct text){0};
    return true;
}

static bool has_prefix(MDB_val key, struct text prefix)
{
    return key.mv_size >= prefix.size &&
           (prefix.size == 0 || memcmp(key.mv_data, prefix.bytes, prefix.size) == 0);
}

/* Byte order, the shorter one first: LMDB's own order. */
static bool comes_after(struct text a, struct text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    return order > 0 || (order == 0 && a.size > b.size);
}

static int scan_with(MDB_cursor *cursor, const struct index_scan *scan)
{
    struct text start = comes_after(scan->from, scan->prefix) ? scan->from : scan->prefix;
    MDB_val key = to_val(start), value;
    int code = mdb_cursor_get(cursor, &key, &value, start.size > 0 ? MDB_SET_RANGE : MDB_FIRST);

    while (code == 0 && has_prefix(key, scan->prefix) &&
           scan->visit(scan->self, from_val(key), from_val(value)))
        code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    return code == MDB_NOTFOUND ? 0 : code;
}

bool environment_scan(struct environment *environment, size_t table, const struct index_scan *scan,
                      struct error *error)
{
    MDB_cursor *cursor = NULL;
    assert(environment->writer == NULL);
    int code = prepare_reading(environment);

    if (code == 0)
        code = mdb_cursor_open(environment->reader, environment->tables[table], &cursor);
    if (code == 0) {
        environment->scans++;
        code = scan_with(cursor, scan);
        environment->scans--;
        mdb_cursor_close(cursor);
    }
    return code == 0 || fail(environment, code, "cannot scan", error);
}

int environment_put(struct environment *environment, size_t table, struct text key,
                    struct text value)
{
    MDB_val name = to_val(key), content = to_val(value);

    if (value.bytes != NULL)
        return mdb_put(environment->writer, environment->tables[table], &name, &content, 0);
    int code = mdb_del(environment->writer, environment->tables[table], &name, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

int environment_remove_all(struct environment *environment, size_t table, struct text prefix)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(environment->writer, environment->tables[table], &cursor);
    if (code != 0)
        return code;

    MDB_val key = to_val(prefix), value;
    while ((code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)) == 0 &&
           has_prefix(key, prefix)) {
        code = mdb_cursor_del(cursor, 0);
        if (code != 0)
            break;
        key = to_val(prefix);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

bool environment_write(struct environment *environment, environment_writer *write, void *self,
                       struct error *error)
{
    int code = attach(environment);
    if (code == 0)
        code = write_growing(environment, write, self);
    return code == 0 || fail(environment, code, "cannot write", error);
}
