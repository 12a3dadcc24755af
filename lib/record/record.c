/* Looking into field tables and at the fields they describe. */
#include "lib/record/record.h"

#include <assert.h>
#include <string.h>

const struct field *record_find_field(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

void record_set_defaults(const struct record *record, void *ret_value)
{
    if (record->defaults != NULL)
        memcpy(ret_value, record->defaults, record->size);
    else
        memset(ret_value, 0, record->size);
}

bool field_is_absent(const struct field *field, const void *at)
{
    if (!field->optional)
        return false;
    switch (field->kind) {
    case FIELD_INTEGER: return !((const struct optional_integer *)at)->present;
    case FIELD_BOOLEAN: return !((const struct optional_boolean *)at)->present;
    case FIELD_CHOICE: return !((const struct optional_choice *)at)->present;
    case FIELD_TEXT:
    case FIELD_BYTES: return ((const struct text *)at)->bytes == NULL;
    case FIELD_LIST: return ((const struct list *)at)->items == NULL;
    case FIELD_RECORD: break;
    }
    return false;
}

void field_set_absent(const struct field *field, void *at)
{
    assert(field->optional && field->kind != FIELD_RECORD);
    switch (field->kind) {
    case FIELD_INTEGER: *(struct optional_integer *)at = (struct optional_integer){0}; break;
    case FIELD_BOOLEAN: *(struct optional_boolean *)at = (struct optional_boolean){0}; break;
    case FIELD_CHOICE: *(struct optional_choice *)at = (struct optional_choice){0}; break;
    case FIELD_TEXT:
    case FIELD_BYTES: *(struct text *)at = (struct text){0}; break;
    case FIELD_LIST: *(struct list *)at = (struct list){0}; break;
    case FIELD_RECORD: break;
    }
}

const char *field_symbol(const struct field *field, int64_t index)
{
    if (index < 0)
        return NULL;
    for (int64_t i = 0; field->symbols[i] != NULL; i++)
        if (i == index)
            return field->symbols[i];
    return NULL;
}

int field_find_symbol(const struct field *field, struct text symbol)
{
    for (int i = 0; field->symbols[i] != NULL; i++)
        if (text_is(symbol, field->symbols[i]))
            return i;
    return -1;
}
