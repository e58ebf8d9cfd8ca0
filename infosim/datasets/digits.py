"""The small data set inside the package: 8 × 8 digits for examples, tests and first steps."""

from importlib.resources import files

import numpy as np

from infosim.datasets.dataset import Dataset

SHAPE = (8, 8)
#: The file follows its writers, so this split holds out mostly unseen hands (see digits.md).
N_TRAIN = 1437


def load_digits():
    """The 1437 training and 360 test images, 8 × 8 pixels from 0 to 16, of Alpaydin and Kaynak.

    Optical Recognition of Handwritten Digits, UCI, https://doi.org/10.24432/C50P49, CC BY 4.0.
    """
    with (
        files("infosim.datasets").joinpath("digits.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        x, y = arrays["images"], arrays["labels"]
    return Dataset(
        name="digits",
        train_x=x[:N_TRAIN],
        train_y=y[:N_TRAIN],
        test_x=x[N_TRAIN:],
        test_y=y[N_TRAIN:],
        n_classes=10,
        image_shape=SHAPE,
        source="Alpaydin and Kaynak (1998), https://doi.org/10.24432/C50P49, CC BY 4.0",
    )
