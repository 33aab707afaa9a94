"""What a step sees: order, mixup, augmentation."""

import numpy as np
import pytest
import torch

from luthier.core import Recipe, sample_size
from luthier.engines.torch_eager.batches import Batches, batch
from luthier.engines.torch_eager.tensors import Rows, Tensors
from luthier.testing import arrays as data


def rows_of(inputs, target=None):
    count = len(inputs)
    target = torch.arange(float(count)).unsqueeze(1) if target is None else target
    return Rows((inputs,), target, torch.ones(count), None, np.arange(count), None)


def step_of(inputs, step=0, seed=0, **keys):
    part = rows_of(inputs)
    return batch(part, None, torch.arange(len(part)), Recipe(**keys), seed, step)


class TestOrder:
    def test_an_epoch_sees_no_row_twice(self):
        seen = torch.cat(Batches.of(60, 16).order(seed=0, epoch=0)).tolist()
        assert len(seen) == len(set(seen)) == 48
        assert set(seen) <= set(range(60))

    def test_the_last_short_batch_is_left_out(self):
        batches = Batches.of(60, 16)
        assert [len(rows) for rows in batches.order(0, 0)] == [16, 16, 16]
        assert batches.steps == 3

    def test_which_rows_are_left_out_changes(self):
        left = [
            set(range(60)) - set(torch.cat(Batches.of(60, 16).order(0, e)).tolist())
            for e in range(3)
        ]
        assert left[0] != left[1] != left[2]

    def test_every_row_comes_first_about_as_often(self):
        batches = Batches.of(10, 2)
        first = [int(batches.order(1, epoch)[0][0]) for epoch in range(2000)]
        assert np.bincount(first, minlength=10) == pytest.approx(200, abs=60)

    def test_it_is_a_function_of_seed_and_epoch(self):
        order = [
            torch.cat(Batches.of(60, 16).order(*key)).tolist()
            for key in ((0, 1), (0, 1), (1, 0), (0, 0))
        ]
        assert order[0] == order[1]
        assert len({tuple(rows) for rows in order}) == 3

    @pytest.mark.parametrize("size", ["full", 60, 61])
    def test_a_full_batch_keeps_the_order_of_the_data(self, size):
        assert [rows.tolist() for rows in Batches.of(60, size).order(3, 4)] == [list(range(60))]

    def test_a_batch_of_one_is_every_row_once(self):
        assert sorted(int(rows) for rows in Batches.of(60, 1).order(0, 0)) == list(range(60))


class TestMixup:
    def test_rows_and_targets_are_blended_by_the_same_share(self):
        x = torch.arange(8.0).unsqueeze(1)
        (mixed,), target, _ = step_of(x, mixup=1.0)
        assert torch.allclose(mixed, target)
        assert not torch.allclose(mixed, x)
        share = (mixed[0] - x[-1]) / (x[0] - x[-1])
        assert torch.allclose(mixed, share * x + (1 - share) * x.flip(0))

    def test_the_share_changes_with_every_step(self):
        x = torch.arange(8.0).unsqueeze(1)
        first = {float(step_of(x, step=step, mixup=1.0)[0][0][0]) for step in range(20)}
        assert len(first) == 20


class TestAugmentation:
    images = torch.rand(64, 2, 8, 8) + 1  # no pixel is 0

    def test_none_changes_nothing(self):
        (x,), _, _ = step_of(self.images)
        assert torch.equal(x, self.images)

    def test_about_half_of_the_images_are_mirrored_left_to_right(self):
        (x,), _, _ = step_of(self.images, augmentation="flip")
        same = (x == self.images).flatten(1).all(1)
        mirrored = (x == self.images.flip(-1)).flatten(1).all(1)
        assert bool((same ^ mirrored).all())
        assert 20 < int(mirrored.sum()) < 44

    def test_shifts_are_up_to_an_eighth_with_zeros_behind_them(self):
        (x,), _, _ = step_of(self.images, augmentation="shift")
        padded = torch.nn.functional.pad(self.images, (1, 1, 1, 1))
        found = []
        for image, around in zip(x, padded, strict=True):
            at = [
                (down - 1, right - 1)
                for down in range(3)
                for right in range(3)
                if torch.equal(image, around[:, down : down + 8, right : right + 8])
            ]
            assert len(at) == 1
            found += at
        assert len(set(found)) == 9

    def test_both_is_a_flip_and_then_a_shift(self):
        (both,), _, _ = step_of(self.images, augmentation="flip_shift")
        (flipped,), _, _ = step_of(self.images, augmentation="flip")
        padded = torch.nn.functional.pad(flipped, (1, 1, 1, 1))
        for image, around in zip(both, padded, strict=True):
            assert any(
                torch.equal(image, around[:, down : down + 8, right : right + 8])
                for down in range(3)
                for right in range(3)
            )

    def test_a_square_of_half_the_side_is_cut_out_around_any_pixel(self):
        (x,), _, _ = step_of(self.images, augmentation="cutout")
        holes = (x == 0).all(1)
        assert torch.equal(x, self.images * ~holes.unsqueeze(1))
        sizes = {
            (int(hole.any(1).sum()), int(hole.any(0).sum()), int(hole.sum())) for hole in holes
        }
        assert all(high * wide == size for high, wide, size in sizes)
        assert {high for high, *_ in sizes} == {wide for _, wide, _ in sizes} == {2, 3, 4}

    def test_what_a_cut_pixel_is_learnt_by_stays(self):
        labels = torch.randint(2, (64, 8, 8))
        shares = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
        part = Rows((self.images,), labels, torch.ones(64), shares, np.arange(64), None)
        (x,), target, _ = batch(part, None, torch.arange(64), Recipe(augmentation="cutout"), 0, 0)
        assert bool((x == 0).any())
        assert torch.equal(target, part.wanted(labels))

    def test_it_changes_with_every_step_and_seed(self):
        steps = [
            step_of(self.images, step, seed, augmentation="flip_shift")[0][0]
            for step, seed in ((0, 0), (1, 0), (0, 1))
        ]
        assert not torch.equal(steps[0], steps[1])
        assert not torch.equal(steps[0], steps[2])


class TestTensors:
    def test_a_large_training_part_is_sampled_and_always_the_same_way(self):
        arrays = data.with_rows(data.classes(), data.classes().train)
        for _ in range(5):
            arrays = data.with_rows(arrays, arrays.train)
        one, two = (Tensors.of(arrays, "float32", "cross_entropy").sample for _ in range(2))
        assert len(arrays.train) > len(one) == sample_size(len(arrays.train))
        assert torch.equal(one.inputs[0], two.inputs[0])
        assert len(one.truth) == len(one)

    def test_numbers_get_the_precision_and_codes_stay_whole(self):
        tensors = Tensors.of(data.categories(), "float64", "cross_entropy")
        assert [x.dtype for x in tensors.train.inputs] == [torch.float64, torch.int64]
        assert tensors.train.shares.dtype == tensors.train.weight.dtype == torch.float64
