"""to_batches: order, seeds, epochs, resuming, scaling and binarisation."""

import numpy as np
import pytest
import tensorflow as tf

from tf_gmvae.data import Split, to_batches
from tf_gmvae.errors import InputError

COUNT = Split(np.arange(23, dtype="float32")[:, None], np.arange(23) * 2)
GREY = Split(np.full((40, 5, 5, 1), 51, np.uint8))  # 51 / 255 = 0.2


def as_lists(batches):
    return [batch.numpy().ravel().astype(int).tolist() for batch in batches]


def flat(lists):
    return [value for values in lists for value in values]


def test_order_is_kept_without_a_seed_and_batches_do_not_span_epochs():
    batches = as_lists(to_batches(COUNT, 10, num_epochs=2))
    assert [len(batch) for batch in batches] == [10, 10, 3, 10, 10, 3]
    assert flat(batches) == 2 * list(range(23))


def test_drop_remainder_leaves_full_batches_of_a_static_size():
    batches = to_batches(COUNT, 10, num_epochs=2, drop_remainder=True)
    assert [len(batch) for batch in as_lists(batches)] == [10, 10, 10, 10]
    assert batches.element_spec.shape == (10, 1)


def test_each_epoch_has_every_example_in_an_order_of_its_own():
    values = flat(as_lists(to_batches(COUNT, 10, shuffle_seed=1, num_epochs=3)))
    epochs = [values[:23], values[23:46], values[46:]]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in [*epochs, range(23)]}) == 4


def test_a_finite_data_set_reshuffles_when_iterated_again():
    batches = to_batches(COUNT, 23, shuffle_seed=1)
    assert as_lists(batches) != as_lists(batches)


def test_the_seed_decides():
    first, same, other = (as_lists(to_batches(COUNT, 5, shuffle_seed=seed)) for seed in (0, 0, 1))
    assert first == same != other


@pytest.mark.parametrize("binarize", ["none", "sample"])
@pytest.mark.parametrize("drop_remainder", [False, True])
@pytest.mark.parametrize("done", [0, 2, 3, 7])
def test_a_resumed_run_gets_the_batches_of_an_unbroken_one(binarize, drop_remainder, done):
    split = Split(np.random.default_rng(0).random((23, 4), np.float32))
    options = {
        "shuffle_seed": 3, "num_epochs": 4, "binarize": binarize, "drop_remainder": drop_remainder
    }  # fmt: skip
    whole = list(to_batches(split, 10, **options))
    parts = [*to_batches(split, 10, **options).take(done), *to_batches(split, 10, **options, skip_batches=done)]
    assert len(whole) == len(parts) == (8 if drop_remainder else 12)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


def test_endless():
    batches = to_batches(COUNT, 23, num_epochs=None, skip_batches=50, shuffle_seed=0).take(3)
    assert [sorted(batch) for batch in as_lists(batches)] == [list(range(23))] * 3


def test_labels_go_with_their_examples():
    for batch, labels in to_batches(COUNT, 10, shuffle_seed=0, with_labels=True):
        np.testing.assert_array_equal(labels, 2 * batch[:, 0])
        assert labels.dtype == "int64"


def test_numbers_go_with_their_examples():
    for batch, numbers in to_batches(COUNT, 10, shuffle_seed=0, with_numbers=True):
        np.testing.assert_array_equal(numbers, batch[:, 0])
    with pytest.raises(InputError, match="exclude each other"):
        to_batches(COUNT, 10, with_labels=True, with_numbers=True)


