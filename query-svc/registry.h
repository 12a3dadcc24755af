/* The schema registry's read paths, so that standard Avro consumers find our schemas
 * (https://docs.confluent.io/platform/current/schema-registry/develop/api.html). */
#pragma once

#include "lib/web/server.h"

extern const struct web_route registry_routes[];
