"""How much each smoother calms a still face, and how late it is when a smile appears within 0.2 s.

Two tracks of the amount of smile (the pack's axis, in the unit of --smile): a made one, whose truth is known, under noise as
strong and as correlated as measured on the clip; and the clip's own, held against itself without smoothing. Landmarks of the clip too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videdit.config import Settings
from videdit.evaluate.figures import pyplot
from videdit.packs.load import Pack
from videdit.pipeline.models import Models
from videdit.pipeline.report import Stopwatch
from videdit.pipeline.steadiness import doubt, landmark_fit, steadiness_of
from videdit.pipeline.watch import watch
from videdit.quality.report import Value
from videdit.smooth import METHODS, trust
from videdit.video.reader import read_frames

Array = NDArray[np.float64]
Smooth = Callable[[Array, Array], Array]  # values [T,...], times [T] s -> values
CLIP = "neutral_to_smile.mp4"
NOISE = (0.03, 0.5)  # standard deviation and correlation from frame to frame, where the clip is not there
RATE, SECONDS, APPEARS, RISE = 30, 6.0, 4.0, 0.2
STILL = (0.6, 3.0)  # s of the made track
RUNS, ALONE = 40, 10
QUIET = 0.7  # s of the clip's quietest passage
AROUND = 0.5  # s to either side of the clip's fastest moment
NOTE = (
    "*Calmer*: how many times less than without smoothing a still passage jitters (RMS of how steps from frame to frame change). *Lag*: "
    "the shift in time that fits the track best to the truth (made track) or to itself unsmoothed (clip) where the smile appears. *Rise*: "
    "from 10 to 90 % of the smile; the made one takes {rise:.2f} s. *Overshoot*: beyond the smile, in % of it. *Twice* is what a change "
    "meets: smoothed as a latent, then as a change. Noise {deviation:.3f} of a smile, correlation {correlation:.2f} from frame to frame, "
    "{source}. Pack {pack}."
)


@dataclass(frozen=True, slots=True)
class Clip:
    """Unsmoothed: times [T] s, smile [T], landmarks [T,78,2] px."""

    times: Array
    smile: Array
    landmarks: Array


def run(clip: Path, pack: Pack, plot: Path | None = None) -> tuple[list[dict[str, Value]], str]:
    """A row per smoother and some settings of the default; the figures' note. plot: a picture of the tracks. Raises MissingError."""
    seen = clip_of(clip, pack) if clip.exists() else None
    deviation, correlation = NOISE if seen is None else noise_of(seen)
    made = made_tracks(deviation, correlation)
    rows, lines = [], {}
    for name, settings, twice in cases():
        smooth = smoother(settings, twice=twice)
        row: dict[str, Value] = {"smoother": name}
        row |= on_made(smooth, *made, linear=not METHODS[settings.smoother].causal)
        if seen is not None:
            row |= on_clip(smooth, seen) | {"landmarks: calmer": calmer(landmarks_by(settings, seen), seen.landmarks, *quiet(seen))}
        rows.append(row)
        lines[name] = smooth
    if plot is not None:
        draw(plot, {name: lines[name] for name in ["none", *METHODS]}, made, seen)
    source = "as measured on the clip" if seen is not None else "as once measured on a clip that is not there"
    return rows, NOTE.format(rise=0.8 * RISE, deviation=deviation, correlation=correlation, source=source, pack=pack.id)


def cases() -> list[tuple[str, Settings, bool]]:
    """What is compared: a name, settings, and whether changes are smoothed on top."""
    off = Settings(stabilise=0.0)
    each = [(name, Settings(smoother=name), False) for name in METHODS]
    twice = [(f"{name}, twice", Settings(smoother=name), True) for name in METHODS]
    return [("none", off, False), *each, *twice, *((f"gaussian, --stabilise {s:g}", Settings(stabilise=s), False) for s in (0.25, 0.75, 1))]


