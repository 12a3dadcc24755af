/* Keys of the index. A stream is "<aggregate>/<id>"; parts and versions follow behind a NUL. */
#pragma once

#include "lib/core/error.h"
#include "lib/core/text.h"
#include "lib/index/index.h"
#include <stdint.h>

struct store_key {
    size_t size;
    char bytes[INDEX_KEY_SIZE_MAX];
};

/* LIMIT_EXCEEDED if ids are longer than a key may be. */
MUST_CHECK bool store_key_root(const char *aggregate, struct text id, struct store_key *ret_key,
                               struct error *error);
MUST_CHECK bool store_key_part(const char *aggregate, struct text id, struct text part_id,
                               struct store_key *ret_key, struct error *error);
/* Versions sort as numbers. */
MUST_CHECK bool store_key_event(const char *aggregate, struct text id, int64_t version,
                                struct store_key *ret_key, struct error *error);

/* The other way; false if it is no such key. Texts borrow from it. */
struct store_event_name {
    struct text aggregate;
    struct text id;
    int64_t version;
};
bool store_key_read_event(struct text key, struct store_event_name *ret_name);

/* Triggers: by place. */
#define STORE_KEY_TRIGGER "t"
MUST_CHECK bool store_key_trigger(int64_t place, struct store_key *ret_key, struct error *error);
bool store_key_read_trigger(struct text key, int64_t *ret_place);

/* Parks: a kind of row, the reaction, and what it is about; an absent `about` makes a prefix. */
MUST_CHECK bool store_key_park(const char *kind, struct text reaction, struct text about,
                               struct store_key *ret_key, struct error *error);
MUST_CHECK bool store_key_add_place(struct store_key *key, int64_t place, struct error *error);
bool store_key_read_place(struct text key, int64_t *ret_place);

/* Deadlines: by name, and behind their time, the earliest first. */
#define STORE_KEY_NAMED "n"
#define STORE_KEY_DUE   "t"
struct store_deadline_name {
    struct text aggregate;
    struct text id;
    struct text deadline;
};
MUST_CHECK bool store_key_deadline(const char *aggregate, struct text id, const char *name,
                                   struct store_key *ret_key, struct error *error);
MUST_CHECK bool store_key_due(int64_t due_us, const struct store_key *deadline,
                              struct store_key *ret_key, struct error *error);
/* The other way; false if it is no such key. The name borrows from it. */
bool store_key_read_due(struct text key, int64_t *ret_due_us, struct store_deadline_name *ret_name);

struct text store_key_text(const struct store_key *key);
