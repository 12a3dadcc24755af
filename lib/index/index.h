/* What Kafka lacks: load one aggregate, know a command id, keep memory bounded, start fast. An LMDB
 * environment per partition number; per context a set of tables of bytes to bytes. What is newer is
 * in an overlay: staged commits in order, unacknowledged, then acknowledged, until a flush writes
 * them with the position in one transaction. One thread at a time. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/text.h"
#include <stdint.h>

struct index;
struct index_context;

enum index_table {
    INDEX_EVENTS,   /* stream, version → event */
    INDEX_ROOTS,    /* stream → state */
    INDEX_PARTS,    /* stream, part → state */
    INDEX_COMMANDS, /* command id → first answer */
    INDEX_OUTCOMES,
    INDEX_CHECKPOINTS,
    INDEX_PARKS,
    INDEX_DEADLINES,
    INDEX_TRIGGERS,
    INDEX_TABLE_COUNT,
};

/* Asserted: keys have 1 to 400 bytes (below LMDB's 511), positions at most 256. */
#define INDEX_KEY_SIZE_MAX      400
#define INDEX_POSITION_SIZE_MAX 256

struct index_options {
    const char *path;            /* a folder, created if missing */
    const char *const *contexts; /* names, NULL-terminated, at most 16 */
    size_t map_size_bytes;       /* address space, grown when needed */
    size_t overlay_bytes_max;    /* staging beyond it is OVERLOADED */
    uint32_t format;             /* of keys and values; another one on disk: wiped */
};

/* LMDB runs with NOSYNC and without WRITEMAP: a full disk is an error, and after a host crash
 * (other boot id without a clean mark) the index is wiped, to be rebuilt from the log. A dead
 * process leaves it valid. A folder that another process has open is INDEX_FAILED. *ret_wiped (may
 * be NULL) tells that what was there could not be used and was thrown away. */
MUST_CHECK struct index *index_open(const struct index_options *options, bool *ret_wiped,
                                    struct error *error);
/* Flushes, marks clean, closes. NULL accepted, returns NULL. */
struct index *index_close(struct index *index);
struct index_context *index_context(struct index *index, const char *name); /* asserts it exists */

/* The position of the last flush: opaque bytes, as given; size 0 if never. Borrowed until next
 * flush. */
struct text index_position(struct index_context *context);

/* Newest value, staged ones included; absent (NULL bytes) if there is none. Borrowed until the next
 * call that stages, forgets or flushes on this index. False only on INDEX_FAILED; when the file
 * turned out corrupt, the next opening wipes. */
MUST_CHECK bool index_find(struct index_context *context, enum index_table table, struct text key,
                           struct text *ret_value, struct error *error);

/* Staging one commit: puts and removes (an absent value removes), then seal or abandon. Keys and
 * values are copied. A put that fails (OVERLOADED, OUT_OF_MEMORY) leaves the commit to be
 * abandoned. */
MUST_CHECK bool index_put(struct index_context *context, enum index_table table, struct text key,
                          struct text value, struct error *error);
void index_abandon(struct index_context *context);
void index_seal(struct index_context *context);
/* The oldest sealed commit not yet acknowledged is in the log; `position` is the one behind it. */
void index_acknowledge(struct index_context *context, struct text position);
/* The position moved without a commit; asserts that nothing sealed is unacknowledged. */
void index_advance(struct index_context *context, struct text position);
/* Adds `delta` to the number (int64_t, as the machine has it) that begins each value of this table
 * in every commit sealed and not acknowledged: where the log put them was only foreseen. */
void index_shift(struct index_context *context, enum index_table table, int64_t delta);
/* Throws away every sealed commit that is not acknowledged, and what is being staged upon them. */
void index_forget(struct index_context *context);

/* Writes all acknowledged commits of all contexts and their positions in one LMDB transaction. On
 * failure (INDEX_FAILED: disk full …) nothing is lost: they stay in the overlay, a later flush
 * tries again. A large one, as when a log is read from its beginning, leaves its memory to whatever
 * this process does next. */
MUST_CHECK bool index_flush(struct index *index, struct error *error);
/* Gives the memory of flushes back to the system: when a log has been read. */
void index_give_back(struct index *index);
/* What a flush of everything would hold in changed pages at most, about: one for each key, as if
 * they lay far apart, and the values. */
size_t index_dirty_bytes(const struct index *index);
/* They are more than INDEX_DIRTY_BYTES_MAX, and the last flush did not fail: whoever reads a log
 * flushes now, and memory stays bounded however much there is to read. */
#define INDEX_DIRTY_BYTES_MAX ((size_t)3 * 1024 * 1024)
bool index_is_swollen(const struct index *index);
/* Bytes held by the overlay: flush when it grows. */
size_t index_overlay_bytes(const struct index *index);
/* Acknowledged commits that wait for a flush, over all contexts. */
size_t index_unflushed(const struct index *index);

/* Changes what is flushed, without a commit and at the same position: all of it or, if `rewrite`
 * returns false, nothing. Inside it index_find and index_put of this context go straight to LMDB:
 * what is found is borrowed until the next put; keys that the overlay has are no business of it
 * (asserted). Runs again from its start when the file had to grow. Not during a scan. */
typedef bool index_rewriter(void *self, struct error *error);
MUST_CHECK bool index_rewrite(struct index_context *context, index_rewriter *rewrite, void *self,
                              struct error *error);
/* Inside a rewrite: removes every entry whose key starts with `prefix`. */
MUST_CHECK bool index_remove_all(struct index_context *context, enum index_table table,
                                 struct text prefix, struct error *error);

typedef bool index_visitor(void *self, struct text key, struct text value);

struct index_scan {
    struct text prefix;
    struct text from; /* absent: the first with this prefix */
    index_visitor *visit;
    void *self;
};

/* Visits the flushed entries whose key starts with `prefix`, in key order, until visit returns
 * false. `visit` may do anything but flush and close. */
MUST_CHECK bool index_scan(struct index_context *context, enum index_table table,
                           const struct index_scan *scan, struct error *error);
