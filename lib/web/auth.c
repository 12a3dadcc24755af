/* Verified tokens are remembered by their SHA-256 in a table of small sets; a set is guarded by one
 * of many locks, held for a compare and a copy, so that HTTP threads rarely meet. Only tokens that
 * passed get in: nobody fills the table without the secret. */
#include "lib/web/auth.h"

#include "lib/core/clock.h"
#include "lib/web/token.h"

#include <assert.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define KEY_SIZE        32
#define SET_SIZE        4
#define LOCKS           64
#define SECRET_SIZE_MIN 32
#define ROLES_MAX       31

struct remembered {
    uint8_t key[KEY_SIZE];
    struct token token; /* .expires_s 0: empty */
};

struct remembered_set {
    struct remembered entries[SET_SIZE];
    unsigned turn; /* which entry goes next when all are in use */
};

struct auth_lock {
    _Alignas(64) pthread_mutex_t mutex;
};

struct web_auth {
    struct auth_lock locks[LOCKS];
    struct web_auth_options options;
    EVP_MD *sha256;
    size_t set_count; /* 0: nothing is remembered */
    struct remembered_set *sets;
};

struct web_auth *web_auth_create(const struct web_auth_options *options, struct error *error)
{
    if (strlen(options->secret) < SECRET_SIZE_MIN) {
        error_set(error, FAULT_CONFIG_INVALID, "the token secret is shorter than %d bytes",
                  SECRET_SIZE_MIN);
        return NULL;
    }
    size_t roles = 0;
    while (options->role_names[roles] != NULL)
        roles++;
    assert(roles <= ROLES_MAX);
    struct web_auth *auth = aligned_alloc(_Alignof(struct web_auth), sizeof(*auth));
    if (auth == NULL) {
        error_set(error, FAULT_OUT_OF_MEMORY, "token memory");
        return NULL;
    }
    memset(auth, 0, sizeof(*auth));
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_init(&auth->locks[i].mutex, NULL);
    auth->options = *options;
    auth->set_count = (options->remembered_max + SET_SIZE - 1) / SET_SIZE;
    auth->sets = calloc(auth->set_count + 1, sizeof(*auth->sets));
    auth->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (auth->sets != NULL && auth->sha256 != NULL)
        return auth;
    error_set(error, FAULT_OUT_OF_MEMORY, "token memory");
    return web_auth_destroy(auth);
}

struct web_auth *web_auth_destroy(struct web_auth *auth)
{
    if (auth == NULL)
        return NULL;
    for (size_t i = 0; i < LOCKS; i++)
        pthread_mutex_destroy(&auth->locks[i].mutex);
    EVP_MD_free(auth->sha256);
    free(auth->sets);
    free(auth);
    return NULL;
}

static size_t set_index(const struct web_auth *auth, const uint8_t key[static KEY_SIZE])
{
    uint64_t number;
    memcpy(&number, key, sizeof(number));
    return (size_t)(number % auth->set_count);
}

static bool recall(struct web_auth *auth, const uint8_t key[static KEY_SIZE],
                   struct token *ret_token)
{
    size_t index = set_index(auth, key);
    const struct remembered_set *set = &auth->sets[index];
    pthread_mutex_t *mutex = &auth->locks[index % LOCKS].mutex;
    bool found = false;
    pthread_mutex_lock(mutex);
    for (size_t i = 0; i < SET_SIZE && !found; i++) {
        const struct remembered *entry = &set->entries[i];
        found = entry->token.expires_s != 0 && memcmp(entry->key, key, KEY_SIZE) == 0;
        if (found)
            *ret_token = entry->token;
    }
    pthread_mutex_unlock(mutex);
    return found;
}

static void remember(struct web_auth *auth, const uint8_t key[static KEY_SIZE],
                     const struct token *token, int64_t now_s)
{
    size_t index = set_index(auth, key);
    struct remembered_set *set = &auth->sets[index];
    pthread_mutex_t *mutex = &auth->locks[index % LOCKS].mutex;
    pthread_mutex_lock(mutex);
    size_t place = SET_SIZE;
    for (size_t i = 0; i < SET_SIZE && place == SET_SIZE; i++) {
        if (set->entries[i].token.expires_s <= now_s)
            place = i;
    }
    if (place == SET_SIZE)
        place = set->turn++ % SET_SIZE;
    memcpy(set->entries[place].key, key, KEY_SIZE);
    set->entries[place].token = *token;
    pthread_mutex_unlock(mutex);
}

/* The token after "Bearer", RFC 6750 section 2.1; NULL if there is none. */
static const char *bearer_token(const struct web_request *request, size_t *ret_size)
{
    static const char scheme[] = "Bearer ";
    struct text value = web_request_header(request, "Authorization");
    size_t size = sizeof(scheme) - 1;
    if (value.bytes == NULL || value.size < size || strncasecmp(value.bytes, scheme, size) != 0)
        return NULL;
    const char *token = value.bytes + size;
    token += strspn(token, " ");
    *ret_size = strlen(token);
    return *ret_size > 0 && *ret_size <= TOKEN_SIZE_MAX ? token : NULL;
}

static const struct problem *verify(struct web_auth *auth, const char *text, size_t size,
                                    struct token *ret_token)
{
    int64_t now_s = clock_wall_us() / 1000000;
    uint8_t key[KEY_SIZE];
    bool remembering =
        auth->set_count > 0 && EVP_Digest(text, size, key, NULL, auth->sha256, NULL) == 1;
    if (remembering && recall(auth, key, ret_token))
        return ret_token->expires_s > now_s ? NULL : &problem_token_expired;
    const struct problem *problem = token_verify(&auth->options, text, now_s, ret_token);
    if (problem == NULL && remembering)
        remember(auth, key, ret_token, now_s);
    return problem;
}

bool web_authenticate(struct web_auth *auth, const struct web_request *request,
                      struct caller *ret_caller, const struct problem **ret_problem)
{
    size_t size;
    const char *text = bearer_token(request, &size);
    struct token token;
    const struct problem *problem =
        text == NULL ? &problem_unauthenticated : verify(auth, text, size, &token);
    if (problem != NULL) {
        *ret_problem = problem;
        return false;
    }
    *ret_caller = token.caller;
    return true;
}
