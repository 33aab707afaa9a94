"""Activations by name; frameworks hold the functions."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.catalog.lookup import lookup


@dataclass(frozen=True)
class Activation:
    """An activation as neutral data.

    Args:
        name: What families call it.
        formula: What it computes.
        reference: The source.

    >>> by_name("silu").formula
    'x * sigmoid(x)'
    """

    name: str
    formula: str
    reference: str


ALL: tuple[Activation, ...] = (
    Activation("relu", "max(x, 0)", "Nair & Hinton 2010, Rectified Linear Units"),
    Activation("leaky_relu", "max(x, 0.01 * x)", "Maas et al. 2013, Rectifier Nonlinearities"),
    Activation("elu", "x if x > 0 else exp(x) - 1", "Clevert et al. 2016, ELUs"),
    Activation(
        "selu",
        "1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1))",
        "Klambauer et al. 2017, Self-Normalizing Neural Networks",
    ),
    Activation("gelu", "x * Phi(x)", "Hendrycks & Gimpel 2016, GELUs"),
    Activation("silu", "x * sigmoid(x)", "Elfwing et al. 2018; Ramachandran et al. 2017 (swish)"),
    Activation("tanh", "tanh(x)", "LeCun et al. 1998, Efficient BackProp"),
    Activation("sigmoid", "1 / (1 + exp(-x))", "Rumelhart et al. 1986"),
    Activation("softplus", "log(1 + exp(x))", "Dugas et al. 2001"),
    Activation("mish", "x * tanh(softplus(x))", "Misra 2020, Mish"),
    Activation("hardswish", "x * clip(x + 3, 0, 6) / 6", "Howard et al. 2019, MobileNetV3"),
)


def by_name(name: str) -> Activation:
    """Return the activation of that name.

    Raises:
        RecipeError: for a name that no activation has.

    >>> by_name("relu").formula
    'max(x, 0)'
    """
    return lookup(ALL, name, "activation")
