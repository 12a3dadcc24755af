/* One row of a table at a time: take the text from the environment, read it by its kind, check its
 * bounds. */
#include "lib/core/config.h"

#include "lib/core/config_entry.h"
#include "lib/core/text.h"

#include <stdlib.h>
#include <string.h>

static bool within_bounds(const struct config_entry *entry, int64_t value)
{
    bool unbounded = entry->min == 0 && entry->max == 0;
    return unbounded || (value >= entry->min && value <= entry->max);
}

static bool read_integer(const struct config_entry *entry, const char *text, int64_t *ret_value,
                         struct error *error)
{
    int64_t value;
    if (!text_to_integer(text_of(text), &value))
        return error_set(error, FAULT_CONFIG_INVALID, "%s: not a whole number", entry->name);
    if (!within_bounds(entry, value))
        return error_set(error, FAULT_CONFIG_INVALID, "%s: must be from %lld to %lld", entry->name,
                         (long long)entry->min, (long long)entry->max);
    *ret_value = value;
    return true;
}

static bool read_boolean(const struct config_entry *entry, const char *text, bool *ret_value,
                         struct error *error)
{
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    bool no = strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    if (!yes && !no)
        return error_set(error, FAULT_CONFIG_INVALID, "%s: must be true or false", entry->name);
    *ret_value = yes;
    return true;
}

static bool check_text(const struct config_entry *entry, const char *text, struct error *error)
{
    if (within_bounds(entry, (int64_t)strlen(text)))
        return true;
    return error_set(error, FAULT_CONFIG_INVALID, "%s: must be %lld to %lld bytes long",
                     entry->name, (long long)entry->min, (long long)entry->max);
}

bool config_load_entry(const struct config_entry *entry, void *config, struct error *error)
{
    const char *text = getenv(entry->name);
    if (text == NULL)
        text = entry->initial;
    if (text == NULL)
        return error_set(error, FAULT_CONFIG_INVALID, "%s: must be set", entry->name);
    void *at = (char *)config + entry->offset;
    switch (entry->kind) {
    case CONFIG_INTEGER: return read_integer(entry, text, at, error);
    case CONFIG_BOOLEAN: return read_boolean(entry, text, at, error);
    case CONFIG_TEXT: *(const char **)at = text; break;
    case CONFIG_SECRET: *(struct secret *)at = (struct secret){.reveal = text}; break;
    }
    return check_text(entry, text, error);
}

bool config_load(const struct config_entry *table, void *config, struct error *error)
{
    for (const struct config_entry *entry = table; entry->name != NULL; entry++) {
        if (!config_load_entry(entry, config, error))
            return false;
    }
    return true;
}
