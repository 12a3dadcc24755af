/* SIGTERM and SIGINT as an orderly event. Call shutdown_prepare first thing in main, before any
 * thread exists, so that every thread inherits the blocked signals. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void shutdown_prepare(void); /* also ignores SIGPIPE */
/* Waits up to timeout_ms (-1: for ever); true once a signal came or shutdown_request was called. */
bool shutdown_wait(int timeout_ms);
void shutdown_request(void); /* any thread */
