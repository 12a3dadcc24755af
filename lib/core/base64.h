/* Bytes as text, RFC 4648: base64 with padding, as JSON has it, and base64url without, which needs
 * no escaping in a URL. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"

/* As a JSON string, with its quotes. */
void base64_write(struct text bytes, struct buffer *out);
void base64url_write(struct text bytes, struct buffer *out);
/* False on anything that base64_write (but for the quotes), or base64url_write, would not have
 * written. .bytes is NULL when memory ran out. */
MUST_CHECK bool base64_read(struct text text, struct arena *arena, struct text *ret_bytes);
MUST_CHECK bool base64url_read(struct text text, struct arena *arena, struct text *ret_bytes);
