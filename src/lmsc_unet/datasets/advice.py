"""The ways on for masks whose values have no one meaning."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from lmsc_unet.datasets.labels import listed
from lmsc_unet.datasets.mask_summary import MaskSummary
from lmsc_unet.imageio import NAN

_MAX_CLASSES_LIKELY = 16
_OFTEN_IGNORED = (255, -1)
_INSTANCES = "If each number above 0 is one object, say --instances."

Masks = Mapping[Path, MaskSummary]


def advice(masks: Masks, held: Mapping[Path, frozenset[int]]) -> str:
    """What the masks hold, and what the user can say of it.

    Args:
        masks: what each mask holds.
        held: the values of each that are to be classes.
    """
    values = sorted(set().union(*held.values()) - {NAN})
    found = listed([*values[:8], "NaN"] if any(NAN in each for each in held.values()) else values)
    return f"the masks hold the values {found}, but two classes are 0 and one other value. " + " ".join(
        _ways(masks, held, values)
    )


def _ways(masks: Masks, held: Mapping[Path, frozenset[int]], values: list[int]) -> Iterator[str]:
    if any(NAN in found for found in held.values()):
        yield "If NaN marks pixels to leave out, say --ignore-nan."
    lossy = [path for path, mask in masks.items() if mask.is_lossy]
    if lossy:
        yield (
            f"{len(lossy)} of {len(masks)} masks, such as {lossy[0].name}, are by their content JPEG or compressed "
            "as lossily, which changes values at edges: for two classes say --mask-threshold 128, better export them "
            "again as PNG."
        )
    elif len(values) > _MAX_CLASSES_LIKELY:
        half = {8: 128, 16: 32768}.get(max(mask.bits for mask in masks.values()), (values[-1] + 1) // 2)
        yield f"If they are grey at edges or soft, say where the foreground begins: --mask-threshold {half}."
        yield _INSTANCES
    elif len(values) > 1:
        yield from _classes(values)


def _classes(values: list[int]) -> Iterator[str]:
    named = ",".join(map(str, values))
    without = [value for value in values if value not in _OFTEN_IGNORED]
    if len(values) == 2 and 0 not in values:
        yield f"If {values[0]} is the background and {values[1]} the foreground, say --values {named}."
    elif without != [0, 1]:
        if without == list(range(len(without))):
            yield "For class ids name them all in order: --classes background,first,second."
        else:
            yield f"For classes name all values in order, the background first: --values {named}."
        if values == [0, 1, 2]:
            yield "If 0 is not annotated, 1 the background and 2 the foreground, say --values 1,2 --ignore-index 0."
        if without[0] == 0:
            yield _INSTANCES
    odd = next((value for value in values if value in _OFTEN_IGNORED), None)
    if odd is not None:
        yield f"If {odd} marks pixels to leave out, say --ignore-index {odd}."
