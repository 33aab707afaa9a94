"""Keras builders with what users' networks have and engines trip over."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from luthier.core import Build


@keras.saving.register_keras_serializable("luthier.testing")
class FunctionalDropout(layers.Layer):  # type: ignore[misc]
    """Calls dropout as a function."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, x: Any, training: bool = False) -> Any:
        """Drop a third."""
        return keras.random.dropout(x, 0.3, seed=self.seeds) if training else x


@keras.saving.register_keras_serializable("luthier.testing")
class Centred(layers.Layer):  # type: ignore[misc]
    """Replaces one buffer in every training pass; another one is called as none should be."""

    def build(self, shape: Any) -> None:
        """Make both."""
        size = (shape[-1],)
        self.weights_ = self.add_weight(
            name="weights", shape=size, initializer="ones", trainable=False
        )
        self.seen = self.add_weight(name="seen", shape=size, initializer="zeros", trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        """Subtract a running mean."""
        if training:
            self.seen.assign(0.9 * self.seen + 0.1 * keras.ops.mean(x, 0))
        return (x - self.seen) * self.weights_


@keras.saving.register_keras_serializable("luthier.testing")
class Fails(layers.Layer):  # type: ignore[misc]
    """Evaluates and does not train."""

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the input, or raise."""
        if training:
            raise RuntimeError("it does not train")
        return x


@keras.saving.register_keras_serializable("luthier.testing")
class Subclassed(keras.Model):  # type: ignore[misc]
    """A network of a user's own class."""

    def __init__(self, outputs: int, **options: Any) -> None:
        super().__init__(**options)
        self.outputs_ = outputs
        self.hidden = layers.Dense(8, activation="relu")
        self.drop = layers.Dropout(0.2)
        self.last = layers.Dense(outputs, activation="softmax")

    def call(self, x: Any, training: bool = False) -> Any:
        """Return probabilities."""
        return self.last(self.drop(self.hidden(x), training=training))

    def get_config(self) -> dict[str, Any]:
        """Return what makes it again."""
        return {**super().get_config(), "outputs": self.outputs_}


@keras.saving.register_keras_serializable("luthier.testing")
class Modeless(keras.Model):  # type: ignore[misc]
    """A class with two layers and the shortest ``call``."""

    def __init__(self, outputs: int, **options: Any) -> None:
        super().__init__(**options)
        self.outputs_ = outputs
        self.hidden = layers.Dense(8, activation="relu")
        self.last = layers.Dense(outputs, activation="softmax")

    def call(self, x: Any) -> Any:
        """Return probabilities."""
        return self.last(self.hidden(x))

    def get_config(self) -> dict[str, Any]:
        """Return what makes it again."""
        return {**super().get_config(), "outputs": self.outputs_}


@keras.saving.register_keras_serializable("luthier.testing")
class TiedTable(layers.Layer):  # type: ignore[misc]
    """Embeds tokens, and scores their mean by the same table."""

    def build(self, shape: Any) -> None:
        """Make the table."""
        self.table = self.add_weight(name="table", shape=(12, 4), initializer="glorot_uniform")

    def call(self, x: Any) -> Any:
        """Return scores."""
        mean = keras.ops.mean(keras.ops.take(self.table, x, axis=0), axis=1)
        return keras.ops.tanh(keras.ops.matmul(mean, keras.ops.transpose(self.table)))


def functional_dropout(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network that calls dropout as a function."""
    return keras.Sequential(
        [
            keras.Input((n_features,)),
            layers.Dense(8, activation="relu"),
            FunctionalDropout(),
            layers.Dense(n_outputs),
        ]
    )


def channel_dropout(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a convolutional network with channel-wise dropout, twice, and batch norm."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Permute((2, 3, 1)),
            layers.Conv2D(6, 3),
            layers.SpatialDropout2D(0.3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SpatialDropout2D(0.2),
            layers.Flatten(),
            layers.Dense(n_outputs),
        ]
    )


def own_random_numbers(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network that draws noise as it trains."""
    return keras.Sequential(
        [
            keras.Input((n_features,)),
            layers.Dense(8),
            layers.GaussianNoise(0.3),
            layers.Dense(n_outputs),
        ]
    )


def frozen(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network whose first layer does not train."""
    first = layers.Dense(8, activation="relu", trainable=False)
    return keras.Sequential([keras.Input((n_features,)), first, layers.Dense(n_outputs)])


def tied(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network with one kernel in two places."""
    inputs = keras.Input((n_features,))
    twice = layers.Dense(n_features, activation="tanh", name="first")
    return keras.Model(inputs, layers.Dense(n_outputs)(twice(twice(inputs))))


def buffers(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network with buffers of its own."""
    return keras.Sequential([keras.Input((n_features,)), Centred(), layers.Dense(n_outputs)])


def fails_in_training(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network that evaluates and does not train."""
    return keras.Sequential([keras.Input((n_features,)), layers.Dense(n_outputs), Fails()])


def subclassed(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network of a user's own class, which is built when it first sees data."""
    return Subclassed(n_outputs)


def modeless(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network of a class whose ``call`` takes no ``training``, as in most tutorials."""
    return Modeless(n_outputs)


def recurrent(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return an LSTM with dropout, and attention over it."""
    inputs = keras.Input(input_shape)
    x = layers.LSTM(6, dropout=0.2, return_sequences=True)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x))
    return keras.Model(inputs, layers.Dense(n_outputs)(layers.GRU(4)(x)))


def residual(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a residual convolutional network."""
    inputs = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, padding="same")(layers.Permute((2, 3, 1))(inputs))
    for filters in (6, 8):
        y = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.Conv2D(filters, 3, padding="same")(y)
        x = layers.ReLU()(layers.Add()([y, layers.Conv2D(filters, 1, strides=2)(x)]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(n_outputs)(x))


def windows(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a convolutional network whose windows are dilated, and transposed."""
    inputs = keras.Input(input_shape)
    x = layers.Conv2D(4, 3, padding="same", dilation_rate=2, activation="relu")(
        layers.Permute((2, 3, 1))(inputs)
    )
    x = layers.BatchNormalization()(layers.Conv2D(6, 3, strides=2, padding="same")(x))
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="tanh")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(n_outputs)(x))


def _recurrent(kind: Any, input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Bidirectional(kind(3, return_sequences=True)),
            layers.Dropout(0.2),
            layers.Bidirectional(kind(3, return_sequences=True)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(n_outputs),
        ]
    )


def lstm(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return an LSTM over sequences of vectors."""
    return _recurrent(layers.LSTM, input_shape, n_outputs)


def gru(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a GRU over sequences of vectors."""
    return _recurrent(layers.GRU, input_shape, n_outputs)


def transformer(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a transformer over tokens."""
    return _encoder(input_shape, n_outputs, causal=False)


def decoder(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a transformer over tokens, each of which sees those before it."""
    return _encoder(input_shape, n_outputs, causal=True)


def _encoder(input_shape: tuple[int, ...], n_outputs: int, *, causal: bool) -> keras.Model:
    inputs = keras.Input(input_shape, dtype="int32")
    x = layers.Embedding(12, 8)(inputs)
    y = layers.MultiHeadAttention(2, 4, dropout=0.2)(x, x, use_causal_mask=causal)
    x = layers.LayerNormalization()(layers.Add()([x, layers.Dropout(0.2)(y)]))
    y = layers.Dense(8)(layers.Dense(12, activation="relu")(x))
    x = layers.LayerNormalization()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(n_outputs)(x))


def tied_table(input_shape: tuple[int, ...], n_outputs: int) -> keras.Model:
    """Return a network with one matrix as embedding and as output layer."""
    inputs = keras.Input(input_shape, dtype="int32")
    return keras.Model(inputs, layers.Dense(n_outputs)(TiedTable()(inputs)))


def penalised(n_features: int, n_outputs: int) -> keras.Model:
    """Return a network whose layers penalise what no recipe's key can say."""
    return keras.Sequential(
        [
            keras.Input((n_features,)),
            layers.Dense(8, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.Dense(8, activity_regularizer=keras.regularizers.L1(0.001)),
            layers.Dense(n_outputs, kernel_regularizer=keras.regularizers.L2(0.1)),
        ]
    )


BUILDERS: dict[str, Build] = {
    function.__name__: Build.read(function, function.__name__)
    for function in (
        functional_dropout,
        channel_dropout,
        own_random_numbers,
        frozen,
        tied,
        buffers,
        fails_in_training,
        subclassed,
        modeless,
        recurrent,
        penalised,
        residual,
        windows,
        lstm,
        gru,
        transformer,
        decoder,
        tied_table,
    )
}
