"""What a run's edits took, kept in the cache folder for the estimates of --dry-run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from videdit.cli.outcomes import Outcome
from videdit.config import Settings
from videdit.packs.manifest import Manifest

if TYPE_CHECKING:
    from videdit.store.speeds import Speed


@dataclass(frozen=True, slots=True)
class Speeds:
    """The speed of one pack on one device with so many workers; folder None keeps nothing."""

    settings: Settings
    key: str

    @classmethod
    def of(cls, settings: Settings, manifest: Manifest, workers: int = 1) -> Speeds:
        """What these settings are known by."""
        return cls(settings, f"{manifest.id} {settings.device} {workers}")

    def known(self) -> Speed:
        """What was measured here, or figures of a machine with two CPU cores."""
        from videdit.store.speeds import read_speed

        return read_speed(self._folder(), self.key)

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Learn from what was edited just now, but for what earlier runs knew already."""
        found = [outcome.report.as_json() for outcome in outcomes if outcome.status == "edited"]
        clips = [values for values in found if not values.get("cached") and values.get("width")]
        if not clips or not self.settings.cache:
            return
        from videdit.store.speeds import keep_speed

        speed = self.known()
        for values in clips:
            size = Path(values["output"])
            seconds = values["wall"] - values["seconds"].get("load", 0.0)
            if size.is_file():
                speed = speed.learn(values["frames"], values["width"], values["height"], seconds=seconds, size=size.stat().st_size)
        keep_speed(self._folder(), self.key, speed)

    def _folder(self) -> Path | None:
        from videdit.store.cache import default_folder

        return (self.settings.cache_dir or default_folder()) if self.settings.cache else None
