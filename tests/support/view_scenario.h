/* Given-when-then for the pure rooms of projector: one row of a view, and events that happen to it.
 */
#pragma once

#include "projector/view.h"

#define SCENARIO_SUBJECT "0190a5b2-7c3d-7e4f-8a5b-1c2d3e4f5a6b"

/* A new row that is not there yet; the next event is version 1. */
void view_begin(const struct view *view);
/* Applies the event with the next version and asserts that it is applied. */
void view_given(const struct record *record, const void *value);
/* What apply says to an event of that version; the row is then as apply left it. */
enum view_outcome view_when(const struct record *record, const void *value, int64_t version);
/* The row, after asserting that the row's key is the subject. */
const void *view_row(void);

#define HAPPENED(name, ...) view_given(&name##_record, &(struct name){__VA_ARGS__})
#define REFUSED(name, version, ...)                                                                \
    assert_int_equal(view_when(&name##_record, &(struct name){__VA_ARGS__}, version), VIEW_REFUSED)
