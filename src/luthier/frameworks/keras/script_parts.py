"""A recipe's optimizer and loss as lines of plain Keras."""

from __future__ import annotations

from luthier.core import Recipe

RADAM = '''class RAdam(keras.optimizers.Adam):
    """Liu et al. 2020, "On the Variance of the Adaptive Learning Rate and Beyond"."""

    def update_step(self, gradient, variable, learning_rate):
        ops, t = keras.ops, keras.ops.cast(self.iterations + 1, variable.dtype)
        rate = ops.cast(learning_rate, variable.dtype)
        m = self._momentums[self._get_variable_index(variable)]
        v = self._velocities[self._get_variable_index(variable)]
        m.assign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        v.assign(self.beta_2 * v + (1 - self.beta_2) * ops.square(gradient))
        power = ops.power(ops.cast(self.beta_2, variable.dtype), t)
        longest = 2 / (1 - self.beta_2) - 1
        length = longest - 2 * t * power / (1 - power)
        safe = ops.maximum(length, 5.0)
        part = (safe - 4) * (safe - 2) * longest / ((longest - 4) * (longest - 2) * safe)
        adaptive = ops.sqrt(part) * ops.sqrt(1 - power) / (ops.sqrt(v) + self.epsilon)
        factor = ops.where(length > 5.0, adaptive, ops.ones_like(v))
        first = ops.power(ops.cast(self.beta_1, variable.dtype), t)
        variable.assign(variable - rate / (1 - first) * m * factor)


'''
AVERAGE = '''class Averaging(BASE):
    """Averages weights with a decay that grows, so that the start does not linger."""

    def _update_model_variables_moving_average(self, trainable_variables):
        t = keras.ops.cast(self.iterations, "float32")
        decay = keras.ops.minimum(self.ema_momentum, (1 + t) / (10 + t))
        decay = keras.ops.where(t <= 1, 0.0, decay)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average):
            share = keras.ops.cast(decay, variable.dtype)
            average.assign(share * average + (1 - share) * variable)


'''


def optimizer_class(recipe: Recipe) -> str:
    """Return the classes that the optimizer needs and Keras does not have."""
    text = RADAM if recipe.optimizer == "radam" else ""
    if recipe.ema is not None:
        text += AVERAGE.replace("BASE", _kind(recipe))
    return text


def optimizer_text(recipe: Recipe) -> str:
    """Return the expression that makes the recipe's optimizer; its rate is called ``rates``.

    >>> optimizer_text(Recipe(optimizer="momentum", clip_norm=1.0))
    'keras.optimizers.SGD(rates, momentum=0.9, global_clipnorm=1.0)'
    """
    r = recipe
    betas = f"beta_1={r.beta1!r}, beta_2={r.beta2!r}"
    adam = f"{betas}, epsilon={r.epsilon!r}"
    settings = {
        "sgd": "",
        "momentum": f"momentum={r.momentum!r}",
        "nesterov": f"momentum={r.momentum!r}, nesterov=True",
        "rmsprop": f"rho={r.beta2!r}, epsilon={r.epsilon!r}",
        "adagrad": f"epsilon={r.epsilon!r}",
        "adadelta": f"rho={r.beta2!r}, epsilon={r.epsilon!r}",
        "lion": betas,
    }.get(r.optimizer, adam)
    parts = ["rates", settings]
    if r.weight_decay or r.optimizer == "adamw":
        parts.append(f"weight_decay={r.weight_decay!r}")
    if r.clip_norm is not None:
        parts.append(f"global_clipnorm={r.clip_norm!r}")
    if r.ema is not None:
        parts.append(f"use_ema=True, ema_momentum={r.ema!r}")
    kind = "Averaging" if r.ema is not None else _kind(r)
    return f"{kind}({', '.join(part for part in parts if part)})"


def loss_text(loss: str, logits: bool) -> str:
    """Return the expression that makes a loss, a mean weighted as luthier weighs it.

    >>> loss_text("mse", True)
    'keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")'
    """
    kind = {
        "cross_entropy": "CategoricalCrossentropy",
        "binary_cross_entropy": "BinaryCrossentropy",
        "mse": "MeanSquaredError",
        "mae": "MeanAbsoluteError",
        "huber": "Huber",
    }[loss]
    given = f"from_logits={logits}, " if kind.endswith("Crossentropy") else ""
    return f'keras.losses.{kind}({given}reduction="mean_with_sample_weight")'


def _kind(recipe: Recipe) -> str:
    if recipe.optimizer == "radam":
        return "RAdam"
    kind = {
        "sgd": "SGD",
        "momentum": "SGD",
        "nesterov": "SGD",
        "rmsprop": "RMSprop",
        "adagrad": "Adagrad",
        "adadelta": "Adadelta",
        "adam": "Adam",
        "adamw": "AdamW",
        "nadam": "Nadam",
        "adamax": "Adamax",
        "lion": "Lion",
    }[recipe.optimizer]
    return f"keras.optimizers.{kind}"
