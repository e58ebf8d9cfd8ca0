import io
import random

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from infosim import datasets
from infosim.cli.data import data
from infosim.datasets import cache as datasets_cache
from infosim.datasets import sources
from infosim.errors import DataError
from infosim.experiments import Experiment
from infosim.pid import Goal

# the order of the labels in the original's batches.meta.txt
CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def jpeg(red, green, blue, size=(32, 32), kind="JPEG"):
    """An image of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (red, green, blue)).save(buffer, kind)
    return buffer.getvalue()


def members(**changes):
    """Members of a small archive; red tells the class, green the image, blue the part.

    changes : content by `part_class_number`, or None to leave that image out
    """
    found = {
        f"{part}_{name}_{i}": jpeg(20 * label, 60 + 40 * i, 200 if part == "test" else 50)
        for part, n in (("train", 2), ("test", 1))
        for label, name in enumerate(CLASSES)
        for i in range(n)
    } | changes
    return [
        ("{}/{}/000{}.jpg".format(*key.split("_")), content)
        for key, content in found.items()
        if content is not None
    ]


def shuffled(pairs):
    random.Random(1).shuffle(pairs)
    return pairs


def load():
    return datasets.load("cifar10-jpeg")


def test_classes_planes_and_order(small_jpegs):
    # The last member would be written outside the folder if the archive were unpacked.
    small_jpegs([(".", b""), *shuffled(members()), ("train/readme", b""), ("../../evil.jpg", b"x")])
    loaded = load()
    assert loaded.name == "cifar10-jpeg"
    assert loaded.image_shape == (3, 32, 32)
    assert "not identical" in loaded.source
    assert loaded.train_x.dtype == np.uint8
    assert loaded.train_x.shape == (20, 3072)
    np.testing.assert_array_equal(loaded.train_y, np.tile(np.arange(10), 2))
    np.testing.assert_array_equal(loaded.test_y, np.arange(10))
    for x, labels, images, blue in (
        (loaded.train_x, loaded.train_y, np.repeat([0, 1], 10), 50),
        (loaded.test_x, loaded.test_y, np.zeros(10), 200),
    ):
        planes = x.reshape(-1, 3, 1024).astype(float)
        expected = np.stack([20 * labels, 60 + 40 * images, np.full(len(x), blue)], axis=1)
        np.testing.assert_allclose(
            planes, np.broadcast_to(expected[..., None], planes.shape), atol=4
        )
    assert datasets.status("cifar10-jpeg").state == "present"


def test_rows_and_columns_are_those_of_the_image(small_jpegs):
    left_black = Image.new("RGB", (32, 32), "white")
    left_black.paste("black", (0, 0, 16, 32))
    buffer = io.BytesIO()
    left_black.save(buffer, "JPEG")
    small_jpegs(members(train_airplane_0=buffer.getvalue()))
    image = load().train_x[0].reshape(3, 32, 32)
    assert image[:, :, :16].max() < 20
    assert image[:, :, 16:].min() > 235


BAD_ARCHIVES = {
    "image missing": (members(test_cat_0=None), "0 images in test/cat, expected 1"),
    "image more": (members(train_frog_5=jpeg(0, 0, 0)), "3 images in train/frog, expected 2"),
    "class missing": (
        [pair for pair in members() if "truck" not in pair[0]],
        "0 images in train/truck, expected 2",
    ),
    "size": (members(train_dog_1=jpeg(0, 0, 0, (32, 31))), r"train/dog/0001\.jpg is not a JPEG"),
    "PNG": (members(train_dog_1=jpeg(0, 0, 0, kind="PNG")), r"train/dog/0001\.jpg is not a JPEG"),
    "cut": (members(test_ship_0=jpeg(9, 9, 9)[:-40]), r"test/ship/0000\.jpg is not a JPEG"),
    "empty": (members(test_ship_0=b""), r"test/ship/0000\.jpg is not a JPEG"),
    "not xz": (b"hello" * 100, r"damaged, expected a tar\.xz archive"),
}


@pytest.mark.parametrize("case", BAD_ARCHIVES)
def test_bad_archive(small_jpegs, user_cache, case):
    content, message = BAD_ARCHIVES[case]
    small_jpegs(content)
    with pytest.raises(DataError, match=message) as caught:
        load()
    assert "\n" not in str(caught.value)
    assert datasets.status("cifar10-jpeg").state == "damaged"
    assert not user_cache.exists()


def test_another_archive_is_told_also_when_its_pixels_are_kept(small_jpegs):
    path = small_jpegs(members())
    load()
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"its SHA-256 is .*, expected .*infosim data import DIR"):
        load()


# Kept pixels --------------------------------------------------------------------------------


@pytest.fixture
def undecodable(monkeypatch):
    """A function after which nothing can be decoded."""

    def fail(*args, **options):
        raise AssertionError("decoded again")

    return lambda: monkeypatch.setattr(Image, "open", fail)


def test_images_are_decoded_once(small_jpegs, user_cache, undecodable):
    small_jpegs(members())
    first = load()
    undecodable()
    again = load()
    for part in ("train_x", "train_y", "test_x", "test_y"):
        np.testing.assert_array_equal(getattr(again, part), getattr(first, part))
    (kept,) = (user_cache / "decoded").iterdir()
    assert kept.stat().st_size == 32 + 30 * 3072


def flip(content, i):
    return content[:i] + bytes([content[i] ^ 1]) + content[i + 1 :]


@pytest.mark.parametrize(
    "damage",
    [lambda c: b"", lambda c: c[:31], lambda c: c[:-3072], lambda c: flip(c, 0),
     lambda c: flip(c, 5000), lambda c: c + b"\0"],
    ids=["empty", "digest cut", "cut", "digest", "pixel", "longer"],
)  # fmt: skip
def test_damaged_pixels_are_decoded_again(small_jpegs, user_cache, undecodable, damage):
    small_jpegs(members())
    expected = load().train_x
    (kept,) = (user_cache / "decoded").iterdir()
    content = kept.read_bytes()
    kept.write_bytes(damage(content))
    np.testing.assert_array_equal(load().train_x, expected)
    assert kept.read_bytes() == content
    undecodable()
    load()


def test_pixels_of_another_decoder_are_decoded_again(small_jpegs, undecodable, monkeypatch):
    small_jpegs(members())
    load()
    monkeypatch.setattr("PIL.features.version", lambda feature: "another")
    undecodable()
    with pytest.raises(AssertionError, match="decoded again"):
        load()


def test_nowhere_to_keep_them(small_jpegs, user_cache):
    user_cache.parent.mkdir(parents=True)
    user_cache.touch()  # root may write to any folder, but not to one that is a file
    small_jpegs(members())
    assert len(load().train_x) == 20


# Fetch and import ---------------------------------------------------------------------------


def test_fetch_says_that_it_cannot(cache):
    problem = CliRunner().invoke(data, ["fetch", "cifar10-jpeg"]).exception
    assert isinstance(problem, DataError)
    message = str(problem)
    assert message.startswith("cifar10-jpeg cannot be fetched")
    assert f"put cifar10-jpeg.tar.xz, which is served nowhere, into {cache}" in message
    assert "the original, cifar10, can be fetched" in message
    assert "\n" not in message
    assert not cache.exists()


def test_fetch_of_what_is_there(small_jpegs):
    path = small_jpegs(members())
    assert datasets.fetch("cifar10-jpeg") == [path]


def test_absent(cache):
    with pytest.raises(DataError, match=r"cifar10-jpeg not found in .*; put cifar10-jpeg\.tar\.xz"):
        load()


def test_import(small_jpegs, tmp_path):
    (tmp_path / "disk").mkdir()
    small_jpegs(members()).rename(tmp_path / "disk" / "cifar10-jpeg.tar.xz")
    assert datasets.import_dir(tmp_path / "disk") == ["cifar10-jpeg"]
    load()


# The presets for CIFAR-10 ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "goal"), [("heuristic", "heuristic"), ("optimized", "opt_1_100_CIFAR")]
)
def test_presets_take_the_copies_as_well(small_jpegs, name, goal):
    small_jpegs(members())
    preset = f"iclr/cifar10-trivariate-{name}"
    assert Experiment.load(preset).config["data"]["name"] == "cifar10"
    experiment = Experiment.load(preset, ["data.name=cifar10-jpeg", "layers.hidden.size=20"])
    network = experiment.network(load())
    assert network.inputs == {"image": 3072, "label": 10}
    assert network.layer("hidden").goal == Goal.named(f"iclr/trivariate-{goal}")


# The data set itself ------------------------------------------------------------------------


def test_the_real_archive():
    """Found as a user's would be; its moments are close to those of CIFAR-10."""
    if not datasets_cache.find(sources.SOURCES["cifar10-jpeg"]):
        pytest.skip("needs cifar10-jpeg.tar.xz in the data folder: set INFOSIM_DATA")
    loaded = load()
    assert loaded.train_x.shape == (50_000, 3072)
    assert loaded.test_x.shape == (10_000, 3072)
    assert (np.bincount(loaded.train_y) == 5000).all()
    assert (np.bincount(loaded.test_y) == 1000).all()
    assert loaded.mean == pytest.approx(120.7, abs=0.5)
    assert loaded.std == pytest.approx(64.1, abs=0.5)
