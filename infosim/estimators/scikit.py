"""What estimators are made of that is scikit-learn's, or which extra brings it."""

from infosim.errors import ConfigError

try:
    from joblib import effective_n_jobs
    from sklearn.base import (
        BaseEstimator,
        ClassifierMixin,
        ClassNamePrefixFeaturesOutMixin,
        TransformerMixin,
    )
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, unique_labels
    from sklearn.utils.validation import check_array, check_is_fitted, validate_data
except ImportError as error:
    raise ConfigError(
        f"infosim's estimators need scikit-learn 1.6 or later ({error}): "
        f"pip install 'infosim[sklearn]'"
    ) from None

__all__ = [
    "BaseEstimator", "ClassNamePrefixFeaturesOutMixin", "ClassifierMixin", "StandardScaler",
    "TransformerMixin", "check_array", "check_classification_targets", "check_is_fitted",
    "check_random_state", "effective_n_jobs", "unique_labels", "validate_data",
]  # fmt: skip
