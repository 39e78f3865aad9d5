"""Matches masks to images by name alone: equal names, or a constant affix evident from the names.

Names are relative paths without suffix. Nothing is guessed: if two masks fit one image, both are reported.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

Rule = Callable[[str], str]
Affix = tuple[str, str]

MASK_WORDS = frozenset(
    (
        *("mask", "masks", "seg", "segs", "segmentation", "segmentations", "label", "labels", "labelids", "gt"),
        *("groundtruth", "truth", "annotation", "annotations", "annot", "annots", "manual", "matte"),
    )
)
"""Words that mark a mask in a file name."""
IMAGE_WORDS = frozenset(["image", "images", "img", "imgs", "picture", "raw", "original", "orig", "input"])
"""Words that mark an image."""


@dataclass(frozen=True, kw_only=True)
class Match:
    """The result of matching names."""

    partners: dict[str, str] = field(default_factory=dict)
    """The mask of each image that has one."""
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Images with several possible masks, or whose mask fits several images, with those masks."""
    kinds: tuple[Affix, ...] = ()
    """Several possible affixes: the text before and after the image's name."""
    about: str = ""
    """How masks' names differ from images'; empty if they do not."""


def match_names(images: Collection[str], masks: Collection[str], suffix: str = "") -> Match:
    """Pairs names by the first rule that applies; `suffix` is an addition to masks' names given by the user.

    The rules: equal names, without `.ome`, case-insensitive, with numbers padded differently; with a constant affix;
    with words for image and mask.
    """
    match = _by_rules({name: name + suffix for name in images}, masks)
    if suffix:
        return Match(partners=match.partners, ambiguous=match.ambiguous, about=f"masks are named NAME{suffix}")
    if match.partners or match.ambiguous:
        return match
    return _by_addition(images, masks) or _by_words(images, masks) or match


def masks_among(names: Collection[str], suffix: str = "") -> tuple[frozenset[str], tuple[Affix, ...]]:
    """The names in a common folder that are masks; and all affixes if several are possible.

    Without `suffix`, an affix must contain a word for masks, such as `_mask` or `_cp_masks`.
    """
    if suffix:
        return frozenset(name for name in names if name.endswith(suffix)), ()
    found = {affix: pairs for affix, pairs in _additions(names, names, _same).items() if _has_word(affix)}
    best, rivals = _best(found)
    if best is None:
        return frozenset(name for name in names if MASK_WORDS & _words(_base(name))), ()
    before, after = best
    masks = {name for name in names if _base(name).startswith(before) and _base(name).endswith(after)}
    return frozenset(masks), (best, *rivals) if rivals else ()


def in_words(affix: Affix) -> str:
    """An affix as a user would write it."""
    return f"{affix[0]}NAME{affix[1]}"


def _by_rules(images: Mapping[str, str], masks: Collection[str]) -> Match:
    """Equal names by one rule after the other; `images` maps an image to the name that its mask should have."""
    partners: dict[str, str] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for rule in (_same, _without_ome, _any_case, _plain_numbers):
        wanted = _grouped((name for name in images if name not in partners), lambda name: rule(images[name]))  # noqa: B023
        given = _grouped((name for name in masks if name not in taken), rule)
        for key, names in wanted.items():
            fitting = given.get(key, [])
            if len(names) == len(fitting) == 1:
                partners[names[0]] = fitting[0]
                taken.add(fitting[0])
            elif fitting:
                ambiguous.update(dict.fromkeys(names, tuple(fitting)))
    return Match(partners=partners, ambiguous={name: ambiguous[name] for name in ambiguous if name not in partners})


def _by_addition(images: Collection[str], masks: Collection[str]) -> Match | None:
    for rule in (_same, _without_ome, _any_case, _plain_numbers):
        found = _additions(images, masks, rule)
        best, rivals = _best(found)
        if best is None or 2 * len(found[best]) < min(len(images), len(masks)):
            continue
        if rivals:
            return Match(kinds=(best, *rivals))
        return Match(partners=found[best], about=f"masks are named {in_words(best)}")
    return None


