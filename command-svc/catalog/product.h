/* Product: what a seller sells. Its parts are the reservations. */
#pragma once

#include "command-svc/catalog/refusals.h"
#include "command-svc/command.h"
#include "schemas/catalog/events.h"

#define PRODUCT_STOCK_MAX    1000000000
#define PRODUCT_PRICE_MAX    1000000000000
#define PRODUCT_RESERVED_MAX 1000000000000 /* of a product made to order */
#define RESERVATION_ID_MAX   64
#define PRODUCT_TITLE_MAX    64
#define PRODUCT_DETAIL_MAX   4000
#define PRODUCT_REASON_MAX   200

enum product_status { PRODUCT_ABSENT, PRODUCT_ACTIVE, PRODUCT_DELISTED };

struct product {
    struct text seller_id;
    int status; /* enum product_status */
    int64_t price;
    bool made_to_order;
    int64_t on_hand;
    int64_t reserved; /* 0 <= reserved <= on_hand, unless made to order */
};

enum reservation_status {
    RESERVATION_ABSENT,
    RESERVATION_OPEN,
    RESERVATION_COMMITTED,
    RESERVATION_RELEASED,
};

struct reservation {
    int status; /* enum reservation_status */
    int64_t quantity;
    int64_t unit_price;
};

extern const struct aggregate product_aggregate;

/* Units that can still be reserved. */
int64_t product_available(const struct product *product);
