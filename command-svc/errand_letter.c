/* Letters and answers between processes. */
#include "command-svc/errand_letter.h"

#include "lib/record/avro.h"
#include "lib/record/json.h"
#include <sodium.h>
#include <string.h>

#define DIGEST_BYTES    16
#define STATUS_CONFLICT 409

static const struct field letter_fields[] = {
    {FIELD_AT(errand_letter, context), .kind = FIELD_TEXT},
    {FIELD_AT(errand_letter, command), .kind = FIELD_TEXT},
    {FIELD_AT(errand_letter, aggregate_id), .kind = FIELD_TEXT},
    {FIELD_AT(errand_letter, actor), .kind = FIELD_TEXT},
    {FIELD_AT(errand_letter, command_id), .kind = FIELD_BYTES},
    {FIELD_AT(errand_letter, causation_id), .kind = FIELD_BYTES},
    {FIELD_AT(errand_letter, correlation_id), .kind = FIELD_BYTES},
    {FIELD_AT(errand_letter, input), .kind = FIELD_BYTES},
};

static const struct record letter_record = {
    .name = "ErrandLetter",
    .size = sizeof(struct errand_letter),
    .fields = letter_fields,
    .field_count = COUNT_OF(letter_fields),
};

static struct text uuid_bytes(const struct uuid *uuid)
{
    return (struct text){(const char *)uuid->bytes, sizeof(uuid->bytes)};
}

bool errand_letter_write(const struct call *call, struct buffer *out)
{
    struct buffer CLEANUP(buffer_done) input;
    struct errand_letter letter = {
        .context = text_of(call->command->aggregate->context),
        .command = text_of(call->command->name),
        .aggregate_id = call->aggregate_id,
        .actor = text_of(call->caller.subject),
        .command_id = uuid_bytes(&call->command_id),
        .causation_id = uuid_bytes(&call->causation_id),
        .correlation_id = uuid_bytes(&call->correlation_id),
    };

    buffer_init(&input, ERRAND_LETTER_MAX);
    avro_encode(call->command->input, call->input, &input);
    letter.input = input.size == 0 ? (struct text)TEXT("") : buffer_text(&input);
    json_write(&letter_record, &letter, out);
    return !input.failed && !out->failed;
}

bool errand_letter_read(struct text body, struct arena *arena, struct errand_letter *ret_letter)
{
    struct json_reading reading = {.arena = arena};

    return json_read(&letter_record, body, &reading, ret_letter) == JSON_OK &&
           ret_letter->command_id.size == sizeof(struct uuid) &&
           ret_letter->causation_id.size == sizeof(struct uuid) &&
           ret_letter->correlation_id.size == sizeof(struct uuid);
}

void errand_letter_digest(struct text body, char ret_digest[static ERRAND_DIGEST_SIZE])
{
    unsigned char digest[DIGEST_BYTES];

    crypto_generichash(digest, sizeof(digest), (const unsigned char *)body.bytes, body.size, NULL,
                       0);
    sodium_bin2hex(ret_digest, ERRAND_DIGEST_SIZE, digest, sizeof(digest));
}

/* answers: "accepted", "refused <code>", "faulted <code>", "misplaced" */

static void put_words(char ret_answer[static ERRAND_ANSWER_SIZE], const char *word,
                      const char *code)
{
    size_t size = strlen(word), code_size = code == NULL ? 0 : strlen(code);

    memcpy(ret_answer, word, size);
    if (code != NULL && size + 1 + code_size < ERRAND_ANSWER_SIZE) {
        ret_answer[size] = ' ';
        memcpy(ret_answer + size + 1, code, code_size);
        size += 1 + code_size;
    }
    ret_answer[size] = '\0';
}

void errand_answer_write(const struct call *call, char ret_answer[static ERRAND_ANSWER_SIZE])
{
    switch (call->outcome) {
    case CALL_DONE: put_words(ret_answer, "accepted", NULL); break;
    case CALL_REFUSED: put_words(ret_answer, "refused", call->problem.code); break;
    case CALL_FAULTED: put_words(ret_answer, "faulted", fault_entry(call->fault)->code); break;
    case CALL_MISPLACED:
    case CALL_RELAYED:
    case CALL_OPEN: put_words(ret_answer, "misplaced", NULL); break;
    }
}

static enum fault find_fault(struct text code)
{
    for (int fault = FAULT_NONE + 1; fault < FAULT_COUNT; fault++)
        if (text_is(code, fault_entry((enum fault)fault)->code))
            return (enum fault)fault;
    return FAULT_OUTCOME_UNKNOWN;
}

static struct text after_word(struct text answer, const char *word)
{
    size_t size = strlen(word) + 1;

    return answer.size <= size ? (struct text)TEXT("")
                               : (struct text){answer.bytes + size, answer.size - size};
}

void errand_answer_read(struct text answer, struct call *call)
{
    if (text_is(answer, "accepted")) {
        call_done(call, 0);
    } else if (text_is(answer, "misplaced")) {
        call_misplace(call);
    } else if (text_starts_with(answer, "refused ")) {
        struct text code = arena_copy_text(call->arena, after_word(answer, "refused"));
        if (code.bytes == NULL)
            call_fault(call, FAULT_OUT_OF_MEMORY);
        else
            call_refuse_problem(call,
                                &(struct problem){.status = STATUS_CONFLICT, .code = code.bytes});
    } else {
        call_fault(call, find_fault(after_word(answer, "faulted")));
    }
}
