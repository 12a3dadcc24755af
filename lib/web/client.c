/* The client around libcurl's multi interface. A handle and its buffer are kept for the next
 * exchange. libcurl silently sends a request again when a kept connection turns out to be closed:
 * here a second sending is refused, since only the caller knows whether it may be repeated. */
#include "lib/web/client.h"

#include "lib/core/clock.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_CONNECTION_S 30 /* kept; servers of this house close theirs after 60 */

struct web_transfer {
    struct web_client *client;
    CURL *easy;
    struct web_exchange *exchange; /* NULL: free */
    struct curl_slist *headers;
    struct buffer body;
    size_t head_size;
    bool sent;
    bool too_large;
    struct web_transfer *previous, *next; /* of those in use, or free */
};

struct web_client {
    struct web_client_options options;
    CURLM *multi;
    struct web_transfer *used, *free;
    size_t used_count;
    size_t ended;
};

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static bool global_ready;

static void prepare_global(void)
{
    global_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static void push(struct web_transfer **list, struct web_transfer *transfer)
{
    transfer->previous = NULL;
    transfer->next = *list;
    if (*list != NULL)
        (*list)->previous = transfer;
    *list = transfer;
}

static void unlink_transfer(struct web_transfer **list, struct web_transfer *transfer)
{
    if (transfer->previous != NULL)
        transfer->previous->next = transfer->next;
    else
        *list = transfer->next;
    if (transfer->next != NULL)
        transfer->next->previous = transfer->previous;
}

/* What libcurl calls */

static size_t take_body(char *bytes, size_t one, size_t size, void *self)
{
    struct web_transfer *transfer = self;
    (void)one;

    buffer_put(&transfer->body, bytes, size);
    transfer->too_large |= transfer->body.failed;
    return transfer->too_large ? 0 : size;
}

static size_t count_head(char *bytes, size_t one, size_t size, void *self)
{
    struct web_transfer *transfer = self;
    (void)bytes, (void)one;

    transfer->head_size += size;
    transfer->too_large |= transfer->head_size > transfer->client->options.response_bytes_max;
    return transfer->too_large ? 0 : size;
}

static int before_sending(void *self, char *peer, char *local, int peer_port, int local_port)
{
    struct web_transfer *transfer = self;
    (void)peer, (void)local, (void)peer_port, (void)local_port;

    if (transfer->sent)
        return CURL_PREREQFUNC_ABORT;
    transfer->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* Setting up */

static bool prepare_easy(struct web_transfer *transfer)
{
    const struct web_client_options *options = &transfer->client->options;
    CURL *easy = transfer->easy;

    return curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_head) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_sending) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer) == CURLE_OK;
}

static void destroy_transfer(struct web_transfer *transfer)
{
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    buffer_done(&transfer->body);
    free(transfer);
}

static struct web_transfer *create_transfer(struct web_client *client)
{
    struct web_transfer *transfer = calloc(1, sizeof(*transfer));

    if (transfer == NULL)
        return NULL;
    transfer->client = client;
    transfer->easy = curl_easy_init();
    buffer_init(&transfer->body, client->options.response_bytes_max);
    if (transfer->easy != NULL && prepare_easy(transfer))
        return transfer;
    destroy_transfer(transfer);
    return NULL;
}

struct web_client *web_client_create(const struct web_client_options *options, struct error *error)
{
    struct web_client *client = calloc(1, sizeof(*client));

    pthread_once(&global_once, prepare_global);
    if (client == NULL || !global_ready) {
        free(client);
        error_set(error, FAULT_OUT_OF_MEMORY, "web client");
        return NULL;
    }
    client->options = *options;
    client->multi = curl_multi_init();
    if (client->multi != NULL &&
        curl_multi_setopt(client->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                          (long)options->connections_per_host_max) == CURLM_OK &&
        curl_multi_setopt(client->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK)
        return client;
    error_set(error, FAULT_OUT_OF_MEMORY, "web client");
    return web_client_destroy(client);
}

static void release(struct web_transfer *transfer)
{
    struct web_client *client = transfer->client;

    curl_multi_remove_handle(client->multi, transfer->easy);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    if (transfer->exchange != NULL)
        transfer->exchange->transfer = NULL;
    transfer->exchange = NULL;
    unlink_transfer(&client->used, transfer);
    client->used_count--;
    push(&client->free, transfer);
}

struct web_client *web_client_destroy(struct web_client *client)
{
    if (client == NULL)
        return NULL;
    while (client->used != NULL)
        release(client->used);
    while (client->free != NULL) {
        struct web_transfer *transfer = client->free;
        client->free = transfer->next;
        destroy_transfer(transfer);
    }
    curl_multi_cleanup(client->multi);
    free(client);
    return NULL;
}

/* Sending */

static bool add_header(struct web_transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);

    if (longer != NULL)
        transfer->headers = longer;
    return longer != NULL;
}

/* Without these two libcurl would wait for a "100 Continue" and call the body a form. */
static bool add_headers(struct web_transfer *transfer, const struct web_exchange_header *headers)
{
    struct buffer line;
    bool added = add_header(transfer, "Expect:"), has_type = false;

    buffer_init(&line, transfer->client->options.response_bytes_max);
    for (; headers != NULL && headers->name != NULL && added; headers++) {
        has_type |= strcmp(headers->name, "Content-Type") == 0;
        buffer_clear(&line);
        buffer_print(&line, "%s: %s", headers->name, headers->value);
        buffer_put_byte(&line, 0);
        added = !line.failed && add_header(transfer, (const char *)line.bytes);
    }
    buffer_done(&line);
    return added && (has_type || add_header(transfer, "Content-Type:"));
}

