"""A pack's networks and axes, built and checked on first use."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file as load_arrays
from safetensors.torch import load_file as load_tensors

from videdit.config import DEFAULT_PACK
from videdit.errors import MissingError, PackError
from videdit.geometry import FaceFrame
from videdit.packs.manifest import Manifest, Part, find_pack, read_manifest

# The class behind each entry of [networks]; a pack can't name code of its own.
CLASSES = {
    "generator": ("videdit.networks.stylegan2", "Generator"),
    "encoder": ("videdit.networks.encoder", "Encoder"),
    "encoder of kind e4e": ("videdit.networks.psp", "PspEncoder"),
    "encoder of kind psp": ("videdit.networks.psp", "PspEncoder"),
    "classifier": ("videdit.networks.classifier", "Classifier"),
    "landmarker": ("videdit.networks.landmarker", "Landmarker"),
    "recognizer": ("videdit.networks.recognizer", "Recognizer"),
    "transformer": ("videdit.networks.latents", "LatentTransformer"),
    "mapper": ("videdit.networks.latents", "LatentMapper"),
    "expression": ("videdit.networks.latents", "LatentExpression"),
    "pixel": ("videdit.networks.transform", "PixelEditors"),
    "prototype": ("videdit.networks.prototype", "Prototypes"),
    "occluder": ("videdit.networks.occluder", "Occluder"),
}


@dataclass(frozen=True, slots=True)
class Axes:
    """Directions of attributes in W+.

    order: the attributes' source names [A]; directions float32 [A,L,D], each of unit length over L*D; distance float32 [A]: how
    far +1.0 goes along it.
    """

    order: tuple[str, ...]
    directions: NDArray[np.float32]
    distance: NDArray[np.float32]


class Pack:
    """A model pack on a device. Networks are nn.Modules in evaluation mode, float32, without gradients to their weights.

    generator(w_plus [N,L,D]) -> image [N,3,S,S]; encoder(image) -> w_plus; classifier(image) -> logits [N,40];
    landmarker(image) -> points, presence; recognizer(image) -> unit vectors [N,dim]. Images are RGB in -1..1. transformer, mapper
    and expression move latents (see networks.latents), pixel redraws images (see networks.transform), occluder sees what lies in front
    of a face; not every pack has them.
    Anything wrong with a file raises PackError on first use.
    """

    def __init__(self, manifest: Manifest, device: str | torch.device = "cpu") -> None:
        self.manifest = manifest
        self.device = torch.device(device)
        self._loaded: dict[str, torch.nn.Module] = {}

    @property
    def id(self) -> str:
        """Name and a short hash of its contents; part of every cache key."""
        return self.manifest.id

    @property
    def size(self) -> int:
        """Side of the crop in px."""
        return self.manifest.size

    @property
    def z_dim(self) -> int:
        """Numbers of what the mapping network takes."""
        part = self.manifest.networks.get("generator")
        widths = part.config.get("mapping_widths") if part else None
        return int(widths[0]) if widths else self.manifest.style_dim

    @property
    def face_frame(self) -> FaceFrame:
        """Which part of the face the pack sees."""
        return FaceFrame(scale=self.manifest.frame_scale, shift=self.manifest.frame_shift)

    @property
    def generator(self) -> torch.nn.Module:
        return self.loaded("generator")

    @property
    def encoder(self) -> torch.nn.Module:
        return self.loaded("encoder")

    @property
    def classifier(self) -> torch.nn.Module:
        return self.loaded("classifier")

    @property
    def landmarker(self) -> torch.nn.Module:
        return self.loaded("landmarker")

    @property
    def recognizer(self) -> torch.nn.Module:
        return self.loaded("recognizer")

    @property
    def mean_w(self) -> torch.Tensor:
        """The generator's mean latent [D]."""
        return dict(self.generator.named_buffers())["mean_w"]

    def has(self, name: str) -> bool:
        """Whether there is a network of this name."""
        return name in self.manifest.networks

    def loaded(self, name: str) -> torch.nn.Module:
        """A network, the same at every call. Raises PackError."""
        if name not in self._loaded:
            self._loaded[name] = self.network(name)
        return self._loaded[name]

    def network(self, name: str) -> torch.nn.Module:
        """A fresh copy of a network, for those who change its weights. Raises PackError."""
        part = self.manifest.networks.get(name)
        if part is None:
            raise PackError(
                f"the pack {self.manifest.name} has no {name}", hint=f"It has: {', '.join(self.manifest.networks) or 'no network'}."
            )
        module = _fill(build_network(part), part, self._read(part))
        module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
        return module.eval().requires_grad_(False)

    def axes(self) -> Axes:
        """The attribute axes. Raises PackError."""
        return self._axes

    @cached_property
    def _axes(self) -> Axes:
        part = self.manifest.axes
        if part is None:
            raise PackError(f"the pack {self.manifest.name} has no attribute axes")
        path, arrays = self.manifest.root / part.file, read_arrays(self.manifest.root, part)
        try:
            directions, distance = arrays["axes"].astype(np.float32), arrays["calibrate"].astype(np.float32)
        except KeyError as error:
            raise PackError(f"{path} can't be read as axes: it lacks {error}") from None
        expected = (len(self.manifest.order), self.manifest.num_layers, self.manifest.style_dim)
        if directions.shape != expected or distance.shape != expected[:1]:
            raise PackError(
                f"{path} has axes {list(directions.shape)} and calibrate {list(distance.shape)}", hint=f"pack.toml says {list(expected)}."
            )
        return Axes(self.manifest.order, directions, distance)

    def shape(self) -> NDArray[np.float32] | None:
        """float32 [78,2,L,D]: how far each landmark moves, in crop sides, per unit of each latent; None where the pack does not say."""
        return self._shape

    @cached_property
    def _shape(self) -> NDArray[np.float32] | None:
        part = self.manifest.axes
        if part is None:
            return None
        found = read_arrays(self.manifest.root, part).get("shape")
        return None if found is None else found.astype(np.float32)

    def sample(self, z: NDArray[np.floating], *, truncation: float = 1.0) -> NDArray[np.float32]:
        """Latents w_plus float32 [N,L,D] for z ~ N(0,1) [N,z_dim]; truncation < 1 draws towards the mean.

        From the Gaussian over latents of real faces that comes with the axes, or, where a pack has none, from the mapping network.
        """
        if self.manifest.axes is not None:
            arrays = read_arrays(self.manifest.root, self.manifest.axes)
            if "prior_mean" in arrays:
                basis = arrays["prior_basis"].astype(np.float32)
                return arrays["prior_mean"] + truncation * np.tensordot(np.asarray(z[:, : len(basis)], np.float32), basis, axes=1)
        with torch.inference_mode():
            w = self.generator.mapping(torch.as_tensor(z, dtype=torch.float32, device=self.device), truncation=truncation)  # type: ignore[operator]
        return np.repeat(w.cpu().numpy()[:, None], self.manifest.num_layers, axis=1)

    def _read(self, part: Part) -> dict[str, torch.Tensor]:
        """A part's tensors, verified, floating ones as float32."""
        path = check_file(self.manifest.root, part)
        try:
            tensors = load_tensors(path)
        except (safetensors.SafetensorError, LookupError, TypeError, ValueError) as error:
            raise PackError(f"{path} is not a safetensors file: {error}", hint="Copy the whole pack again.") from None
        return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}


