/* The list of a release between two revisions: both are kept until the old one is dropped. */
#include "projector/catalog/product_detail.h"
#include "projector/catalog/product_list.h"
#include "tests/projector/revised/product_list_next.h"

extern const struct view *const catalog_views[];
const struct view *const catalog_views[] = {
    &product_detail_view,
    &product_list_view,
    &product_list_next_view,
    NULL,
};
