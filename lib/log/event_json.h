/* An event of the log as people and other programs read it: CloudEvents 1.0 in JSON format,
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md, our own
 * attributes under the names they have as headers. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/log/envelope.h"
#include "lib/log/position.h"
#include "lib/record/record.h"

/* Writes {...}: what the envelope has, `position` (the commit's, see struct log_mark) if the mark
 * has an offset, and `data` by the event's record among `records` (NULL-terminated). A payload that
 * none of them reads is `data_base64`, with the reason in `dataerror`. Secret fields are left out.
 * Check out->failed. */
void event_json_write(const struct record *const *records, const struct log_event *event,
                      const struct log_mark *mark, struct arena *arena, struct buffer *out);
/* The members alone, without braces. */
void event_json_write_members(const struct record *const *records, const struct log_event *event,
                              const struct log_mark *mark, struct arena *arena, struct buffer *out);
