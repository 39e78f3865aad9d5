import math
from collections.abc import Iterator
from dataclasses import is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml

from lmsc_unet.apps.detect.inputs import RawFormat
from lmsc_unet.benchmark.plan import Plan
from lmsc_unet.catalog import LMSCUNetConfig, UNetConfig
from lmsc_unet.config import differences, from_mapping, read_yaml, to_mapping, to_yaml
from lmsc_unet.core.ranges import shown
from lmsc_unet.datasets.options import ChunkOptions
from lmsc_unet.errors import ConfigError
from lmsc_unet.evaluation.intervals import Bootstrap
from lmsc_unet.export.options import ExportOptions
from lmsc_unet.inference.predictor import Predictor, with_scale, with_threshold
from lmsc_unet.inference.runtime import Runtime
from lmsc_unet.inference.spec import ModelSpec
from lmsc_unet.synthetic.radio.scene import SceneOptions
from lmsc_unet.synthetic.radio.writer import write_scenes
from lmsc_unet.synthetic.tissue.writer import write_nuclei
from lmsc_unet.training.config import AugmentConfig, TrainConfig
from lmsc_unet.training.recipes import RECIPES, merged
from tests.inference.networks import small_unet, spec


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_config_comes_back_from_its_yaml(recipe: str) -> None:
    config = from_mapping(TrainConfig, merged(RECIPES[recipe], {"recipe": recipe}), "test")
    assert from_mapping(TrainConfig, yaml.safe_load(to_yaml(config)), "test") == config


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"epoch": 3}, "test: there is no setting 'epoch'. Did you mean 'epochs'?"),
        ({"optimizer": {"learning_rat": 0.1}}, "test: optimizer: there is no setting 'learning_rat'. Did you mean"),
        ({"zzz": 1}, "there is no setting 'zzz'. The known ones are model, recipe"),
        ({"epochs": "ten"}, "test: epochs is 'ten'; it must be a int"),
        ({"epochs": True}, "test: epochs is True; it must be an int"),
        ({"loss": 3}, "test: loss is 3; it must be a mapping"),
        ({"recipe": "weak"}, "recipe is 'weak'; it must be one of 'strong', 'tissue', 'street', 'paper'"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"fold": 6, "folds": 5}, "fold is 6; with folds 5 it must lie between"),
        ({"folds": 1}, "folds is 1; it must be 0"),
        (5, "test is 5; it must be a mapping"),  # R17
        (["epochs"], "test is ['epochs']; it must be a mapping"),
        ({"precision": [32]}, "precision is [32]; it must be one of"),
        ({5: 3}, "test: there is no setting 5. The known ones are model"),
        ({"input": {"scale": 10**400}}, "input.scale is inf; it must be at least 0 and at most 16"),
    ],
)
def test_a_wrong_setting_is_named(mapping: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        from_mapping(TrainConfig, mapping, "test")
    assert message in str(error.value)


def test_a_dash_is_as_good_as_an_underscore() -> None:
    assert from_mapping(TrainConfig, {"size-px": 128}, "test").size_px == 128


def test_differences_name_the_field_and_both_values() -> None:
    left = TrainConfig()
    right = TrainConfig(epochs=7, augment=AugmentConfig(zoom=0.5))
    assert list(differences(left, right)) == ["epochs: 100 -> 7", "augment.zoom: 0.25 -> 0.5"]
    assert list(differences(left, left)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "holds a list"),
        ("a: [", "is not valid YAML"),
        (None, "cannot be read"),
        ("[" * 20_000, "nested too deeply"),  # R27
        ("{a: " * 20_000, "nested too deeply"),
        ("\n".join(" " * depth + "a:" for depth in range(900)), "nested too deeply"),
        ("network: &n {widths: *n}", "an alias is inside the value that it names"),
        ("network: &n\n  widths: [1, [*n]]", "an alias is inside the value that it names"),
        ("epochs: " + "9" * 5000, "is not valid YAML"),
        ("a: &a [1]\nb: !!python/object/apply:os.system [ls]", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_mapping_holds_plain_values_only() -> None:
    assert yaml.safe_load(yaml.safe_dump(to_mapping(TrainConfig()))) == to_mapping(TrainConfig())


def test_what_is_named_many_times_is_read_in_no_time(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = [f"{here}: &{here} [{', '.join([f'*{above}'] * 9)}]" for above, here in pairwise(names)]
    path.write_text("\n".join(["a: &a [1]", *lines]))
    assert set(read_yaml(path)) == set(names)


BAD_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, 10**40, -(10**40))


def numbers_of(cls: Any, prefix: str = "") -> Iterator[str]:
    """The dotted names of all fields that are numbers, or tuples of these."""
    for name, kind in get_type_hints(cls).items():
        kinds = {kind, *get_args(kind)}
        if is_dataclass(kind):
            yield from numbers_of(kind, f"{prefix}{name}.")
        elif kinds & {int, float}:
            yield prefix + name


def nested(name: str, value: object) -> dict[str, Any]:
    first, _, rest = name.partition(".")
    return {first: nested(rest, value)} if rest else {first: value}


@pytest.mark.parametrize("name", list(numbers_of(TrainConfig)))
def test_every_number_of_a_training_has_a_range(name: str) -> None:  # R23
    for value in BAD_NUMBERS:
        for given in (value, [value]):
            with pytest.raises(ConfigError, match=name.rpartition(".")[2]):
                from_mapping(TrainConfig, nested(name, given), "test")


@pytest.mark.parametrize("name", list(numbers_of(ModelSpec)))
def test_every_number_of_a_model_has_a_range(name: str) -> None:  # R6
    for value in (*BAD_NUMBERS, True, "1", None, [], {}):
        if value is None and name.startswith("spectrogram"):
            continue
        for given in (value, [value]):
            with pytest.raises(ConfigError, match=name.rpartition(".")[2]):
                from_mapping(ModelSpec, {"name": "a"} | nested(name, given), "test")


@pytest.mark.parametrize("value", [*BAD_NUMBERS, 0, -1])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: Runtime(threads=value), "threads"),  # R15
        (lambda value: Predictor(small_unet(), spec(), batch=value), "batch"),
        (lambda value: Predictor(small_unet(), spec(), tile_px=value), "tile_px"),
        (lambda value: with_scale(spec(), value), "scale"),
        (lambda value: with_threshold(spec(), value), "threshold"),
        (lambda value: Bootstrap(num_draws=value), "draws"),
        (lambda value: Bootstrap(level=value), "level"),
        (lambda value: write_nuclei(Path("/nowhere"), count=value), "count"),
        (lambda value: write_nuclei(Path("/nowhere"), count=1, size_px=value), "size_px"),
        (lambda value: RawFormat(sample_rate_hz=value), "sample_rate_hz"),
        (lambda value: ExportOptions(crops=value), "crops"),
        (lambda value: ExportOptions(qat_epochs=value), "qat_epochs"),
        (lambda value: Plan(threads=(value,)), "threads"),
        (lambda value: Plan(batches=(value,)), "batch"),
        (lambda value: Plan(size_px=value), "size_px"),
        (lambda value: Plan(rounds=value), "rounds"),
        (lambda value: next(write_scenes(Path("/nowhere"), SceneOptions(), count=value)), "count"),
        (lambda value: next(write_scenes(Path("/nowhere"), SceneOptions(), count=1, processes=value)), "processes"),
        (lambda value: UNetConfig(widths=(value, 8)), "widths"),
        (lambda value: LMSCUNetConfig(expansion=value), "expansion"),
        (lambda value: LMSCUNetConfig(reduction=value), "reduction"),
    ],
)
def test_every_number_of_a_command_has_a_range(make: Any, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name}.* is .*must"):
        make(value)


@pytest.mark.parametrize("value", [*BAD_NUMBERS, -1])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: Bootstrap(seed=value), "seed"),
        (lambda value: write_nuclei(Path("/nowhere"), count=1, seed=value), "seed"),
        (lambda value: SceneOptions(seed=value), "seed"),
        (lambda value: ChunkOptions(split_seed=value), "split_seed"),
    ],
)
def test_every_seed_is_a_whole_number_that_all_take(make: Any, name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"{name} is .*at least 0 and at most 4294967295"):
        make(value)


@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_a_frequency_is_finite(value: float) -> None:  # R19
    with pytest.raises(ConfigError, match="center_hz is"):
        RawFormat(center_hz=value)


def test_a_number_of_any_length_is_told_in_a_few_words() -> None:
    with pytest.raises(ConfigError, match="epochs is a int too long to print; it must"):
        TrainConfig(epochs=16**6000)
    assert len(shown(["a" * 10_000] * 10_000)) < 1000
