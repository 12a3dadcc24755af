/* Requests and answers of the load tools. Whatever is odd ends the program: a measurement of
 * something else than was asked for is worth nothing. */
#include "tests/bench/http_exchange.h"

#include <arpa/inet.h>
#include <err.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

struct sockaddr_in http_address(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strrchr(text, ':');
    char host[64] = "";

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        errx(EXIT_FAILURE, "%s: not host:port", text);
    memcpy(host, text, (size_t)(colon - text));
    address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        errx(EXIT_FAILURE, "%s: not a numeric address", text);
    return address;
}

int http_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        err(EXIT_FAILURE, "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

void http_read_ids(const char *path, struct id_list *ret_ids)
{
    FILE *file = fopen(path, "re");
    size_t capacity = 0, size = 0;
    char *line = NULL;
    ssize_t length;

    if (file == NULL)
        err(EXIT_FAILURE, "%s", path);
    *ret_ids = (struct id_list){0};
    while ((length = getline(&line, &size, file)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (ret_ids->count == capacity) {
            capacity = capacity == 0 ? 1024 : 2 * capacity;
            ret_ids->lines = reallocarray(ret_ids->lines, capacity, sizeof(char *));
        }
        if (ret_ids->lines == NULL || (ret_ids->lines[ret_ids->count++] = strdup(line)) == NULL)
            err(EXIT_FAILURE, "%s", path);
    }
    free(line);
    fclose(file);
    if (ret_ids->count == 0)
        errx(EXIT_FAILURE, "%s: no ids", path);
}

void http_free_ids(struct id_list *ids)
{
    for (size_t i = 0; i < ids->count; i++)
        free(ids->lines[i]);
    free(ids->lines);
    *ids = (struct id_list){0};
}

/* xorshift64*: good enough to spread requests, and no lock around it. */
static uint64_t random_number(void)
{
    static uint64_t state;

    while (state == 0)
        if (getrandom(&state, sizeof(state), 0) != sizeof(state))
            err(EXIT_FAILURE, "getrandom");
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

const char *http_random_id(const struct id_list *ids)
{
    return ids == NULL ? "" : ids->lines[random_number() % ids->count];
}

/* `text` with {n} and {id} filled in; its size. */
static size_t fill(const char *text, uint64_t number, const char *id, char *ret, size_t ret_size)
{
    size_t size = 0;

    for (const char *at = text; *at != '\0' && size < ret_size;) {
        char *end = ret + size;
        if (strncmp(at, "{n}", 3) == 0) {
            size += (size_t)snprintf(end, ret_size - size, "%llu", (unsigned long long)number);
            at += 3;
        } else if (strncmp(at, "{id}", 4) == 0) {
            size += (size_t)snprintf(end, ret_size - size, "%s", id);
            at += 4;
        } else {
            ret[size++] = *at++;
        }
    }
    if (size >= ret_size)
        errx(EXIT_FAILURE, "the request is too large");
    ret[size] = '\0';
    return size;
}

static size_t add(char *ret_request, size_t size, const char *text)
{
    size_t added = strlen(text);

    if (added >= REQUEST_SIZE_MAX - size)
        errx(EXIT_FAILURE, "the request is too large");
    memcpy(ret_request + size, text, added + 1);
    return size + added;
}

size_t http_write_request(const struct request_template *template, uint64_t number, const char *id,
                          char ret_request[static REQUEST_SIZE_MAX])
{
    char path[1024], body[4096], line[256];
    size_t size = 0, body_size = 0;

    fill(template->path, number, id, path, sizeof(path));
    size = add(ret_request, size, template->method);
    size = add(ret_request, size, " ");
    size = add(ret_request, size, path);
    size = add(ret_request, size, " HTTP/1.1\r\nHost: bench\r\n");
    if (template->token != NULL) {
        size = add(ret_request, size, "Authorization: Bearer ");
        size = add(ret_request, size, template->token);
        size = add(ret_request, size, "\r\n");
    }
    if (template->key_prefix != NULL) {
        snprintf(line, sizeof(line), "Idempotency-Key: %s-%llu\r\n", template->key_prefix,
                 (unsigned long long)number);
        size = add(ret_request, size, line);
    }
    if (template->more != NULL)
        size = add(ret_request, size, template->more);
    if (template->body == NULL)
        return add(ret_request, size, "\r\n");
    body_size = fill(template->body, number, id, body, sizeof(body));
    snprintf(line, sizeof(line), "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             body_size);
    size = add(ret_request, size, line);
    return add(ret_request, size, body);
}

bool http_find_header(const struct http_answer *answer, const char *name, char *ret_value,
                      size_t ret_size)
{
    const char *end = answer->headers + answer->headers_size;
    size_t name_size = strlen(name);

    for (const char *line = answer->headers; line < end;) {
        const char *line_end = memchr(line, '\r', (size_t)(end - line));
        if (line_end == NULL)
            return false;
        if ((size_t)(line_end - line) > name_size && line[name_size] == ':' &&
            strncasecmp(line, name, name_size) == 0) {
            const char *value = line + name_size + 1;
            value += strspn(value, " ");
            snprintf(ret_value, ret_size, "%.*s", (int)(line_end - value), value);
            return true;
        }
        line = line_end + 2;
    }
    return false;
}

enum http_reading http_read_answer(const char *bytes, size_t size, struct http_answer *ret_answer)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    char length[24];

    if (end == NULL)
        return HTTP_PARTIAL;
    const char *first_line_end = memchr(bytes, '\n', size);
    *ret_answer = (struct http_answer){.headers = first_line_end + 1, .body = end + 4};
    if (sscanf(bytes, "HTTP/1.1 %3d", &ret_answer->status) != 1)
        return HTTP_BROKEN;
    if (end > first_line_end)
        ret_answer->headers_size = (size_t)(end + 2 - ret_answer->headers);
    if (http_find_header(ret_answer, "Content-Length", length, sizeof(length)))
        ret_answer->body_size = strtoul(length, NULL, 10);
    else if (ret_answer->status != 204 && ret_answer->status != 304)
        return HTTP_BROKEN;
    ret_answer->size = (size_t)(ret_answer->body - bytes) + ret_answer->body_size;
    return size >= ret_answer->size ? HTTP_COMPLETE : HTTP_PARTIAL;
}
