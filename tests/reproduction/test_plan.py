"""Which runs there are, what tells them apart, and what the recipes say of themselves."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from lmsc_unet.datasets.sigmf_folder import random_parts
from lmsc_unet.reproduction.budget import BUDGETS
from lmsc_unet.reproduction.peers import PEERS
from lmsc_unet.reproduction.plan import by_fold, config_of, jobs_of, run_key, without_repeats
from lmsc_unet.reproduction.recipes import TABLES, Recipe, nuinsseg, nuinsseg_unet, rf
from lmsc_unet.reproduction.sources import DataSource, split_rows

FULL = BUDGETS["full"]
SOURCE = DataSource(name="nuinsseg", path=Path("/data"), about="", num_images=665, fingerprint="0")
RECIPES = [recipe for table in ("table2", "table3", "table4") for recipe in TABLES[table]]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_a_recipe_names_the_paper_s_score_in_its_docstring(recipe: Recipe) -> None:
    paper = recipe().paper
    assert paper is not None
    assert f"Paper: mIoU {paper.miou:.4f}." in (recipe.__doc__ or "")


def test_the_full_budget_is_the_paper_s_protocol() -> None:
    config = config_of(nuinsseg(), FULL, SOURCE)
    assert (config.epochs, config.batch, config.size_px, config.folds) == (200, 32, 256, 5)
    assert (config.optimizer.name, config.optimizer.learning_rate) == ("adam", 0.01)
    assert config.augment.flip_probability == 0


def test_a_training_that_two_tables_show_is_run_once() -> None:
    recipes = [recipe for table in ("table2", "table3", "choices") for recipe in TABLES[table]]
    jobs = [job for recipe in recipes for job in jobs_of(recipe(), FULL, SOURCE, Path("runs"))]
    assert len(jobs) == 14 * 5
    assert len(without_repeats(jobs)) == 12 * 5  # LMSC-UNet is in all three


def test_a_run_is_told_by_what_decides_its_outcome() -> None:
    config = config_of(rf(), FULL, SOURCE)
    key = run_key(config, SOURCE)
    assert key == run_key(config, replace(SOURCE, path=Path("/elsewhere")))
    assert key == run_key(replace(config, workers=3), SOURCE)
    assert key == "6c57c7edfff7", "another key runs everything anew that users have run"
    others = [
        run_key(config, replace(SOURCE, fingerprint="1")),
        run_key(replace(config, seed=20), SOURCE),
        run_key(config_of(nuinsseg_unet(), FULL, SOURCE), SOURCE),
    ]
    assert len({key, *others}) == 4


def test_folds_are_scored_at_their_last_epoch_and_a_test_set_at_the_best() -> None:
    (fold, *_), (whole,) = jobs_of(nuinsseg(), FULL, SOURCE, Path("runs")), jobs_of(rf(), FULL, SOURCE, Path("runs"))
    assert (fold.part, fold.epoch, fold.num_train, fold.num_held) == ("val", "last", 532, 133)
    assert (whole.part, whole.epoch) == ("test", "best")


def test_the_rf_set_is_shared_out_as_in_the_paper() -> None:
    rows = split_rows([str(number) for number in range(4000)])
    shares = {part: sum(row.endswith(f",{part}") for row in rows) for part in ("train", "val", "test")}
    assert shares == {"train": 2800, "val": 600, "test": 600}
    assert rows == split_rows([str(number) for number in range(4000)])


def test_there_is_one_random_split_and_names_are_quoted() -> None:  # B11
    names = [*map(str, range(19)), 'a "b", c']
    table = list(csv.reader(split_rows(names)))
    assert [row[0] for row in table] == names
    assert [row[1] for row in table] == random_parts(20, 19)


def test_no_peer_starts_from_learnt_weights() -> None:
    for peer in PEERS.values():
        assert peer.arguments.get("encoder_weights") is None
        assert not peer.arguments.get("pretrained")


def test_fold_1_of_all_models_is_trained_before_fold_2_and_the_slow_model_last() -> None:
    jobs = [job for recipe in (nuinsseg_unet, nuinsseg) for job in jobs_of(recipe(), BUDGETS["medium"], SOURCE, Path())]
    order = [(job.config.fold, job.model) for job in by_fold(jobs)]
    assert order == [(fold, model) for fold in range(1, 6) for model in ("lmsc-unet", "unet")]
