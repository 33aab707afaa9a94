"""Nouns, protocols and errors. Standard library only; everything else imports from here."""

from luthier.core.batches import BatchSize, BatchSizes
from luthier.core.cost import COSTS, Cost
from luthier.core.curves import Curves, Series
from luthier.core.diagnosis import Diagnosis
from luthier.core.errors import (
    BuilderError,
    CaptureError,
    DataError,
    LuthierError,
    MissingCompilerError,
    MissingExtraError,
    Pruned,
    RecipeError,
    SpaceError,
    StorageError,
    StudyMismatchError,
    StudyNotFoundError,
    WatchError,
    did_you_mean,
)
from luthier.core.evaluation import CHUNK, chunk_rows, sample_size
from luthier.core.finding import SEVERITIES, Finding, Prescription, Severity
from luthier.core.goals import ALIASES as GOAL_ALIASES
from luthier.core.goals import MEASURED, Compromise, Goal, goals_of, pareto_front, value_of
from luthier.core.graph import Forward, Graph, Node, Ref
from luthier.core.network import RESERVED, Baseline, Build, Captured, Rehearsal, Signature, State
from luthier.core.problems import PROBLEMS
from luthier.core.protocols import Claim, Engine, Executor, Framework, Storage, Strategy, Watcher
from luthier.core.rates import LearningRates, RateRange, RateRun
from luthier.core.recipe import MODEL_PREFIX, STRUCTURE, Recipe, Value
from luthier.core.run import Run, Trace
from luthier.core.setup import (
    DataFacts,
    Fit,
    LayerFacts,
    LossFacts,
    OptimizerFacts,
    OutputFacts,
    ScheduleFacts,
    Setup,
    first_batch,
)
from luthier.core.space import (
    Categorical,
    Conditional,
    Domain,
    Float,
    Int,
    Plain,
    Space,
    domain_from_json,
    domain_to_json,
)
from luthier.core.study import StudyRecord
from luthier.core.task import Arrays, Part, Task
from luthier.core.trial import LIVE_STATES, STATES, History, Step, Trial
from luthier.core.verdict import Proof, Verdict
from luthier.core.workers import Death, Stop, nothing

__all__ = [
    "CHUNK",
    "COSTS",
    "GOAL_ALIASES",
    "LIVE_STATES",
    "MEASURED",
    "MODEL_PREFIX",
    "PROBLEMS",
    "RESERVED",
    "SEVERITIES",
    "STATES",
    "STRUCTURE",
    "Arrays",
    "Baseline",
    "BatchSize",
    "BatchSizes",
    "Build",
    "BuilderError",
    "CaptureError",
    "Captured",
    "Categorical",
    "Claim",
    "Compromise",
    "Conditional",
    "Cost",
    "Curves",
    "DataError",
    "DataFacts",
    "Death",
    "Diagnosis",
    "Domain",
    "Engine",
    "Executor",
    "Finding",
    "Fit",
    "Float",
    "Forward",
    "Framework",
    "Goal",
    "Graph",
    "History",
    "Int",
    "LayerFacts",
    "LearningRates",
    "LossFacts",
    "LuthierError",
    "MissingCompilerError",
    "MissingExtraError",
    "Node",
    "OptimizerFacts",
    "OutputFacts",
    "Part",
    "Plain",
    "Prescription",
    "Proof",
    "Pruned",
    "RateRange",
    "RateRun",
    "Recipe",
    "RecipeError",
    "Ref",
    "Rehearsal",
    "Run",
    "ScheduleFacts",
    "Series",
    "Setup",
    "Severity",
    "Signature",
    "Space",
    "SpaceError",
    "State",
    "Step",
    "Stop",
    "Storage",
    "StorageError",
    "Strategy",
    "StudyMismatchError",
    "StudyNotFoundError",
    "StudyRecord",
    "Task",
    "Trace",
    "Trial",
    "Value",
    "Verdict",
    "WatchError",
    "Watcher",
    "chunk_rows",
    "did_you_mean",
    "domain_from_json",
    "domain_to_json",
    "first_batch",
    "goals_of",
    "nothing",
    "pareto_front",
    "sample_size",
    "value_of",
]