def smoother(settings: Settings, *, twice: bool) -> Smooth:
    """The latents' smoothing under these settings, misplaced samples doubted; twice: the changes' after it."""
    steady = steadiness_of(settings)
    method = METHODS[steady.method].smooth

    def smooth(values: Array, times: Array) -> Array:
        valid = np.ones(len(times), bool)
        flat = values.reshape(len(times), -1)
        out = method(values, times, valid, steady.latents, weights=trust(flat, times, valid))
        return method(out, times, valid, steady.changes) if twice else out

    return smooth


def clip_of(clip: Path, pack: Pack) -> Clip:
    """The amount of smile and the landmarks of the clip's face, nothing smoothed."""
    settings = Settings(stabilise=0.0, cache=False)
    person = watch(read_frames(clip), Models.load(settings, pack), settings, clock=Stopwatch()).people[0]
    axes = pack.axes()
    which = axes.order.index("Smiling")
    smile = np.tensordot(person.latents.w, axes.directions[which], 2) / axes.distance[which]
    return Clip(person.track.times, smile.astype(np.float64), person.track.landmarks)


def quiet(seen: Clip) -> tuple[int, int]:
    """Rows of the clip's quietest passage."""
    calm = METHODS["gaussian"].smooth(seen.smile, seen.times, np.ones(len(seen.times), bool), 0.1)
    count = int(np.searchsorted(seen.times - seen.times[0], QUIET))
    ranges = [np.ptp(calm[i : i + count]) for i in range(len(calm) - count)]
    start = int(np.argmin(ranges))
    return start, start + count


def noise_of(seen: Clip) -> tuple[float, float]:
    """Standard deviation and correlation from frame to frame of what is left of the quietest passage without its trend."""
    start, stop = quiet(seen)
    times = seen.times[start:stop]
    left = seen.smile[start:stop] - np.polyval(np.polyfit(times, seen.smile[start:stop], 2), times)
    return float(left.std()), float(np.clip((left[1:] * left[:-1]).mean() / left.var(), 0.0, 0.95))


def made_tracks(deviation: float, correlation: float) -> tuple[Array, Array, Array]:
    """times [T] s, truth [T], and the truth under noise [RUNS,T]."""
    times = np.arange(int(SECONDS * RATE)) / RATE
    truth = np.clip((times - APPEARS) / RISE, 0.0, 1.0)
    random = np.random.default_rng(0)
    noise = np.zeros((RUNS, len(times)))
    noise[:, 0] = random.normal(size=RUNS)
    for i in range(1, len(times)):
        noise[:, i] = correlation * noise[:, i - 1] + np.sqrt(1 - correlation**2) * random.normal(size=RUNS)
    return times, truth, truth + deviation * noise


def on_made(smooth: Smooth, times: Array, truth: Array, noisy: Array, *, linear: bool) -> dict[str, Value]:
    """Figures of the made track; where the smile appears, means of the runs."""
    # linear smoothers take all runs at once; one that minds speed would see their mean, and takes a few one by one
    out = smooth(noisy.T, times).T if linear else np.stack([smooth(values, times) for values in noisy[:ALONE]])
    noisy = noisy[: len(out)]
    still = (times >= STILL[0]) & (times < STILL[1])
    near = np.abs(times - APPEARS) < 1.2
    mean = out.mean(0)
    less = jitter(noisy[:, still].T) / jitter(out[:, still].T)
    top = float(np.max(mean[near & (times > APPEARS)])) - float(noisy.mean(0)[near & (times > APPEARS)].max())
    return {
        "calmer": round(less, 1),
        "lag s": round(lag(mean, truth, times, near), 3),
        "rise s": round(rise(mean, times, near), 2),
        "overshoot %": round(100 * max(0.0, top), 1),
    }


