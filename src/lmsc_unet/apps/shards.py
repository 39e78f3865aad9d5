"""Divides the items of a command among machines, which know nothing of each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lmsc_unet.apps.expansion import ANY_FOLDERS, is_pattern
from lmsc_unet.apps.items import Item
from lmsc_unet.core.ranges import check_range
from lmsc_unet.errors import ConfigError

MOST_SHARDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One of several equal parts of the items."""

    num_shards: int
    """The number of parts."""
    shard_id: int
    """The part, from 0."""

    def __post_init__(self) -> None:
        check_range(self, 1, MOST_SHARDS, "num_shards")
        if not 0 <= self.shard_id < self.num_shards:
            raise ConfigError(
                f"--shard-id is {self.shard_id}, but --num-shards is {self.num_shards}. It counts from 0, so it must "
                f"be at least 0 and at most {self.num_shards - 1}."
            )


def shard_from(num_shards: int | None, shard_id: int | None) -> Shard | None:
    """The shard of two options; None if neither is given.

    Raises:
        ConfigError: one of the two is missing, or one is out of range.
    """
    if num_shards is None and shard_id is None:
        return None
    if num_shards is None or shard_id is None:
        given, missing = ("--shard-id", "--num-shards") if num_shards is None else ("--num-shards", "--shard-id")
        raise ConfigError(f"{given} is given without {missing}. Give both: how many shards, and which of them, from 0.")
    return Shard(num_shards=num_shards, shard_id=shard_id)


def items_of(shard: Shard | None, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items of a shard, in their order: of all items sorted by name, each `num_shards`-th one; all without a shard.

    So the order of the inputs does not matter.
    """
    if shard is None:
        return tuple(items)
    chosen = {item.name for item in sorted(items, key=lambda item: item.name)[shard.shard_id :: shard.num_shards]}
    return tuple(item for item in items if item.name in chosen)


def remarks_of(shard: Shard | None, num_items: int) -> tuple[str, ...]:
    """The note about a shard that has no item."""
    if shard is None or shard.shard_id < num_items:
        return ()
    return (f"shard {shard.shard_id} of {shard.num_shards} has nothing to do: the inputs are only {num_items}.",)


def refuse_mixed(shard: Shard | None, inputs: Sequence[Path], results: Sequence[Path | None]) -> None:
    """Rejects results below a folder that is searched: there they would be inputs of the other shards.

    Raises:
        ConfigError: they lie there.
    """
    if shard is None:
        return
    searched = [folder for given in inputs if (folder := _searched(given)) is not None]
    for out in filter(None, results):
        inside = next((folder for folder in searched if out.resolve().is_relative_to(folder.resolve())), None)
        if inside is not None:
            raise ConfigError(
                f"{out}: the results lie in {inside}, which is searched for inputs, so each shard could take those of "
                "the others for inputs. Name a folder outside of it."
            )


def _searched(given: Path) -> Path | None:
    """The folder that is searched with all below it, if there is one."""
    if is_pattern(given):
        return Path(*given.parts[: given.parts.index(ANY_FOLDERS)]) if ANY_FOLDERS in given.parts else None
    return given if given.is_dir() else None
