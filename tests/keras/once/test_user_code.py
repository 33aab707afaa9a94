"""What a Keras user types: functions and commands, on TensorFlow."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import luthier
from luthier.core import LuthierError

QUICK_START = """
import keras
from keras import layers


def build(hp):
    model = keras.Sequential()
    model.add(layers.Flatten())
    for i in range(hp.Int("num_layers", 1, 3)):
        model.add(
            layers.Dense(
                units=hp.Int(f"units_{i}", min_value=32, max_value=64, step=32),
                activation=hp.Choice("activation", ["relu", "tanh"]),
            )
        )
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(10, activation="softmax"))
    learning_rate = hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
"""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6)).astype("float32")
Y = (X[:, :3] + 0.3 * RNG.normal(size=(300, 3))).argmax(1)


def dense():
    model = keras.Sequential([layers.Dense(16, activation="relu"), layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    return model


def command(*words: str, folder: Path) -> str:
    code = "from luthier.apps.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def handed_over(tmp_path_factory) -> Path:
    """A search with KerasTuner's first example as its builder, handed over to ``out``."""
    folder = tmp_path_factory.mktemp("quick-start")
    (folder / "net.py").write_text(QUICK_START, encoding="utf-8")
    words = ["tune", "digits", "--model", "net.py:build", "--budget", "30 epochs", "--out", "out"]
    command(*words, "--engine", "keras_eager", folder=folder)
    return folder


class TestCommands:
    def test_it_is_handed_over_in_keras_own_format(self, handed_over):
        names = {file.name for file in (handed_over / "out").iterdir()}
        assert names >= {"recipe.yaml", "model.keras", "model.safetensors", "train.py", "net.py"}
        model = keras.saving.load_model(handed_over / "out" / "model.keras")
        probabilities = model.predict(np.zeros((2, 64), "float32"), verbose=0)
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)

    def test_the_recipe_gives_its_score_again_bit_for_bit(self, handed_over):
        said = command("train", "digits", "--recipe", "out/recipe.yaml", folder=handed_over)
        assert "the same, bit for bit" in said

    def test_the_script_reaches_the_score_without_luthier(self, handed_over):
        blocked = "import sys; sys.modules['luthier'] = None; sys.argv = ['train.py']; "
        run = "import runpy; runpy.run_path('train.py', run_name='__main__')"
        done = subprocess.run(
            [sys.executable, "-c", blocked + run],
            capture_output=True,
            text=True,
            cwd=handed_over / "out",
        )
        assert done.returncode == 0, done.stderr
        lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
        reported = float(lines["epoch"].partition("'log_loss': ")[2].rstrip("}"))
        found = float(lines["validation"].partition("'log_loss': ")[2].rstrip("}"))
        assert found < 2 * reported + 0.1

    def test_new_rows_are_predicted(self, handed_over):
        from sklearn.datasets import load_digits

        rows, labels = load_digits(return_X_y=True)
        np.savez(handed_over / "rows.npz", X=rows[:50])
        found, classes = luthier.predict(handed_over / "out", handed_over / "rows.npz")
        assert classes == tuple("0123456789")
        right = [str(a) == str(b) for a, b in zip(found.values, labels[:50], strict=True)]
        assert np.mean(right) > 0.5


PROGRAM = """
from keras import Sequential, layers
from sklearn.datasets import load_digits

import luthier

WIDTH = 32


class Block(layers.Layer):
    def __init__(self, units, **named):
        super().__init__(**named)
        self.dense = layers.Dense(units, activation="relu")

    def call(self, x):
        return self.dense(x)


def head(units):
    return layers.Dense(units, activation="softmax")


def build(n_outputs: int):
    model = Sequential([Block(WIDTH), head(n_outputs)])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class Base:
    def __init__(self, name=None):
        self.name = name
        self.build, self._build = self.wrapped, self.build

    def wrapped(self, hp, *args, **kwargs):
        return self._build(hp, *args, **kwargs)


class Hyper(Base):
    def build(self, hp):
        model = Sequential([layers.Dense(self.units(hp), activation="relu"), head(10)])
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    def units(self, hp):
        return hp.Int("units", 32, 64, step=32)


if __name__ == "__main__":
    for name, one in {"function": build, "instance": Hyper("mine"), "class": Hyper}.items():
        how = {"budget": "4 epochs", "recipe": {"epochs": 2}, "storage": "sqlite://"}
        luthier.tune(one, load_digits(return_X_y=True), **how).export(name)
"""


@pytest.fixture(scope="module")
def programmed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "program.py"], capture_output=True, text=True, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", ["function", "instance", "class"])
def test_a_script_has_all_that_its_builder_needs(programmed, name):
    """A function of a program with its helpers, and a HyperModel as KerasTuner wraps it."""
    code = "import sys; sys.modules['luthier'] = None; sys.argv = ['train.py']; import runpy; "
    code += "runpy.run_path('train.py', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=programmed / name
    )
    assert done.returncode == 0, done.stderr
    assert "validation" in done.stdout


