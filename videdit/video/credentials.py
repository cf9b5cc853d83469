"""Content Credentials (C2PA): a signed statement inside the written file of what was done to which source; needs the extra [c2pa]."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from videdit.errors import MissingError, OutputError, UsageError
from videdit.video.formats import is_sequence

# Formats that hold a manifest, by suffix.
FORMATS = {
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".avi": "video/avi",
    ".gif": "image/gif",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
# IPTC's word for pictures of a camera in which a trained model changed something.
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
CURVES = {256: "es256", 384: "es384", 521: "es512"}


def check_format(target: Path) -> None:
    """Raises UsageError where a file of this name can't hold a manifest."""
    if target.suffix.lower() not in FORMATS or is_sequence(target):
        raise UsageError(f"{target.name} can't hold Content Credentials", hint=f"These can: {' '.join(FORMATS)}.")


def load_signer(certificate: Path, key: Path) -> Any:
    """A c2pa.Signer of a certificate chain and its private key, both PEM, the signer's own certificate first.

    No time stamp is asked for: nothing here uses the network. Raises MissingError without the extra, UsageError for files that don't do.
    """
    c2pa = _library()
    chain, secret = (_read(path) for path in (certificate, key))
    try:
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(_algorithm(chain, secret, certificate, key), chain, secret, None))
    except (c2pa.C2paError, ValueError) as error:
        reason = _reason(error)
        raise UsageError(f"{certificate} and {key} can't sign: {reason}", hint="--c2pa takes a chain and its key, in PEM.") from None


def sign(source: Path, target: Path, signer: Any, statement: str, version: str) -> None:
    """Put a manifest into `target`, in place: it was opened from `source`, whose own manifest, where it has one, is kept as that of an
    ingredient, and edited as `statement` says; where that is empty, only written anew. No thumbnails are put in.

    Raises OutputError; the target is then as it was, unsigned.
    """
    c2pa, part = _library(), target.with_name(target.name + ".part")
    software = {"name": "videdit", "version": version}
    action: dict[str, Any] = {"action": "c2pa.transcoded", "softwareAgent": software}
    if statement:
        action = {
            "action": "c2pa.edited",
            "digitalSourceType": COMPOSITE,
            "softwareAgent": software,
            "parameters": {"description": statement},
        }
    try:
        context = c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}})
        with c2pa.Builder.from_json({"claim_generator_info": [software], "title": target.name, "assertions": []}, context) as builder:
            _add_source(c2pa, builder, source)
            builder.add_action(action)
            kind = FORMATS[target.suffix.lower()]
            with target.open("rb") as plain, part.open("w+b") as signed:
                builder.sign(signer, kind, plain, signed)
        os.replace(part, target)
    except (c2pa.C2paError, OSError) as error:
        raise OutputError(f"{target} is written, but not signed: {_reason(error)}") from None
    finally:
        part.unlink(missing_ok=True)


def _add_source(c2pa: Any, builder: Any, source: Path) -> None:
    """The source as the parent; a format that holds no manifest can't be one, and the file then counts as made here."""
    kind = FORMATS.get(source.suffix.lower())
    if kind is None:
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA)
        return
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    with source.open("rb") as opened:
        builder.add_ingredient({"title": source.name, "relationship": "parentOf"}, kind, opened)


def _library() -> Any:
    try:
        import c2pa
    except ImportError:
        hint = "pip install -c constraints.txt 'videdit[c2pa]', or c2pa-python by itself."
        raise MissingError("signing needs c2pa-python, which is not installed", hint=hint) from None
    return c2pa


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {(error.strerror or str(error)).lower()}", hint="--c2pa CERT.PEM KEY.PEM") from None


def _algorithm(chain: bytes, secret: bytes, certificate: Path, path: Path) -> str:
    """C2PA's name of what a private key signs with, which has to be that of the chain's first certificate. Raises UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        key = load_pem_private_key(secret, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(f"{path} holds no private key in PEM without a password") from None
    try:
        first = load_pem_x509_certificates(chain)[0].public_key()
    except ValueError:
        raise UsageError(f"{certificate} holds no certificate in PEM") from None
    if first != key.public_key():
        raise UsageError(f"{path} is not the key of {certificate}", hint="The signer's own certificate stands first in the chain.")
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size in CURVES:
        return CURVES[key.key_size]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    raise UsageError(f"{path} is a key of a kind that C2PA does not know", hint="P-256, P-384, P-521, Ed25519 or RSA.")


def _reason(error: Exception) -> str:
    return (str(getattr(error, "strerror", None) or error) or type(error).__name__).splitlines()[0]
