/* The input of commands that name a reservation in their path and nothing else. */
#include "command-svc/catalog/reservation_input.h"

#include "command-svc/catalog/product.h"

static const struct field reservation_input_fields[] = {
    {FIELD_AT(reservation_input, reservation_id), .kind = FIELD_TEXT, .in_path = true,
     .format = TEXT_NAME, .min = 1, .max = RESERVATION_ID_MAX},
};

const struct record reservation_input_record = {
    .name = "ReservationInput",
    .size = sizeof(struct reservation_input),
    .fields = reservation_input_fields,
    .field_count = COUNT_OF(reservation_input_fields),
};
