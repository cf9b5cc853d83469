"""--video-encoder list."""

from __future__ import annotations

from videdit.cli.say import say


def show_encoders() -> int:
    """Print the encoders of this FFmpeg, tried. Returns the exit code."""
    from videdit.video.listing import list_encoders

    found = list_encoders()
    say(f"{'encoder':<20} {'quality':<18} {'works here':<12} containers")
    for encoder in found:
        works = "yes" if encoder.usable else "no"
        say(f"{encoder.name:<20} {encoder.quality:<18} {works:<12} {' '.join(encoder.suffixes) if encoder.usable else encoder.reason}")
    return 0
