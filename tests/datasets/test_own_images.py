"""Folders of images by class, and arrays of images."""

import gzip

import numpy as np
import pytest
from own_files import write_idx, write_images
from PIL import Image

import infosim
from infosim.datasets import load_encoding, read_own, save_encoding
from infosim.errors import ConfigError, DataError


def rows(dataset):
    """(class, pixels) of all images, sorted."""
    parts = ((dataset.train_x, dataset.train_y), (dataset.test_x, dataset.test_y))
    return sorted(
        (dataset.class_names[c], image.tobytes())
        for x, y in parts
        for image, c in zip(x, y, strict=True)
    )


def test_a_folder_for_each_class(tmp_path):
    root, written = write_images(tmp_path / "pets", ("cat", "dog", "9", "010"))
    data = read_own(root)
    assert data.class_names == ("9", "010", "cat", "dog")
    assert data.image_shape == (4, 5)
    assert data.train_x.dtype == np.uint8
    assert rows(data) == sorted((name, image.tobytes()) for (name, _), image in written.items())
    assert np.bincount(data.test_y).tolist() == [1] * 4
    x, y = data.encoding.apply(root, labels=True)
    assert [data.class_names[c] for c in y] == sorted(name for name, _ in written)
    np.testing.assert_array_equal(x[0], written["010", "00.png"].ravel())
    save_encoding(data.encoding, tmp_path / "e.json")
    again = load_encoding(tmp_path / "e.json")
    assert again == data.encoding
    one = again.apply(root / "cat" / "03.png")
    np.testing.assert_array_equal(one, [written["cat", "03.png"].ravel()])
    assert len(again.apply(root / "dog")) == 6
    # the same data wherever they lie and in whatever order a folder lists them
    other, _ = write_images(tmp_path / "else", ("010", "dog", "cat", "9"))
    for (name, file), image in written.items():
        Image.fromarray(image).save(other / name / file)
    moved = read_own(other)
    assert moved.encoding.sha256 == data.encoding.sha256
    np.testing.assert_array_equal(moved.train_x, data.train_x)


def test_training_and_test_folders(tmp_path):
    _, train = write_images(tmp_path / "pets" / "train", n=3)
    _, test = write_images(tmp_path / "pets" / "test", n=2, seed=1)
    data = read_own(tmp_path / "pets")
    for part, written in (("train", train), ("test", test)):
        expected = [image.ravel() for _, image in sorted(written.items())]
        np.testing.assert_array_equal(getattr(data, f"{part}_x"), expected)
    assert data.encoding.split.how == "given"
    # folders of these names may be classes, too
    write_images(tmp_path / "trains", ("train", "test"))
    assert read_own(tmp_path / "trains").class_names == ("test", "train")


def test_colours(tmp_path):
    root, written = write_images(tmp_path / "a", shape=(4, 5, 3), suffix=".bmp")
    data = read_own(root)
    assert data.image_shape == (3, 4, 5)
    planes = [np.moveaxis(image, 2, 0).ravel() for image in written.values()]
    assert {one.tobytes() for one in data.train_x} <= {one.tobytes() for one in planes}
    # grey among them
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    Image.fromarray(grey).save(root / "dog" / "00.bmp")
    for name in ("cat", "dog"):  # the first, or in between
        Image.fromarray(grey).save(root / name / "00.bmp")
        data = read_own(root)
        assert data.image_shape == (3, 4, 5)
    assert "2 of 12 images: grey, made coloured as others are" in data.encoding.notes
    x = data.encoding.apply(root / "cat" / "00.bmp")
    np.testing.assert_array_equal(x, [np.tile(grey.ravel(), 3)])


def test_what_is_done_to_images_is_said(tmp_path):
    root, _ = write_images(tmp_path / "a")
    pixels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    grey = Image.fromarray(pixels)
    wide = Image.fromarray(pixels.astype(np.uint16) << 8)
    wide.save(root / "cat" / "00.png")
    Image.merge("LA", [grey, grey]).save(root / "cat" / "01.png")
    turned = Image.fromarray(np.ascontiguousarray(pixels.T))
    exif = Image.Exif()
    exif[0x0112] = 5  # transposed
    turned.save(root / "cat" / "02.png", exif=exif)
    (root / "cat" / "Thumbs.db").write_bytes(b"")
    (root / "cat" / ".hidden.png").write_bytes(b"")
    (root / ".git").mkdir()
    (root / "readme.md").write_text("")
    data = read_own(root)
    assert data.image_shape == (4, 5)
    assert data.encoding.notes == (
        f"{root}: skipped 1, 'readme.md'",
        f"{root / 'cat'}: skipped 1, 'Thumbs.db'",
        "1 of 12 images: 16 bits made 8",
        "1 of 12 images: transparency left out",
        "1 of 12 images: turned as their EXIF says",
    )
    x = data.encoding.apply(root)
    np.testing.assert_array_equal(x[:3], [pixels.ravel()] * 3)
    for mode in ("P", "RGBA", "CMYK"):
        other = tmp_path / mode
        write_images(other)
        Image.fromarray(np.zeros((4, 5, 3), np.uint8)).convert(mode).save(other / "cat" / "00.tif")
        assert f"1 of 13 images: {mode} made RGB" in read_own(other).encoding.notes


