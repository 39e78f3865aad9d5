"""`lmsc scenes`: generates recordings with exact labels."""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from lmsc_unet.cli.numbers import Hertz

if TYPE_CHECKING:
    from lmsc_unet.synthetic.radio.impairments import Impairments
    from lmsc_unet.synthetic.radio.scene import Scene, SceneOptions


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ScenesArguments:
    """Settings of the generated scenes."""

    count: int = 4000
    """Number of scenes; the paper's set has 4000."""
    seed: int = 0
    """The same seed gives the same scenes."""
    datatype: str = "ci16_le"
    """The SigMF datatype of the recordings."""
    samples: int | None = None
    """Samples per scene; by default 65,536 times 1, 2, 4, ... or 64."""
    sample_rate_hz: Hertz = 1.0
    """Samples per second; the RF signal dataset is normalised to 1."""
    mixture: Literal["even", "measured", "broad"] = "even"
    """even: the dataset's eight templates in equal numbers (the paper's 20 % foreground); measured: with the dataset's
    frequencies; broad: even, plus as many of each of ours: telegrams of two kinds, frequency hopping, narrow channels,
    and noise alone."""
    snr_low_db: float = -5.0
    """The lowest signal-to-noise ratio in a signal's own band."""
    snr_high_db: float = 30.0
    """The highest."""
    receiver: Literal["clean", "cheap"] = "clean"
    """cheap adds impairments of low-cost radios: near transmitters with phase noise and spurs, echoes, roll-off, a line
    at 0 Hz, IQ imbalance, squelch, gain steps, 8 bits. The options below set each of them."""
    near_db: float | None = None
    """Extra power of a scene's signals above the highest SNR, in every second scene."""
    skirts: float | None = None
    """Largest amplitude of the noise around a transmitter's signal, 0 to 1."""
    spurs: float | None = None
    """Largest amplitude of a signal's weak copies at other frequencies, 0 to 1."""
    multipath: float | None = None
    """Largest amplitude of an echo, 0 to 1."""
    rolloff_db: float | None = None
    """Largest roll-off at the band's edges."""
    dc_spike_db: float | None = None
    """Largest line at 0 Hz, above the noise of one of 256 columns."""
    iq_imbalance: float | None = None
    """Largest amplitude of the mirror image, 0 to 1."""
    squelch: float | None = None
    """Probability that the receiver is muted between transmissions, 0 to 1."""
    gain_step_db: float | None = None
    """How far the receiver turns its gain down while a strong signal is on."""
    rounding: float | None = None
    """Largest step of an 8-bit converter relative to the noise."""
    pictures: Annotated[bool, Parameter(negative="")] = False
    """Write 256 x 256 spectrograms and masks instead of samples: a set for `lmsc train`, 100 times smaller."""
    processes: int = 1
    """Scenes generated concurrently."""


def scenes(folder: Path, /, *, arguments: ScenesArguments | None = None) -> None:
    """Generate labelled wideband recordings like the RF signal dataset, and compare them with it.

    Args:
        folder: A new or empty folder.
        arguments: Settings of the scenes.
    """
    from lmsc_unet.core.progress import progress
    from lmsc_unet.synthetic.radio.scene import SceneOptions
    from lmsc_unet.synthetic.radio.writer import write_pictures, write_scenes

    given = arguments or ScenesArguments()
    options = SceneOptions(
        seed=given.seed,
        mixture=given.mixture,
        samples=given.samples,
        sample_rate_hz=given.sample_rate_hz,
        snr_low_db=given.snr_low_db,
        snr_high_db=given.snr_high_db,
        impairments=_impairments(given),
    )
    if given.pictures:
        made = write_pictures(folder, options, count=given.count, processes=given.processes)
    else:
        made = write_scenes(folder, options, count=given.count, datatype=given.datatype, processes=given.processes)
    done: list[Scene] = []
    try:
        with progress("drawing", given.count) as bar:
            for scene in made:
                done.append(scene)
                bar.advance()
    except KeyboardInterrupt as stop:
        number = len(done) if given.pictures else len(list(folder.glob("*.sigmf-meta")))  # of all processes
        raise type(stop)(
            f"stopped. {number} of {given.count} scenes in {folder} are complete; to make all, name a new folder."
        ) from None
    _print_statistics(done, options)
    print(f"{len(done)} scenes in {folder}")


def _impairments(given: ScenesArguments) -> "Impairments":
    """The named receiver, with the impairments set by options."""
    from lmsc_unet.synthetic.radio.impairments import CHEAP_RADIO, NONE

    names = [field.name for field in fields(NONE)]
    own = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    return replace(CHEAP_RADIO if given.receiver == "cheap" else NONE, **own)


def _print_statistics(made: "list[Scene]", options: "SceneOptions") -> None:
    """Prints the set's statistics beside the dataset's."""
    from lmsc_unet.core.tables import Table, print_tables
    from lmsc_unet.synthetic.radio.scenarios import TEMPLATES
    from lmsc_unet.synthetic.radio.statistics import MEASURED, expected_share, foreground_share

    rows = []
    for number in TEMPLATES:
        of_it = [scene for scene in made if scene.template == number]
        if not of_it and number not in MEASURED:
            continue
        share = f"{foreground_share(of_it):.1%}" if of_it else "-"
        measured = f"{MEASURED[number].occupied:.1%}" if number in MEASURED else "-"
        rows.append((str(number), str(len(of_it)), str(sum(len(one.emissions) for one in of_it)), share, measured))
    rows.append(("all", str(len(made)), "", f"{foreground_share(made):.1%}", f"{expected_share(options):.1%}"))
    headings = ("template", "scenes", "signals", "plane filled", "measured in the dataset")
    print_tables(Table(headings=headings, rows=tuple(rows)))