def load_pack(name_or_path: str | Path = DEFAULT_PACK, *, device: str = "cpu") -> Pack:
    """A pack by name (`videdit models list`) or folder; device: auto, cpu, cuda or cuda:n.

    Raises MissingError when it is not there or the device is not, PackError when it is damaged.
    """
    return Pack(read_manifest(find_pack(name_or_path)), pick_device(device))


def pick_device(name: str) -> torch.device:
    """auto: a GPU when there is one. Raises MissingError for a GPU that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and not (torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()):
        raise MissingError(f"there is no device {name}", hint="PyTorch sees no such GPU; --device auto or cpu works everywhere.")
    return device


def build_network(part: Part) -> torch.nn.Module:
    """A part's class with its configuration, weights not loaded. Raises PackError."""
    key = f"{part.name} of kind {part.config['kind']}" if "kind" in part.config else part.name
    if key not in CLASSES:
        raise PackError(f"unknown network '{key}'", hint=f"Known: {', '.join(CLASSES)}.")
    module, name = CLASSES[key]
    try:
        network: torch.nn.Module = getattr(importlib.import_module(module), name)(**_plain(part.config))
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, AssertionError, MemoryError, RuntimeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise PackError(f"{part.name} can't be built from its config: {reason}", hint="The pack may be made for another version.") from None
    return network


def _plain(config: Any) -> dict[str, Any]:
    """Lists as tuples, as the classes' signatures say."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}


def _fill(module: torch.nn.Module, part: Part, tensors: dict[str, torch.Tensor]) -> torch.nn.Module:
    """Load the weights; every name and shape has to agree. Raises PackError."""
    own = module.state_dict()
    wrong = [f"lacks {key}" for key in own if key not in tensors]
    wrong += [f"has unknown {key}" for key in tensors if key not in own]
    wrong += [
        f"{k} is {list(tensors[k].shape)}, not {list(own[k].shape)}" for k in own if k in tensors and tensors[k].shape != own[k].shape
    ]
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise PackError(f"{part.file} does not fit: {'; '.join(wrong[:3])}{more}", hint="The pack may be made for another version.")
    module.load_state_dict(tensors)
    return module


def read_arrays(root: Path, part: Part) -> dict[str, NDArray[Any]]:
    """The arrays of a part, verified. Raises PackError."""
    path = check_file(root, part)
    try:
        found: dict[str, NDArray[Any]] = load_arrays(path)
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError) as error:
        raise PackError(f"{path} is not a safetensors file: {error}", hint="Copy the whole pack again.") from None
    return found


def check_file(root: Path, part: Part) -> Path:
    """The path of a part whose contents have the manifest's hash. Raises PackError."""
    path = root / part.file
    try:
        facts = path.stat()
    except OSError:
        raise PackError(f"{path} is missing", hint=f"Copy the whole pack again; {part.name} needs it.") from None
    if _sha256(path, facts.st_mtime_ns, facts.st_size) != part.sha256:
        raise PackError(f"{path} is damaged: its sha256 is not the one in pack.toml", hint="Copy the file again.")
    return path


@lru_cache(maxsize=64)
def _sha256(path: Path, mtime_ns: int, size: int) -> str:
    """Hex digest; the other arguments are there for the cache."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
