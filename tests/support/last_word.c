/* Preloaded into a process, it makes the process die by SIGKILL at its Nth word to a server: of N
 * words to the port LAST_WORD_PORT, LAST_WORD_NUMBER, either before the server hears it or, with
 * LAST_WORD_HEARD, when it has been sent and no answer can come any more. So a test can end a
 * program between every two steps it takes. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int port, number;
static int heard;
static atomic_int words;

__attribute__((constructor)) static void read_wish(void)
{
    const char *wanted = getenv("LAST_WORD_PORT");
    const char *last = getenv("LAST_WORD_NUMBER");

    port = wanted == NULL ? 0 : atoi(wanted);
    number = last == NULL ? 0 : atoi(last);
    heard = getenv("LAST_WORD_HEARD") != NULL;
}

static int is_to_the_server(int file)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof(peer);

    return port != 0 && getpeername(file, (struct sockaddr *)&peer, &size) == 0 &&
           peer.sin_family == AF_INET && ntohs(peer.sin_port) == port;
}

ssize_t send(int file, const void *bytes, size_t size, int flags)
{
    static ssize_t (*next)(int, const void *, size_t, int);

    if (next == NULL)
        *(void **)&next = dlsym(RTLD_NEXT, "send");
    int last = is_to_the_server(file) && atomic_fetch_add(&words, 1) + 1 == number;
    if (last && !heard)
        kill(getpid(), SIGKILL);
    ssize_t sent = next(file, bytes, size, flags);
    if (last)
        kill(getpid(), SIGKILL);
    return sent;
}
