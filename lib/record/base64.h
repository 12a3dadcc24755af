/* Bytes in JSON: base64 with padding, RFC 4648 section 4. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"

/* With its quotes. */
void base64_write(struct text bytes, struct buffer *out);
/* False on anything that is not canonical base64. .bytes is NULL when memory ran out. */
MUST_CHECK bool base64_read(struct text text, struct arena *arena, struct text *ret_bytes);
