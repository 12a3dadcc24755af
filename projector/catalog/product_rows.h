/* What the views of a product share: one row per product, versions without gaps. */
#pragma once

#include "projector/view.h"
#include "schemas/catalog/events.h"

enum product_row_status { PRODUCT_ROW_ACTIVE, PRODUCT_ROW_DELISTED };

extern const char *const product_row_statuses[];
extern const char *const product_view_contexts[];
extern const struct record *const product_view_events[];

/* The product's id: a uuid in lower case. */
bool product_row_keys(const struct view_event *event, struct view_keys *ret_keys);
/* A gap or a repetition in the versions is a bug somewhere: never applied. */
bool product_row_is_next(int64_t row_version, const struct view_event *event);
/* False if the result does not fit; *units is then unchanged. */
bool product_row_add(int64_t *units, int64_t delta);
bool product_row_subtract(int64_t *units, int64_t delta);
