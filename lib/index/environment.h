/* The LMDB side of an index: opening, wiping what is unusable, reading, and one write transaction
 * at a time. Tables are numbered as their names are given. LMDB's own names stay in environment.c.
 */
#pragma once

#include "lib/index/index.h"

struct environment;

struct environment_options {
    const char *path;         /* borrowed as long as the environment, as are the names */
    const char *boot_id_path; /* BOOT_ID_PATH but for tests */
    size_t map_size_bytes;
    uint32_t format;
    const char *const *tables;
    size_t table_count;
};

MUST_CHECK struct environment *environment_open(const struct environment_options *options,
                                                bool *ret_wiped, struct error *error);
/* Syncs and marks clean, unless that fails. NULL accepted, returns NULL. */
struct environment *environment_close(struct environment *environment);

/* Pages have at least as many bytes; LMDB holds what a transaction has changed until its end. */
#define ENVIRONMENT_PAGE_BYTES 4096

/* Gives back the memory that LMDB keeps for pages, as many as its largest transaction had, for
 * others of this process to use. Not during a scan. */
void environment_trim(struct environment *environment);
/* What trimming has given back goes to the system, that of all environments. */
void environment_return_memory(struct environment *environment);

/* Some call found the file corrupt: everything fails from then on or may, and the next opening
 * wipes. */
bool environment_is_corrupt(const struct environment *environment);

/* Absent if there is none. Borrowed until the next write; within one, until the next change. */
MUST_CHECK bool environment_find(struct environment *environment, size_t table, struct text key,
                                 struct text *ret_value, struct error *error);

MUST_CHECK bool environment_scan(struct environment *environment, size_t table,
                                 const struct index_scan *scan, struct error *error);

/* Inside a write only; an absent value removes. 0, or a code for the writer to return at once. */
MUST_CHECK int environment_put(struct environment *environment, size_t table, struct text key,
                               struct text value);
/* Every entry whose key begins so. */
MUST_CHECK int environment_remove_all(struct environment *environment, size_t table,
                                      struct text prefix);
/* Runs `write` in one transaction, a second time from its start when the map had to grow. A failure
 * leaves the file as it was. */
typedef int environment_writer(struct environment *environment, void *self);
MUST_CHECK bool environment_write(struct environment *environment, environment_writer *write,
                                  void *self, struct error *error);
