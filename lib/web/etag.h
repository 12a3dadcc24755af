/* If-None-Match (RFC 9110, section 13.1.2). */
#pragma once

#include "lib/core/text.h"

/* Weak comparison; false when either is absent. */
bool etag_matches(struct text if_none_match, const char *etag);
