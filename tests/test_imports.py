"""Who may import whom (see CONTRIBUTING.md), read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import videdit

ROOT = Path(videdit.__file__).parent
STAGES = {"video", "faces", "invert", "smooth", "edit", "composite"}
SHARED = {"types", "tone", "errors", "curves", "checks", "config", "geometry", "triangles", "networks", "packs", "store"}
# What each part of the package may import of the others.
ALLOWED: dict[str, set[str]] = {
    **{stage: SHARED | {stage} for stage in STAGES},
    "errors": set(),
    "geometry": set(),
    "triangles": set(),
    "curves": {"errors"},
    "checks": {"errors", "curves", "config"},
    "config": {"errors", "curves", "checks"},
    "tone": set(),
    "types": {"errors", "curves", "tone"},
    "networks": {"networks"},
    "packs": {"packs", "types", "errors", "checks", "config", "geometry", "networks"},
    "store": {"store", "types", "errors", "config", "geometry"},
    "train": SHARED | STAGES | {"train"},
    "quality": SHARED | STAGES | {"quality"},
    "evaluate": SHARED | STAGES | {"evaluate", "pipeline", "train", "quality"},
    "pipeline": SHARED | STAGES | {"pipeline"},
    "report": SHARED | STAGES | {"report", "pipeline", "quality"},
    "cli": SHARED | {"cli", "pipeline", "video", "faces", "train", "evaluate", "batch", "quality", "report", ""},
    "batch": SHARED | {"batch", "pipeline", "video", "report", ""},
    "__init__": {"pipeline", "packs", "config", "curves", "errors", "types"},
    "__main__": {"cli"},
}
# train/ runs on other machines, with another Python and torch.
TRAIN_NEEDS = {"torch", "numpy", "cv2", "PIL", "safetensors", "videdit"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "_models" not in path.parts)


def part_of(path: Path) -> str:
    """composite/flow.py -> composite; types.py -> types."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Absolute names of everything a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                package = ["videdit", *path.relative_to(ROOT).parts[: -node.level]]
                base = ".".join([*package, *([node.module] if node.module else [])])
            else:
                base = node.module or ""
            yield from ([f"videdit.{alias.name}" for alias in node.names] if base == "videdit" else [base])


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    assert part in ALLOWED, f"say in tests/test_imports.py what {part} may import"
    for name in imported(path):
        if name.split(".")[0] != "videdit":
            continue
        target = (name.split(".") + [""])[1]
        if not (ROOT / target).is_dir() and not (ROOT / f"{target}.py").is_file():
            target = ""  # a name of the package itself, such as __version__
        assert target in ALLOWED[part] or (target == "" and part in {"store", "quality", "pipeline"}), f"{part} may not import {name}"


@pytest.mark.parametrize("path", [p for p in modules() if part_of(p) == "train"], ids=lambda path: path.name)
def test_training_needs_little(path: Path) -> None:
    # these read landmarks and hands off published models and run before training, not on the training machine
    extra = {name.split(".")[0] for name in imported(path)} - TRAIN_NEEDS - set(sys.stdlib_module_names)
    assert path.name in ("teacher.py", "hand_teacher.py") or not extra, f"{path.name} imports {extra}"


def test_importing_videdit_is_light() -> None:
    code = "import sys, videdit; print(sorted({'torch', 'cv2', 'av', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
