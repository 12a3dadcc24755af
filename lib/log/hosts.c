/* Keys are "@context/deployment". A newcomer that hears of another deployment says nothing and
 * waits; two that began at the same moment go by their names. */
#include "lib/log/hosts.h"

#include <assert.h>
#include <string.h>

void hosts_init(struct hosts *hosts, const char *deployment, const char *const *contexts)
{
    *hosts = (struct hosts){.deployment = deployment};
    for (; contexts[hosts->count] != NULL; hosts->count++) {
        assert(hosts->count < HOSTS_CONTEXTS_MAX);
        hosts->contexts[hosts->count].context = contexts[hosts->count];
    }
}

static const struct hosted *find(const struct hosts *hosts, struct text context)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (text_is(context, hosts->contexts[i].context))
            return &hosts->contexts[i];
    return NULL;
}

static struct hosted *get(struct hosts *hosts, struct text context)
{
    const struct hosted *found = find(hosts, context);

    return found == NULL ? NULL : &hosts->contexts[found - hosts->contexts];
}

/* The place of that name, else that of the one who is gone for longest. */
static size_t find_place(struct hosted *hosted, struct text deployment)
{
    size_t oldest = 0;

    for (size_t i = 0; i < HOSTS_OTHERS_MAX; i++) {
        if (text_is(deployment, hosted->others[i].deployment))
            return i;
        if (hosted->others[i].until_boot_us < hosted->others[oldest].until_boot_us)
            oldest = i;
    }
    memset(&hosted->others[oldest], 0, sizeof(hosted->others[oldest]));
    memcpy(hosted->others[oldest].deployment, deployment.bytes, deployment.size);
    return oldest;
}

bool hosts_hear(struct hosts *hosts, struct text key, bool hosts_it, int64_t age_us,
                int64_t boot_us)
{
    const char *slash = key.size == 0 ? NULL : memchr(key.bytes, '/', key.size);

    if (slash == NULL || key.bytes[0] != '@')
        return false;
    struct text context = {key.bytes + 1, (size_t)(slash - key.bytes) - 1};
    struct text deployment = {slash + 1, key.size - context.size - 2};
    struct hosted *hosted = get(hosts, context);
    if (hosted == NULL || deployment.size == 0 || deployment.size >= HOSTS_DEPLOYMENT_SIZE)
        return true;
    if (text_is(deployment, hosts->deployment)) {
        if (!hosts_it && hosted->said && !hosts->leaving)
            hosts->say_boot_us = 0;
        return true;
    }
    size_t place = find_place(hosted, deployment);
    int64_t until_us = boot_us + (hosts_it ? HOSTS_LEASE_US - age_us : HOSTS_FAREWELL_US);
    if (hosts_it || until_us < hosted->others[place].until_boot_us)
        hosted->others[place].until_boot_us = until_us;
    return true;
}

const char *hosts_find_other(const struct hosts *hosts, const char *context, int64_t boot_us)
{
    const struct hosted *hosted = find(hosts, text_of(context));

    for (size_t i = 0; hosted != NULL && i < HOSTS_OTHERS_MAX; i++) {
        const char *other = hosted->others[i].deployment;
        bool first = !hosted->said || strcmp(other, hosts->deployment) < 0;
        if (boot_us < hosted->others[i].until_boot_us && first)
            return other;
    }
    return NULL;
}

bool hosts_are_due(struct hosts *hosts, int64_t boot_us)
{
    if (boot_us < hosts->say_boot_us)
        return false;
    hosts->say_boot_us = hosts->leaving ? INT64_MAX : boot_us + HOSTS_SAY_US;
    return true;
}

bool hosts_write(struct hosts *hosts, size_t number, int64_t boot_us, struct buffer *key)
{
    struct hosted *hosted = &hosts->contexts[number];

    if (hosts->leaving ? !hosted->said
                       : hosts_find_other(hosts, hosted->context, boot_us) != NULL) {
        hosted->said = false;
        return false;
    }
    hosted->said = true;
    buffer_print(key, "@%s/%s", hosted->context, hosts->deployment);
    return true;
}

bool hosts_have_to_say(const struct hosts *hosts)
{
    return hosts->say_boot_us == 0;
}

void hosts_leave(struct hosts *hosts)
{
    if (!hosts->leaving)
        hosts->say_boot_us = 0;
    hosts->leaving = true;
}
