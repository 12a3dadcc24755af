/* A second revision of product_list, which also counts the units sold. */
#pragma once

#include "projector/view.h"

extern const struct view product_list_next_view;
