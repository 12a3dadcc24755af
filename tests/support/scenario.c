/* Given-when-then for the pure rooms of command-svc. */
#include "tests/support/scenario.h"

#include "lib/record/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARTS_MAX 32

struct scenario_part {
    struct text id;
    struct part_slot slot;
};

static struct {
    const struct aggregate *aggregate;
    struct arena arena;
    void *root;
    int64_t version;
    struct scenario_part parts[PARTS_MAX];
    size_t part_count;
    struct text caller;
    struct decision decision;
    enum json_outcome read;
    struct json_reading reading;
    struct reaction_steps steps;
} scenario;

void scenario_begin(const struct aggregate *aggregate)
{
    memset(&scenario, 0, sizeof(scenario));
    scenario.aggregate = aggregate;
    scenario.caller = text_of("anna");
    arena_init(&scenario.arena, 1024 * 1024);
    scenario.root = arena_alloc_zeroed(&scenario.arena, aggregate->root->size);
    assert_non_null(scenario.root);
}

void scenario_end(void)
{
    arena_done(&scenario.arena);
}

void scenario_caller(const char *subject)
{
    scenario.caller = text_of(subject);
}

static struct part_slot *find_part(struct text id)
{
    for (size_t i = 0; i < scenario.part_count; i++)
        if (text_equal(scenario.parts[i].id, id))
            return &scenario.parts[i].slot;
    assert_true(scenario.part_count < PARTS_MAX);
    struct scenario_part *part = &scenario.parts[scenario.part_count++];
    part->id = arena_copy_text(&scenario.arena, id);
    part->slot.state = arena_alloc_zeroed(&scenario.arena, scenario.aggregate->part->size);
    assert_non_null(part->slot.state);
    return &part->slot;
}

static struct text text_field(const struct record *record, const void *value, const char *name)
{
    const struct field *field = record_find_field(record, name);

    assert_non_null(field);
    return *(const struct text *)((const char *)value + field->offset);
}

static int kind_of(const struct record *record)
{
    for (int i = 0; scenario.aggregate->event_records[i] != NULL; i++)
        if (scenario.aggregate->event_records[i] == record)
            return i;
    fail_msg("%s is no event of this context", record->name);
    return -1;
}

void scenario_given(const struct record *record, const void *value)
{
    struct event event = {.kind = kind_of(record), .value = value, .version = ++scenario.version};
    const char *part = scenario.aggregate->events[event.kind].part;

    scenario.aggregate->evolve(
        scenario.root, part == NULL ? NULL : find_part(text_field(record, value, part)), &event);
}

static void *read_input(const struct record *record, const char *in_path, const char *body)
{
    void *input = arena_alloc_zeroed(&scenario.arena, record->size + 1);

    assert_non_null(input);
    scenario.reading.arena = &scenario.arena;
    scenario.read = json_read(record, text_of(body), &scenario.reading, input);
    for (size_t i = 0; i < record->field_count && scenario.read == JSON_OK; i++)
        if (record->fields[i].in_path)
            scenario.read = json_set_text(record, record->fields[i].name, text_of(in_path),
                                          &scenario.reading, input);
    return input;
}

static void decide(const struct command *command, const struct part_slot *slot, const void *input)
{
    scenario.decision.caller = scenario.caller;
    command->decide(scenario.version == 0 ? NULL : scenario.root,
                    slot != NULL && slot->present ? slot->state : NULL, input, &scenario.decision);
    for (size_t i = 0; i < scenario.decision.event_count; i++)
        scenario_given(scenario.decision.events[i].record, scenario.decision.events[i].value);
}

void scenario_when(const struct command *command, const char *in_path, const char *body)
{
    void *input = read_input(command->input, in_path, body);
    struct part_slot *slot = NULL;

    decision_start(&scenario.decision, &scenario.arena);
    if (scenario.read != JSON_OK)
        return;
    if (command->part != NULL)
        slot = find_part(text_field(command->input, input, command->part));
    decide(command, slot, input);
}

void scenario_outcome(const struct command *command, const char *step_name, const char *code)
{
    struct reaction_outcome outcome = {
        .reaction = TEXT("reaction"),
        .step = text_of(step_name),
        .target = TEXT("target"),
        .accepted = code == NULL,
        .code = text_of(code == NULL ? "" : code),
    };

    decision_start(&scenario.decision, &scenario.arena);
    scenario.read = JSON_OK;
    decide(command, NULL, &outcome);
}

void scenario_react(const struct reaction *reaction, const struct record *record, const void *value,
                    const char *source_id)
{
    struct event event = {.kind = kind_of(record), .value = value};

    scenario.steps =
        (struct reaction_steps){.source_id = text_of(source_id), .arena = &scenario.arena};
    reaction->react(&event, &scenario.steps);
    assert_false(scenario.steps.out_of_memory);
}

void scenario_then_steps(size_t count)
{
    assert_int_equal(scenario.steps.count, count);
}

const void *scenario_then_step(const char *name, const struct command *command,
                               const char *target_id)
{
    for (size_t i = 0; i < scenario.steps.count; i++) {
        const struct reaction_step *found = &scenario.steps.entries[i];
        if (strcmp(found->name, name) != 0)
            continue;
        assert_ptr_equal(found->command, command);
        assert_true(text_is(found->target_id, target_id));
        return found->input;
    }
    fail_msg("no step %s", name);
    return NULL;
}

void scenario_then_invalid(const char *field, const char *code)
{
    assert_int_equal(scenario.read, JSON_INVALID);
    assert_string_equal(scenario.reading.errors.entries[0].field, field);
    assert_string_equal(scenario.reading.errors.entries[0].code, code);
}

const void *scenario_then(size_t number, size_t count, const struct record *record)
{
    assert_int_equal(scenario.read, JSON_OK);
    if (scenario.decision.refusal != NULL)
        fail_msg("refused: %s", scenario.decision.refusal->code);
    assert_int_equal(scenario.decision.event_count, count);
    assert_ptr_equal(scenario.decision.events[number].record, record);
    return scenario.decision.events[number].value;
}

void scenario_then_nothing(void)
{
    assert_int_equal(scenario.read, JSON_OK);
    assert_null(scenario.decision.refusal);
    assert_int_equal(scenario.decision.event_count, 0);
}

void scenario_then_refused(const struct refusal *refusal)
{
    assert_int_equal(scenario.read, JSON_OK);
    assert_non_null(scenario.decision.refusal);
    assert_string_equal(scenario.decision.refusal->code, refusal->code);
    assert_int_equal(scenario.decision.event_count, 0);
}

const void *scenario_root(void)
{
    return scenario.root;
}
