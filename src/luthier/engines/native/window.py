"""How a convolution, or a pooling, goes over images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A window that moves over images. Each pair is height and width.

    Args:
        sides: Of the images that it reads.
        size: Of the window.
        stride: How far it moves.
        padding: Zeros around an image, on every side.
        out: Of the images that it makes.
    """

    sides: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    out: tuple[int, int]

    @classmethod
    def over(
        cls,
        sides: tuple[int, int],
        size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        *,
        over_the_edge: bool = False,
    ) -> Window:
        """Return a window over images.

        Args:
            sides: Of the images that it reads.
            size: Of the window.
            stride: How far it moves.
            padding: Zeros around an image.
            over_the_edge: Whether one more place counts that lies partly outside (PyTorch's
                ``ceil_mode``).

        >>> Window.over((8, 8), (3, 3), (2, 2), (1, 1)).out
        (4, 4)
        >>> Window.over((5, 5), (2, 2), (2, 2), (0, 0), over_the_edge=True).out
        (3, 3)
        """
        out = []
        for side, wide, step, pad in zip(sides, size, stride, padding, strict=True):
            room = side + 2 * pad - wide
            count = -(-room // step) if over_the_edge else room // step
            if over_the_edge and count * step >= side + pad:
                count -= 1  # a window must begin within the image or the padding before it
            out.append(count + 1)
        return cls(sides, size, stride, padding, (out[0], out[1]))

    @property
    def bordered(self) -> tuple[int, int]:
        """Sides of an image with its padding."""
        return (self.sides[0] + 2 * self.padding[0], self.sides[1] + 2 * self.padding[1])

    @property
    def pixels(self) -> int:
        """Pixels of an image that it reads."""
        return self.sides[0] * self.sides[1]

    @property
    def places(self) -> int:
        """Pixels of an image that it makes."""
        return self.out[0] * self.out[1]

    @property
    def taps(self) -> int:
        """Pixels of the window."""
        return self.size[0] * self.size[1]

    @property
    def tiles(self) -> bool:
        """Whether every pixel lies in exactly one place of the window."""
        return (
            self.size == self.stride
            and self.padding == (0, 0)
            and (self.out[0] * self.size[0], self.out[1] * self.size[1]) == self.sides
        )
