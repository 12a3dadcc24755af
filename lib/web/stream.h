/* Server-sent events (WHATWG HTML, "Server-sent events"): an answer that goes on for as long as
 * both sides like. Each event says all there is to say, so what a client has not begun to take is
 * replaced by what is newer: a slow client misses steps, never the end, and costs the memory of two
 * events. One that takes nothing for the server's idle timeout is cut off. */
#pragma once

#include "lib/web/server.h"

struct web_stream;
struct web_event; /* counted: shared by all streams it is sent to */

/* `type` and `id` on one line each, `data` without line ends (JSON as we write it). One reference;
 * NULL: out of memory. */
MUST_CHECK struct web_event *web_event_create(struct text type, struct text id, struct text data);
/* As given; they live as long as the event. */
struct text web_event_id(const struct web_event *event);
struct text web_event_data(const struct web_event *event);
/* Any thread. NULL accepted, returns NULL. */
struct web_event *web_event_release(struct web_event *event);

/* In handle or a resumption, in place of web_answer: 200, text/event-stream. The stream belongs to
 * the caller until web_stream_close. NULL: not opened, and a fault was answered. */
MUST_CHECK struct web_stream *web_stream_open(struct web_request *request);
/* Any thread. Takes a reference of its own. */
void web_stream_send(struct web_stream *stream, struct web_event *event);
/* Any thread. A comment, unless something waits to be sent anyway: shows both sides, and what is
 * between them, that the other is there. */
void web_stream_beat(struct web_stream *stream);
/* Any thread. False: the client has gone. */
bool web_stream_is_open(struct web_stream *stream);
/* Any thread, once, and before web_server_stop. What waits is still sent. NULL accepted, returns
 * NULL. */
struct web_stream *web_stream_close(struct web_stream *stream);
