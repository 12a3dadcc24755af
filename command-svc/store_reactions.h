/* What reactions need of the index: triggers (events some reaction wants, by place in the log), low
 * water marks, and what is parked. All of it is staged the same whether appended or read. On the
 * shard's thread only. */
#pragma once

#include "command-svc/reaction.h"
#include "command-svc/store.h"
#include "lib/log/platform.h"

/* What these events trigger; unsealed, like all of store_stage. Sets loaded->hurries. */
MUST_CHECK bool triggers_stage(const struct store *store, struct loaded *loaded,
                               const struct recorded_event *events, size_t count,
                               struct error *error);

/* `stored` names the event for store_find_event; borrowed during the visit. */
typedef bool trigger_visitor(void *self, int64_t place, struct text stored);
/* Visits what has been flushed, from `place` on, in log order, until visit returns false. */
MUST_CHECK bool triggers_visit(const struct store *store, int64_t place, trigger_visitor *visit,
                               void *self, struct error *error);

/* An event that reactions may want, in memory of the arena it was loaded into. */
struct triggered {
    const struct aggregate *aggregate;
    struct text id; /* of the aggregate */
    const struct record *record;
    struct event event;
    struct uuid event_id;
    struct uuid correlation_id;
};
MUST_CHECK bool store_find_event(const struct store *store, struct text stored, struct arena *arena,
                                 struct triggered *ret_triggered, struct error *error);

/* Every event before the mark has all its outcomes, or is parked. *ret_found is false before the
 * first checkpoint. */
MUST_CHECK bool store_find_mark(const struct store *store, const char *reaction,
                                int64_t *ret_low_water, bool *ret_found, struct error *error);
/* Also removes triggers that all reactions are done with, some at a time. */
MUST_CHECK bool store_stage_checkpoint(const struct store *store,
                                       const struct checkpoint *checkpoint, struct error *error);
