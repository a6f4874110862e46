"""Images whose strokes may bend: the distances, and the neighbours by them."""

import os

import numpy as np
import pytest
import tensorflow as tf

from tf_gmvae.start import clusters, descriptors, distortion, latent_map, neighbours


def strides_of(images):
    return tuple(distortion.spacing(side)[1] for side in images.shape[1:3])


def least_square(query, point, strides):
    """Sum over places of the least square within the reach, by shifted copies of the whole map."""
    rows, columns, _ = query.shape
    best = np.full((rows, columns), np.inf)
    for down in range(-strides[0], strides[0] + 1):
        for right in range(-strides[1], strides[1] + 1):
            for row in range(max(0, -down), min(rows, rows - down)):
                for column in range(max(0, -right), min(columns, columns - right)):
                    apart = query[row, column] - point[row + down, column + right]
                    best[row, column] = min(best[row, column], apart @ apart)
    return best[:: strides[0], :: strides[1]].sum()


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (34, 13, 3), (64, 64, 1)])
def test_distances_are_those_of_plain_loops(shape):
    rng = np.random.default_rng(0)
    images = rng.random((7, *shape)).astype("float32")
    images[3] = 1 - images[0] + 0.02 * images[3]
    maps = distortion.maps_of(images).numpy()
    assert maps.dtype == np.uint8
    candidates = np.array([rng.permutation(7)[:4] for _ in range(7)])
    candidates[0] = [3, 0, 1, 2]
    found = distortion.distances(maps, maps, candidates, strides_of(images))
    wide, strides = maps.astype(float), strides_of(images)
    for number in range(7):
        query, negative = wide[number], np.roll(wide[number], 4, axis=-1)
        for place, other in enumerate(candidates[number]):
            point = wide[other]
            apart = [np.sum((each - point)[:: strides[0], :: strides[1]] ** 2) for each in (query, negative)]
            better = negative if apart[1] < apart[0] else query
            expected = least_square(better, point, strides)
            assert found[number, place] == pytest.approx(np.sqrt(expected), rel=1e-9)
    assert found[0, 1] == 0
    assert found[0, 0] < 0.3 * found[0, 2:].min()  # a negative is what it is the negative of


def test_a_map_has_the_edges_of_every_place_on_one_scale():
    images = np.zeros((3, 28, 28, 1), "float32")
    images[0, :, 10:14] = 1
    images[1, :, 10:14] = 0.1
    maps = distortion.maps_of(images).numpy()
    np.testing.assert_array_equal(maps[0], maps[1])  # brightness does not count
    assert maps.shape == (3, 28, 28, 8) and not maps[2].any()
    assert np.sqrt(np.mean(maps[0].astype(float) ** 2)) == pytest.approx(distortion.LEVEL, rel=0.02)
    assert maps[0, 14].sum(axis=0).argmax() in (0, 4)  # to the right, or to the left


def test_the_reach_is_half_a_cell_and_maps_stay_small():
    for side in range(descriptors.LEAST_SIDE, 225):
        step, stride = distortion.spacing(side)
        assert side / step <= 41
        assert descriptors.cell(side) / 4 <= step * stride <= descriptors.cell(side) / 2, side
    assert [distortion.spacing(side) for side in (8, 28, 32)] == [(1, 1), (1, 2), (1, 2)]


def test_a_stroke_that_is_moved_is_near_and_one_that_is_turned_is_not():
    images = np.zeros((4, 28, 28, 1), "float32")
    images[0, 4:24, 12:15] = 1
    images[1, 4:24, 14:17] = 1  # by two pixels
    images[2, 4:24, 20:23] = 1  # by eight
    images[3, 12:15, 4:24] = 1
    maps = distortion.maps_of(images).numpy()
    moved, far, turned = distortion.distances(maps[:1], maps, np.array([[1, 2, 3]]), strides_of(images))[0]
    stiff = np.sqrt(np.sum((maps[0].astype(float) - maps[1])[::2, ::2] ** 2))
    assert moved < 0.25 * stiff
    assert moved < 0.3 * far and moved < 0.3 * turned


def test_threads_do_not_count(monkeypatch):
    images = np.random.default_rng(0).random((20, 9, 9, 1)).astype("float32")
    maps, candidates = distortion.maps_of(images).numpy(), np.tile(np.arange(20), (20, 1))
    found = []
    for threads in (1, 3, 64):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        found.append(distortion.distances(maps, maps, candidates, strides_of(images)))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_the_farthest_places_count_in_full():
    maps = np.stack([np.zeros((5, 6, 8), "uint8"), np.full((5, 6, 8), 255, "uint8")])
    found = distortion.distances(maps, maps, np.array([[0, 1], [1, 0]]), (1, 2))
    np.testing.assert_allclose(found, [[0, 255 * np.sqrt(5 * 3 * 8)], [0, 255 * np.sqrt(5 * 3 * 8)]], rtol=1e-12)


