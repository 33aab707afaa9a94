"""Keras networks as luthier reads them: compile step, layers, penalties, last activations."""

import keras
import numpy as np
import pytest
from keras import layers

from luthier.core import Build, BuilderError, Recipe
from luthier.frameworks.keras.framework import KerasFramework
from luthier.testing import arrays as data
from luthier.testing.keras_networks import BUILDERS

ARRAYS = data.classes()
CROSS_ENTROPY = "sparse_categorical_crossentropy"


@pytest.fixture(scope="module")
def framework():
    return KerasFramework()


def dense(*, last="softmax", l2=None, optimizer="adam", loss=CROSS_ENTROPY, outputs=3):
    """Return a builder of a dense network, compiled."""

    def build():
        regularizer = None if l2 is None else keras.regularizers.L2(l2)
        model = keras.Sequential(
            [
                keras.Input((5,)),
                layers.Dense(8, activation="relu", kernel_regularizer=regularizer),
                layers.Dense(outputs, activation=last),
            ]
        )
        made = optimizer() if callable(optimizer) else optimizer
        model.compile(optimizer=made, loss=loss() if isinstance(loss, type) else loss)
        return model

    return Build.read(build, "net.py:build", f"{last} {l2} {optimizer} {loss}")


def baseline(framework, build, arrays=ARRAYS, **recipe):
    return framework.baseline(build, Recipe(**recipe), arrays, tuple(recipe))


