/* Avro binary (https://avro.apache.org/docs/1.11.1/specification/) straight between bytes and
 * structs, in Confluent framing: magic 0, 4-byte big-endian schema id, body. Bytes from a topic are
 * hostile: every length is checked against what is there, every loop is bounded. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/core/error.h"
#include "lib/record/record.h"

#define AVRO_FRAME_SIZE 5

/* Frame and body, with the newest schema. Check out->failed. */
void avro_encode_framed(const struct record *record, const void *value, struct buffer *out);
/* The body alone: states and other records that never travel. */
void avro_encode(const struct record *record, const void *value, struct buffer *out);

/* False if the bytes are no frame. */
bool avro_frame(const uint8_t *bytes, size_t size, uint32_t *ret_schema_id);

/* Decodes a framed body with its writer's schema into *ret_value (record->size bytes), filling what
 * that writer did not know with defaults. Texts borrow from `bytes`; lists come from the arena.
 * Faults: DATA_CORRUPT, SCHEMA_UNKNOWN (not a version of this record), OUT_OF_MEMORY. All bytes
 * must be used up. On failure *ret_value is unspecified. */
MUST_CHECK bool avro_decode_framed(const struct record *record, struct text bytes,
                                   struct arena *arena, void *ret_value, struct error *error);
/* The same for avro_encode's output. */
MUST_CHECK bool avro_decode(const struct record *record, struct text bytes, struct arena *arena,
                            void *ret_value, struct error *error);

/* The record, among NULL-terminated `records`, that has a version with this id; NULL if none. */
const struct record *avro_find_record(const struct record *const *records, uint32_t schema_id);
