"""Where things are: the source tree, the build under test, the broker's jars."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def build_folder():
    """The build whose binaries are tested: $SIJANG_BUILD, else the release build."""
    return ROOT / os.environ.get("SIJANG_BUILD", "build/release")


FOLDERS = {
    "sijangctl": "ctl",
    "exchange-command-svc": "tests/contexts",
    "exchange-sijangctl": "tests/contexts",
    "command-svc-revised": "tests/command-svc",
    "projector-revised": "tests/projector",
}


def binary(name):
    folder = FOLDERS.get(name, name)
    path = build_folder() / folder / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is not built: cmake --build {build_folder()}")
    return path


def kafka_jars():
    """The folder of the broker's jars; fetched when they are not there yet."""
    given = os.environ.get("SIJANG_KAFKA_LIBS")
    if given:
        return Path(given)
    subprocess.run([ROOT / "scripts" / "fetch_kafka.sh"], check=True, stdin=subprocess.DEVNULL)
    return ROOT / "var" / "kafka" / "libs"
