"""Which signals are reported: by duration, bandwidth, SNR, and bands to leave out."""

from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError
from lmsc_unet.signals.boxes import SignalBox
from lmsc_unet.signals.recording import Recording

_MOST = 1e15


@dataclass(frozen=True, kw_only=True)
class SignalLimits:
    """Signals beyond one of these are not reported."""

    min_duration_s: float | None = None
    """Shortest signal."""
    max_duration_s: float | None = None
    """Longest signal."""
    min_bandwidth_hz: float | None = None
    """Narrowest signal."""
    max_bandwidth_hz: float | None = None
    """Widest signal."""
    min_snr_db: float | None = None
    """Weakest signal, by the ratio of its power to the noise in its band."""
    ignore_hz: tuple[tuple[float, float], ...] = ()
    """Bands, low and high edge: a signal whose middle lies in one is left out."""

    def __post_init__(self) -> None:
        for what in ("duration_s", "bandwidth_hz"):
            check_range(self, 0, _MOST, f"min_{what}", f"max_{what}")
            low, high = getattr(self, f"min_{what}"), getattr(self, f"max_{what}")
            if low is not None and high is not None and low > high:
                raise ConfigError(f"min_{what} is {low}, above max_{what}, which is {high}. Swap them.")
        check_range(self, -_MOST, _MOST, "min_snr_db")
        for low, high in self.ignore_hz:
            if not -_MOST < low < high < _MOST:
                raise ConfigError(f"The band to ignore is {low:g} to {high:g} Hz; its lower edge must come first.")

    def allow(self, box: SignalBox, recording: Recording) -> bool:
        """Whether a signal of a recording is within all limits; one without SNR is as strong as needed."""
        duration_s = box.num_samples / recording.capture_at(box.start_sample).sample_rate_hz
        middle_hz = (box.low_hz + box.high_hz) / 2
        return (
            _is_between(duration_s, self.min_duration_s, self.max_duration_s)
            and _is_between(box.bandwidth_hz, self.min_bandwidth_hz, self.max_bandwidth_hz)
            and (box.snr_db is None or _is_between(box.snr_db, self.min_snr_db, None))
            and not any(low <= middle_hz <= high for low, high in self.ignore_hz)
        )


def _is_between(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)
