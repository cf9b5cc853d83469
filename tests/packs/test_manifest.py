"""pack.toml: reading, names of attributes, finding packs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tinypack import make_tiny_pack
from videdit.errors import MissingError, PackError, UsageError
from videdit.packs.celeba import CELEBA, FACE_ATTRIBUTES
from videdit.packs.manifest import find_pack, find_packs, read_manifest
from videdit.packs.save import to_toml


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_pack(tmp_path_factory.mktemp("packs"))


def test_reads_what_was_written(pack: Path) -> None:
    manifest = read_manifest(pack)
    assert (manifest.name, manifest.size, manifest.num_layers) == ("tiny", 32, 8)
    assert set(manifest.networks) == {"generator", "encoder", "classifier"}
    assert manifest.networks["generator"].config["channels"] == [16, 16, 8, 8]
    assert manifest.order == CELEBA
    assert manifest.attributes["age"].sign == -1
    assert manifest.id.startswith("tiny-")


@pytest.mark.parametrize(
    ("name", "found", "factor"),
    [
        ("smile", "smile", 1),
        ("Smiling", "smile", 1),
        ("gender", "male", 1),
        ("Mouth_Slightly_Open", "mouth-open", 1),
        ("young", "age", -1),
        ("no-beard", "beard", -1),
        ("older", "age", 1),
    ],
)
def test_an_attribute_goes_by_several_names(pack: Path, name: str, found: str, factor: int) -> None:
    attribute, sign = read_manifest(pack).resolve(name)
    assert (attribute.name, sign) == (found, factor)


def test_an_unknown_attribute_suggests_the_nearest(pack: Path) -> None:
    with pytest.raises(UsageError) as error:
        read_manifest(pack).resolve("smiel")
    assert "--smile" in error.value.hint


def test_anything_with_an_axis_can_be_locked(pack: Path) -> None:
    manifest = read_manifest(pack)
    assert manifest.source_of("age") == "Young"
    assert manifest.source_of("gray-hair") == "Gray_Hair"
    with pytest.raises(UsageError):
        manifest.source_of("tail")


def test_every_flag_names_an_attribute_of_celeba_once() -> None:
    sources = [entry["source"] for entry in FACE_ATTRIBUTES.values()]
    assert len(CELEBA) == 40
    assert set(sources) <= set(CELEBA)
    assert len(set(sources)) == len(sources)
    names = [n for name, entry in FACE_ATTRIBUTES.items() for n in (name, *entry["aliases"])]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[pack]", "[sack]"), "pack"),
        (("size = 32", "size = 'big'"), "laid out"),
        (("size = 32", "size = "), "valid TOML"),
        (("generator.safetensors", "generator.pt"), "pickles"),
        (("generator.safetensors", "../generator.safetensors"), "outside"),
        (("sign = -1", "sign = 2"), "sign"),
    ],
)
def test_a_wrong_manifest_is_refused(pack: Path, tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = (pack / "pack.toml").read_text()
    assert change[0] in text
    (tmp_path / "pack.toml").write_text(text.replace(*change))
    with pytest.raises(PackError, match=message):
        read_manifest(tmp_path)


def test_packs_are_found_by_name_and_by_path(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEDIT_PACKS", str(pack.parent))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert find_packs()["tiny"] == pack
    assert find_pack("tiny") == pack
    assert find_pack(pack) == pack
    with pytest.raises(MissingError) as error:
        find_pack("huge")
    assert "tiny" in error.value.hint


def test_toml_is_written_as_it_is_read() -> None:
    import tomllib

    tables = {"a": {"x": 1, "y": [1.5, 2], "t": 'quo"te ü', "flag": True, "b": {"z": ["p", "q"], "empty": {}}}, "5 o'clock": {"k": -1}}
    assert tomllib.loads(to_toml(tables)) == tables


def test_reading_a_manifest_needs_no_torch(pack: Path) -> None:
    wanted = "{'torch','numpy','cv2'} & set(sys.modules)"
    code = f"import sys; from videdit.packs import read_manifest; read_manifest({str(pack)!r}); print({wanted})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
