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
        dilation: How far apart the pixels lie that it reads.
    """

    sides: tuple[int, int]
    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    out: tuple[int, int]
    dilation: tuple[int, int] = (1, 1)

    @classmethod
    def over(
        cls,
        sides: tuple[int, int],
        size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        *,
        over_the_edge: bool = False,
        dilation: tuple[int, int] = (1, 1),
    ) -> Window:
        """Return a window over images.

        Args:
            sides: Of the images that it reads.
            size: Of the window.
            stride: How far it moves.
            padding: Zeros around an image.
            over_the_edge: Whether one more place counts that lies partly outside (PyTorch's
                ``ceil_mode``).
            dilation: How far apart the pixels lie that it reads.

        >>> Window.over((8, 8), (3, 3), (2, 2), (1, 1)).out
        (4, 4)
        >>> Window.over((5, 5), (2, 2), (2, 2), (0, 0), over_the_edge=True).out
        (3, 3)
        >>> Window.over((9, 9), (3, 3), (1, 1), (0, 0), dilation=(2, 4)).out
        (5, 1)
        """
        out = []
        for side, wide, step, pad, apart in zip(
            sides, size, stride, padding, dilation, strict=True
        ):
            room = side + 2 * pad - (apart * (wide - 1) + 1)
            count = -(-room // step) if over_the_edge else room // step
            if over_the_edge and count * step >= side + pad:
                count -= 1  # a window must begin within the image or the padding before it
            out.append(count + 1)
        return cls(sides, size, stride, padding, (out[0], out[1]), dilation)

    @classmethod
    def undoing(
        cls,
        out: tuple[int, int],
        size: tuple[int, int],
        stride: tuple[int, int],
        padding: tuple[int, int],
        more: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Window:
        """Return the window whose gradient a transposed convolution computes.

        Args:
            out: Sides of the images that the transposed convolution reads.
            size: Of its kernel.
            stride: How far apart it puts their pixels.
            padding: What it takes from each side.
            more: What it adds to the last side (PyTorch's ``output_padding``).
            dilation: How far apart the pixels lie that one of them is added to.

        >>> Window.undoing((4, 4), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1)).sides
        (8, 8)
        """
        sides = [
            (n - 1) * step - 2 * pad + apart * (wide - 1) + extra + 1
            for n, wide, step, pad, extra, apart in zip(
                out, size, stride, padding, more, dilation, strict=True
            )
        ]
        return cls((sides[0], sides[1]), size, stride, padding, out, dilation)

    @property
    def reach(self) -> tuple[int, int]:
        """Sides of what it reads, with the pixels that it leaves out."""
        (high, wide), (down, along) = self.size, self.dilation
        return (down * (high - 1) + 1, along * (wide - 1) + 1)

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
