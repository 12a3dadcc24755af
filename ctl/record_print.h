/* Records of a topic on stdout: JSON lines, or a table. */
#pragma once

#include "lib/core/arena.h"
#include "lib/core/buffer.h"
#include "lib/log/inspector.h"
#include "lib/record/record.h"

struct record_printer {
    const char *topic;
    struct text context; /* of marks; absent: the topic is no context's, and has no positions */
    bool table;
    bool raw; /* with the verdict on each */
    bool headed;
    struct arena arena;
    struct buffer line;
};

void record_printer_init(struct record_printer *printer);
/* The topic whose records are printed from now on. */
void record_printer_begin(struct record_printer *printer, const char *topic);
void record_printer_done(struct record_printer *printer);
/* False: it cannot be written. */
bool record_printer_print(struct record_printer *printer, int32_t partition,
                          const struct log_inspection *inspection);

/* Every record that any context or the log itself writes; NULL-terminated. */
const struct record *const *all_records(void);
