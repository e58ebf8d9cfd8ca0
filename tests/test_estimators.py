"""Estimators are scikit-learn's in every respect, and infosim's networks to the bit."""

import copy
import pickle
import pickletools
import subprocess
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6", reason="needs the extra sklearn")

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from infosim import (
    Goal,
    InfomorphicClassifier,
    InfomorphicMemory,
    InfomorphicTransformer,
    Schedule,
    Simulator,
    Training,
)
from infosim.errors import ConfigError, InfosimError
from infosim.experiments import Experiment
from infosim.pid.scheduled import goal_of

SMALL = [
    InfomorphicClassifier(n_neurons=8, epochs=20, rate=0.02),
    InfomorphicTransformer(n_neurons=3, epochs=2),
    InfomorphicMemory(epochs=2, binarize=0.0),
]
#: Checks that fail, and why that is right.
EXPECTED = {
    InfomorphicMemory: {
        "check_fit_score_takes_y": "score compares with patterns: its y has a row for each of X",
        "check_pipeline_consistency": "the same: it scores with y of one number a row",
    },
}


@parametrize_with_checks(
    SMALL, expected_failed_checks=lambda estimator: EXPECTED.get(type(estimator), {})
)
def test_scikit_learn_finds_nothing_to_complain_of(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def wine():
    """Two of three kinds of wine, their columns as they come (up to 1680), with names of kinds."""
    x, y = load_wine(return_X_y=True)
    return x[:130], np.array(["barolo", "grignolino"])[y[:130]]


@pytest.fixture(scope="module")
def fitted(wine):
    """Of few epochs; not to be changed."""
    return classifier().fit(*wine)


@pytest.fixture(scope="module")
def patterns():
    """More than a memory of 30 units can hold, so that recall ends in many ways."""
    return np.random.default_rng(0).choice([-1, 1], (25, 30))


def classifier(**changes):
    return InfomorphicClassifier(
        **{"n_neurons": 8, "epochs": 15, "rate": 0.02, "random_state": 0} | changes
    )


def same(a, b, x):
    return np.array_equal(a.predict_proba(x), b.predict_proba(x))


# -- what is learnt --------------------------------------------------------------------------------


def test_it_is_the_simulator_of_its_preset_to_the_bit(wine):
    x, y = wine
    x = StandardScaler().fit_transform(x)
    model = classifier(random_state=7, standardize=False, batch_size=50).fit(x, y)
    settings = {
        "layers.hidden.size": 8, "layers.hidden.optimizer.rate": 0.02, "layers.output.size": 2,
        "data.scaling": "none",
    }  # fmt: skip
    experiment = Experiment.load("iclr/trivariate-optimized", list(settings.items()))

    class Table:
        image_shape, n_classes = (13,), 2

    simulator = Simulator(experiment.network(Table), seed=7)
    simulator.fit({"image": x, "label": (y == "grignolino").astype(int)}, epochs=15, batch=50)
    assert np.array_equal(model.predict_proba(x), simulator.predict_proba(x, sampled=False))
    assert model.classes_.tolist() == ["barolo", "grignolino"]
    assert np.array_equal(model.classes_[simulator.predict(x, sampled=False)], model.predict(x))
    assert model.simulator_.network == simulator.network
    assert model.n_iter_ == 15


def test_it_learns_wine_as_it_comes(wine):
    assert cross_val_score(classifier(epochs=50), *wine, cv=3).mean() > 0.9


def test_columns_are_standardised_by_what_was_learnt_from(wine, fitted):
    x, y = wine
    scaler = StandardScaler().fit(x)
    outside = classifier(standardize=False).fit(scaler.transform(x), y)
    assert np.array_equal(outside.predict_proba(scaler.transform(x)), fitted.predict_proba(x))
    constant = np.hstack([x, np.full((len(x), 1), 3.0)])
    model = classifier().fit(constant, y)
    assert np.isfinite(model.predict_proba(constant)).all()


def test_a_row_is_said_the_same_of_beside_any_others(wine, fitted):
    x, _ = wine
    whole = fitted.predict_proba(x)
    for rows in ([3], slice(40, 90), np.random.default_rng(0).permutation(len(x))):
        assert np.array_equal(fitted.predict_proba(x[rows]), whole[rows])
    assert whole.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(fitted.classes_[whole.argmax(axis=1)], fitted.predict(x))


def test_the_seed_alone_decides(wine, fitted):
    x, y = wine
    assert same(classifier(n_jobs=2).fit(x, y), fitted, x)
    assert not same(classifier(random_state=1).fit(x, y), fitted, x)
    states = [np.random.RandomState(5) for _ in range(2)]
    a, b = (classifier(random_state=state) for state in states)
    assert same(a.fit(x, y), b.fit(x, y), x)
    before = a.predict_proba(x)
    assert not np.array_equal(a.fit(x, y).predict_proba(x), before)  # the state went on
    assert not same(*(classifier(random_state=None, epochs=1).fit(x, y) for _ in range(2)), x)


def test_sampled_predictions_draw_and_average(wine):
    x, y = wine
    one, many = (classifier(sampled=True, presentations=n).fit(x, y) for n in (1, 20))
    surely = classifier().fit(x, y)
    assert same(one, one, x)
    assert not same(one, many, x)
    assert not same(many, surely, x)


def test_classes_may_be_texts_booleans_or_any_integers(wine, fitted):
    x, y = wine
    for names in (np.array([-7, 90]), np.array([False, True]), np.array(["a", "b"], object)):
        of = names[(y == "grignolino").astype(int)]
        found = classifier().fit(x, of).predict(x)
        assert found.dtype == of.dtype
        assert np.array_equal(found == names[1], fitted.predict(x) == "grignolino")


# -- parameters ------------------------------------------------------------------------------------


def test_goals_in_every_form_are_the_same_goal(wine):
    x, y = wine
    formula, sources = "{F}{C} - 0.5 {F}{L}", ("F", "C", "L")
    scheduled = {"{F}{C}": {"from": 1.0, "to": 0.2, "until": 5}}
    first, *others = (
        classifier(goal=goal, epochs=3).fit(x, y)
        for goal in (formula, Goal.parse(formula, sources), {"{F}{C}": 1.0, "{F}{L}": -0.5})
    )
    for other in others:
        assert same(first, other, x)
    a, b = (
        classifier(goal=goal, epochs=3).fit(x, y)
        for goal in (scheduled, goal_of({"{F}{C}": Schedule.between(1.0, 0.2, 5)}, sources))
    )
    assert same(a, b, x)
    assert not same(a, first, x)
    kept = clone(classifier(goal=Goal.parse(formula, sources)))
    assert kept.goal == Goal.parse(formula, sources)


def test_settings_reach_everything_else(wine):
    settings = {"layers.hidden.binning.bins": 7, "layers.output.optimizer.rate": 0.5}
    model = classifier(settings=settings, epochs=1).fit(*wine)
    hidden, output = model.simulator_.network.layers
    assert (hidden.binning.bins, hidden.optimizer.rate, output.optimizer.rate) == (7, 0.02, 0.5)


def test_deeper_networks_and_other_rules(wine):
    deep = classifier(preset="iclr/two-hidden-layers", n_neurons=(5, 4), rate=None, epochs=1)
    assert [one.size for one in deep.fit(*wine).simulator_.network.layers] == [5, 4, 2]
    alike = classifier(preset="iclr/two-hidden-layers", n_neurons=6, epochs=1).fit(*wine)
    assert [one.size for one in alike.simulator_.network.layers] == [6, 6, 2]
    model = classifier(preset="iclr/backprop", epochs=20, dtype="float64").fit(*wine)
    assert model.score(*wine) > 0.9
    assert model.simulator_.dtype == np.float64


def test_auto_is_enough_updates_in_batches_of_one_size(wine, monkeypatch):
    monkeypatch.setattr(InfomorphicClassifier, "_updates", 10)
    monkeypatch.setattr(InfomorphicClassifier, "_largest_batch", 64)
    model = classifier(epochs="auto").fit(*wine)  # 130 rows are 3 batches of 44, 44 and 42
    assert model.n_iter_ == 4
    assert model.simulator_["hidden"].clock.updates == 12


def test_training_may_be_watched(wine, capsys):
    classifier(epochs=1, verbose=True).fit(*wine)
    assert "epoch 1/1" in capsys.readouterr().err


# -- going on, copies, pickles ---------------------------------------------------------------------


def test_partial_fit_is_an_epoch(wine, fitted):
    x, y = wine
    model = classifier(epochs=99)
    for _ in range(15):
        model.partial_fit(x, y, classes=["grignolino", "barolo"])
    assert same(model, fitted, x)
    assert model.n_iter_ == 15


def test_partial_fit_goes_on_with_other_rows_and_fewer_classes(wine):
    x, y = wine
    model = classifier().partial_fit(x[:1], y[:1], np.unique(y))
    assert np.isfinite(model.predict_proba(x)).all()
    before = model.predict_proba(x)
    model.partial_fit(x[50:51], y[50:51])
    assert not np.array_equal(model.predict_proba(x), before)
    assert model.fit(x, y).n_iter_ == 15  # anew


@pytest.mark.parametrize("other", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_copy_says_the_same_and_goes_on_to_the_same_bits(wine, other):
    x, y = wine
    model = classifier().fit(x, y)
    twin = other(model)
    assert same(twin, model, x)
    twin, untouched = other(model), other(model)
    model.partial_fit(x, y)
    twin.partial_fit(x, y)
    assert same(twin, model, x)
    assert not same(untouched, model, x)
    assert twin.simulator_.histories[0].train_error == model.simulator_.histories[0].train_error


def test_pickles_hold_plain_arrays_and_settings(fitted):
    text = pickle.dumps(fitted, protocol=0)
    named = {of for what, of, _ in pickletools.genops(text) if what.name == "GLOBAL"}
    ours = {of for of in named if of.startswith("infosim")}
    assert ours == {"infosim.estimators.classifier InfomorphicClassifier"}
    assert {of.partition(".")[0].split()[0] for of in named - ours} <= {
        "numpy", "__builtin__", "copy_reg", "_codecs",
    }  # fmt: skip
    assert len(pickle.dumps(fitted)) < 50_000


def test_other_parameters_change_nothing_that_is_fitted(wine, fitted):
    x, _ = wine
    model = copy.deepcopy(fitted)
    model.set_params(n_neurons=3, dtype="float64", random_state=9, preset="no such", goal="{F}")
    assert same(model, fitted, x)


def test_threads_may_ask_one_estimator(wine, fitted):
    x, _ = wine
    expected, found = fitted.predict_proba(x), []
    asking = [
        threading.Thread(
            target=lambda n=n: found.append((n, [fitted.predict_proba(x[:n]) for _ in range(20)]))
        )
        for n in (130, 77, 5)
    ]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(found) == 3
    for n, several in found:
        assert all(np.array_equal(one, expected[:n]) for one in several)


# -- among scikit-learn's --------------------------------------------------------------------------


def test_searched_in_two_processes_as_in_one(wine):
    goals = ["{F}{C}", Goal.parse("{F}{C} - {F}{L}", "FCL")]
    pipeline, scores = make_pipeline(StandardScaler(), classifier(epochs=2)), []
    for n_jobs in (1, 2):
        search = GridSearchCV(
            pipeline, {"infomorphicclassifier__goal": goals}, cv=2, n_jobs=n_jobs,
            error_score="raise",
        ).fit(*wine)  # fmt: skip
        scores.append(search.cv_results_["mean_test_score"].tolist())
        assert search.predict(wine[0]).shape == (130,)
    assert scores[0] == scores[1]


def test_calibrated(wine):
    model = CalibratedClassifierCV(classifier(), cv=2).fit(*wine)
    assert model.predict_proba(wine[0]).sum(axis=1) == pytest.approx(1)


def test_sparse_rows_are_made_dense(wine, fitted):
    sparse = pytest.importorskip("scipy.sparse")
    x, y = wine
    for kind in (sparse.csr_matrix, sparse.coo_array):
        model = classifier().fit(kind(x), y)
        assert same(model, fitted, x)
        assert np.array_equal(model.predict_proba(kind(x)), fitted.predict_proba(x))


def test_names_of_columns(wine):
    pandas = pytest.importorskip("pandas")
    x, y = wine
    frame = pandas.DataFrame(x, columns=[f"c{i}" for i in range(13)])
    model = classifier(epochs=1).fit(frame, pandas.Series(y))
    assert model.feature_names_in_.tolist() == list(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list(frame)[::-1]])
    finder = InfomorphicTransformer(n_neurons=2, epochs=1).set_output(transform="pandas")
    found = finder.fit_transform(frame)
    assert list(found) == ["infomorphictransformer0", "infomorphictransformer1"]
    assert list(finder.get_feature_names_out()) == list(found)


# -- features --------------------------------------------------------------------------------------


def test_neurons_find_what_rows_are_made_of():
    signs = np.random.default_rng(1).choice([-1.0, 1.0], (600, 3))
    x = np.repeat(signs, 4, axis=1)
    finder = InfomorphicTransformer(n_neurons=3, epochs=300, random_state=0)
    features = finder.fit_transform(x)
    assert features.shape == (600, 3)
    assert ((features >= 0) & (features <= 1)).all()
    related = abs(np.corrcoef(features.T, signs.T)[:3, 3:])
    assert (related.max(axis=1) > 0.9).all()  # each neuron tells one
    assert np.array_equal(finder.transform(x[5:9]), features[5:9])
    simulator = finder.simulator_
    simulator.present({"image": finder._scaled(x).T}, learn=False, sampled=False)
    simulator.run()
    assert np.allclose(simulator["hidden"].probabilities.T, features, atol=1e-5)
    pipeline = make_pipeline(finder, LogisticRegression())
    assert pipeline.fit(x, signs[:, 0] > 0).score(x, signs[:, 0] > 0) > 0.95


# -- memory ----------------------------------------------------------------------------------------


def test_a_memory_recalls_what_was_flipped(patterns):
    few = patterns[:4]
    memory = InfomorphicMemory(random_state=0).fit(few)
    cues = few.copy()
    cues[:, :3] *= -1
    assert np.array_equal(memory.predict(cues), few)
    assert memory.score(cues, few) == memory.score(few) == 1
    assert memory.score(few, -few) == -1
    assert memory.n_iter_ == 300
    bits = InfomorphicMemory(random_state=0).fit((few + 1) // 2)
    assert np.array_equal(bits.recall((cues + 1) // 2), (few + 1) // 2)
    levels = InfomorphicMemory(random_state=0, binarize=0.5).fit(few * 0.2 + 0.5)
    assert np.array_equal(levels.predict(cues + 7.5 * (cues > 0)), (few + 1) // 2)


@pytest.mark.parametrize("preset", ["pnas/memory-optimised", "pnas/memory-hopfield"])
def test_a_pattern_is_recalled_as_it_is_alone(patterns, preset):
    """Beyond capacity, where many end in two states that take turns, or late."""
    memory = InfomorphicMemory(preset=preset, random_state=0).fit(patterns)
    cues = np.random.default_rng(2).choice([-1, 1], (300, 30))
    found, steps = memory.predict(cues), set()
    for row in range(0, 300, 10):
        alone = memory.simulator_.recall(cues[row : row + 1])
        steps.add(alone.steps)
        assert np.array_equal(found[row], alone.states[0])
        assert np.array_equal(found[row], memory.predict(cues[row : row + 1])[0])
    assert len(steps) > 2
    memory.set_params(max_steps=0)
    assert np.array_equal(memory.predict(cues), cues)


def test_one_pattern_is_a_memory():
    memory = InfomorphicMemory(epochs=3).fit(np.ones((1, 5), int))
    assert memory.predict(np.ones((2, 5))).shape == (2, 5)


# -- what cannot be --------------------------------------------------------------------------------

X, Y = np.random.default_rng(0).normal(size=(12, 3)), np.arange(12) % 2
BAD = {
    "goal of other sources": ({"goal": "{F}{X}"}, X, Y, "layers.hidden.goal: .* no source 'X'"),
    "a goal for other neurons": (
        {"goal": Goal.parse("{F}{C}", "FC")}, X, Y, "is for sources F, C, not F, C, L",
    ),
    "misspelt goal": ({"goal": "iclr/trivariat-optimized"}, X, Y, "did you mean"),
    "negative neurons": ({"n_neurons": -3}, X, Y, "n_neurons must be an integer of at least 1"),
    "neurons of layers": ({"n_neurons": [3, 4]}, X, Y, "one for each of the layers hidden, was"),
    "no batch": ({"batch_size": 0}, X, Y, "batch_size, unless 'auto', must be an integer of at"),
    "some batch": ({"batch_size": "all"}, X, Y, "batch_size, unless 'auto', .* was 'all'"),
    "no epochs": ({"epochs": 0}, X, Y, "epochs, unless 'auto', must be an integer of at least 1"),
    "rate": ({"rate": -1.0}, X, Y, "rate"),
    "type": ({"dtype": "float16"}, X, Y, "dtype must be float32 or float64, was 'float16'"),
    "backend": ({"backend": "tpu"}, X, Y, "tpu"),
    "preset": ({"preset": "iclr/trivariate-optimised"}, X, Y, "did you mean iclr/trivariate"),
    "no preset": ({"preset": None}, X, Y, "None"),
    "preset without labels": ({"preset": "pnas/bars"}, X, Y, "not for InfomorphicClassifier"),
    "settings": ({"settings": ["layers"]}, X, Y, "settings must be a dict"),
    "settings of training": ({"settings": {"training.epochs": 3}}, X, Y, "layers and network"),
    "unknown setting": ({"settings": {"layers.hidden.sise": 3}}, X, Y, "sise"),
    "no threads": ({"n_jobs": 0}, X, Y, "n_jobs == 0"),
    "sequences": ({"settings": {"network.inputs.image": "rows"}}, X, Y, "is rows"),
    "classes of settings": ({"settings": {"layers.output.size": 5}}, X, Y, "2 units for 5 neurons"),
    "seed": ({"random_state": -1}, X, Y, "random_state must be an integer from 0"),
    "seed of text": ({"random_state": "one"}, X, Y, "cannot be used to seed"),
    "one dimension": ({}, X[0], Y, "Expected 2D array"),
    "three dimensions": ({}, np.zeros((4, 2, 2)), Y[:4], "dim 3"),
    "texts": ({}, np.full((12, 3), "a"), Y, "could not convert string to float|unable to convert"),
    "nan": ({}, np.where(X > 1, np.nan, X), Y, "contains NaN"),
    "infinite": ({}, np.where(X > 1, np.inf, X), Y, "contains infinity"),
    "too large": ({}, X * 1e300, Y, "column 0 of X holds numbers too large"),
    "complex": ({}, X + 1j, Y, "Complex data not supported"),
    "no rows": ({}, X[:0], Y[:0], "0 sample"),
    "no columns": ({}, X[:, :0], Y, "0 feature"),
    "other length": ({}, X, Y[:5], "inconsistent numbers of samples"),
    "continuous classes": ({}, X, X[:, 0], "Unknown label type: continuous"),
    "several labels": ({}, X, np.stack([Y, Y], 1), "y should be a 1d array"),
    "one class": ({}, X, np.zeros(12), "one class"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_bad_input(what):
    parameters, x, y, words = BAD[what]
    model = classifier(**parameters)
    with pytest.raises((ValueError, InfosimError), match=words) as caught:
        model.fit(x, y)
    if isinstance(caught.value, InfosimError):
        assert "\n" not in str(caught.value)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_bad_input_after_fit(fitted, patterns):
    with pytest.raises(ValueError, match=r"X has 12 features, but .* is expecting 13 features"):
        fitted.predict(np.zeros((2, 12)))
    with pytest.raises(NotFittedError):
        InfomorphicTransformer().transform(X)
    with pytest.raises(NotFittedError):
        InfomorphicMemory().score(X)
    with pytest.raises(NotFittedError):
        _ = classifier().simulator_
    with pytest.raises(ValueError, match="presentations must be 1 with sampled=False"):
        copy.copy(fitted).set_params(presentations=3).predict(np.zeros((2, 13)))
    memory = InfomorphicMemory(epochs=1).fit(patterns)
    for call, words in (
        (lambda: memory.predict(patterns * 2), "must hold 1 and -1 alone, .* was"),
        (lambda: memory.score(patterns, (patterns + 1) // 2), "y must hold 1 and -1 alone"),
        (lambda: memory.score(patterns, patterns[:3]), r"y must be patterns \(25, 30\)"),
        (lambda: memory.set_params(max_steps=-1).predict(patterns), "max_steps"),
        (lambda: InfomorphicMemory().fit(X), "the parameter binarize"),
        (lambda: InfomorphicMemory(binarize="half").fit(X), "binarize must be"),
        (lambda: InfomorphicMemory().fit(patterns[:, :1]), "minimum of 2"),
        (lambda: InfomorphicMemory(preset="pnas/bars").fit(patterns), "not of one layer"),
        (lambda: InfomorphicTransformer(preset="demo/digits").fit(X), "its input 'label'"),
        (lambda: InfomorphicTransformer(preset="pnas/memory-hopfield").fit(X), "clamped"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_bad_partial_fit():
    model = classifier()
    for given, words in (
        ({}, "classes must be passed on the first call"),
        ({"classes": [0]}, "one class"),
        ({"classes": [1, 2]}, "y holds .*0.* not among the classes"),
    ):
        with pytest.raises(ValueError, match=words):
            model.partial_fit(X, Y, **given)
    model.partial_fit(X, Y, [0, 1, 2])
    with pytest.raises(ValueError, match="those of the first call"):
        model.partial_fit(X, Y, [0, 1])
    with pytest.raises(ValueError, match="not among the classes"):
        model.partial_fit(X, Y + 5)
    with pytest.raises(ValueError, match="expecting 3 features"):
        model.partial_fit(X[:, :2], Y)


def test_fitting_that_fails_leaves_nothing_fitted():
    model = classifier().fit(X, Y)
    with pytest.raises(ConfigError):
        model.set_params(n_neurons=0).fit(X, Y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_going_on_that_fails_leaves_what_was_learnt(monkeypatch):
    model = classifier().fit(X, Y)
    before, last = model.predict_proba(X), Training.advance

    def stopped(training, *given):
        last(training, *given)
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "advance", stopped)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, Y)
    monkeypatch.undo()
    assert np.array_equal(model.predict_proba(X), before)
    assert model.n_iter_ == 15


# -- the extra -------------------------------------------------------------------------------------


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_infosim_does_not_need_scikit_learn():
    found = python(
        "import sys; import infosim; from infosim import *; import infosim.cli, infosim.engine\n"
        "assert not [name for name in sys.modules if name.startswith('sklearn')]"
    )
    assert found.returncode == 0, found.stderr


def test_where_it_is_missing_the_extra_is_named():
    found = python(
        "import sys; sys.modules['sklearn'] = None\n"
        "import infosim\n"
        "try: infosim.InfomorphicClassifier\n"
        "except infosim.ConfigError as error: print(error)\n"
        "import pkgutil\n"
        "print(len(list(pkgutil.walk_packages(infosim.__path__, 'infosim.'))) > 50)"
    )
    assert found.returncode == 0, found.stderr
    line, walked = found.stdout.splitlines()
    assert line.startswith("infosim's estimators need scikit-learn")
    assert line.endswith("pip install 'infosim[sklearn]'")
    assert walked == "True"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_are_mapped_stay_on_disk_to_the_same_bits(dtype, tmp_path, monkeypatch):
    """Also where joblib maps them for other processes, however many columns are read at once."""
    from infosim.estimators import base
    from infosim.machine.mapped import Mapped

    rng = np.random.default_rng(0)
    x = rng.normal(3, 10, (2000, 11)).astype(dtype)
    y = x.sum(axis=1) > 33
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    monkeypatch.setattr(base, "_AT_ONCE", 3 * x[:, 0].nbytes)
    model = InfomorphicClassifier(n_neurons=5, epochs=2, random_state=0)
    other = clone(model)
    expected = model.fit(x, y).predict_proba(x)
    np.testing.assert_array_equal(other.fit(mapped, y).predict_proba(mapped), expected)
    np.testing.assert_array_equal(np.array(other._scale), np.array(model._scale))
    assert isinstance(other._scaled(mapped), Mapped)
    transformer = InfomorphicTransformer(n_neurons=3, epochs=1, random_state=0)
    one, two = (clone(transformer).fit(rows).transform(rows) for rows in (x, mapped))
    np.testing.assert_array_equal(one, two)