class TestFunctions:
    def test_train_reads_the_compile_step(self):
        trained = luthier.train(dense, (X, Y), recipe={"epochs": 8}, engine="keras_eager")
        assert trained.trial.recipe.learning_rate == 0.01
        assert trained.metrics["accuracy"] > 0.6
        assert isinstance(trained.model(), keras.Sequential)

    def test_a_class_whose_call_takes_no_training(self):
        """As most are written; a network of such layers trains as `fit` trains it."""

        class Short(keras.Model):
            def __init__(self):
                super().__init__()
                self.hidden, self.last = layers.Dense(16, "relu"), layers.Dense(3, "softmax")

            def call(self, x):
                return self.last(self.hidden(x))

        def build():
            model = Short()
            model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
            return model

        trained = luthier.train(build, (X, Y), recipe={"epochs": 8}, engine="keras_eager")
        assert trained.metrics["accuracy"] > 0.6

    def test_a_tf_data_set_and_one_hot_targets_are_the_same_data(self):
        import tensorflow as tf

        pairs = tf.data.Dataset.from_tensor_slices((X, Y))
        hot = keras.utils.to_categorical(Y, 3)
        losses = [
            luthier.train(dense, data, recipe={"epochs": 2}, engine="keras_eager").score
            for data in ((X, Y), pairs, pairs.batch(64), (X, hot))
        ]
        assert len(set(losses)) == 1

    @pytest.mark.parametrize("call", [luthier.tune, luthier.train, luthier.repair])
    def test_a_live_model_is_refused_with_what_to_pass(self, call):
        with pytest.raises(LuthierError, match="Pass a function that"):
            call(dense(), (X, Y))

    def test_a_way_of_training_of_its_own_is_refused_unless_a_loss_is_named(self):
        class Own(keras.Sequential):
            def train_step(self, data):
                raise AssertionError

        def build():
            model = Own([layers.Dense(16, "relu"), layers.Dense(3, "softmax")])
            model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
            return model

        with pytest.raises(LuthierError, match=r"a way of its own \(Own.train_step\)"):
            luthier.train(build, (X, Y), recipe={"epochs": 2})
        recipe = {"epochs": 8, "loss": "cross_entropy"}
        trained = luthier.train(build, (X, Y), recipe=recipe, engine="keras_eager")
        assert trained.metrics["accuracy"] > 0.6

    def test_a_data_set_without_end_is_refused(self):
        import tensorflow as tf

        endless = tf.data.Dataset.from_tensor_slices((X, Y)).repeat()
        with pytest.raises(LuthierError, match=r"Leave repeat\(\) out"):
            luthier.train(dense, endless)

    def test_tune_says_what_it_read(self, tmp_path):
        def penalised():
            l2 = keras.regularizers.L2(0.01)
            model = keras.Sequential(
                [layers.Dense(16, activation="relu", kernel_regularizer=l2), layers.Dense(3)]
            )
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile(optimizer="adam", loss=loss)
            return model

        study = luthier.tune(
            penalised,
            (X, Y),
            budget="8 epochs",
            storage=f"sqlite:///{tmp_path}/s.db",
            engine="keras_eager",
        )
        assert any("those that the network penalises" in note for note in study.summary.notes)

    @pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1), None, "given"])
    def test_grey_bytes_lie_as_keras_has_them(self, shape):
        grey = RNG.integers(0, 256, size=(300, 6, 6)).astype("uint8")

        def build(input_shape):
            kind = layers.LSTM(4) if shape is None else layers.Reshape((36,))
            first = input_shape if shape == "given" else shape
            inputs = [] if shape is None else [keras.Input(first)]
            model = keras.Sequential([*inputs, kind, layers.Dense(2, "softmax")])
            model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
            return model

        bright = (grey[:, 0, 0] > 127).astype(int)
        trained = luthier.train(build, (grey, bright), recipe={"epochs": 2}, engine="keras_eager")
        expected = (6, 6) if shape is None else (6, 6, 1)
        assert trained.parts.arrays.task.input_shape == expected

    def test_a_network_that_scales_bytes_gets_bytes(self):
        """As most tutorials for images begin: divided twice, nothing could be learnt."""
        top = np.random.default_rng(0).integers(0, 256, size=(300, 6, 6, 1)).astype("uint8")
        bright = (top[:, 0, 0, 0] > 127).astype(int)

        def build():
            model = keras.Sequential(
                [
                    keras.Input((6, 6, 1)),
                    layers.Rescaling(1 / 255),
                    layers.Flatten(),
                    layers.Dense(2, "softmax"),
                ]
            )
            model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy")
            return model

        recipe = {"epochs": 20}
        trained = luthier.train(build, (top, bright), recipe=recipe, engine="keras_eager")
        assert trained.trial.recipe.preprocessing == "raw"
        assert trained.parts.arrays.train.inputs[0].max() == 255
        assert trained.metrics["accuracy"] > 0.8

    def test_a_family_of_the_other_framework_is_told(self):
        with pytest.raises(LuthierError, match="makes networks of keras"):
            luthier.train(dense, (X, Y), framework="torch")


class TestTheSameRecipe:
    """In both frameworks it reaches the same score, as far as seeds can tell."""

    @pytest.mark.parametrize(("data", "metric"), [("digits", "log_loss"), ("diabetes", "rmse")])
    def test_scores_of_the_same_family_do_not_differ(self, data, metric):
        from scipy import stats

        recipe = {"epochs": 12, "batch_size": 32, "model": {"width": 32}}
        scores = {}
        for framework in ("torch", "keras"):
            scores[framework] = [
                luthier.train(
                    "mlp",
                    data,
                    recipe=recipe,
                    seed=seed,
                    split=luthier.SplitPlan(seed=0),
                    framework=framework,
                    engine={"torch": "torch_eager", "keras": "keras_eager"}[framework],
                ).metrics[metric]
                for seed in range(8)
            ]
        test = stats.ttest_ind(scores["torch"], scores["keras"], equal_var=False)
        low, high = test.confidence_interval(0.999)
        assert low <= 0 <= high, scores
        # And it would see a difference: the interval is narrow against the score itself.
        assert (high - low) / 2 < 0.35 * np.mean(scores["torch"])
