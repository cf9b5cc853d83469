"""Content Credentials of a written file validate with the reference reader, and keep those of the source."""

from __future__ import annotations

import datetime
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests import media
from videdit.errors import MissingError, OutputError, UsageError
from videdit.video.credentials import COMPOSITE, FORMATS, check_format, load_signer, sign

SAID = "AI-edited with videdit 0.1.0: smile +1"
needs_c2pa = pytest.mark.skipif(importlib.util.find_spec("c2pa") is None, reason="c2pa-python is not installed: pip install .[c2pa]")


def make_chain(folder: Path, kind: str = "P-256") -> tuple[Path, Path, Path]:
    """A chain of two certificates, its private key, and the root alone, in PEM; made on the spot."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    make: dict[str, Any] = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
    }
    keys = make["P-256"](), make[kind]()
    names = [x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests"), x509.NameAttribute(NameOID.COMMON_NAME, n)]) for n in "ab"]
    now, pems = datetime.datetime.now(datetime.UTC), []
    for number, root in ((1, False), (0, True)):
        public, above = keys[number].public_key(), keys[0].public_key()
        usage = x509.KeyUsage(not root, False, False, False, False, root, root, False, False)
        builder = x509.CertificateBuilder(names[0], names[number], public, x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
        builder = builder.add_extension(x509.BasicConstraints(root, None), True).add_extension(usage, True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above), False)
        if not root:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        pems.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(Encoding.PEM))
    chain, key, root_file = folder / "chain.pem", folder / "key.pem", folder / "root.pem"
    chain.write_bytes(b"".join(pems))
    root_file.write_bytes(pems[1])
    key.write_bytes(keys[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key, root_file


def read(path: Path, root: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The reader's verdict with the root as a trusted one, the manifest that counts, and all manifests."""
    import c2pa

    context = c2pa.Context.from_dict({"trust": {"trust_anchors": root.read_text()}, "verify": {"verify_trust": True}})
    with path.open("rb") as opened:
        reader = c2pa.Reader(FORMATS[path.suffix], opened, context=context)
        return reader.get_validation_state(), reader.get_active_manifest(), json.loads(reader.json())["manifests"]


def actions(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return next(a["data"]["actions"] for a in manifest["assertions"] if a["label"].startswith("c2pa.actions"))


@pytest.fixture
def chain(tmp_path: Path) -> tuple[Path, Path, Path]:
    return make_chain(tmp_path)


@needs_c2pa
def test_a_signed_clip_validates_and_the_sources_manifest_stays(tmp_path: Path, chain: tuple[Path, Path, Path]) -> None:
    source, first, second = (media.make_clip(tmp_path / f"{name}.mp4", times=range(3), audio=1) for name in ("in", "first", "second"))
    signer = load_signer(*chain[:2])
    sign(source, first, signer, SAID, "0.1.0")
    state, manifest, manifests = read(first, chain[2])
    assert (state, len(manifests)) == ("Trusted", 1)
    opened, edited = actions(manifest)
    assert (opened["action"], edited["action"], edited["digitalSourceType"]) == ("c2pa.opened", "c2pa.edited", COMPOSITE)
    assert edited["parameters"]["description"] == SAID
    assert [i["title"] for i in manifest["ingredients"]] == ["in.mp4"]
    assert "thumbnail" not in json.dumps(manifest)

    before = manifest["label"]
    sign(first, second, signer, SAID, "0.1.0")
    state, manifest, manifests = read(second, chain[2])
    assert state == "Trusted"
    assert manifest["ingredients"][0]["active_manifest"] == before
    assert before in manifests
    assert not list(tmp_path.glob("*.part"))


@needs_c2pa
def test_a_changed_file_is_found_out(tmp_path: Path, chain: tuple[Path, Path, Path]) -> None:
    clip = media.make_clip(tmp_path / "in.mp4", times=range(12))
    sign(clip, clip, load_signer(*chain[:2]), SAID, "0.1.0")
    data = bytearray(clip.read_bytes())
    data[data.index(b"mdat") + 40] ^= 0xFF
    clip.write_bytes(bytes(data))
    assert read(clip, chain[2])[0] == "Invalid"


@needs_c2pa
@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_every_format(tmp_path: Path, chain: tuple[Path, Path, Path], suffix: str) -> None:
    target = tmp_path / f"out{suffix}"
    if FORMATS[suffix].startswith("video"):
        source = media.make_clip(tmp_path / "in.mkv", times=range(3))
        media.make_clip(target, times=range(3), encoder="mpeg4" if suffix == ".avi" else "libx264")
    elif suffix == ".gif":
        source, _ = media.make_gif(tmp_path / "in.gif"), media.make_gif(target)
    else:
        source = tmp_path / "in.png"
        for path in (source, target):
            Image.fromarray(media.picture(0, (32, 24))).save(path)
    sign(source, target, load_signer(*chain[:2]), SAID, "0.1.0")
    state, manifest, _ = read(target, chain[2])
    assert state == "Trusted"
    assert [action["action"] for action in actions(manifest)] == [
        "c2pa.created" if source.suffix == ".mkv" else "c2pa.opened",
        "c2pa.edited",
    ]


@needs_c2pa
@pytest.mark.parametrize("kind", ["P-384", "Ed25519", "RSA"])
def test_other_keys(tmp_path: Path, kind: str) -> None:
    chain, key, root = make_chain(tmp_path, kind)
    clip = media.make_clip(tmp_path / "in.mp4", times=range(3))
    sign(clip, clip, load_signer(chain, key), "", "0.1.0")
    state, manifest, _ = read(clip, root)
    assert state == "Trusted"
    assert [action["action"] for action in actions(manifest)] == ["c2pa.opened", "c2pa.transcoded"]


@needs_c2pa
def test_what_can_not_sign(tmp_path: Path, chain: tuple[Path, Path, Path]) -> None:
    with pytest.raises(UsageError, match=r"no\.pem can't be read"):
        load_signer(chain[0], tmp_path / "no.pem")
    with pytest.raises(UsageError, match="holds no private key"):
        load_signer(chain[0], chain[2])
    with pytest.raises(UsageError, match="holds no certificate"):
        load_signer(chain[1], chain[1])
    with pytest.raises(UsageError, match="is not the key of"):
        load_signer(chain[2], chain[1])
    clip = media.make_clip(tmp_path / "in.mp4", times=range(3))
    (broken := tmp_path / "out.mp4").write_bytes(b"no clip at all")
    with pytest.raises(OutputError, match="is written, but not signed"):
        sign(clip, broken, load_signer(*chain[:2]), SAID, "0.1.0")
    assert broken.read_bytes() == b"no clip at all"
    assert not list(tmp_path.glob("*.part"))


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingError, match="c2pa-python"):
        load_signer(tmp_path / "a", tmp_path / "b")


def test_formats_that_hold_none() -> None:
    check_format(Path("a.MP4"))
    for name in ("a.mkv", "a.webm", "a.bmp"):
        with pytest.raises(UsageError, match="can't hold Content Credentials"):
            check_format(Path(name))
