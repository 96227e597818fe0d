"""Readers group by patient, drop duplicates, and say in a sentence what is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer's environment is not installed")
pytest.importorskip("pandas", reason="the trainer's environment is not installed")

from PIL import Image

from trainer.data import about, covid_radiography, kermany, medmnist, nih, rsna
from trainer.data.digest import sha256_of_films
from trainer.data.pixels import pixels
from trainer.data.splits import grouped_split
from trainer.errors import (
    MissingColumn,
    MissingFile,
    MissingFolder,
    TooFewFilms,
    UnknownPatient,
    UnreadableFile,
    UnreadableFilm,
)


def a_film(path: Path, level: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((80, 90), level, np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(10):
        a_film(tmp_path / f"train/NORMAL/IM-{n:04d}-0001.jpeg", 40 + n)
        a_film(tmp_path / f"train/NORMAL/NORMAL2-IM-{n:04d}-0001-0002.jpeg", 60 + n)
        for cause in ("bacteria", "virus"):
            for k in range(2):
                a_film(tmp_path / f"train/PNEUMONIA/person{n}_{cause}_{n * 4 + k}.jpeg", 90 + 3 * n + k)
    return tmp_path


def test_a_patient_is_the_number_and_the_cause(folder: Path) -> None:
    films = kermany.read(folder, "train")
    patients = {film.patient for film in films}
    assert len(films) == 60
    assert {"person3_bacteria", "person3_virus", "IM-0003", "NORMAL2-IM-0003"} <= patients
    assert {film.attributes["cause"] for film in films if film.label} == {"bacteria", "virus"}


def test_no_patient_is_on_both_sides_of_the_split(folder: Path) -> None:
    train, validation = grouped_split(kermany.read(folder, "train"))
    assert not {film.patient for film in train} & {film.patient for film in validation}
    assert {film.label for film in validation} == {0, 1}
    assert grouped_split(kermany.read(folder, "train")) == (train, validation)


def test_one_film_of_each_group_of_duplicates_is_kept(folder: Path) -> None:
    names = [f"person{n}_virus_{n * 4}.jpeg" for n in (1, 2, 3)]
    (folder / "near_duplicates.csv").write_text(f"file_a,file_b\n{names[0]},{names[1]}\n{names[1]},{names[2]}\n")
    kept = {film.path.name for film in kermany.without_duplicates(kermany.read(folder, "train"), folder)}
    assert names[0] in kept
    assert not {names[1], names[2]} & kept


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(MissingFolder, match="test/NORMAL"):
        kermany.read(folder, "test")
    (folder / "near_duplicates.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MissingColumn, match="file_a"):
        kermany.without_duplicates([], folder)
    with pytest.raises(TooFewFilms, match="NORMAL needs films of at least 7 patients and has 1"):
        grouped_split(kermany.read(folder, "train")[:1])
    (folder / "near_duplicates.csv").write_text("")
    with pytest.raises(MissingColumn, match="is empty"):
        kermany.without_duplicates([], folder)
    for name in ("holiday", "IM-1"):
        a_film(folder / f"train/NORMAL/{name}.jpeg")
    with pytest.raises(UnknownPatient, match=r"2 of 62 files, such as .*IM-1\.jpeg.*person<patient>_.*films\.csv"):
        kermany.read(folder, "train")


def test_films_of_every_kind_that_is_served_are_read_and_others_counted(folder: Path) -> None:
    for name in ("IM-0100-0001.PNG", "IM-0101-0001.jpg", "IM-0102-0001.JPEG"):
        a_film(folder / "train/NORMAL" / name)
    (folder / "train/NORMAL/Thumbs.db").touch()
    (folder / "train/PNEUMONIA/person1_virus_9.tif").touch()
    assert len(kermany.read(folder, "train")) == 63
    assert [path.name for path in kermany.passed_over(folder, "train")] == ["Thumbs.db", "person1_virus_9.tif"]


def test_a_table_names_films_that_do_not_name_themselves(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "c.png", "unlisted.png"):
        a_film(tmp_path / "train" / name)
    a_film(tmp_path / "d.png")
    rows = "train/a.png,7,NORMAL,train\ntrain/b.jpg,7,PNEUMONIA,train\nd.png,8,NORMAL,test\n"
    listing = tmp_path / "films.csv"
    listing.write_text(f"file,patient,label,split\n{rows}")
    films = kermany.read(tmp_path, "train")
    assert [(film.path.name, film.patient, film.label) for film in films] == [("a.png", "7", 0), ("b.jpg", "7", 1)]
    assert [path.name for path in kermany.passed_over(tmp_path, "train")] == ["c.png", "unlisted.png"]
    with pytest.raises(TooFewFilms, match="both classes"):
        kermany.read(tmp_path, "test")
    listing.write_text(f"file,patient,label,split\n{rows}gone.png,9,PNEUMONIA,test\n")
    with pytest.raises(UnreadableFilm, match=r"lists 1 files that are not there, such as .*gone\.png"):
        kermany.read(tmp_path, "test")
    listing.write_text("file,patient,label,split\na.png,7,ill,train\n")
    with pytest.raises(UnreadableFile, match="line 2"):
        kermany.read(tmp_path, "train")


def test_what_is_said_of_films_lies_beside_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert about.about_films(folder).source == "not stated"
    monkeypatch.setitem(kermany.OFFICIAL, "train", {"NORMAL": 20, "PNEUMONIA": 40})
    assert "Kermany" in about.about_films(folder).source
    (folder / "about.json").write_text('{"source": "our hospital"}')
    assert about.about_films(folder).source == "our hospital"
    assert about.about_films(folder).licence == "not stated"
    (folder / "about.json").write_text('{"sourse": "our hospital"}')
    with pytest.raises(UnreadableFile, match="sourse"):
        about.about_films(folder)


def test_pixels_are_those_of_the_serving_path_and_stay_on_disk(folder: Path, tmp_path: Path) -> None:
    films = kermany.read(folder, "train")[:3]
    first = pixels(films, tmp_path / "cache")
    assert first.shape == (3, 1, 224, 224)
    assert isinstance(first, np.memmap)
    assert np.array_equal(first, pixels(films, tmp_path / "cache"))
    films[0].path.write_bytes(b"\xff\xd8\xff damaged")
    with pytest.raises(UnreadableFilm, match=films[0].path.name):
        pixels(films, tmp_path / "cache")


def test_the_hash_knows_content_and_label_but_not_order(folder: Path) -> None:
    films = kermany.read(folder, "train")
    before = sha256_of_films(films)
    assert before == sha256_of_films(films[::-1])
    a_film(films[0].path, 200)
    assert before != sha256_of_films(films)


def test_nih_reads_the_official_table(tmp_path: Path) -> None:
    for name in ("1_0.png", "2_0.png", "3_0.png"):
        a_film(tmp_path / "images_001/images" / name)
    head = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n"
    rows = "1_0.png,No Finding,0,1,60,M,PA\n2_0.png,Edema|Pneumonia,0,2,061Y,F,AP\n3_0.png,Mass,0,3,40,F,PA\n"
    (tmp_path / "Data_Entry_2017.csv").write_text(head + rows)
    films = nih.read(tmp_path)
    assert [(film.label, film.patient, film.attributes["view"]) for film in films] == [(0, "1", "PA"), (1, "2", "AP")]
    (tmp_path / "test_list.txt").write_text("2_0.png\n")
    assert [film.patient for film in nih.read(tmp_path, tmp_path / "test_list.txt")] == ["2"]
    (tmp_path / "metadata.csv").write_text(",".join(nih.SUBSET_COLUMNS) + "\ngone.png,Pneumonia,1,60,M,PA,\n")
    with pytest.raises(UnreadableFilm, match="gone"):
        nih.read(tmp_path)
    for name in ("metadata.csv", "Data_Entry_2017.csv"):
        (tmp_path / name).unlink()
    with pytest.raises(MissingFile, match=r"metadata\.csv"):
        nih.read(tmp_path)


def test_a_folder_in_a_files_place_is_a_missing_file(tmp_path: Path) -> None:
    (tmp_path / "m.npz").mkdir()
    with pytest.raises(MissingFile, match=r"m\.npz"):
        medmnist.read(tmp_path / "m.npz", "val")


def test_rsna_has_one_film_a_patient(tmp_path: Path) -> None:
    (tmp_path / "stage_2_train_images").mkdir()
    (tmp_path / "stage_2_train_labels.csv").write_text("patientId,x,Target\na,1,1\na,2,1\nb,,0\n")
    assert [(film.patient, film.label) for film in rsna.read(tmp_path)] == [("a", 1), ("b", 0)]


def test_covid_radiography_and_medmnist(tmp_path: Path) -> None:
    a_film(tmp_path / "covid/Normal/images/Normal-1.png")
    a_film(tmp_path / "covid/COVID/images/COVID-1.png")
    assert [film.label for film in covid_radiography.read(tmp_path / "covid")] == [0, 1]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(MissingFolder, match="Normal/images"):
        covid_radiography.read(tmp_path / "nothing")
    np.savez(tmp_path / "m.npz", val_images=np.zeros((2, 28, 28), np.uint8), val_labels=np.array([[0], [1]]))
    films, labels = medmnist.read(tmp_path / "m.npz", "val")
    assert films.shape == (2, 1, 224, 224)
    assert labels.tolist() == [0, 1]
    with pytest.raises(MissingColumn, match="train_images"):
        medmnist.read(tmp_path / "m.npz", "train")
