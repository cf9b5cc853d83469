"""78 points of a face: iBUG-68 order, then ten along the forehead (see shape).

`mesh` is the pack's own network; `fan` is face-alignment's 2D-FAN (Bulat & Tzimiropoulos 2017) where its weights are
already on disk (`videdit models get fan`). Both look through a square, upright-turned crop of the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from videdit.errors import MissingError, PackError
from videdit.faces.shape import MEAN_FACE, from_five, similarity, upright_box
from videdit.geometry import Floats, invert_affine, transform_points, warp
from videdit.networks.landmarker import Landmarker
from videdit.packs.weights import digest, find_weights
from videdit.types import Face, Frame, Region

# What face-alignment downloads: plain weights from 1.5 on, TorchScript before. TorchScript is code, so only the published file is run.
FAN_FILES = ("2DFAN4-11f355bf06.pth.tar", "2DFAN4-cd938726ad.zip")
FAN_SCRIPT = "cd938726adb1f15f361263cce2db9cb820c42585fa8796ec72ce19107f369a46"  # sha256


class Landmarks(Protocol):
    """What a tracker needs."""

    def find(self, frame: Frame, face: Face) -> tuple[Floats, float]:
        """From a detection to points float64 [78,2] px, upright, and presence in 0..1."""

    def follow(self, frame: Frame, points: Floats) -> tuple[Floats, float]:
        """From the points of the frame before to those of this one."""


def cut(frame: Frame, points: Floats, size: int, grow: float) -> tuple[NDArray[np.float32], Floats]:
    """The face around `points` [78,2], upright, `grow` times its box wide.

    Returns float32 [size,size,3] RGB 0..255 (beyond the frame its edge is repeated) and the affine [2,3] from the frame to
    the crop. Only the part of the frame that the crop sees is read, shrunk first where the face is large.
    """
    centre, reach, turn = upright_box(points)
    side = max(reach * grow, 8.0)
    c, s = np.cos(turn), np.sin(turn)
    linear = size / side * np.array([[c, s], [-s, c]])
    matrix = np.concatenate([linear, (size / 2 - linear @ centre)[:, None]], axis=1)
    half = side / 2 * (abs(c) + abs(s)) + 2
    left, top = (int(v) for v in np.clip(np.floor(centre - half), 0, [frame.width - 2, frame.height - 2]))
    right, bottom = (int(v) for v in np.clip(np.ceil(centre + half), [left + 2, top + 2], [frame.width, frame.height]))
    region = frame.align(Region(left, top, right - left, bottom - top))
    rgb = frame.rgb(region, scale=min(1.0, 1.5 * size / side))
    stretch = np.array([region.width / rgb.shape[1], region.height / rgb.shape[0]])
    inside = np.concatenate([linear * stretch, (matrix[:, 2] + linear @ [region.x, region.y])[:, None]], axis=1)
    return warp(rgb, inside, (size, size)), matrix


class MeshLandmarks:
    """The pack's landmark network. landmarker: eval mode; grow: the crop's side in face boxes, as trained."""

    def __init__(self, landmarker: Landmarker, *, device: str | torch.device = "cpu", grow: float = 1.4) -> None:
        self._net = landmarker.folded().to(device)
        self._device, self._grow = torch.device(device), grow

    def find(self, frame: Frame, face: Face) -> tuple[Floats, float]:
        points = from_five(face.landmarks) if len(face.landmarks) == 5 else face.landmarks
        for _ in range(2):
            points, _presence = self._look(frame, points)
        return self._look(frame, points)

    def follow(self, frame: Frame, points: Floats) -> tuple[Floats, float]:
        found, presence = self._look(frame, points)
        _, reach, _ = upright_box(points)
        if np.abs(found.mean(0) - points.mean(0)).max() > 0.06 * reach:  # it moved: look again, straight at it
            found, presence = self._look(frame, found)
        return found, presence

    @torch.inference_mode()
    def _look(self, frame: Frame, points: Floats) -> tuple[Floats, float]:
        crop, matrix = cut(frame, points, self._net.size, self._grow)
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(self._device)
        image = image.clamp(0, 255).div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
        where, logit = self._net(image)
        inside = where[0].double().cpu().numpy() * self._net.size
        return transform_points(inside, invert_affine(matrix)), float(torch.sigmoid(logit[0]))


def fan_weights() -> Path:
    """2D-FAN-4 where `videdit models get` puts it, else in torch's download folder, where face-alignment does.

    Raises MissingError, PackError for a damaged file; nothing is downloaded.
    """
    if found := find_weights("fan"):
        return found
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name in FAN_FILES:
        if (folder / name).exists():
            return folder / name
    hint = f"`videdit models get fan` fetches them (face-alignment's own download in {folder} does too), or use --landmarks mesh"
    raise MissingError("the weights of face-alignment's FAN are not on disk", hint=hint)


def load_fan(weights: Path) -> torch.nn.Module:
    """2D-FAN from either kind of file: plain weights are read as data, TorchScript runs only if it is the file face-alignment published.

    Raises MissingError where the plain weights need face-alignment and it is not installed, PackError for any other file.
    """
    hint = "`videdit models get fan` fetches the plain weights"
    if weights.suffix == ".zip":
        if digest(weights) != FAN_SCRIPT:
            raise PackError(f"{weights} is not the TorchScript file that face-alignment published, and is not run", hint=hint)
        return torch.jit.load(str(weights), map_location="cpu").eval()
    try:
        from face_alignment.models import FAN  # seconds to import, and only wanted here
    except ImportError as error:
        raise MissingError(f"face-alignment can't be imported: {error}", hint="pip install 'face-alignment>=1.5'") from error
    net: torch.nn.Module = FAN(4)
    try:
        net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    except Exception as error:  # a file that is no such file can raise anything here, with pages of advice
        raise PackError(f"{weights} can't be read as the weights of FAN ({type(error).__name__})", hint=hint) from None
    return net.eval()


class FanLandmarks:
    """2D-FAN: 68 heatmaps of 64 px from a 256-px crop; the forehead is added from the average face."""

    SIZE, GROW = 256, 1.7  # FAN was trained on squares about twice as wide as the 68 points, which have no forehead

    def __init__(self, landmarker: Landmarker | None = None, *, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        del landmarker  # the pack's network is not needed
        self._device = torch.device(device)
        self._net = load_fan(weights or fan_weights()).to(self._device)

    def find(self, frame: Frame, face: Face) -> tuple[Floats, float]:
        points = from_five(face.landmarks) if len(face.landmarks) == 5 else face.landmarks
        points, _ = self.follow(frame, points)
        return self.follow(frame, points)

    @torch.inference_mode()
    def follow(self, frame: Frame, points: Floats) -> tuple[Floats, float]:
        crop, matrix = cut(frame, points, self.SIZE, self.GROW)
        image = torch.from_numpy(crop).permute(2, 0, 1)[None].to(self._device).clamp(0, 255) / 255
        maps = self._net(image)
        maps = (maps[-1] if isinstance(maps, list | tuple) else maps)[0].float().cpu().numpy()  # [68,64,64]
        inside, scores = heatmap_points(maps)
        ibug = transform_points(inside * (self.SIZE / maps.shape[-1]), invert_affine(matrix))
        # a point FAN is sure of reaches about 0.8 in its map; a crop without a face stays below 0.2
        return add_forehead(ibug), float(np.clip((np.median(scores) - 0.1) / 0.4, 0, 1))


def heatmap_points(maps: NDArray[np.float32]) -> tuple[Floats, NDArray[np.float32]]:
    """Peaks of maps [K,h,w] -> points [K,2] px of the map (corner origin), heights [K]. The centre of mass of the 5x5 around the peak."""
    count, _, width = maps.shape
    flat = maps.reshape(count, -1).argmax(1)
    points, heights = np.empty((count, 2)), maps.reshape(count, -1).max(1)
    for i, (y, x) in enumerate(zip(flat // width, flat % width, strict=True)):
        y0, x0 = max(int(y) - 2, 0), max(int(x) - 2, 0)
        mass = np.clip(maps[i, y0 : int(y) + 3, x0 : int(x) + 3], 0, None).astype(np.float64) + 1e-12
        rows, columns = np.mgrid[y0 : y0 + mass.shape[0], x0 : x0 + mass.shape[1]] + 0.5
        points[i] = (columns * mass).sum() / mass.sum(), (rows * mass).sum() / mass.sum()
    return points, heights


def add_forehead(ibug: Floats) -> Floats:
    """iBUG points [68,2] -> [78,2], the forehead as the average face has it."""
    upper = np.r_[0:3, 14:17, 17:48]  # what the mouth and chin do says nothing of the forehead
    return np.concatenate([ibug, transform_points(MEAN_FACE[68:], similarity(MEAN_FACE[upper], ibug[upper]))])


LANDMARKS: dict[str, Callable[..., Landmarks]] = {"mesh": MeshLandmarks, "fan": FanLandmarks}
