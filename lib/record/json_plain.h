/* The bodies that nearly all clients send, read without building a tree of them first. */
#pragma once

#include "lib/record/json_check.h"

/* One object with values that are texts without escapes, short integers, booleans or null, each
 * member known and given once, and nothing to refuse: true, and *ret_value is what json_read gives
 * for it. False says nothing about the body: *ret_value and the errors are then to be made anew. */
MUST_CHECK bool json_read_plain(struct json_walk *walk, const struct record *record,
                                struct text body, void *ret_value);