@pytest.mark.parametrize(
    ("num_points", "shape"),
    [(90, (12, 12, 1)), (70, (12, 12, 1)), (25, (12, 12, 1)), (70, (8, 28, 1)), (70, (9, 9, 3))],
)
def test_neighbours_of_images_are_those_by_the_product_of_both_distances(num_points, shape, monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 32)
    monkeypatch.setattr(descriptors, "IMAGE_COMPONENTS", 15)  # fewer than images: these all have a length
    as_bytes = np.random.default_rng(0).integers(0, 256, (90, *shape), "uint8")
    as_bytes[5] = as_bytes[4]
    as_bytes[7] = 127  # nothing on it
    images = (as_bytes / 255).astype("float32")
    found = neighbours.nearest(as_bytes, num_points, lambda batch: tf.cast(batch, "float32") / 255, None, 1, 0)
    count = min(60, num_points)
    assert found.indices.shape == found.distances.shape == (90, count)
    np.testing.assert_array_equal(found.indices[:num_points, 0], np.arange(num_points))
    assert np.isfinite(found.distances).all() and (np.diff(found.distances, axis=1) >= 0).all()
    features = descriptors.image_features(images).numpy()
    mean, components = descriptors.projection(features[0, :num_points], 0, 15)
    placed = (features - mean) @ components
    stiff = np.linalg.norm(placed[:, :, None] - placed[0, None, None, :num_points], axis=-1).min(axis=0)
    maps, every = distortion.maps_of(images).numpy(), np.tile(np.arange(num_points), (90, 1))
    bent = distortion.distances(maps, maps[:num_points], every, strides_of(images))
    hues = descriptors.colours(images).numpy().reshape(90, -1)
    rows, columns = maps[0, :: strides_of(images)[0], :: strides_of(images)[1], 0].shape
    # Root mean square of 16 in eight directions, where features have a length of 1.
    apart = 16 * np.sqrt(8 * rows * columns) * np.linalg.norm(hues[:, None] - hues[None, :num_points], axis=-1)
    bent = np.sqrt(bent**2 + apart**2)
    for one in range(90):
        candidates = set(np.argsort(stiff[one])[: count + 1]) | {one}  # one more: rounding may change the last
        assert set(found.indices[one]) <= candidates
        expected = np.where(found.indices[one] == one, 0, (stiff * bent)[one, found.indices[one]])
        np.testing.assert_allclose(found.distances[one], expected, atol=0.02 * expected.max())


def test_neighbours_of_the_same_strokes_have_the_same_colours():
    rng = np.random.default_rng(0)
    images = np.zeros((90, 20, 20, 3), "float32")
    hues = np.eye(3)[np.arange(90) % 3] * 0.8 + 0.2
    for number, hue in enumerate(hues):
        top, left = rng.integers(3, 5), rng.integers(7, 9)
        images[number, top : top + 12, left : left + 4] = hue
    found = neighbours.nearest(images, 90, tf.identity, None, 1, 0)
    assert (found.indices[:, :15] % 3 == np.arange(90)[:, None] % 3).all()


def test_of_many_images_parts_are_joined_by_more_neighbours(monkeypatch):
    images = np.random.default_rng(0).random((300, 8, 8, 1)).astype("float32")
    found = neighbours.nearest(images, 300, tf.identity, None, 1, 0)
    for joined_by, expected in ((1_000, 15), (10, 30), (1, 60)):
        monkeypatch.setattr(latent_map, "JOINED_BY", joined_by)
        assert latent_map.mapped(found, 0).indices.shape == (300, expected)


def test_images_beside_the_map_take_the_labels_of_their_fifteen_nearest(monkeypatch):
    images = np.random.default_rng(0).random((120, 8, 8, 1)).astype("float32")
    compared = clusters.compare(
        images, to_floats=tf.identity, view=None, num_views=1, max_mapped=80, seed=0, say=lambda line: None
    )
    mapped = np.random.default_rng(1).dirichlet(np.ones(3), 80).astype("float32")
    monkeypatch.setattr(latent_map, "soft_labels", lambda *arguments: mapped)
    if compared.map is None:  # noise, which is compared by its shades
        nearest = neighbours.nearest(images[compared.order], 80, tf.identity, None, 1, 0)
        compared = compared._replace(neighbours=nearest, map=latent_map.mapped(nearest, 0))
    labels = clusters.labels_of(compared, 3, 0)[compared.order]
    np.testing.assert_array_equal(labels[:80], mapped)
    near = compared.neighbours.indices[80:, :15]
    np.testing.assert_allclose(labels[80:], mapped[near].mean(axis=1), atol=1e-6)
