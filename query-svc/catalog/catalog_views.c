/* Where catalog's views stand. */
#include "query-svc/catalog/catalog_views.h"

#define LAG_HELP "Records of the log between a view and its end."

static const char *const only_catalog[] = {"catalog", NULL};

static struct metric product_detail_lag = {.name = "sijang_view_lag_events",
                                           .help = LAG_HELP,
                                           .kind = METRIC_GAUGE,
                                           .labels = "view=\"product_detail\""};

static const struct db_statement product_detail_positions = {
    .name = "product_detail_positions",
    .sql = "SELECT partition, context, log, next_offset, end_offset, parked, age_ms"
           " FROM product_detail_position",
    .row = &view_position_record,
};

const struct view product_detail_view = {
    .name = "product_detail",
    .contexts = only_catalog,
    .positions = &product_detail_positions,
    .lag = &product_detail_lag,
};

static struct metric product_list_lag = {.name = "sijang_view_lag_events",
                                         .help = LAG_HELP,
                                         .kind = METRIC_GAUGE,
                                         .labels = "view=\"product_list\""};

static const struct db_statement product_list_positions = {
    .name = "product_list_positions",
    .sql = "SELECT partition, context, log, next_offset, end_offset, parked, age_ms"
           " FROM product_list_position",
    .row = &view_position_record,
};

const struct view product_list_view = {
    .name = "product_list",
    .contexts = only_catalog,
    .positions = &product_list_positions,
    .lag = &product_list_lag,
};

extern const struct view *const catalog_views[];
const struct view *const catalog_views[] = {
    &product_detail_view,
    &product_list_view,
    NULL,
};
