"""How wide a film was is found out, and taken away from its class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")

import torch
from PIL import ExifTags, Image
from pydicom.dataset import Dataset

from cxr.imaging import decode, preprocess
from trainer.audit import width_alone
from trainer.data import medmnist
from trainer.data.aspects import COPIES, log_aspects
from trainer.data.film import Film
from trainer.data.pixels import pixels
from trainer.data.twins import log_aspects_by_twins
from trainer.framing import Framing, completed, reframed, to_other_class
from trainer.kermany_set import FilmSet
from trainer.metrics import auc
from trainer.refusals import StepRefused
from trainer.shift import shifted

SIZE = 224
NAN = float("nan")


def discs(aspects: np.ndarray) -> torch.Tensor:
    """[N,1,224,224]: a white disc in the middle of a grey film that was so wide before it was made square."""
    place = torch.linspace(-1, 1, SIZE)
    wide = torch.from_numpy(aspects).float().exp().sqrt()[:, None, None]
    return (((place * wide) ** 2 + (place[:, None] / wide) ** 2) < 0.16).float()[:, None] * 0.5 + 0.5


def shapes(films: torch.Tensor) -> np.ndarray:
    """[N] log of height over width of what is white: what a network can see of a film's width."""
    white = films[:, 0] > 0.75
    return (white.any(2).sum(1) / white.any(1).sum(1)).log().numpy()


def test_a_film_cut_narrower_shows_its_middle_wider() -> None:
    (cut, squeezed) = reframed(discs(np.zeros(2)), torch.full((2,), 0.5), torch.tensor([1.0, 0.0]))
    np.testing.assert_allclose(shapes(torch.stack([cut, squeezed])), -0.5, atol=0.05)
    assert cut.min() > 0.4  # nothing beyond the edges is shown
    assert squeezed[0, 0].max() < 0.1  # above the film there is nothing
    assert reframed(discs(np.zeros(1)), torch.full((1,), -0.5), torch.ones(1)).min() > 0.4


def test_a_film_of_the_same_width_stays_as_it_is() -> None:
    films = discs(np.array([0.0, 0.4]))
    torch.testing.assert_close(reframed(films, torch.zeros(2), torch.tensor([0.0, 1.0])), films, atol=1e-3, rtol=0)


def test_framed_films_do_not_tell_their_class_by_their_width() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 150)
    aspects = np.where(labels == 0, 0.1, 0.5).astype(np.float32) + random.normal(0, 0.05, 300).astype(np.float32)
    films = discs(aspects)
    framed = Framing(aspects, labels)(films, np.arange(300), torch.Generator().manual_seed(0))
    assert auc(labels, shapes(films)) > 0.99
    assert abs(auc(labels, shapes(framed)) - 0.5) < 0.1


def test_framing_is_refused_where_no_width_is_known() -> None:
    for unknown in (None, np.full(2, NAN, np.float32)):
        with pytest.raises(StepRefused, match=r"medmnist/pneumoniamnist\.npz"):
            Framing(unknown, np.array([0, 1]))


def test_unknown_widths_are_drawn_from_the_films_class() -> None:
    labels = np.array([0, 0, 1, 1, 1])
    filled = completed(np.array([0.1, NAN, 0.5, NAN, 0.6], np.float32), labels)
    assert filled[1] == np.float32(0.1)
    assert filled[3] in np.float32([0.5, 0.6])
    np.testing.assert_array_equal(
        completed(np.array([0.1, NAN, NAN], np.float32), np.array([0, 1, 1])), np.float32(0.1)
    )
    assert not completed(np.full(3, NAN, np.float32), np.array([0, 1, 1])).any()


def test_each_film_is_cut_to_a_width_of_the_other_class() -> None:
    labels, aspects = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.5], np.float32)
    wanted = aspects - to_other_class(aspects, labels)
    np.testing.assert_allclose(wanted[:2], 0.5)
    assert np.round(wanted[2], 4) in (0.1, 0.2)


