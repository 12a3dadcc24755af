/* A line per product, for lists and search. */
#pragma once

#include "projector/view.h"

struct product_list_row {
    struct text product_id;
    struct text seller_id;
    struct text title;
    int64_t price;
    bool made_to_order;
    int status;        /* enum product_row_status */
    int64_t available; /* units that can be reserved; 0 when made to order */
    int64_t version;
};

extern const struct view product_list_view;
