"""Estimators are scikit-learn's in every respect, and infosim's networks to the bit."""

import pytest

pytest.importorskip("sklearn", reason="needs the extra sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from infosim import InfomorphicClassifier, InfomorphicMemory, InfomorphicTransformer

SMALL = [
    InfomorphicClassifier(n_neurons=8, epochs=20, rate=0.02),
    InfomorphicTransformer(n_neurons=3, epochs=2),
    InfomorphicMemory(epochs=2, binarize=0.0),
]


@parametrize_with_checks(SMALL)
def test_scikit_learn_finds_nothing_to_complain_of(estimator, check):
    check(estimator)
