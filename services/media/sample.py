"""One film becomes a sample: probe, sound, waveform, tempo, key. Runs in the media process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.error import FFmpegError

from services.media import key as keys
from services.media import sound, tempo, waveform
from services.media.key import Key
from services.media.sound import Probe, Unreadable
from services.media.tempo import Tempo

ANALYSED_SECONDS = 120.0  # more says nothing more about tempo and key


@dataclass(frozen=True, slots=True)
class Sample:
    """What could be read. `tempo` and `key` are given, or the word that says why not.

    `audio` is the extension of the file that was written ("m4a"), None if there is no sound.
    """

    probe: Probe
    audio: str | None
    peaks: list[float]
    tempo: Tempo | None
    no_tempo: str | None
    key: Key | None
    no_key: str | None


def make(source: Path, audio: Path, picture: Path) -> Sample:
    """Writes the sound to `audio` and the waveform to `picture`. Errors: Unreadable(not_media)."""
    found = sound.probe(source)
    if found.audio_codec is None:
        return Sample(found, None, [], None, "no_audio", None, "no_audio")
    samples = sound.mono(source, tempo.RATE, ANALYSED_SECONDS)
    if not len(samples):  # a track of which nothing can be heard
        return Sample(found, None, [], None, "no_audio", None, "no_audio")
    waveform.draw(samples, picture)
    beat, tonality = tempo.estimate(samples), keys.estimate(samples)
    return Sample(
        probe=found,
        audio=_extract(source, found, audio),
        peaks=waveform.peaks(samples),
        tempo=beat if isinstance(beat, Tempo) else None,
        no_tempo=beat if isinstance(beat, str) else None,
        key=tonality if isinstance(tonality, Key) else None,
        no_key=tonality if isinstance(tonality, str) else None,
    )


def _extract(source: Path, found: Probe, audio: Path) -> str | None:
    """AAC is copied; anything else, or what can't be copied, is encoded anew. A sound that can't
    be written is left out."""
    for kind in ("m4a", "mp3") if found.audio_codec == "aac" else ("mp3",):
        try:
            if kind == "m4a":
                sound.copy(source, audio)
            else:
                sound.extract(source, audio, kind)
        except (FFmpegError, Unreadable, ValueError):
            audio.unlink(missing_ok=True)
        else:
            return kind
    return None
