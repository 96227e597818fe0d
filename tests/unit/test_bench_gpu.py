"""The GPU bench, where no GPU is: its reckoning, its section, and what becomes of a part that fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.gpu.orders import Orders, padded
from bench.gpu.page import fastest, paragraphs, section
from bench.gpu.part import run_part
from bench.gpu.roof import floor
from bench.gpu.server import config, write_repository

COUNTS = {
    "flop_per_film": 1e9,
    "least_bytes_per_film": 5e4,
    "layer_bytes_per_film": 2e7,
    "weight_bytes": 1e7,
    "flop_per_s": 8e14,
    "bytes_per_s": 4e12,
    "product_side": 8192,
}


def kept(**parts: dict[str, Any]) -> dict[str, Any]:
    ms = {"fp32": {"64": [8.0, 8.2, 8.1]}, "fp16, CUDA graphs": {"64": [1.0, 1.1, 1.05]}}
    measured = {"ms": ms, "with_copies_ms": {"64": [1.5]}, "missed": [512]}
    return {
        "command": "python -m bench.gpu --model served.pt",
        "at": "2026-01-02T03:04:05+00:00",
        "orders": {"quick": False, "device": "cuda"},
        "parts": {"machine": {"gpu": "NVIDIA X", "driver": "580", "torch": "2", "host": "CPU"}, "in_process": measured}
        | parts,
    }


def test_the_floor_is_the_larger_of_arithmetic_and_traffic() -> None:
    whole, layers = (floor(64, COUNTS, key) for key in ("least_bytes_per_film", "layer_bytes_per_film"))
    assert whole.ms == whole.arithmetic_ms == pytest.approx(0.08)
    assert layers.ms == layers.traffic_ms == pytest.approx(1000 * (64 * 2e7 + 1e7) / 4e12)


def test_films_are_padded_to_the_next_batch() -> None:
    assert [padded(count, (1, 8, 64)) for count in (1, 2, 8, 9)] == [1, 8, 8, 64]


def test_the_section_names_machine_command_and_what_was_found() -> None:
    point = {"size": 64, "in_flight": 1, "per_s": 3e4, "p50_ms": 4.0, "p99_ms": 5.0, "batch": 64.0}
    triton = {
        "version": "2.51.0",
        "points": [point],
        "clients": 12,
        "instances": 2,
        "compiled": False,
        "largest": 0.001,
    }
    agreement = {"films": 9, "kind": "films", "largest": 0.001, "mean": 0.0001, "ood_largest": 0.01}
    agreement |= {"threshold": 0.5, "flipped": 0, "positive": 4}
    decoding = {"one_per_s": 100.0, "all_per_s": 1000.0, "cores": 10, "films": 2, "bytes": 600_000}
    text = section(kept(triton=triton, roofline=COUNTS, agreement=agreement, decoding=decoding))
    assert "python -m bench.gpu --model served.pt" in text
    assert "NVIDIA X, driver 580, torch 2, Triton 2.51.0" in text
    assert "| 64 | 1.50 | 4.00 | 2.50 |" in text
    assert "610 such cores" in text  # 64 films in 1.05 ms, 100 a second and core
    assert "31 %" in text  # 64 layers' traffic takes 0.32 ms


def test_without_triton_the_rest_is_shown_and_what_is_missing_is_said() -> None:
    shown = "\n".join(paragraphs(kept(triton={"error": "a traceback\nModuleNotFoundError: pytriton"})))
    assert "60,952" in shown
    assert "Not measured to its end, triton: ModuleNotFoundError: pytriton" in shown
    assert "No time was left, in in_process, for 512." in shown


def test_nothing_measured_has_no_fastest() -> None:
    assert fastest({}) is None


def test_a_part_that_fails_leaves_its_error_and_one_that_hangs_is_stopped(tmp_path: Path) -> None:
    orders = Orders(model=str(tmp_path / "absent.pt"), device="cpu")
    assert "no_such_part" in run_part("no_such_part", orders, 60)["error"]
    assert run_part("decoding", orders, 0.01)["error"] == "stopped after 0 s"


def test_the_repository_is_one_triton_reads(tmp_path: Path) -> None:
    orders = Orders(model="served.pt", instances=3)
    folder = write_repository(orders, tmp_path / "repository")
    assert (folder / "films" / "1" / "model.py").is_file()
    assert "instance_group { count: 3 kind: KIND_CPU }" in config(orders)
    assert f'string_value: "{Path("served.pt").absolute()}"' in config(orders)
