"""The whole command line on a pack made of other people's checkpoints: random weights in their layouts, and the shipped pack's eyes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from tests.packs.foreign import checkpoints
from tests.tinypack import make_tiny_pack
from videdit.cli.main import main
from videdit.config import DEFAULT_PACK
from videdit.networks.psp import PspEncoder
from videdit.packs import find_packs, read_manifest
from videdit.packs.celeba import FACE_ATTRIBUTES
from videdit.train import sampled
from videdit.video.reader import read_frames

CLIP = Path(__file__).resolve().parents[2] / "examples" / "astronaut.mp4"
STYLE, LAYERS, FRAMES = 16, 8, 5

pytestmark = pytest.mark.skipif(DEFAULT_PACK not in find_packs(), reason=f"the pack {DEFAULT_PACK} is not here: nothing to look with")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder of its own with the imported packs: `mine` with encoder and axes, `bare` with the generator alone; and clip.mp4."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        patch.setenv("VIDEDIT_CACHE", str(folder / "cache"))
        patch.delenv("VIDEDIT_PACKS", raising=False)
        patch.setattr(sampled, "JUDGED", 2)
        patch.setattr(sampled, "LOOKED_AT", 60)
        patch.setattr(sampled, "FACE_ATTRIBUTES", {name: FACE_ATTRIBUTES[name] for name in ("smile", "age", "male")})
        patch.chdir(folder)
        torch.manual_seed(0)
        torch.save({"g_ema": checkpoints.rosinality([8] * 4, style=STYLE), "latent_avg": torch.zeros(STYLE)}, "g.pt")
        network = PspEncoder(kind="e4e", num_layers=LAYERS, style_dim=STYLE, channels=(16, 16, 16, 16, 16))
        state = {f"encoder.{name}": value for name, value in network.state_dict().items() if name != "latent_avg"}
        torch.save({"state_dict": state, "latent_avg": torch.zeros(LAYERS, STYLE)}, "e4e.pt")
        np.save("hat.npy", np.eye(1, STYLE, dtype=np.float32))
        shorten(CLIP, Path("clip.mp4"))
        words = "--encoder e4e.pt --direction hat=hat.npy --license test".split()
        assert main(["models", "import", "g.pt", "--as", "mine", *words]) == 0
        assert main("models import g.pt --direction hat=hat.npy --as bare --license test".split()) == 0
        assert main("train axes --pack mine --samples 200 --progress none".split()) == 0
        yield folder


def shorten(source: Path, target: Path) -> None:
    """The first frames of a clip, half as large."""
    with av.open(str(target), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "18"})
        for index, frame in enumerate(read_frames(source)):
            if index == FRAMES:
                break
            picture = av.VideoFrame.from_ndarray(np.clip(frame.rgb(), 0, 255).astype(np.uint8), format="rgb24")
            picture = picture.reformat(frame.width // 4 * 2, frame.height // 4 * 2, "yuv420p")
            if index == 0:
                video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
            picture.pts, picture.time_base = index, Fraction(1, 25)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def run(capsys: pytest.CaptureFixture[str], words: str) -> str:
    """A command that has to succeed; what it printed."""
    code = main(words.split())
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


def test_axes_come_from_samples(home: Path) -> None:
    manifest = read_manifest(home / "videdit/packs/mine")
    assert len(manifest.order) == 41 and manifest.order[-1] == "hat"
    assert {"smile", "age", "hat"} <= set(manifest.attributes)
    assert (home / "runs/axes-mine/axes.json").is_file()


def test_looking_at_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "mine" in run(capsys, "models list")
    assert "imported from g.pt" in run(capsys, "models show mine")
    assert "problem" not in run(capsys, "models verify mine bare")
    assert "--hat" in run(capsys, "attributes --pack mine")
    run(capsys, "sample -n 4 --pack mine -o sample.png")
    assert (home / "sample.png").is_file()


def test_a_clip_is_edited(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "clip.mp4 --pack mine --smile 1 --hat -0.5 --lock male -o out.mp4 --progress none")
    assert f"{FRAMES} of {FRAMES} frames" in said
    pairs = zip(read_frames("clip.mp4"), read_frames("out.mp4"), strict=True)
    assert any(np.abs(a.planes[0].astype(int) - b.planes[0]).max() > 4 for a, b in pairs)
    run(capsys, "preview clip.mp4 -t 0.1s --pack mine --age 1 -o p.png")
    run(capsys, "inspect clip.mp4 --pack mine")


def test_without_an_encoder(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main("clip.mp4 --pack bare --smile 1 -o bare.mp4".split()) == 2  # it has no axis for that
    monkeypatch.setattr("videdit.pipeline.models.FROM_THE_MEAN", 2)
    capsys.readouterr()
    assert main("clip.mp4 --pack bare --hat 1 -o bare.mp4 --progress none".split()) == 5
    assert "train encoder" in capsys.readouterr().err
    run(capsys, "clip.mp4 --pack bare --hat 1 --invert optimize -o bare.mp4 --progress none")
    assert main("train encoder --pack bare --minutes 0.02 --progress none".split()) == 0
    capsys.readouterr()
    run(capsys, "clip.mp4 --pack bare --hat 1 -o again.mp4 --progress none")


def test_a_pack_without_a_landmarker_is_refused(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "axes", "--pack", str(make_tiny_pack(tmp_path)), "--samples", "200"]) == 5
    assert "has no landmarker" in capsys.readouterr().err
