/* An index in a temporary folder of its own, with short words for what tests do to it. Every step
 * that can fail must not. */
#pragma once

#include "lib/index/index.h"

struct room {
    char folder[64];
    char path[96];      /* of the index */
    char boot_path[96]; /* a file that stands for the machine's boot id */
    struct index_options options;
    struct index *index;
    struct index_context *orders;
    struct index_context *catalog;
    bool wiped; /* at the last opening */
};

int room_setup(void **state); /* for cmocka: a struct room with its index open */
int room_teardown(void **state);

void room_open(struct room *room);
void room_close(struct room *room);
void room_reopen(struct room *room);
void room_set_boot(struct room *room, const char *boot_id);

void put(struct index_context *context, enum index_table table, const char *key, const char *value);
void commit(struct index_context *context, const char *key, const char *value); /* put and seal */
void flush(struct room *room);

void assert_found(struct index_context *context, const char *key, const char *value);
void assert_absent(struct index_context *context, const char *key);
void assert_position(struct index_context *context, const char *position);