def on_clip(smooth: Smooth, seen: Clip) -> dict[str, Value]:
    """Figures of the clip's own smile."""
    out = smooth(seen.smile, seen.times)
    # the steepest moment of what a light hand leaves, so that noise does not choose it
    calm = METHODS["gaussian"].smooth(seen.smile, seen.times, np.ones(len(seen.times), bool), 0.06)
    fastest = seen.times[int(np.argmax(np.gradient(calm, seen.times)))]
    near = np.abs(seen.times - fastest) < AROUND
    return {
        "clip: calmer": calmer(out, seen.smile, *quiet(seen)),
        "clip: lag s": round(lag(out, seen.smile, seen.times, near), 3),
        "clip: rise s": round(rise(out, seen.times, near), 2),
    }


def landmarks_by(settings: Settings, seen: Clip) -> Array:
    """The clip's landmarks as the first pass smooths them under these settings."""
    fit, weights = landmark_fit(steadiness_of(settings)), doubt(seen.landmarks, seen.times)
    return np.stack([fit.at(row, seen.landmarks, seen.times, weights) for row in range(len(seen.times))])


def calmer(out: Array, raw: Array, start: int, stop: int) -> float:
    """How many times less than another a track [T,...] jitters."""
    return round(jitter(raw[start:stop]) / max(jitter(out[start:stop]), 1e-30), 1)


def jitter(track: Array) -> float:
    """RMS second difference of a track [T,...]: what is no steady motion."""
    return float(np.sqrt(np.square(np.diff(track, n=2, axis=0)).mean()))


def lag(out: Array, truth: Array, times: Array, near: NDArray[np.bool_]) -> float:
    """Seconds by which `out` [T] follows the truth [T]: the shift with the least square error over the frames `near`."""
    shifts = np.arange(-0.4, 0.4005, 0.002)
    errors = [np.square(out[near] - np.interp(times[near] - shift, times, truth)).mean() for shift in shifts]
    return float(shifts[int(np.argmin(errors))])


def rise(out: Array, times: Array, near: NDArray[np.bool_]) -> float:
    """Seconds from the last time below 10 % to the first above 90 % of the way from before to after."""
    values, clock = out[near], times[near]
    edge = max(2, len(values) // 5)
    low, high = float(np.median(values[:edge])), float(np.median(values[-edge:]))
    fine = np.linspace(clock[0], clock[-1], 2000)
    share = (np.interp(fine, clock, values) - low) / max(high - low, 1e-9)
    top = int(np.argmax(share >= 0.9))
    below = np.flatnonzero(share[:top] <= 0.1)
    return float(fine[top] - fine[below[-1]]) if len(below) else float("nan")


def draw(path: Path, lines: dict[str, Smooth], made: tuple[Array, Array, Array], seen: Clip | None) -> None:
    """Still and fast passages of the made track, and the clip's. Raises MissingError."""
    plt = pyplot()
    figure, axes = plt.subplots(1, 3 if seen is not None else 2, figsize=(15 if seen is not None else 10, 4.2), constrained_layout=True)
    times, truth, noisy = made
    for axis, (title, start, stop) in zip(axes, [("still", 1.0, 3.0), (f"a smile within {RISE:g} s", 3.4, 4.8)], strict=False):
        near = (times >= start) & (times <= stop)
        axis.plot(times[near], truth[near], "k--", lw=1, label="truth")
        for name, smooth in lines.items():
            axis.plot(times[near], smooth(noisy[0], times)[near], color="0.7" if name == "none" else None, lw=1.4, label=name)
        axis.set(title=f"made: {title}", xlabel="s", ylabel="smile")
    if seen is not None:
        for name, smooth in lines.items():
            axes[2].plot(seen.times, smooth(seen.smile, seen.times), color="0.7" if name == "none" else None, lw=1.4, label=name)
        axes[2].set(title="a clip whose face begins to smile", xlabel="s", ylabel="smile")
    for axis in axes:
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
    plt.close(figure)