def _additions(images: Collection[str], masks: Collection[str], rule: Rule) -> dict[Affix, dict[str, str]]:
    """The pairs for each constant affix that some mask shows."""
    known = {key: names[0] for key, names in _grouped(images, rule).items() if len(names) == 1}
    found: dict[Affix, dict[str, str]] = defaultdict(dict)
    for mask in masks:
        for before, core, after in _cores(mask):
            image = known.get(rule(core))
            if image is not None and image != mask:
                found[before, after].setdefault(image, mask)
    return found


def _cores(name: str) -> Iterator[tuple[str, str, str]]:
    """All splits of a name into prefix, core and suffix; words and numbers stay whole."""
    folder, base = name[: len(name) - len(_base(name))], _base(name)
    tokens = _tokens(base)
    for start in range(len(tokens)):
        for stop in range(start + 1, len(tokens) + 1):
            if stop - start < len(tokens):
                yield "".join(tokens[:start]), folder + "".join(tokens[start:stop]), "".join(tokens[stop:])


def _best(found: Mapping[Affix, Mapping[str, str]]) -> tuple[Affix | None, tuple[Affix, ...]]:
    """The affix with most pairs, and others with about as many pairs of other masks."""
    if not found:
        return None, ()
    best = max(found, key=lambda affix: (len(found[affix]), -len("".join(affix)), affix))
    used = set(found[best].values())
    rivals = [
        affix
        for affix, pairs in found.items()
        if affix != best and 2 * sum(mask not in used for mask in pairs.values()) > len(found[best])
    ]
    return best, tuple(sorted(rivals))


def _by_words(images: Collection[str], masks: Collection[str]) -> Match | None:
    """Pairs `image_1` with `mask_1`: names that are equal without the words for image and mask."""
    wanted, given = _grouped(images, _skeleton), _grouped(masks, _skeleton)
    partners, ambiguous = {}, {}
    for key in wanted.keys() & given.keys():
        if len(wanted[key]) == len(given[key]) == 1:
            partners[wanted[key][0]] = given[key][0]
        else:
            ambiguous.update(dict.fromkeys(wanted[key], tuple(given[key])))
    if not partners and not ambiguous:
        return None
    return Match(partners=partners, ambiguous=ambiguous, about="masks have another word in their names than images")


def _skeleton(name: str) -> str:
    tokens = (token.casefold() for token in _tokens(_base(name)))
    kept = [token for token in tokens if token.isalnum() and token not in MASK_WORDS | IMAGE_WORDS]
    return _any_case(name[: len(name) - len(_base(name))]) + _plain_numbers(" ".join(kept))


def _tokens(base: str) -> list[str]:
    """Splits a name into numbers, words and separators."""
    return re.findall(r"\d+|[^\W\d_]+|[\W_]+", base)


def _words(base: str) -> set[str]:
    return {token.casefold() for token in _tokens(base)}


def _has_word(affix: Affix) -> bool:
    return bool(MASK_WORDS & (_words(affix[0]) | _words(affix[1])))


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _grouped(names: Iterable[str], rule: Rule) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[rule(name)].append(name)
    return groups


def _same(name: str) -> str:
    """Normalizes Unicode: macOS writes é as two characters."""
    return unicodedata.normalize("NFC", name)


def _without_ome(name: str) -> str:
    return re.sub(r"\.ome(?=$|[\W_])", "", _same(name), flags=re.IGNORECASE)


def _any_case(name: str) -> str:
    return _without_ome(name).casefold()


def _plain_numbers(name: str) -> str:
    folder, base = name[: len(name) - len(_base(name))], _base(name)
    return _any_case(folder) + re.sub(r"0*([0-9]+)", r"\1", _any_case(base))
