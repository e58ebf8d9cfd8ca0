"""Infomorphic networks as estimators of scikit-learn, which is an extra: docs/estimators.md."""
