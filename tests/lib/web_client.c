/* Blocking sockets with a timeout; heads are read byte by byte so that pipelined answers stay
 * apart. */
#include "tests/lib/web_client.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define TIMEOUT_S        10
#define REQUEST_SIZE_MAX 131072

static int open_socket(int family)
{
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(client >= 0);
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    return client;
}

int client_connect_local(const char *path)
{
    int client = open_socket(AF_UNIX);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int outcome = connect(client, (struct sockaddr *)&address, sizeof(address));
    assert_int_equal(outcome, 0);
    return client;
}

int client_connect(int port)
{
    int client = open_socket(AF_INET);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int outcome = connect(client, (struct sockaddr *)&address, sizeof(address));
    assert_int_equal(outcome, 0);
    return client;
}

void client_send(int client, const char *format, ...)
{
    char *text = malloc(REQUEST_SIZE_MAX);
    assert_non_null(text);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, REQUEST_SIZE_MAX, format, arguments);
    va_end(arguments);
    assert_in_range(size, 1, REQUEST_SIZE_MAX - 1);
    for (size_t sent = 0; sent < (size_t)size;) {
        ssize_t count = send(client, text + sent, (size_t)size - sent, MSG_NOSIGNAL);
        if (count <= 0)
            break; /* the server may have answered and closed already */
        sent += (size_t)count;
    }
    free(text);
}

bool client_receive_head(int client, struct reply *ret_reply)
{
    *ret_reply = (struct reply){0};
    size_t size = 0;
    char *head = ret_reply->head;
    while (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0) {
        assert_true(size < sizeof(ret_reply->head) - 1);
        ssize_t count = recv(client, head + size, 1, 0);
        if (count <= 0)
            return false;
        size++;
    }
    assert_int_equal(sscanf(head, "HTTP/1.1 %d", &ret_reply->status), 1);
    return true;
}

bool client_receive(int client, struct reply *ret_reply)
{
    if (!client_receive_head(client, ret_reply))
        return false;
    const char *length = reply_header(ret_reply, "Content-Length");
    size_t size = length == NULL ? 0 : strtoul(length, NULL, 10);
    assert_true(size < sizeof(ret_reply->body));
    if (size > 0)
        assert_int_equal(recv(client, ret_reply->body, size, MSG_WAITALL), size);
    ret_reply->body_size = size;
    return true;
}

struct reply client_ask(int port, const char *method, const char *target, const char *headers,
                        const char *body)
{
    int client = client_connect(port);
    client_send(client, "%s %s HTTP/1.1\r\nHost: here\r\n%s", method, target, headers);
    if (body == NULL)
        client_send(client, "\r\n");
    else
        client_send(client, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    struct reply reply;
    bool answered = strcmp(method, "HEAD") == 0 ? client_receive_head(client, &reply)
                                                : client_receive(client, &reply);
    assert_true(answered);
    close(client);
    return reply;
}

const char *reply_header(const struct reply *reply, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = reply->head; line != NULL; line = strstr(line, "\r\n")) {
        line += line == reply->head ? 0 : 2;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return line + size + 1 + strspn(line + size + 1, " ");
    }
    return NULL;
}

bool reply_has_header(const struct reply *reply, const char *name, const char *value)
{
    const char *found = reply_header(reply, name);
    return found != NULL && strncmp(found, value, strlen(value)) == 0 &&
           found[strlen(value)] == '\r';
}
