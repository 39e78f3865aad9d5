"""Reads recordings: SigMF pairs, archives and collections, raw files and pipes, in chunks of samples."""

from lmsc_unet.signals.recording.open import open_pair, open_raw, open_recording, open_recordings
from lmsc_unet.signals.recording.recording import Capture, Recording, RecordingWarning, Stream, open_stream

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
