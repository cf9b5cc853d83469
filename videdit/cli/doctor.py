"""videdit doctor: is everything there that an edit needs."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Callable, Sequence

from videdit.cli.parser import Parser, add_options, settings_of
from videdit.cli.say import say
from videdit.config import Settings
from videdit.errors import MissingError, VideditError

NEEDED = {
    "torch": "torch",
    "numpy": "numpy",
    "opencv-python": "cv2",
    "av": "av",
    "pillow": "PIL",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "rich": "rich",
}
# Looked for by name only: importing these is slow, and their weights and binaries are all we take.
BESIDE = ("facenet-pytorch", "face-alignment", "ffmpeg-python", "imageio-ffmpeg")


def build() -> Parser:
    """The parser."""
    parser = Parser(
        "videdit doctor", "videdit doctor [--pack NAME|PATH] [--device ...]", "Check versions, decoders, device, packs, weights and cache."
    )
    add_options(parser, only=["pack", "device", "cache_dir"])
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command. Raises MissingError when something that every edit needs is not well."""
    settings = settings_of(build().parse(argv))
    wrong = [
        *_look("Python", _python),
        *(problem for package, module in NEEDED.items() for problem in _look(package, lambda p=package, m=module: _package(p, m))),  # type: ignore[misc]
        *_look("FFmpeg inside PyAV", _ffmpeg),
        *_look("device", lambda: _device(settings)),
        *_look("face detector", _detector),
        *_look(f"pack {settings.pack}", lambda: _pack(settings)),
    ]
    for package in BESIDE:
        _look(package, lambda p=package: importlib.metadata.version(p), needed=False)  # type: ignore[misc]
    _look("FAN landmarks (--landmarks fan)", _fan, needed=False)
    _look("cache", lambda: _cache(settings), needed=False)
    if wrong:
        raise MissingError(f"not well: {', '.join(wrong)}", hint="The lines above say what is wrong with each.")
    say("all is well")
    return 0


def _look(name: str, check: Callable[[], str], *, needed: bool = True) -> list[str]:
    """Say what a check found; the name when something needed is not there."""
    try:
        say(f"  ok       {name:<32} {check()}")
        return []
    except VideditError as error:
        words = f"{error}" + (f" ({error.hint})" if error.hint else "")
    except importlib.metadata.PackageNotFoundError:
        words = "not installed"
    except Exception as error:  # a broken installation can raise anything
        words = f"{type(error).__name__}: {error}"
    say(f"  {'WRONG   ' if needed else 'not there'} {name:<32} {words}")
    return [name] if needed else []


def _python() -> str:
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"


def _package(package: str, module: str) -> str:
    importlib.import_module(module)
    return importlib.metadata.version(package)


def _ffmpeg() -> str:
    import av.codec
    from av import library_versions

    versions = ", ".join(
        f"{name} {'.'.join(map(str, number))}" for name, number in library_versions.items() if name in ("libavcodec", "libavformat")
    )
    encoders = [name for name in ("libx264", "libx265", "libsvtav1", "h264_nvenc") if name in av.codec.codecs_available]
    if "libx264" not in encoders:
        raise MissingError("no H.264 encoder (libx264)", hint="Install av from its wheel, or choose --video-encoder.")
    return f"{versions}; {', '.join(encoders)}"


def _device(settings: Settings) -> str:
    import torch

    from videdit.packs.load import pick_device

    device = pick_device(settings.device)
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads; no CUDA GPU in use"


def _detector() -> str:
    from videdit.faces.detect import weights_folder

    return str(weights_folder())


def _fan() -> str:
    from videdit.faces.landmarks import fan_weights

    return str(fan_weights())


def _pack(settings: Settings) -> str:
    from videdit.packs.load import load_pack
    from videdit.packs.verify import verify

    pack = load_pack(settings.pack, device=settings.device)
    problems = [f"{check.subject}: {check.problem}" for check in verify(pack) if check.problem]
    if problems:
        raise MissingError("; ".join(problems), hint="Install the pack again.")
    return f"verified, id {pack.id}, {pack.manifest.license}, {pack.manifest.root}"


def _cache(settings: Settings) -> str:
    from videdit.store import Cache, default_folder

    folder = settings.cache_dir or default_folder()
    return f"{Cache(folder).size() / 1e6:.1f} MB in {folder}"
