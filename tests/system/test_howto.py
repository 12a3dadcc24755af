"""docs/HOWTO-add-a-context.md is true: its diff is one new file and one line, and works."""

import re
import shutil
import subprocess

import pytest

from support.market import Market, make_folder
from support.paths import ROOT


@pytest.fixture(scope="module")
def changed():
    """A copy of the tree with the page's diff applied, and command-svc built from it."""
    folder = make_folder() / "sijang"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns("build", "var", ".git"))
    page = (ROOT / "docs/HOWTO-add-a-context.md").read_text()
    diff = re.search(r"^```diff\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    for command in (["git", "apply", "--verbose", "-"], ["cmake", "--preset", "dev"],
                    ["cmake", "--build", "--preset", "dev", "--target", "command-svc"]):
        done = subprocess.run(command, cwd=folder, input=diff, text=True, capture_output=True,
                              timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
    yield folder, diff
    shutil.rmtree(folder.parent, ignore_errors=True)


@pytest.mark.timeout(900)
def test_a_command_is_one_new_file_and_one_line(changed):
    folder, diff = changed
    assert re.findall(r"^\+\+\+ b/(.*)$", diff, re.MULTILINE) == [
        "command-svc/catalog/catalog_commands.c", "command-svc/catalog/count_stock.c"]
    listed = diff[:diff.index("diff --git a/command-svc/catalog/count_stock.c")]
    added = [line for line in listed.splitlines() if re.match(r"\+(?!\+\+)", line)]
    assert [line.strip("+ \\") for line in added] == ["X(delist_product)", "X(count_stock)"]
    with Market() as market:
        market.command.stop()
        market.command.command[0] = str(folder / "build/dev/command-svc/command-svc")
        market.command.start()
        seller = market.client("anna", "seller")
        latte = seller.post("/v1/products", {"title": "Latte", "price": 1, "stock": 5})
        counted = seller.put(latte.headers["Location"] + "/stock", {"counted": 3})
        assert (counted.status_code, counted.json()["version"]) == (200, 3)
        read = market.client().get(latte.headers["Location"], after=counted)
        assert read.json()["on_hand"] == 3
