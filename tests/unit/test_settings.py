"""A process with a wrong environment does not start, and says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cxr.errors import SettingsRefused
from cxr.settings import READ_ELSEWHERE, Settings, read_settings
from deploy.local.settings import ROOT, LocalSettings


def test_a_misspelt_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_REDIS_ULR", "redis://elsewhere:6379/0")
    with pytest.raises(SettingsRefused, match="CXR_REDIS_ULR is unknown"):
        read_settings()


def test_a_required_variable_that_is_missing_or_empty_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_REQUIRED", "CXR_REDIS_URL,CXR_TRITON_URL, CXR_BLOBS_DIR")
    monkeypatch.setenv("CXR_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("CXR_TRITON_URL", "")
    with pytest.raises(SettingsRefused) as refusal:
        read_settings()
    assert "CXR_TRITON_URL is missing; CXR_BLOBS_DIR is missing" in str(refusal.value)
    assert "CXR_REDIS_URL" not in str(refusal.value)


def test_a_secret_is_a_file_and_a_variable_goes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "CXR_REDIS_URL").write_text("redis://of-the-file:6379/0\n")
    (tmp_path / "redis.acl").write_text("not ours")
    monkeypatch.setenv("CXR_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("CXR_REQUIRED", "CXR_REDIS_URL")
    assert read_settings().redis_url == "redis://of-the-file:6379/0"
    monkeypatch.setenv("CXR_REDIS_URL", "redis://of-the-variable:6379/0")
    assert read_settings().redis_url == "redis://of-the-variable:6379/0"


def test_a_misspelt_secret_or_a_folder_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "CXR_REDIS_ULR").write_text("redis://elsewhere:6379/0")
    monkeypatch.setenv("CXR_SECRETS_DIR", str(tmp_path))
    with pytest.raises(SettingsRefused, match="CXR_REDIS_ULR is unknown"):
        read_settings()
    monkeypatch.setenv("CXR_SECRETS_DIR", str(tmp_path / "none"))
    with pytest.raises(SettingsRefused, match="CXR_SECRETS_DIR: No such file or directory"):
        read_settings()


def test_a_value_out_of_bounds_is_refused_together_with_the_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_CHUNK_SIZE", "65")
    monkeypatch.setenv("CXR_CHUNKSIZE", "64")
    with pytest.raises(SettingsRefused, match=r"CXR_CHUNKSIZE is unknown; CXR_CHUNK_SIZE: .*less than or equal to 64"):
        read_settings()


def test_what_the_local_stack_hands_its_processes_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LocalSettings().process_environment().items():
        monkeypatch.setenv(name, value)
    assert read_settings().redis_url == "redis://127.0.0.1:6390/0"
    of_the_stack = {f"CXR_{name.upper()}" for name in LocalSettings.model_fields}
    of_the_processes = {f"CXR_{name.upper()}" for name in Settings.model_fields}
    assert of_the_stack - of_the_processes <= READ_ELSEWHERE


@pytest.mark.parametrize("words", [("worker", "run"), ("worker", "jobs"), ("gateway", "serve")])
def test_the_process_ends_at_once_with_one_line(words: tuple[str, ...]) -> None:
    environment = {"PATH": "/usr/bin:/bin", "CXR_NO_SUCH_THING": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "settings_refused" in said
    assert "CXR_NO_SUCH_THING is unknown" in said
    assert "Traceback" not in said