def test_images_of_several_sizes(tmp_path):
    root, _ = write_images(tmp_path / "a")
    Image.fromarray(np.zeros((7, 3), np.uint8)).save(root / "dog" / "00.png")
    with pytest.raises(DataError, match=r"cat/00.png has 4 × 5 pixels, dog/00.png has 7 × 3; "):
        read_own(root)
    data = read_own(root, resize=(2, 3))
    assert data.image_shape == (2, 3)
    assert data.encoding.resize == (2, 3)
    assert "12 of 12 images: resized to 2 × 3" in data.encoding.notes
    assert data.encoding.apply(root / "dog" / "00.png").shape == (1, 6)


def test_idx(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 4, 5)), np.arange(60) % 30
    write_idx(tmp_path / "mine-images-idx3-ubyte", images)
    write_idx(tmp_path / "mine-labels-idx1-ubyte", labels)
    for path in (tmp_path, tmp_path / "mine-images-idx3-ubyte"):
        data = read_own(path)
        assert (data.n_classes, data.image_shape) == (30, (4, 5))
        assert len(data.test_x) == 30
    np.testing.assert_array_equal(data.encoding.apply(path), images.reshape(60, -1))
    both = tmp_path / "both"
    both.mkdir()
    write_idx(both / "train-images-idx3-ubyte", images)
    write_idx(both / "t10k-images-idx3-ubyte", images[:9])
    (both / "train-labels-idx1-ubyte.gz").write_bytes(
        gzip.compress((tmp_path / "mine-labels-idx1-ubyte").read_bytes())
    )
    write_idx(both / "t10k-labels-idx1-ubyte", labels[:9])
    data = read_own(both)
    np.testing.assert_array_equal(data.train_x, images.reshape(60, -1))
    np.testing.assert_array_equal(data.test_y, labels[:9])


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [
        ((9, 4, 5), (4, 5)),
        ((9, 4, 5, 3), (3, 4, 5)),
        ((9, 3, 4, 5), (3, 4, 5)),
        ((9, 4, 5, 1), (4, 5)),
        ((9, 1, 4, 5), (4, 5)),
        ((9, 3, 3, 3), (3, 3, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int16, bool])
def test_arrays_of_images(tmp_path, shape, image_shape, dtype):
    x = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    y = np.arange(9) % 2
    data = infosim.Dataset.of(x, y)
    assert data.image_shape == image_shape
    kept = {np.dtype(np.int16): np.float32, np.dtype(bool): np.uint8}.get(np.dtype(dtype), dtype)
    assert data.train_x.dtype == kept
    np.savez(tmp_path / "a.npz", X=x, y=y)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    for other in (
        read_own(tmp_path / "a.npz"),
        read_own(tmp_path / "x.npy", tmp_path / "y.npy"),
    ):
        np.testing.assert_array_equal(other.train_x, data.train_x)
        np.testing.assert_array_equal(other.test_y, data.test_y)
    expected = np.moveaxis(x, 3, 1) if shape[1:] == (4, 5, 3) else x
    for given in (x, tmp_path / "a.npz", tmp_path / "x.npy"):
        np.testing.assert_array_equal(data.encoding.apply(given), expected.reshape(9, -1))


def test_rows_that_are_images():
    x, y = np.arange(120).reshape(10, 12), np.arange(10) % 2
    data = infosim.Dataset.of(x, y, image_shape=(3, 4))
    assert data.image_shape == (3, 4)
    np.testing.assert_array_equal(data.encoding.apply(x), x)
    np.testing.assert_array_equal(data.encoding.apply(x.reshape(10, 3, 4)), x)


def test_other_images_are_refused(tmp_path):
    root, _ = write_images(tmp_path / "a")
    encoding = read_own(root).encoding
    for given, message in (
        (np.zeros((2, 5, 4), np.uint8), r"images are \(5, 4\), the training images \(4, 5\)"),
        (np.zeros((2, 4, 5)), "pixels are float64, those of the training images uint8"),
        (write_images(tmp_path / "b", shape=(3, 3))[0], r"images are \(3, 3\), the training"),
        (tmp_path / "none.png", "cannot read"),
    ):
        with pytest.raises(DataError, match=message):
            encoding.apply(given)
    with pytest.raises(DataError, match="a folder is 'cow', no class of the training rows"):
        encoding.apply(write_images(tmp_path / "c", ("cat", "cow"))[0], labels=True)
    with pytest.raises(ConfigError, match="no folders that name classes"):
        encoding.apply(root / "cat", labels=True)