def test_the_reframed_shift_leaves_films_of_unknown_width_alone() -> None:
    films = (discs(np.array([0.1, 0.5])) * 255).byte().numpy()
    labels = np.array([0, 1])
    known = shifted(films, labels, "reframed", aspects=np.array([0.1, 0.5], np.float32))
    assert shapes(torch.from_numpy(known).float() / 255)[0] == pytest.approx(0.5, abs=0.05)
    assert np.abs(shifted(films, labels, "reframed").astype(int) - films).max() <= 1


def an_original(random: np.random.Generator, width: int, height: int) -> Image.Image:
    """Soft clouds."""
    coarse = Image.fromarray(random.integers(0, 256, (9, 9), np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


def middle(original: Image.Image) -> np.ndarray:
    """As MedMNIST cut and shrank it."""
    side, (width, height) = min(original.size), original.size
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(original.crop((left, top, left + side, top + side)).resize((28, 28), Image.Resampling.BOX))


SIZES = [(500, 400), (700, 400), (400, 400), (400, 480)]


def test_a_copy_tells_how_wide_a_square_film_was() -> None:
    random = np.random.default_rng(0)
    originals = [an_original(random, *size) for size in SIZES]
    films = np.stack([np.asarray(original.resize((SIZE, SIZE))) for original in originals])[:, None]
    copies = np.stack([middle(original) for original in [originals[2], originals[0], originals[3], originals[1]]])
    found = log_aspects_by_twins(films, copies)
    np.testing.assert_allclose(found, [np.log(width / height) for width, height in SIZES], atol=0.02)
    assert np.isnan(log_aspects_by_twins(films[:1], copies[2:])).all()


def test_real_films_are_found_among_their_copies(data: Path, originals: list[Path]) -> None:
    copies = np.concatenate([medmnist.small(data / COPIES, split)[0] for split in ("train", "val")])
    found = log_aspects_by_twins(np.stack([preprocess(path.read_bytes()) for path in originals]), copies)
    sizes = [decode(path.read_bytes()).size for path in originals]
    wrong = np.abs(found - np.log([width / height for width, height in sizes]))
    assert np.nanmax(wrong) < 0.02
    assert np.isfinite(wrong).mean() > 0.5  # of some films the copies are not there


def test_a_file_says_how_wide_it_is_unless_it_is_a_square_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    wide, copied = an_original(random, 500, 400), an_original(random, 700, 400)
    wide.save(tmp_path / "wide.png")
    copied.resize((SIZE, SIZE)).save(tmp_path / "copied.PNG")
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    wide.save(tmp_path / "turned.jpg", exif=turned)
    dicom = Dataset()
    dicom.Rows, dicom.Columns = 300, 450
    dicom.save_as(tmp_path / "film.dcm", implicit_vr=False, little_endian=True)
    films = [Film(tmp_path / name, 0, name, "made") for name in ("wide.png", "copied.PNG", "film.dcm", "turned.jpg")]
    seen = np.concatenate([pixels(films[:2], tmp_path / "cache"), np.zeros((2, 1, SIZE, SIZE), np.uint8)])
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    np.testing.assert_allclose(
        log_aspects(films, seen, tmp_path / "cache"), np.log([500 / 400, NAN, 450 / 300, 400 / 500]), atol=1e-6
    )
    (tmp_path / "medmnist").mkdir()
    splits = {f"{split}_{what}": value for split in ("train", "val") for what, value in two(copied).items()}
    np.savez(tmp_path / "medmnist/pneumoniamnist.npz", **splits)
    np.testing.assert_allclose(log_aspects(films, seen, tmp_path / "cache")[1], np.log(700 / 400), atol=0.02)


def two(original: Image.Image) -> dict[str, np.ndarray]:
    return {"images": middle(original)[None], "labels": np.zeros((1, 1), np.uint8)}


def test_the_audit_says_what_width_alone_tells() -> None:
    films = [Film(Path(f"{n}.png"), int(n > 1), f"p{n}", "made") for n in range(5)]
    seen, aspects = np.zeros((5, 1, SIZE, SIZE), np.uint8), np.array([0.1, 0.3, 0.2, 0.4, NAN], np.float32)
    assert width_alone(FilmSet(films, seen, aspects)) == {"auc": 0.75, "known": 0.8}
    assert width_alone(FilmSet(films, seen)) is None
    assert width_alone(FilmSet(films[:2], seen[:2], aspects[:2])) is None
