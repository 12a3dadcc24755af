/* sijangctl views rebuild | pause | resume | swap | rollback | drop: one function of the database
 * each (migrations/0005_rebuild.sql and later ones); the projector works off what they note. */
#include "ctl/views_rebuild.h"

REBUILD_FUNCTION(begin, "views_rebuild", "SELECT projector.rebuild_order($1) AS done");
REBUILD_FUNCTION(pause, "views_pause", "SELECT projector.rebuild_pause($1, true) AS done");
REBUILD_FUNCTION(resume, "views_resume", "SELECT projector.rebuild_pause($1, false) AS done");
REBUILD_FUNCTION(swap, "views_swap", "SELECT projector.rebuild_swap($1, false, 30000) AS done");
REBUILD_FUNCTION(roll_back, "views_rollback",
                 "SELECT projector.rebuild_swap($1, true, 30000) AS done");
REBUILD_FUNCTION(drop, "views_drop", "SELECT projector.rebuild_drop($1) AS done");

static enum command_exit run_begin(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &begin, "is being rebuilt; see sijangctl views progress", error);
}

static enum command_exit run_pause(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &pause, "the rebuild is paused", error);
}

static enum command_exit run_resume(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &resume, "the rebuild goes on", error);
}

static enum command_exit run_swap(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &swap, "the new rows are live; views rollback is the way back",
                       error);
}

static enum command_exit run_roll_back(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &roll_back, "the rows from before the swap are live", error);
}

static enum command_exit run_drop(int argc, char **argv, struct error *error)
{
    return rebuild_run(argc, argv, &drop, "the rows that are not live are gone", error);
}

const struct command views_rebuild = {
    .words = {"views", "rebuild"},
    .arguments = REBUILD_ARGUMENTS,
    .help =
        "  Begins to rebuild VIEW from the log, in tables of their own beside the live ones: its\n"
        "  newest revision, or, where that is live, a copy.\n"
        "  The projector does the work: replay, index, then follow the log. Nobody who reads\n"
        "  notices until `views swap`. It survives restarts.\n"
        "\n"
        "  Example: sijangctl views rebuild product_list\n",
    .settings = rebuild_settings,
    .run = run_begin,
};

const struct command views_pause = {
    .words = {"views", "pause"},
    .arguments = REBUILD_ARGUMENTS,
    .help = "  Pauses the replay of a rebuild; restarts do not end the pause. Audited.\n"
            "\n"
            "  Example: sijangctl views pause product_list --as ops-1 --reason 'sale at noon'\n",
    .settings = rebuild_settings,
    .run = run_pause,
};

const struct command views_resume = {
    .words = {"views", "resume"},
    .arguments = REBUILD_ARGUMENTS,
    .help = "  Lets a paused rebuild go on. Audited.\n"
            "\n"
            "  Example: sijangctl views resume product_list\n",
    .settings = rebuild_settings,
    .run = run_resume,
};

const struct command views_swap = {
    .words = {"views", "swap"},
    .arguments = REBUILD_ARGUMENTS,
    .help = "  Makes the rebuilt rows the live ones, in one transaction: the live view is held\n"
            "  still, at most half a second, until the new one is not behind it in any partition.\n"
            "  What was live follows the log on. Verify first.\n"
            "\n"
            "  Example: sijangctl views verify product_list && sijangctl views swap product_list\n",
    .settings = rebuild_settings,
    .run = run_swap,
};

const struct command views_rollback = {
    .words = {"views", "rollback"},
    .arguments = REBUILD_ARGUMENTS,
    .help = "  Undoes a swap, as it was done: in one transaction, and nothing older is read.\n"
            "  Also where events are parked that the other rows have.\n"
            "\n"
            "  Example: sijangctl views rollback product_list\n",
    .settings = rebuild_settings,
    .run = run_roll_back,
};

const struct command views_drop = {
    .words = {"views", "drop"},
    .arguments = REBUILD_ARGUMENTS,
    .help =
        "  Ends a rebuild and drops the rows that are not live: the unfinished ones, or, after\n"
        "  a swap, the old ones. An older revision is gone for good; audited.\n"
        "\n"
        "  Example: sijangctl views drop product_list\n",
    .settings = rebuild_settings,
    .run = run_drop,
};
