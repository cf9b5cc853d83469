"""Every setting of an edit, once: its default, range, choices and help.

`Settings` is what Python callers and the pipeline use; `OPTIONS` describes each of its fields and feeds the command line's
flags, the TOML presets and docs/cli.md. Nothing here imports more than the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from videdit.checks import check
from videdit.curves import RAMP, Window

DEFAULT_PACK = "face-128"
# How latents are moved; each is a file of videdit/edit. An edit that mixes them applies them in this order.
METHODS = ("axes", "transformer", "mapper")
# How faces are redrawn without latents, likewise; before the others.
CROP_METHODS = ("pixel", "prototype")


@dataclass(frozen=True, slots=True)
class Option:
    """What is known of one field of Settings. low and high are inclusive; `pattern` admits strings beside `choices`."""

    name: str
    kind: Literal["text", "number", "integer", "switch", "path", "names", "time"]
    help: str
    group: str
    choices: tuple[str, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None
    metavar: str = ""

    @property
    def flag(self) -> str:
        """`--video-encoder` for video_encoder; `--from` for from_, which Python has a word for."""
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def default(self) -> Any:
        """The value in Settings()."""
        return Settings.__dataclass_fields__[self.name].default

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.choices:
            return "|".join(self.choices) + (f"|{self.metavar}" if self.pattern else "")
        if self.low is not None and self.high is not None:
            return f"{self.low:g}..{self.high:g}"
        words = {"switch": "true|false", "names": "names with commas between", "path": "a path", "time": "3.5s, 1:02.5, or 96f for a frame"}
        return words.get(self.kind, "")


OPTIONS: tuple[Option, ...] = (
    Option("pack", "text", "model pack: a name that `videdit models list` shows, or a folder", "model", metavar="NAME|PATH"),
    Option(
        "device",
        "text",
        "where the networks run; auto takes a GPU when there is one",
        "model",
        ("auto", "cpu", "cuda"),
        r"cuda:\d+",
        metavar="cuda:N",
    ),
    Option(
        "precision",
        "text",
        "arithmetic of the networks; auto is the fastest that looks the same: fp16 on a GPU, bf16 on a CPU made for it, else fp32",
        "model",
        ("auto", "fp32", "bf16", "fp16"),
    ),
    Option(
        "compile",
        "switch",
        "let torch.compile fuse the networks' steps: up to minutes at the start, so for long runs; needs a C++ compiler (on a GPU Triton), "
        "and goes on without where there is none",
        "model",
    ),
    Option(
        "batch",
        "integer",
        "faces that a network sees at once; a clip whose memory runs out is begun again with half as many",
        "model",
        low=1,
        high=64,
        metavar="N",
    ),
    Option(
        "face",
        "text",
        "whom to edit: who fills most of the clip, everybody, who is on the left or right, person N of `videdit inspect`, or who looks "
        "like the face in a picture",
        "faces",
        ("largest", "all", "left", "right"),
        r"(?i:[1-9]\d*|.*\.(png|jpe?g|webp|bmp|tiff?))",
        metavar="N|PICTURE",
    ),
    Option(
        "landmarks",
        "text",
        "who finds the face's points: mesh, the pack's own network, or fan, face-alignment's, once `videdit models get fan` has fetched it",
        "faces",
        ("auto", "mesh", "fan"),
    ),
    Option(
        "smooth",
        "number",
        "how far the face's latent is smoothed over time, in seconds; 0 turns it off",
        "edit",
        low=0.0,
        high=5.0,
        metavar="SECONDS",
    ),
    Option(
        "smoother",
        "text",
        "how geometry, latents and changes are smoothed; --smooth means as steady as a Gaussian of that standard deviation",
        "edit",
        ("gaussian", "savgol", "lowpass", "one-euro"),
    ),
    Option(
        "stabilise",
        "number",
        "steadier (1) or quicker (0): all seconds of smoothing are multiplied by 4 x this x this",
        "edit",
        low=0.0,
        high=1.0,
        metavar="0..1",
    ),
    Option(
        "ramp",
        "number",
        "how long an edit takes to go and to come back where a face is lost",
        "faces",
        low=0.0,
        high=5.0,
        metavar="SECONDS",
    ),
    Option(
        "min_presence",
        "number",
        "how sure the landmark network must be of a face for any edit; halfway from there to 1 it gets all of it",
        "faces",
        low=0.0,
        high=1.0,
        metavar="P",
    ),
    Option(
        "max_yaw",
        "number",
        "a face turned away this far gets no edit, up to 0.6 times as far all of it; 90 is a profile, 180 edits any",
        "faces",
        low=1.0,
        high=180.0,
        metavar="DEGREES",
    ),
    Option(
        "min_face",
        "number",
        "a face this small gets no edit, from 1.6 times as large all of it; 0 edits any",
        "faces",
        low=0.0,
        high=1000.0,
        metavar="PX",
    ),
    Option(
        "max_blur",
        "number",
        "a face blurred this much (standard deviation, in percent of its crop) gets no edit, up to half of it all; 100 edits any",
        "faces",
        low=0.01,
        high=100.0,
        metavar="PERCENT",
    ),
    Option(
        "method",
        "text",
        "how faces are changed: pixel redraws them, prototype lays something onto them, the others move latents; auto takes for each "
        "attribute what the pack names as best",
        "edit",
        ("auto", *METHODS, *CROP_METHODS),
    ),
    Option(
        "expression_from",
        "path",
        "take the expression of the face in this picture, or in this clip at the same time",
        "edit",
        metavar="FILE",
    ),
    Option(
        "expression",
        "number",
        "how much of that expression: 1 is all of it, 0 none",
        "edit",
        low=0.0,
        high=1.5,
        metavar="S",
    ),
    Option(
        "invert",
        "text",
        "how a face becomes a latent: by the encoder, or by optimising the encoder's latent until its features fit (slow)",
        "edit",
        ("encoder", "optimize"),
    ),
    Option(
        "max_identity_drop",
        "number",
        "hold an edit back, shot by shot, until the face's identity (cosine to the source) drops by no more than this, such as 0.3",
        "edit",
        low=0.0,
        high=1.0,
        metavar="DROP",
    ),
    Option("lock", "names", "attributes an edit must hold still, such as male,age", "edit", metavar="NAMES"),
    Option("from_", "time", f"change nothing before this time: 3.5s, 1:02.5 or 96f; it comes within {RAMP:g} s", "edit", metavar="TIME"),
    Option("to", "time", "change nothing from this time on, likewise", "edit", metavar="TIME"),
    Option(
        "tune",
        "text",
        "tune the generator to the person of the clip: off, or a number of steps; auto is what pays for its seconds",
        "edit",
        ("auto", "off"),
        r"\d+",
        metavar="STEPS",
    ),
    Option(
        "composite",
        "text",
        "put back the change only (transfer), or the whole generated face as the papers do (render)",
        "composite",
        ("transfer", "render"),
    ),
    Option("blend", "text", "how the edited region meets the rest of the picture", "composite", ("laplacian", "poisson", "alpha")),
    Option("occlusion", "switch", "leave hands and things in front of a face as they are, if the pack can see them", "composite"),
    Option(
        "crf",
        "number",
        "quality of the written video, lower is better; by default visually equal to the source",
        "output",
        low=0,
        high=63,
        metavar="N",
    ),
    Option("video_encoder", "text", "encoder of the written video, by FFmpeg's name; `list` shows them", "output", metavar="NAME"),
    Option("overwrite", "switch", "replace files that exist", "output"),
    Option(
        "debug_dir", "path", "write crop, inversion, edited render, flow, mask and composite of every frame here", "output", metavar="DIR"
    ),
    Option("cache", "switch", "keep tracks and latents, so that another strength on the same clip starts at once", "output"),
    Option("cache_dir", "path", "where they are kept; by default the user's cache folder, or $VIDEDIT_CACHE", "output", metavar="DIR"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """How to edit. Every field has a default; `videdit --help` and docs/cli.md say what each means.

    smooth in seconds; from_, to: seconds, or frames as "96f"; crf None = visually equal to the source; debug_dir None = write no debug
    pictures; max_identity_drop None = however far it goes. Raises UsageError for a value that is not allowed.
    """

    pack: str = DEFAULT_PACK
    device: str = "auto"
    precision: str = "auto"
    compile: bool = False
    batch: int = 8
    face: str = "largest"
    landmarks: str = "auto"
    smooth: float = 0.12
    smoother: str = "gaussian"
    stabilise: float = 0.5
    ramp: float = 0.2
    min_presence: float = 0.5
    max_yaw: float = 65.0
    min_face: float = 20.0
    max_blur: float = 4.0
    method: str = "auto"
    expression_from: Path | None = None
    expression: float = 1.0
    invert: str = "encoder"
    max_identity_drop: float | None = None
    lock: tuple[str, ...] = ()
    from_: float | None = None
    to: float | None = None
    tune: str = "auto"
    composite: str = "transfer"
    blend: str = "laplacian"
    occlusion: bool = True
    crf: float | None = None
    video_encoder: str = "libx264"
    overwrite: bool = False
    debug_dir: Path | None = None
    cache: bool = True
    cache_dir: Path | None = None

    def __post_init__(self) -> None:
        for option in OPTIONS:
            object.__setattr__(self, option.name, check(option, getattr(self, option.name)))
        _ = self.window  # which may be senseless

    @property
    def window(self) -> Window:
        """The part of a clip that is edited. Raises UsageError where it ends before it begins."""
        return Window(self.from_, self.to)


def option(name: str) -> Option:
    """The entry of OPTIONS with this field name. Raises KeyError."""
    return _BY_NAME[name]


_BY_NAME = {entry.name: entry for entry in OPTIONS}
