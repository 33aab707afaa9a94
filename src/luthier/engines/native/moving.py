"""Products of a convolution in C: some images at a time, which stay in the second cache.

There are three: of what windows see by a kernel, of the same by gradients, and of gradients by the
kernel turned round. A transposed convolution is the third.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from luthier.engines.native.borders import Border
from luthier.engines.native.gemm import SPARE
from luthier.engines.native.machine import Machine
from luthier.engines.native.sliding import Sliding
from luthier.engines.native.window import Window

if TYPE_CHECKING:
    from luthier.engines.native.writer import Writer


@dataclass(frozen=True)
class Products:
    """The three products, for images with a border.

    Args:
        machine: What they are written for.
        window: How it moves.
        channels: Numbers of a pixel that a window reads.
        pixel: How far apart pixels lie with their border.
        made: Numbers of each place that a window makes, which is a row.
        apart: How far apart those rows lie.
        columns: Of the kernel, filled up to whole vectors; it has a row for every pixel and
            channel that a window reads.
    """

    machine: Machine
    window: Window
    channels: int
    pixel: int
    made: int
    apart: int
    columns: int

    @property
    def line(self) -> int:
        """How far apart lines with their border lie."""
        return self.window.bordered[1] * self.pixel

    @property
    def image(self) -> int:
        """Numbers of an image with its border."""
        return self.window.bordered[0] * self.line

    @property
    def _together(self) -> bool:
        """Whether all that a line of a window reads lies in one piece."""
        return self.window.dilation[1] == 1 and self.pixel == self.channels

    def seen(self, start: str, end: str) -> Sliding:
        """Return the product of what windows see by the kernel: `start` and `end` as in `Tile`."""
        (high, wide), (down, along) = self.window.size, self.window.dilation
        lines = (high, down * self.line)
        return Sliding(
            self.machine,
            *self.window.out,
            line_apart=self.window.stride[0] * self.line,
            down=self.window.stride[1] * self.pixel,
            runs=(lines,) if self._together else (lines, (wide, along * self.pixel)),
            inner=wide * self.channels if self._together else self.channels,
            along=1,
            columns=self.columns,
            rows_of_b=self.columns,
            rows_of_c=self.apart,
            start=start,
            end=end,
            image_of_a=self.image,
            image_of_c=self.window.places * self.apart,
        )

    def by_kernel(self, to: Writer, images: int, seen: str, made: str, target: str) -> list[str]:
        """Return the lines that add up the gradient by the kernel over some images.

        Args:
            to: What is written.
            images: How many.
            seen: Where the images lie, with their border.
            made: Where the gradients by what windows made lie.
            target: Where it is added to.
        """
        window = self.window
        (high, wide), (down, along) = window.size, window.dilation
        lines = (window.out[0], window.stride[0] * self.line)
        one = self._together
        whole = Sliding(
            self.machine,
            high,
            wide * self.channels if one else self.channels,
            line_apart=down * self.line,
            down=1,
            runs=(lines,) if images == 1 else ((images, self.image), lines),
            inner=window.out[1],
            along=window.stride[1] * self.pixel,
            columns=self.columns,
            rows_of_b=self.apart,
            rows_of_c=self.columns,
            start="held",
            end="plain",
            sums_places=True,
            pieces=(1, 0) if one else (wide, along * self.pixel),
        )
        if one or whole.rounds():
            return [f"{to.product(whole)}({seen}, {made}, {target}, 0, 0, 1);"]
        name = to.product(replace(whole, lines=1, pieces=(1, 0)))
        at = f"p * {down * self.line} + q * {along * self.pixel}"
        row = f"(p * {wide} + q) * {self.channels * self.columns}"
        return [
            f"for (long p = 0; p < {high}; p++) for (long q = 0; q < {wide}; q++)",
            f"  {name}({seen} + {at}, {made}, {target} + {row}, 0, 0, 1);",
        ]

    @property
    def around(self) -> Border:
        """A copy of what windows made, with room for a window around it.

        It has gaps where the window strode.
        """
        return Border(
            self.window.out,
            self.made,
            self.apart,
            self.window.places * self.apart,
            self._inside,
            (
                self.window.reach[0] - 1 - self.window.padding[0],
                self.window.reach[1] - 1 - self.window.padding[1],
            ),
            self.window.stride,
            self.made,
        )

    @property
    def _inside(self) -> tuple[int, int]:
        (high, wide), (tall, broad) = self.window.sides, self.window.reach
        return (high + tall - 1, wide + broad - 1)

    def turned(self, kernel: str, target: str, columns: int) -> list[str]:
        """Return the lines that turn a kernel round, for `spread`."""
        taps, made = self.window.taps, self.made
        return [
            f"for (long tap = 0; tap < {taps}; tap++)",
            f"  turn({kernel} + tap * {self.channels * self.columns}, {self.channels}, {made}, "
            f"{self.columns}, {target} + ({taps - 1} - tap) * {made * columns}, {columns});",
        ]

    def spread(self, columns: int, apart: int, start: str, end: str) -> Sliding:
        """Return the product of `around` by the kernel turned round.

        Args:
            columns: Of images, filled up to whole vectors.
            apart: How far apart their pixels lie.
            start: As in `Tile`.
            end: As in `Tile`.
        """
        (high, wide), (down, along) = self.window.size, self.window.dilation
        line = self._inside[1] * self.made
        lines = (high, down * line)
        return Sliding(
            self.machine,
            *self.window.sides,
            line_apart=line,
            down=self.made,
            runs=(lines,) if along == 1 else (lines, (wide, along * self.made)),
            inner=wide * self.made if along == 1 else self.made,
            along=1,
            columns=columns,
            rows_of_b=columns,
            rows_of_c=apart,
            start=start,
            end=end,
            image_of_a=self.around.size,
            image_of_c=self.window.pixels * apart,
        )


class Moving:
    """A window over images of a program: loops, copies and products.

    Some images at a time are copied with their padding: as many as make the sums over their
    pixels longer than what a tile takes to begin and end.

    Args:
        to: What is written.
        name: Begins the names of arrays.
        window: How it moves.
        image: The value that it moves over.
        made: The value that has a row for each of its places.
        kernel: The tensor that it multiplies by.
        planes: Channels of an image that lies a channel after the other.
        enough: Places that are worth a tile.
    """

    def __init__(
        self,
        to: Writer,
        name: str,
        window: Window,
        image: str,
        made: str,
        kernel: str,
        *,
        planes: int | None = None,
        enough: int = 128,
    ) -> None:
        self.to, self.name, self.window, self.kernel = to, name, window, kernel
        self.image, self.made = image, made
        channels = planes or to.plan.widths[image]
        self.products = Products(
            to.machine,
            window,
            channels,
            channels,
            to.plan.widths[made],
            to.stride(made),
            to.memory.places[kernel].stride,
        )
        stride = to.stride(image)
        self.border = Border(
            window.sides,
            channels,
            0 if planes else stride,
            stride if planes else window.pixels * stride,
            window.bordered,
            window.padding,
            (1, 1),
            channels,
        )
        self.rows = window.places * to.stride(made)
        self.images = -(-enough // window.places)

    def _room(self, size: int) -> int:
        """Return the numbers of some images, and of what is read beyond the last one."""
        return self.images * size + self.window.stride[1] * self.products.channels + SPARE

    @property
    def _bordered(self) -> str:
        return self.to.array(f"{self.name}_bordered", self._room(self.border.size))

    @property
    def _turned(self) -> str:
        size = self.window.taps * self.products.made * self.to.columns(self.image)
        return self.to.array(f"{self.name}_turned", size)

    def chunks(self) -> list[str]:
        """Return the head of a loop over some images at a time."""
        return [
            f"for (long first = 0; first < {self.to.rows}; first += {self.images}) {{",
            f"  const long count = {self.to.rows} - first < {self.images} "
            f"? {self.to.rows} - first : {self.images};",
        ]

    def filled(self, array: str) -> str:
        """Return the line that copies some images of an array, with their border."""
        name = self.to.product(self.border)
        return f"{name}({array} + first * {self.border.image}, count, {self._bordered});"

    def seen(self, target: str, start: str, end: str, bias: str = "0") -> str:
        """Return the line that multiplies what windows see by the kernel."""
        name = self.to.product(self.products.seen(start, end))
        return (
            f"{name}({self._bordered}, {self.to.tensor(self.kernel)}, "
            f"{target} + first * {self.rows}, {bias}, 0, count);"
        )

    def by_kernel(self, made: str, target: str) -> list[str]:
        """Return the lines that add up the gradient by the kernel: what windows saw, by `made`."""
        size = self.border.size

        def summed(images: int, seen: str, first: str) -> list[str]:
            rows = f"{made} + {first} * {self.rows}"
            return self.products.by_kernel(self.to, images, seen, rows, target)

        one = [
            "for (long i = 0; i < count; i++) {",
            *summed(1, f"{self._bordered} + i * {size}", "(first + i)"),
            "}",
        ]
        if self.images == 1:
            return one
        many = summed(self.images, self._bordered, "first")
        return [f"if (count == {self.images}) {{", *many, "} else {", *one, "}"]

    def turned(self) -> list[str]:
        """Return the lines that turn the kernel round."""
        kernel = self.to.tensor(self.kernel)
        return self.products.turned(kernel, self._turned, self.to.columns(self.image))

    def spread(
        self, made: str, target: str, start: str, end: str, bias: str = "0", gate: str = ""
    ) -> list[str]:
        """Return the lines that multiply what lies in an array like `made` by the turned kernel."""
        to, around = self.to, self.products.around
        buffer = to.array(f"{self.name}_around", self._room(around.size))
        product = self.products.spread(to.columns(self.image), to.stride(self.image), start, end)
        at = f"first * {product.image_of_c}"
        gated = f"{gate} + {at}" if gate else "0"
        return [
            f"{to.product(around)}({made} + first * {self.rows}, count, {buffer});",
            f"{to.product(product)}({buffer}, {self._turned}, {target} + {at}, {bias}, {gated}, "
            "count);",
        ]