class TestCompileStep:
    def test_optimizer_loss_and_penalty_are_the_baseline(self, framework):
        about = baseline(framework, dense(l2=0.01))
        recipe = about.recipe
        assert (recipe.optimizer, recipe.learning_rate, recipe.epsilon) == ("adam", 1e-3, 1e-7)
        assert (recipe.loss, recipe.l2, recipe.schedule) == ("cross_entropy", 0.01, "constant")
        assert about.penalised
        assert about.dropout is False

    @pytest.mark.parametrize(
        ("make", "expected"),
        [
            (lambda: keras.optimizers.SGD(0.1), {"optimizer": "sgd"}),
            (
                lambda: keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True),
                {"optimizer": "nesterov", "momentum": 0.5},
            ),
            (
                lambda: keras.optimizers.RMSprop(0.1, rho=0.8),
                {"optimizer": "rmsprop", "beta2": 0.8},
            ),
            (lambda: keras.optimizers.Adam(0.1, global_clipnorm=2.0), {"clip_norm": 2.0}),
            (lambda: keras.optimizers.AdamW(0.1), {"optimizer": "adamw", "weight_decay": 0.004}),
            (lambda: keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.9), {"ema": 0.9}),
        ],
    )
    def test_settings_are_keys(self, framework, make, expected):
        recipe = baseline(framework, dense(optimizer=make)).recipe
        assert {name: recipe.get(name) for name in expected} == expected
        assert recipe.learning_rate == 0.1

    def test_decay_is_translated_and_said(self, framework):
        about = baseline(framework, dense(optimizer=lambda: keras.optimizers.AdamW(0.1)))
        assert any("biases too" in note for note in about.notes)

    def test_a_schedule_is_a_share_of_the_run(self, framework):
        steps = 40 * (len(ARRAYS.train) // 10)
        rate = keras.optimizers.schedules.CosineDecay(0.05, steps, alpha=0.1)
        about = baseline(
            framework, dense(optimizer=lambda: keras.optimizers.Adam(rate)), batch_size=10
        )
        recipe = about.recipe
        assert (recipe.schedule, recipe.learning_rate, recipe.end_factor) == ("cosine", 0.05, 0.1)
        assert not [note for note in about.notes if "schedule" in note]

    def test_a_staircase_is_steps(self, framework):
        steps = 40 * (len(ARRAYS.train) // 10)
        rate = keras.optimizers.schedules.ExponentialDecay(0.05, steps // 4, 0.5, staircase=True)
        make = dense(optimizer=lambda: keras.optimizers.Adam(rate))
        recipe = baseline(framework, make, batch_size=10).recipe
        assert (recipe.schedule, recipe.step_size, recipe.gamma) == ("step", 0.25, 0.5)

    def test_a_schedule_of_ones_own_is_told(self, framework):
        class Warming(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                return 0.02 * keras.ops.minimum(keras.ops.cast(step, "float32") / 10.0, 1.0)

        about = baseline(framework, dense(optimizer=lambda: keras.optimizers.Adam(Warming())))
        assert (about.recipe.schedule, about.recipe.learning_rate) == ("constant", 0.02)
        assert any("Warming is your own" in note for note in about.notes)

    def test_a_loss_that_luthier_does_not_have_says_what_to_type(self, framework):
        def focal(truth, outputs):
            return keras.ops.mean(outputs)

        build = dense(loss=focal)
        with pytest.raises(BuilderError, match=r"'focal', which luthier does not have.*recipe="):
            baseline(framework, build)
        assert baseline(framework, build, loss="cross_entropy").recipe.loss == "cross_entropy"

    def test_label_smoothing_is_a_key(self, framework):
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
        assert baseline(framework, dense(loss=loss)).recipe.label_smoothing == 0.1

    def test_a_network_that_is_not_compiled_says_nothing(self, framework):
        about = baseline(framework, BUILDERS["frozen"])
        assert about.recipe == Recipe()

    def test_what_a_builders_arguments_decide_is_not_the_recipes(self, framework):
        def build(hp):
            model = keras.Sequential([keras.Input((5,)), layers.Dense(3)])
            rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
            model.compile(optimizer=keras.optimizers.Adam(rate), loss=CROSS_ENTROPY)
            return model

        made = Build.read(build, "net.py:build")
        about = baseline(framework, made)
        assert about.decided == ("learning_rate",)
        recipe = about.recipe.replace({"model.rate": 0.05})
        captured = framework.capture(made, recipe, ARRAYS, 0)
        assert captured.recipe.learning_rate == 0.05


class TestPenalties:
    def test_the_recipes_apply_to_what_the_network_penalises(self, framework):
        build = dense(l2=0.01)
        captured = framework.capture(build, baseline(framework, build).recipe, ARRAYS, 0)
        assert captured.penalised == ("dense.kernel",)
        assert captured.kernels == ("dense.kernel", "dense_1.kernel")
        assert not captured.make().losses

    def test_those_that_differ_stay_in_the_network(self, framework):
        about = baseline(framework, BUILDERS["penalised"])
        assert about.recipe.l2 == 0
        assert any("stay as they are" in note for note in about.notes)
        captured = framework.capture(BUILDERS["penalised"], about.recipe, ARRAYS, 0)
        assert captured.penalised is None
        assert captured.make().trainable_variables[0].regularizer is not None


class TestLastActivation:
    def test_a_softmax_is_taken_off_and_handed_over(self, framework):
        build = dense()
        captured = framework.capture(build, Recipe(), ARRAYS, 0)
        assert captured.link == "identity"
        restored = framework.restore(build, Recipe(), ARRAYS.task, captured.initial)
        inputs = keras.ops.convert_to_tensor(ARRAYS.val.inputs[0])
        probabilities = keras.ops.convert_to_numpy(keras.ops.stop_gradient(restored(inputs)))
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
        logits = framework.outputs(restored, ARRAYS.val, ARRAYS.task)
        np.testing.assert_allclose(logits, np.log(probabilities), atol=1e-5)

    def test_a_sigmoid_is_the_logit_of_the_second_class(self, framework):
        arrays = data.classes(2)
        build = dense(last="sigmoid", outputs=1, loss="binary_crossentropy")
        recipe = baseline(framework, build, arrays).recipe
        captured = framework.capture(build, recipe, arrays, 0)
        assert (captured.signature.loss, captured.link) == ("binary_cross_entropy", "identity")

    def test_one_inside_of_a_class_is_taken_off_too(self, framework):
        assert framework.capture(BUILDERS["subclassed"], Recipe(), ARRAYS, 0).link == "identity"

    def test_one_that_cannot_be_taken_off_gets_a_logarithm(self, framework):
        def build():
            inputs = keras.Input((5,))
            return keras.Model(inputs, layers.Softmax()(layers.Dense(3)(inputs)))

        made = Build.read(build, "net.py:build")
        assert framework.capture(made, Recipe(), ARRAYS, 0).link == "log"

    def test_numbers_are_never_probabilities(self, framework):
        build = dense(last="sigmoid", outputs=1, loss="mse")
        arrays = data.numbers()
        captured = framework.capture(build, Recipe(), arrays, 0)
        restored = framework.restore(build, Recipe(), arrays.task, captured.initial)
        outputs = framework.outputs(restored, arrays.val, arrays.task)
        assert ((outputs > 0) & (outputs < 1)).all()


class TestHandedOver:
    def restored(self, framework, build, **keys):
        recipe = Recipe(optimizer="momentum", learning_rate=0.05, loss="cross_entropy", **keys)
        captured = framework.capture(build, recipe, ARRAYS, 0)
        return framework.restore(build, recipe, ARRAYS.task, captured.initial)

    def test_it_is_compiled_with_what_it_was_trained_with(self, framework, tmp_path):
        model = self.restored(framework, dense(l2=0.01), l2=0.3)
        path = tmp_path / "model.keras"
        model.save(path)
        again = keras.saving.load_model(path)
        for one in (model, again):
            assert type(one.optimizer).__name__ == "SGD"
            assert float(one.optimizer.momentum) == 0.9
            assert float(one.optimizer.learning_rate) == pytest.approx(0.05)
            assert one.layers[0].kernel_regularizer.l2 == pytest.approx(0.3)
        kernel = np.asarray(again.get_weights()[0])
        shares = again.predict(ARRAYS.val.inputs[0], verbose=0)
        data_loss = -np.log(shares[np.arange(len(shares)), ARRAYS.val.target]).mean()
        loss = again.evaluate(ARRAYS.val.inputs[0], ARRAYS.val.target, verbose=0)
        loss = loss if isinstance(loss, float) else loss[0]
        assert loss == pytest.approx(data_loss + 0.3 * float((kernel**2).sum()), rel=1e-4)

    def test_a_penalty_that_the_recipe_leaves_out_is_off(self, framework):
        assert self.restored(framework, dense(l2=0.01)).layers[0].kernel_regularizer is None

    def test_a_network_that_was_not_compiled_can_be_evaluated(self, framework):
        model = self.restored(framework, BUILDERS["frozen"])
        assert len(model.evaluate(ARRAYS.val.inputs[0], ARRAYS.val.target, verbose=0)) == 2


class TestNetworks:
    def test_names_do_not_depend_on_what_was_built_before(self, framework):
        build = dense()
        first, second = (
            list(framework.capture(build, Recipe(), ARRAYS, 0).initial.arrays) for _ in "ab"
        )
        assert first == second
        assert first[0] == "weights/dense.kernel"

    @pytest.mark.parametrize("name", ["functional_dropout", "recurrent", "subclassed"])
    def test_dropout_is_set_everywhere(self, framework, name):
        arrays = data.sequences() if name == "recurrent" else ARRAYS
        captured = framework.capture(BUILDERS[name], Recipe(dropout=0.4), arrays, 0)
        rates = [
            layer.rate for layer in captured.make()._flatten_layers() if hasattr(layer, "rate")
        ]
        assert set(rates) <= {0.4}

    @pytest.mark.parametrize(
        ("name", "deviation"), [("kaiming_normal", (2 / 5) ** 0.5), ("truncated_normal", 0.0176)]
    )
    def test_an_initialiser_means_the_same_as_in_pytorch(self, framework, name, deviation):
        def build(n_features, n_outputs, width=4000):
            return keras.Sequential(
                [keras.Input((n_features,)), layers.Dense(width), layers.Dense(n_outputs)]
            )

        made = Build.read(build, "net.py:build")
        recipe = Recipe(initialiser=name)
        initial = framework.capture(made, recipe, ARRAYS, 0).initial.group("weights")
        assert initial["dense.kernel"].std() == pytest.approx(deviation, rel=0.05)
        assert not initial["dense.bias"].any()


class TestPrecision:
    def built(self, dtype):
        def build():
            model = keras.Sequential([keras.Input((5,)), layers.Dense(3, dtype=dtype, name="last")])
            model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            return model

        return Build.read(build, "net.py:build", str(dtype))

    def test_float16_needs_a_scale_that_nobody_applies(self, framework):
        told = r"net.py:build: layer last computes in float16.*Leave its dtype policy out"
        with pytest.raises(BuilderError, match=told):
            framework.capture(self.built("mixed_float16"), Recipe(), ARRAYS, 0)

    def test_bfloat16_of_a_layers_own_stays_and_is_said(self, framework):
        (note,) = baseline(framework, self.built("mixed_bfloat16")).notes
        assert note.startswith("precision: layer last computes in bfloat16")

    def test_a_policy_of_the_process_is_not_the_recipes(self, framework):
        kept = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_float16")
        try:
            (note,) = baseline(framework, self.built(None)).notes
            captured = framework.capture(self.built(None), Recipe(), ARRAYS, 0)
            assert keras.config.dtype_policy().name == "mixed_float16"
        finally:
            keras.config.set_dtype_policy(kept)
        assert "although Keras' policy is mixed_float16" in note
        assert captured.make().layers[0].compute_dtype == "float32"


class TestMistakes:
    def test_no_network(self, framework):
        build = Build.read(lambda: 3, "net.py:build", "x")
        with pytest.raises(BuilderError, match=r"returned a int, but a keras.Model was expected"):
            framework.capture(build, Recipe(), ARRAYS, 0)

    def test_outputs_that_do_not_fit(self, framework):
        with pytest.raises(BuilderError, match="has 4 outputs, but the target has 3 classes"):
            framework.capture(dense(outputs=4), Recipe(), ARRAYS, 0)

    def test_inputs_that_do_not_fit(self, framework):
        with pytest.raises(BuilderError, match=r"on inputs of shape \(4, 6, 4\)"):
            framework.capture(dense(), Recipe(), data.sequences(), 0)

    def test_several_outputs(self, framework):
        def build():
            inputs = keras.Input((5,))
            return keras.Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])

        with pytest.raises(BuilderError, match="returned 2 outputs, but one was expected"):
            framework.capture(Build.read(build, "net.py:build"), Recipe(), ARRAYS, 0)
