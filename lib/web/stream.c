/* libmicrohttpd asks for bytes when it could send some. A stream that has none is suspended, so
 * that five thousand idle ones cost no time, and resumed by whoever sends. */
#include "lib/web/stream.h"

#include "lib/core/buffer.h"
#include "lib/web/request.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define EVENT_BYTES_MAX ((size_t)4 * 1024 * 1024)
/* Only clients of HTTP/1.0 are sent from it; the others' bytes go to the connection's own memory.
 */
#define BLOCK_SIZE 512

struct web_event {
    atomic_size_t references;
    struct text id, data; /* within .bytes */
    size_t size;
    char bytes[];
};

struct web_stream {
    pthread_mutex_t lock; /* of all that follows */
    struct MHD_Connection *connection;
    struct web_event *sending;
    size_t sent; /* of it */
    struct web_event *next;
    bool suspended;
    bool beat;   /* a comment is due */
    bool closed; /* by its owner */
    bool gone;   /* by the library: the connection is no more */
};

struct web_event *web_event_create(struct text type, struct text id, struct text data)
{
    struct buffer CLEANUP(buffer_done) text;
    buffer_init(&text, EVENT_BYTES_MAX);
    buffer_put_string(&text, "event: ");
    buffer_put(&text, type.bytes, type.size);
    buffer_put_string(&text, "\nid: ");
    size_t id_at = text.size;
    buffer_put(&text, id.bytes, id.size);
    buffer_put_string(&text, "\ndata: ");
    size_t data_at = text.size;
    buffer_put(&text, data.bytes, data.size);
    buffer_put_string(&text, "\n\n");
    if (text.failed)
        return NULL;
    struct web_event *event = malloc(sizeof(*event) + text.size);
    if (event == NULL)
        return NULL;
    atomic_init(&event->references, 1);
    event->size = text.size;
    memcpy(event->bytes, text.bytes, text.size);
    event->id = (struct text){.bytes = event->bytes + id_at, .size = id.size};
    event->data = (struct text){.bytes = event->bytes + data_at, .size = data.size};
    return event;
}

struct text web_event_id(const struct web_event *event)
{
    return event->id;
}

struct text web_event_data(const struct web_event *event)
{
    return event->data;
}

struct web_event *web_event_release(struct web_event *event)
{
    if (event != NULL && atomic_fetch_sub(&event->references, 1) == 1)
        free(event);
    return NULL;
}

static void free_stream(struct web_stream *stream)
{
    web_event_release(stream->sending);
    web_event_release(stream->next);
    pthread_mutex_destroy(&stream->lock);
    free(stream);
}

/* Unlocks; the second of the two sides to go frees it. */
static void leave(struct web_stream *stream)
{
    bool last = stream->closed && stream->gone;
    pthread_mutex_unlock(&stream->lock);
    if (last)
        free_stream(stream);
}

static ssize_t take_event(struct web_stream *stream, char *bytes, size_t size_max)
{
    struct web_event *event = stream->sending;
    size_t size = event->size - stream->sent;
    if (size > size_max)
        size = size_max;
    memcpy(bytes, event->bytes + stream->sent, size);
    stream->sent += size;
    if (stream->sent == event->size)
        stream->sending = web_event_release(event);
    return (ssize_t)size;
}

static ssize_t take_beat(struct web_stream *stream, char *bytes, size_t size_max)
{
    static const char comment[] = ":\n\n";
    if (size_max < sizeof(comment) - 1)
        return 0;
    stream->beat = false;
    memcpy(bytes, comment, sizeof(comment) - 1);
    return sizeof(comment) - 1;
}

/* On the connection's HTTP thread. */
static ssize_t read_stream(void *closure, uint64_t position, char *bytes, size_t size_max)
{
    struct web_stream *stream = closure;
    ssize_t size = 0;
    (void)position;
    pthread_mutex_lock(&stream->lock);
    if (stream->sending == NULL && stream->next != NULL) {
        stream->sending = stream->next;
        stream->next = NULL;
        stream->sent = 0;
    }
    if (stream->sending != NULL) {
        size = take_event(stream, bytes, size_max);
    } else if (stream->closed) {
        size = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (stream->beat) {
        size = take_beat(stream, bytes, size_max);
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&stream->lock);
    return size;
}

static void forget_stream(void *closure)
{
    struct web_stream *stream = closure;
    pthread_mutex_lock(&stream->lock);
    stream->gone = true;
    leave(stream);
}

static struct MHD_Response *create_response(struct web_stream *stream,
                                            const struct web_request *request)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, BLOCK_SIZE, read_stream, stream, forget_stream);
    if (response == NULL)
        return NULL;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    (void)MHD_add_response_header(response, "X-Request-ID", request->id.bytes);
    return response;
}

static struct web_stream *create_stream(struct web_request *request)
{
    struct web_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL)
        return NULL;
    pthread_mutex_init(&stream->lock, NULL);
    stream->connection = request->connection;
    stream->beat = true; /* shows the client at once that it is connected */
    return stream;
}

struct web_stream *web_stream_open(struct web_request *request)
{
    assert(request->status == 0 && atomic_load(&request->state) == REQUEST_HANDLING);
    struct web_stream *stream = create_stream(request);
    struct MHD_Response *response = stream == NULL ? NULL : create_response(stream, request);
    if (response == NULL) {
        if (stream != NULL)
            free_stream(stream);
        web_fault(request, FAULT_OUT_OF_MEMORY);
        return NULL;
    }
    request->status = MHD_HTTP_OK;
    request->queued = MHD_queue_response(request->connection, MHD_HTTP_OK, response) == MHD_YES;
    if (request->queued)
        atomic_store(&request->state, REQUEST_STREAMING);
    else
        stream->closed = true;
    MHD_destroy_response(response);
    return request->queued ? stream : NULL;
}

static void resume(struct web_stream *stream)
{
    if (!stream->suspended || stream->gone)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

void web_stream_send(struct web_stream *stream, struct web_event *event)
{
    atomic_fetch_add(&event->references, 1);
    pthread_mutex_lock(&stream->lock);
    web_event_release(stream->next);
    stream->next = event;
    resume(stream);
    pthread_mutex_unlock(&stream->lock);
}

void web_stream_beat(struct web_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    stream->beat = true;
    resume(stream);
    pthread_mutex_unlock(&stream->lock);
}

/* Nobody else watches a suspended connection, and nobody closes it. */
static bool peer_has_closed(const struct web_stream *stream)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(stream->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;
    return info != NULL && recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

bool web_stream_is_open(struct web_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool open = !stream->gone && !(stream->suspended && peer_has_closed(stream));
    pthread_mutex_unlock(&stream->lock);
    return open;
}

struct web_stream *web_stream_close(struct web_stream *stream)
{
    if (stream == NULL)
        return NULL;
    pthread_mutex_lock(&stream->lock);
    stream->closed = true;
    resume(stream);
    leave(stream);
    return NULL;
}
