/* One value from a client against its field's table line, whether it came in a body or in a path.
 */
#pragma once

#include "lib/record/json.h"

/* Where in the body we are, innermost first; rendered only when something is wrong there. */
struct json_place {
    const struct json_place *above; /* NULL: a member of the body itself */
    const char *name;               /* NULL: the item with this index */
    size_t index;
};

struct json_walk {
    struct json_reading *reading;
    bool out_of_memory;
    bool rounded; /* some integer did not fit: all came as doubles, and the outcome is INVALID */
};

/* Notes the error and returns false. */
bool json_refuse(struct json_walk *walk, const struct json_place *place, const char *code,
                 const char *message);
/* Each checks one value and stores it at `at`; false when it was refused. Texts are copied. */
bool json_take_integer(struct json_walk *walk, const struct json_place *place,
                       const struct field *field, int64_t value, void *at);
bool json_take_text(struct json_walk *walk, const struct json_place *place,
                    const struct field *field, struct text value, void *at);
void json_take_boolean(const struct field *field, bool value, void *at);
bool json_check_count(struct json_walk *walk, const struct json_place *place,
                      const struct field *field, size_t count);
