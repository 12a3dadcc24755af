/* query-svc's metrics. */
#pragma once

#include "lib/core/metrics.h"
#include "query-svc/views.h"

/* With a lag for each view. NULL-terminated; `views` too. */
struct metric *const *query_metrics(const struct view *const *views);

void query_metrics_answered(int status, int64_t duration_us);
void query_metrics_waited(int64_t duration_us, enum view_outcome outcome);
void query_metrics_failed(void); /* the database did not answer a question */
void query_metrics_streams(int64_t count);
void query_metrics_live_question(void);
void query_metrics_connected(bool connected);