@pytest.mark.parametrize("workers", [2, 3])
@pytest.mark.parametrize("binarize", ["none", "sample"])
def test_the_shares_of_all_workers_make_the_batch(workers, binarize):
    split = Split(np.random.default_rng(0).random((25, 6), dtype="float32"))
    whole, *shares = (
        list(
            to_batches(split, 10, shuffle_seed=1, num_epochs=2, binarize=binarize, share=share).as_numpy_iterator()
        )
        for share in [(0, 1), *((worker, workers) for worker in range(workers))]
    )
    assert len(whole) == 6
    for batch, *parts in zip(whole, *shares, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("share", [(2, 2), (-1, 2), (0, 0), (0, 11)])
def test_a_share_of_no_worker(share):
    with pytest.raises(InputError, match="share must be the number of a worker and of all"):
        to_batches(COUNT, 10, share=share)


def test_batches_come_as_the_split_stores_them():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    (batch,) = to_batches(Split(pixels), 1)
    assert batch.dtype == "uint8"
    np.testing.assert_array_equal(batch, pixels)
    values = np.array([[-3.5, 1e6]], np.float32)
    np.testing.assert_array_equal(next(iter(to_batches(Split(values), 1))), values)


def test_threshold():
    values = Split(np.array([[0, 0.49, 0.5, 1]], np.float32))
    (batch,) = to_batches(values, 1, binarize="threshold")
    assert batch.numpy().tolist() == [[0, 0, 1, 1]]
    (pixels,) = to_batches(Split(np.array([[0, 127, 128, 255]], np.uint8)), 1, binarize="threshold")
    assert pixels.numpy().tolist() == [[0, 0, 1, 1]]


def test_samples_have_the_pixel_as_their_mean():
    draws = np.stack([batch for batch in to_batches(GREY, 40, num_epochs=200, binarize="sample")])
    assert set(np.unique(draws)) == {0, 1}
    # 200,000 draws: a standard error of 0.0009; 200 draws of each pixel: one of 0.028.
    assert abs(draws.mean() - 0.2) < 0.004
    assert abs(draws.mean(axis=0).std() - 0.0283) < 0.005
    assert (draws[0] != draws[1]).any()


def test_samples_of_black_and_white_are_certain_and_seeds_differ():
    ends = Split(np.array([[0, 255]] * 500, np.uint8))
    (batch,) = to_batches(ends, 500, binarize="sample")
    assert (batch.numpy() == [0, 1]).all()
    first, other = (next(iter(to_batches(GREY, 40, shuffle_seed=s, binarize="sample"))) for s in (0, 1))
    assert (first.numpy() != other.numpy()).any()


def test_a_pixel_of_0_is_off_even_where_the_least_number_is_drawn(monkeypatch):
    monkeypatch.setattr(tf.random, "stateless_uniform", lambda shape, seed: tf.zeros(shape))
    (batch,) = to_batches(Split(np.array([[0, 1, 255]], np.uint8)), 1, binarize="sample")
    np.testing.assert_array_equal(batch, [[0, 1, 1]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be an integer >= 1. Received: batch_size=0"),
        ({"batch_size": 2.0}, "Received: batch_size=2.0"),
        ({"batch_size": 24, "drop_remainder": True}, "batch_size must be at most the 23 .*make it smaller"),
        ({"num_epochs": 0}, "`num_epochs` must be an integer >= 1"),
        ({"skip_batches": -1}, "`skip_batches` must be an integer >= 0"),
        ({"shuffle_seed": True}, "`shuffle_seed` must be an integer >= 0. Received: shuffle_seed=True"),
        ({"binarize": "round"}, "binarize must be one of none, threshold, sample. Received: binarize='round'"),
        ({"binarize": "sample"}, r"needs examples in \[0, 1\]: scale them or use .*examples from 0 to 22"),
    ],
)
def test_options_that_do_not_fit(options, message):
    with pytest.raises(InputError, match=message):
        to_batches(COUNT, **{"batch_size": 5, **options})


def test_labels_that_are_not_there():
    with pytest.raises(InputError, match=r"with_labels needs a split with labels.*leave with_labels out"):
        to_batches(GREY, 5, with_labels=True)


def test_batches_share_the_memory_of_the_split():
    split = Split(np.zeros((6, 3), "float32"))
    batches = to_batches(split, 2)
    split.examples[:] = 7.0
    np.testing.assert_array_equal(np.concatenate(list(batches)), np.full((6, 3), 7.0))


@pytest.mark.parametrize("shift", [0, 1, 16, 64])
def test_examples_anywhere_in_memory_are_read_right(shift):
    memory = np.arange(1000, dtype=np.uint8)
    for array in (memory[shift : shift + 800].reshape(200, 4), memory[shift : shift + 800].reshape(4, 200).T):
        split = Split(array)
        np.testing.assert_array_equal(split.examples, array)
        assert split.examples.ctypes.data % 64 == 0
        np.testing.assert_allclose(np.concatenate(list(to_batches(split, 30))), array)


def test_read_only_examples_can_be_batched(tmp_path):
    np.save(tmp_path / "examples.npy", np.ones((5, 2), "float32"))
    split = Split(np.load(tmp_path / "examples.npy", mmap_mode="r"))
    np.testing.assert_array_equal(np.concatenate(list(to_batches(split, 2))), np.ones((5, 2)))


def test_a_pass_does_not_wait_for_the_tuner():
    assert not to_batches(Split(np.zeros((6, 3), "float32")), 2).options().autotune.enabled


@pytest.mark.parametrize("global_seed", [None, 3, 4])
def test_a_global_seed_does_not_change_the_order(global_seed):
    """It is that of `tf.data` with the seed alone, as in every version."""
    expected = list(tf.data.Dataset.range(23).shuffle(23, seed=5).batch(10).repeat(2).as_numpy_iterator())
    tf.random.set_seed(global_seed)
    try:
        found = to_batches(COUNT, 10, shuffle_seed=5, num_epochs=2, with_numbers=True)
        numbers = [rows for _, rows in found.as_numpy_iterator()]
    finally:
        tf.random.set_seed(None)
    assert [rows.tolist() for rows in numbers] == [rows.tolist() for rows in expected]
