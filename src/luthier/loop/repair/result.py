"""What a repair hands back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.core import LuthierError, Recipe, Storage, StudyRecord, Trial, Verdict
from luthier.loop.assembly import Assembly
from luthier.loop.handing_over.export import export_network, export_weights
from luthier.loop.handing_over.report import write_text
from luthier.report.html import repair_fragment, repair_page
from luthier.report.repair import Change, Repaired, repair_text

LIVE = "network"  # what a recipe calls a network that was handed over as it lives


@dataclass(frozen=True, eq=False)
class Repair:
    """A recipe, repaired where that is proven and as it was where it is not; it prints itself.

    Args:
        found: All that was found, tried and proven, as plain data.
        recipe: What to train.
        trial: Its training with the seed that chose.
        parts: Builder, data and framework; the builder makes the changes to the network.
        record: The study that holds the trainings.
        storage: Where that lives.
        candidate: What finding came to, proven or not; for `parts` before their builder had edits.
    """

    found: Repaired
    recipe: Recipe
    trial: Trial
    parts: Assembly
    record: StudyRecord
    storage: Storage
    candidate: Recipe

    @property
    def outcome(self) -> str:
        """``healthy``, ``repaired``, ``unproven``, ``not_repaired`` or ``stopped``."""
        return self.found.outcome

    @property
    def changes(self) -> tuple[Change, ...]:
        """What was changed, against what, with what it brought; empty where nothing was."""
        return self.found.changes

    @property
    def verdict(self) -> Verdict | None:
        """After against before over fresh seeds; None where nothing is claimed."""
        return self.found.verdict

    @property
    def epochs(self) -> int:
        """All epochs that were trained, to find and to prove."""
        return self.found.find_epochs + self.found.prove_epochs

    def model(self) -> Any:
        """Return the network as `trial` trained it, in evaluation mode.

        Raises:
            LuthierError: when its training failed, or the storage has its weights no more.
        """
        state = self._state()
        task = self.parts.preparation.arrays(self.recipe).task
        return self.parts.framework.restore(self.parts.build, self.recipe, task, state)

    def export(self, folder: str | Path) -> list[Path]:
        """Write recipe, network, weights, a script that trains it again, and the report.

        Args:
            folder: Made where it is missing.

        Returns:
            The files written. Of a network that was handed over as it lives there is no source,
            and so no script.
        """
        folder = Path(folder)
        write = export_weights if self.recipe.network == LIVE else export_network
        files = write(folder, self.parts, self.record, self.trial, self._state())
        return [*files, self.report(folder / "report.html")]

    def report(self, path: str | Path = "repair.html") -> Path:
        """Write it as one HTML file; return the file written."""
        return write_text(path, repair_page(self.found), name="repair.html")

    def to_json(self) -> dict[str, Any]:
        """Return what ``--json`` prints."""
        return {**self.found.to_json(), "recipe": self.recipe.to_json()}

    def _state(self) -> Any:
        state = self.storage.state(self.record.name, self.trial.number)
        if state is None:
            raise LuthierError(
                "there are no weights of this recipe: its training "
                f"{f'failed ({self.trial.cause})' if self.trial.cause else 'has not ended'}. "
                "Train the recipe again: luthier train."
            )
        return state

    def __str__(self) -> str:
        return repair_text(self.found)

    def _repr_html_(self) -> str:
        return repair_fragment(self.found)
