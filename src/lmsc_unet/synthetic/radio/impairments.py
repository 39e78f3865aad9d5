"""What may be wrong with a transmitter, the air and a receiver, and how much of it. Each is off at 0."""

from dataclasses import dataclass

from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Impairments:
    """The most that each impairment may be; a scene draws evenly from none to that."""

    near_db: float = 0.0
    """How much stronger all signals of a scene may be, as beside a transmitter; every second scene is."""
    skirts: float = 0.0
    """Amplitude of the noise that a transmitter sends around its signal, over up to four times the bandwidth."""
    spurs: float = 0.0
    """Amplitude of a signal's weak copies and lines at other frequencies; up to three."""
    multipath: float = 0.0
    """Amplitude of a signal's echoes against its direct path, under 1; up to three, within 4 / bandwidth."""
    rolloff_db: float = 0.0
    """How far the receiver's filter falls off at the band's edges; it begins 5 to 15 % of the band inside."""
    dc_spike_db: float = 0.0
    """A line at 0 Hz, in dB over the noise of one of 256 columns; every second one changes its level in steps."""
    iq_imbalance: float = 0.0
    """Amplitude of a signal's mirror image about 0 Hz."""
    squelch: float = 0.0
    """Chance that the receiver is mute (samples of 0) while nobody sends, but for a little before and after."""

    def __post_init__(self) -> None:
        for name in ("skirts", "spurs", "multipath", "iq_imbalance"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 0 and under 1.")
        check_range(self, 0, 100, "near_db", "rolloff_db", "dc_spike_db")
        if not 0 <= self.squelch <= 1:
            raise ConfigError(f"squelch is {self.squelch}; a chance is 0 to 1.")


NONE = Impairments()
CHEAP_RADIO = Impairments(
    near_db=30.0,
    skirts=0.06,
    spurs=0.04,
    multipath=0.3,
    rolloff_db=20.0,
    dc_spike_db=30.0,
    iq_imbalance=0.03,
    squelch=0.1,
)
"""What transmitters and receivers of a few ten euros show."""
