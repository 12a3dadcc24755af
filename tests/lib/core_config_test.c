/* Configuration from the environment, its bounds, and its command line. */
#include "lib/core/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct settings {
    const char *name;
    int64_t port;
    bool eager;
    struct secret key;
};

static const struct config_entry table[] = {
    {"TEST_NAME", CONFIG_TEXT, offsetof(struct settings, name), "market", 1, 10,
     "How it is called."},
    {"TEST_PORT", CONFIG_INTEGER, offsetof(struct settings, port), "8080", 1, 65535,
     "Where it is."},
    {"TEST_EAGER", CONFIG_BOOLEAN, offsetof(struct settings, eager), "false", 0, 0, "In a hurry."},
    {"TEST_KEY", CONFIG_SECRET, offsetof(struct settings, key), NULL, 8, 64, "Signs things."},
    {0},
};

static int clean_environment(void **unused)
{
    (void)unused;
    for (const struct config_entry *entry = table; entry->name != NULL; entry++)
        unsetenv(entry->name);
    return setenv("TEST_KEY", "hunter2-hunter2", 1);
}

static void defaults_hold_where_nothing_is_set(void **unused)
{
    (void)unused;
    struct settings settings;
    struct error error;
    assert_true(config_load(table, &settings, &error));
    assert_string_equal(settings.name, "market");
    assert_int_equal(settings.port, 8080);
    assert_false(settings.eager);
    assert_string_equal(settings.key.reveal, "hunter2-hunter2");
}

static void the_environment_wins(void **unused)
{
    (void)unused;
    setenv("TEST_NAME", "shop", 1);
    setenv("TEST_PORT", "65535", 1);
    setenv("TEST_EAGER", "true", 1);
    struct settings settings;
    assert_true(config_load(table, &settings, NULL));
    assert_string_equal(settings.name, "shop");
    assert_int_equal(settings.port, 65535);
    assert_true(settings.eager);
}

static void a_wrong_value_names_its_variable_and_never_a_secret(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *value;
    } cases[] = {
        {"TEST_NAME", ""},         {"TEST_NAME", "12345678901"}, {"TEST_PORT", "0"},
        {"TEST_PORT", "65536"},    {"TEST_PORT", "80x"},         {"TEST_PORT", ""},
        {"TEST_EAGER", "perhaps"}, {"TEST_KEY", "hunter2"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        clean_environment(NULL);
        setenv(cases[i].name, cases[i].value, 1);
        struct settings settings;
        struct error error;
        assert_false(config_load(table, &settings, &error));
        assert_int_equal(error.fault, FAULT_CONFIG_INVALID);
        assert_non_null(strstr(error.detail, cases[i].name));
        assert_null(strstr(error.detail, "hunter2"));
    }
}

static void what_has_no_default_must_be_set(void **unused)
{
    (void)unused;
    unsetenv("TEST_KEY");
    struct settings settings;
    struct error error;
    assert_false(config_load(table, &settings, &error));
    assert_non_null(strstr(error.detail, "TEST_KEY"));
}

static const struct config_program program = {.name = "program", .table = table};

static enum config_outcome run_with(const char *argument, struct settings *settings)
{
    char *argv[] = {"program", (char *)(uintptr_t)argument, NULL};
    return config_from_main(argument == NULL ? 1 : 2, argv, &program, settings);
}

static void the_command_line_knows_three_words(void **unused)
{
    (void)unused;
    struct settings settings;
    assert_int_equal(run_with(NULL, &settings), CONFIG_RUN);
    assert_int_equal(settings.port, 8080);
    assert_int_equal(run_with("--help", &settings), CONFIG_EXIT_OK);
    assert_int_equal(run_with("--version", &settings), CONFIG_EXIT_OK);
    assert_int_equal(run_with("--check", &settings), CONFIG_EXIT_OK);
    assert_int_equal(run_with("--colour=1", &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with("port=1", &settings), CONFIG_EXIT_FAILED);
    setenv("TEST_PORT", "0", 1);
    assert_int_equal(run_with("--check", &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with(NULL, &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with("--help", &settings), CONFIG_EXIT_OK);
}

static void each_row_but_secrets_is_an_option_which_wins(void **unused)
{
    (void)unused;
    struct settings settings;
    char *argv[] = {"program", "--port", "1", "--name=shop", NULL};
    setenv("TEST_PORT", "2", 1);
    assert_int_equal(config_from_main(4, argv, &program, &settings), CONFIG_RUN);
    assert_int_equal(settings.port, 1);
    assert_string_equal(settings.name, "shop");
    assert_int_equal(run_with("--port", &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with("--port=0", &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with("--key=hunter3-hunter3", &settings), CONFIG_EXIT_FAILED);
    assert_int_equal(run_with("--PORT=1", &settings), CONFIG_EXIT_FAILED);
    assert_string_equal(getenv("TEST_KEY"), "hunter2-hunter2");
}

static bool check_its_a_shop(const void *config, struct error *error)
{
    return strcmp(((const struct settings *)config)->name, "shop") == 0 ||
           error_set(error, FAULT_CONFIG_INVALID, "TEST_NAME: no shop");
}

static void a_program_may_have_a_rule_of_its_own(void **unused)
{
    (void)unused;
    const struct config_program choosy = {"program", table, check_its_a_shop};
    struct settings settings;
    char *right[] = {"program", "--name=shop", NULL};
    char *wrong[] = {"program", "--name=pub", "--check", NULL};
    assert_int_equal(config_from_main(2, right, &choosy, &settings), CONFIG_RUN);
    assert_int_equal(config_from_main(3, wrong, &choosy, &settings), CONFIG_EXIT_FAILED);
}

static void help_shows_every_row_and_no_secret_default(void **unused)
{
    (void)unused;
    static const struct config_entry with_secret_default[] = {
        {"TEST_TOKEN", CONFIG_SECRET, 0, "open-sesame", 0, 0, "Opens the door."},
        {0},
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    config_print_help(table, "program", out);
    config_print_help(with_secret_default, "program", out);
    assert_int_equal(fclose(out), 0);
    for (const struct config_entry *entry = table; entry->name != NULL; entry++) {
        assert_non_null(strstr(text, entry->name));
        assert_non_null(strstr(text, entry->help));
    }
    assert_non_null(strstr(text, "1 to 65535"));
    assert_non_null(strstr(text, "default 8080"));
    assert_null(strstr(text, "open-sesame"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_hold_where_nothing_is_set, clean_environment),
        cmocka_unit_test_setup(the_environment_wins, clean_environment),
        cmocka_unit_test_setup(a_wrong_value_names_its_variable_and_never_a_secret,
                               clean_environment),
        cmocka_unit_test_setup(what_has_no_default_must_be_set, clean_environment),
        cmocka_unit_test_setup(the_command_line_knows_three_words, clean_environment),
        cmocka_unit_test_setup(each_row_but_secrets_is_an_option_which_wins, clean_environment),
        cmocka_unit_test_setup(a_program_may_have_a_rule_of_its_own, clean_environment),
        cmocka_unit_test_setup(help_shows_every_row_and_no_secret_default, clean_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
