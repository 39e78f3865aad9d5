from pathlib import Path

import pytest
import yaml

from lmsc_unet.config import differences, from_mapping, read_yaml, to_mapping, to_yaml
from lmsc_unet.errors import ConfigError
from lmsc_unet.training.config import AugmentConfig, TrainConfig
from lmsc_unet.training.recipes import RECIPES, merged


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
        ({"recipe": "weak"}, "recipe is 'weak'; it must be one of 'strong', 'paper'"),
        ({"epochs": 0}, "epochs is 0; it must be at least 1"),
        ({"fold": 6, "folds": 5}, "fold is 6; with folds 5 it must lie between"),
        ({"folds": 1}, "folds is 1; it must be 0"),
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
    [("- a\n- b\n", "holds a list"), ("a: [", "is not valid YAML"), (None, "cannot be read")],
)
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_mapping_holds_plain_values_only() -> None:
    assert yaml.safe_load(yaml.safe_dump(to_mapping(TrainConfig()))) == to_mapping(TrainConfig())
