/* Catalog's read models, as its questions see them. */
#pragma once

#include "query-svc/question.h"

extern const struct view product_detail_view;
extern const struct view product_list_view;