static bool set_request(struct web_transfer *transfer, const struct web_exchange *exchange)
{
    CURL *easy = transfer->easy;
    bool bodiless = strcmp(exchange->method, "GET") == 0;
    const char *body = exchange->body.size == 0 ? "" : exchange->body.bytes;
    bool set = bodiless ? curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK
                        : curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
                              curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                               (curl_off_t)exchange->body.size) == CURLE_OK &&
                              curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;

    return set && add_headers(transfer, exchange->headers) &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, exchange->method) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, exchange->url) == CURLE_OK;
}

static struct web_transfer *take_transfer(struct web_client *client)
{
    struct web_transfer *transfer = client->free;

    if (transfer != NULL)
        unlink_transfer(&client->free, transfer);
    else
        transfer = create_transfer(client);
    if (transfer == NULL)
        return NULL;
    push(&client->used, transfer);
    client->used_count++;
    buffer_clear(&transfer->body);
    transfer->head_size = 0;
    transfer->sent = false;
    transfer->too_large = false;
    return transfer;
}

bool web_client_send(struct web_client *client, struct web_exchange *exchange, struct error *error)
{
    assert(exchange->transfer == NULL);
    if (client->used_count >= client->options.exchanges_max)
        return error_set(error, FAULT_OVERLOADED, "%zu requests are under way already",
                         client->used_count);
    struct web_transfer *transfer = take_transfer(client);
    if (transfer == NULL)
        return error_set(error, FAULT_OUT_OF_MEMORY, "sending a request");
    transfer->exchange = exchange;
    exchange->transfer = transfer;
    if (set_request(transfer, exchange) &&
        curl_multi_add_handle(client->multi, transfer->easy) == CURLM_OK)
        return true;
    release(transfer);
    return error_set(error, FAULT_OUT_OF_MEMORY, "sending a request to %s", exchange->url);
}

bool web_client_cancel(struct web_client *client, struct web_exchange *exchange)
{
    struct web_transfer *transfer = exchange->transfer;
    (void)client;

    assert(transfer != NULL);
    bool sent = transfer->sent;
    release(transfer);
    return sent;
}

/* Ending */

static void fail(struct web_transfer *transfer, const char *why)
{
    struct web_exchange *exchange = transfer->exchange;

    exchange->outcome = transfer->sent ? EXCHANGE_BROKEN : EXCHANGE_NOT_SENT;
    exchange->status = 0;
    exchange->answer = (struct text){0};
    (void)error_set(&exchange->error, FAULT_IO_FAILED, "%s: %s", exchange->url, why);
}

static void end(struct web_transfer *transfer, CURLcode code)
{
    struct web_exchange *exchange = transfer->exchange;
    long status = 0;

    if (code == CURLE_OK)
        code = curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
        exchange->outcome = EXCHANGE_ANSWERED;
        exchange->status = (int)status;
        exchange->answer = buffer_text(&transfer->body);
    } else {
        fail(transfer, transfer->too_large ? "too large an answer" : curl_easy_strerror(code));
    }
}

/* `done` may let go of the exchange: it is not looked at again. */
static void finish(struct web_transfer *transfer)
{
    struct web_exchange *exchange = transfer->exchange;

    transfer->client->ended++;
    exchange->done(exchange);
    transfer->exchange = NULL;
    release(transfer);
}

struct text web_exchange_header(const struct web_exchange *exchange, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(exchange->transfer->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return (struct text){0};
    return text_of(header->value);
}

/* Turning */

static void end_finished(struct web_client *client)
{
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(client->multi, &left)) != NULL) {
        struct web_transfer *transfer = NULL;
        CURLcode code = message->data.result;
        if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) != CURLE_OK)
            continue;
        end(transfer, code);
        finish(transfer);
    }
}

static void end_late(struct web_client *client, int64_t boot_us)
{
    struct web_transfer *next;

    for (struct web_transfer *at = client->used; at != NULL; at = next) {
        next = at->next;
        if (boot_us < at->exchange->deadline_boot_us)
            continue;
        fail(at, "no answer in time");
        finish(at);
    }
}

size_t web_client_turn(struct web_client *client)
{
    int running;

    client->ended = 0;
    (void)curl_multi_perform(client->multi, &running);
    end_finished(client);
    end_late(client, clock_boot_us());
    return client->ended;
}

static int until_deadline_ms(const struct web_client *client, int timeout_ms)
{
    int64_t now_boot_us = clock_boot_us(), first_boot_us = now_boot_us + timeout_ms * INT64_C(1000);

    for (const struct web_transfer *at = client->used; at != NULL; at = at->next)
        if (at->exchange->deadline_boot_us < first_boot_us)
            first_boot_us = at->exchange->deadline_boot_us;
    return first_boot_us <= now_boot_us ? 0 : (int)((first_boot_us - now_boot_us + 999) / 1000);
}

void web_client_wait(struct web_client *client, int timeout_ms)
{
    (void)curl_multi_poll(client->multi, NULL, 0, until_deadline_ms(client, timeout_ms), NULL);
}

void web_client_wake(struct web_client *client)
{
    (void)curl_multi_wakeup(client->multi);
}
