"""Reads recordings: SigMF pairs, archives and collections, WAV and raw files, pipes, in chunks of samples."""

from lmsc_unet.signals.recording.open import open_pair, open_recording, open_recordings
from lmsc_unet.signals.recording.raw import open_raw
from lmsc_unet.signals.recording.recording import Capture, Recording, RecordingWarning
from lmsc_unet.signals.recording.stream import Stream, open_stream

__all__ = [
    "Capture",
    "Recording",
    "RecordingWarning",
    "Stream",
    "open_pair",
    "open_raw",
    "open_recording",
    "open_recordings",
    "open_stream",
]
