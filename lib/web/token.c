/* JWT (RFC 7519) by libjwt, which takes the algorithm from the token's head: what it accepted under
 * another one than HS256 is refused here before a claim is read. */
#include "lib/web/token.h"

#include "lib/core/clock.h"

#include <jansson.h>
#include <jwt.h>
#include <stdlib.h>
#include <string.h>

static void jwt_release(jwt_t **jwt)
{
    jwt_free(*jwt);
}

static void string_release(char **string)
{
    free(*string);
}

static void json_release(json_t **json)
{
    json_decref(*json);
}

static bool read_subject(const json_t *claims, struct caller *caller)
{
    static const char names[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-:";
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    size_t size = subject == NULL ? 0 : strlen(subject);
    if (size == 0 || size >= sizeof(caller->subject) || strspn(subject, names) != size)
        return false;
    memcpy(caller->subject, subject, size + 1);
    return true;
}

static unsigned role_bit(const char *const *names, const char *role)
{
    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], role) == 0)
            return 1U << i;
    }
    return 0;
}

static bool read_roles(const json_t *claims, const char *const *names, struct caller *caller)
{
    const json_t *roles = json_object_get(claims, "roles");
    if (!json_is_array(roles))
        return false;
    for (size_t i = 0; i < json_array_size(roles); i++) {
        const char *role = json_string_value(json_array_get(roles, i));
        if (role == NULL)
            return false;
        caller->roles |= role_bit(names, role);
    }
    return true;
}

static const struct problem *check_times(const json_t *claims, int64_t now_s,
                                         int64_t *ret_expires_s)
{
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *not_before = json_object_get(claims, "nbf");
    if (!json_is_integer(expires) || (not_before != NULL && !json_is_integer(not_before)))
        return &problem_unauthenticated;
    if (json_integer_value(not_before) > now_s)
        return &problem_unauthenticated;
    if (json_integer_value(expires) <= now_s)
        return &problem_token_expired;
    *ret_expires_s = json_integer_value(expires);
    return NULL;
}

static bool is_foreign(const json_t *claims, const char *issuer)
{
    const json_t *claim = json_object_get(claims, "iss");
    const char *text = json_string_value(claim);
    return claim != NULL && (text == NULL || strcmp(text, issuer) != 0);
}

/* The claims of a token with a good HS256 signature; NULL otherwise. */
static json_t *open_token(const char *token, const char *secret)
{
    jwt_t *jwt CLEANUP(jwt_release) = NULL;
    if (jwt_decode(&jwt, token, (const unsigned char *)secret, (int)strlen(secret)) != 0) {
        jwt = NULL;
        return NULL;
    }
    if (jwt_get_alg(jwt) != JWT_ALG_HS256)
        return NULL;
    char *text CLEANUP(string_release) = jwt_get_grants_json(jwt, NULL);
    return text == NULL ? NULL : json_loads(text, 0, NULL);
}

const struct problem *token_verify(const struct web_auth_options *options, const char *token,
                                   int64_t now_s, struct token *ret_token)
{
    json_t *claims CLEANUP(json_release) = open_token(token, options->secret);
    if (claims == NULL || is_foreign(claims, options->issuer))
        return &problem_unauthenticated;
    struct token read = {0};
    const struct problem *problem = check_times(claims, now_s, &read.expires_s);
    if (problem != NULL)
        return problem;
    if (!read_subject(claims, &read.caller) ||
        !read_roles(claims, options->role_names, &read.caller))
        return &problem_unauthenticated;
    *ret_token = read;
    return NULL;
}

static bool add_roles(jwt_t *jwt, const char *const *names, unsigned roles)
{
    json_t *list CLEANUP(json_release) = json_array();
    json_t *claims CLEANUP(json_release) = json_object();
    for (unsigned i = 0; names[i] != NULL; i++) {
        if ((roles & 1U << i) != 0 && json_array_append_new(list, json_string(names[i])) != 0)
            return false;
    }
    if (json_object_set(claims, "roles", list) != 0)
        return false;
    char *text CLEANUP(string_release) = json_dumps(claims, JSON_COMPACT);
    return text != NULL && jwt_add_grants_json(jwt, text) == 0;
}

char *web_token_sign(const struct web_auth_options *options, const char *subject, unsigned roles,
                     int64_t lifetime_s, struct arena *arena, struct error *error)
{
    jwt_t *jwt CLEANUP(jwt_release) = NULL;
    int64_t now_s = clock_wall_us() / 1000000;
    const unsigned char *secret = (const unsigned char *)options->secret;
    if (jwt_new(&jwt) != 0 ||
        jwt_set_alg(jwt, JWT_ALG_HS256, secret, (int)strlen(options->secret)) != 0 ||
        jwt_add_grant(jwt, "sub", subject) != 0 ||
        jwt_add_grant(jwt, "iss", options->issuer) != 0 ||
        jwt_add_grant_int(jwt, "iat", now_s) != 0 ||
        jwt_add_grant_int(jwt, "exp", now_s + lifetime_s) != 0 ||
        !add_roles(jwt, options->role_names, roles)) {
        error_set(error, FAULT_OUT_OF_MEMORY, "token for %s", subject);
        return NULL;
    }
    char *encoded CLEANUP(string_release) = jwt_encode_str(jwt);
    char *token = encoded == NULL ? NULL : arena_print(arena, "%s", encoded);
    if (token == NULL)
        error_set(error, FAULT_OUT_OF_MEMORY, "token for %s", subject);
    return token;
}
