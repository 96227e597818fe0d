"""What browsers send lies in a folder of one process, and leaves with it."""

import stat
import subprocess
import sys
from pathlib import Path

from gateway.page_folder import page_folder

HOLD = """
import sys
from pathlib import Path
from gateway.page_folder import page_folder
with page_folder(Path(sys.argv[1])) as folder:
    (folder / "film.jpeg").write_bytes(b"a patient's")
    print(folder, flush=True)
    sys.stdin.read()
"""


def held(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    """Another process with a folder of its own under ``parent``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_nobody_else_may_look_into_it(tmp_path: Path) -> None:
    with page_folder(tmp_path) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IRWXU


def test_it_leaves_with_what_is_in_it(tmp_path: Path) -> None:
    with page_folder(tmp_path) as folder:
        (folder / "film.jpeg").write_bytes(b"a patient's")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    process, folder = held(tmp_path)
    process.kill()
    process.communicate()
    assert (folder / "film.jpeg").exists()
    with page_folder(tmp_path):
        assert not folder.exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    process, folder = held(tmp_path)
    with page_folder(tmp_path):
        assert (folder / "film.jpeg").exists()
    process.communicate()
    assert not folder.exists()
