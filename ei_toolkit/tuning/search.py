"""The search: Optuna's study in a file of the project, with what is needed to continue it after any interruption.

A trial is created before its work starts and ended after it. In between, everything that was computed is stored
with it: its parameters, its cost and the result of each fold. A trial that a killed process leaves in the state RUNNING
is therefore continued, neither lost nor run twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ei_toolkit.config.tune_settings import Pruner, Sampler
from ei_toolkit.errors import DataError, MissingToolError, UsageError
from ei_toolkit.tuning.space import Parameters, Suggesting

if TYPE_CHECKING:
    import optuna

State = Literal["running", "complete", "pruned", "refused", "repeated"]
FORMAT = 1
"""Version of what eitk stores in a study."""
STUDY = "eitk"
STARTUP_TRIALS = 10  # of TPE: random ones, before there is something to learn from
PRUNER_STARTUP = 4  # complete trials before one is pruned
SMALLEST_POPULATION, LARGEST_POPULATION = 6, 50


class Space(Protocol):
    """A search space: it asks a trial for parameters and describes itself as plain data."""

    def suggest(self, trial: Suggesting) -> Parameters:
        """Return the parameters of a trial."""

    def description(self) -> Any:
        """Return the space as plain data."""


@dataclass(frozen=True)
class SearchOptions:
    """How the search is done. `maximised` has an entry for each objective, in the order of the values."""

    objectives: tuple[str, ...]
    maximised: tuple[bool, ...]
    sampler: Sampler
    pruner: Pruner
    trials: int
    folds: int
    seed: int


@dataclass(frozen=True)
class Trial:
    """One stored trial. `values` are its objectives; `folds` the results of its folds so far, in order."""

    number: int
    state: State
    parameters: Parameters
    reason: str
    cost: Mapping[str, Any] | None
    folds: tuple[Mapping[str, Any], ...]
    values: tuple[float, ...]

    @property
    def is_trained(self) -> bool:
        """Whether the trial counts as one that was trained."""
        return self.state in ("complete", "pruned")


def import_optuna() -> Any:
    """Return the module `optuna`. Raises MissingToolError if it is not installed."""
    try:
        import optuna  # takes most of a second, with SQLAlchemy
    except ImportError as error:
        raise MissingToolError("the tuner needs Optuna", why=str(error), hint="pip install 'eitk[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


@contextmanager
def storage_errors(file: Path) -> Iterator[None]:
    """Raise DataError for what Optuna and SQLite raise about the file of a search."""
    import_optuna()
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import DatabaseError, OperationalError

    try:
        yield
    except (OperationalError, StorageInternalError) as error:
        cause = str(error.orig if isinstance(error, OperationalError) else error.__cause__ or error)
        hint = f"Check the permissions of {file.parent} and the space on its disk; then eitk tune resume."
        raise DataError(f"{file} cannot be read or written", why=cause.splitlines()[0], hint=hint) from None
    except DatabaseError as error:
        raise DataError(f"{file} is damaged", why=str(error.orig), hint=f"Move {file} away; then eitk tune.") from None


class Search:
    """The study in `file`. All methods are called by one process, which holds the lock of the project's search."""

    def __init__(self, file: Path, study: optuna.Study) -> None:
        self.file, self.study = file, study

    @classmethod
    def create(cls, file: Path, options: SearchOptions, attributes: Mapping[str, Any]) -> Search:
        """Create the file of a new search, which another process sees only when it is complete.

        Raises DataError if it cannot be written.
        """
        optuna = import_optuna()
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.partial")
        with storage_errors(file):
            partial.unlink(missing_ok=True)
            storage = _storage(partial)
            directions = ["maximize" if upward else "minimize" for upward in options.maximised]
            study = optuna.create_study(storage=storage, study_name=STUDY, directions=directions)
            for name, value in {**attributes, "objectives": list(options.objectives), "format": FORMAT}.items():
                study.set_user_attr(name, value)
            storage.remove_session()
            storage.engine.dispose()
            partial.replace(file)
            study = optuna.load_study(storage=_storage(file), study_name=STUDY)
        return cls(file, study)

    @classmethod
    def open(cls, file: Path) -> Search | None:
        """Open a stored search; None if there is none, or if its creation was interrupted.

        Raises DataError for a file of another version, or one that is damaged.
        """
        if not file.is_file():
            return None
        optuna = import_optuna()
        with storage_errors(file):
            try:
                study = optuna.load_study(storage=_storage(file), study_name=STUDY)
            except KeyError:
                return None
            except RuntimeError as error:
                raise _other_version(file, str(error).splitlines()[0]) from None
            found = study.user_attrs.get("format")
        if found is None:
            return None
        if found != FORMAT:
            raise _other_version(file, f"its format is {found}, that of this eitk is {FORMAT}")
        return cls(file, study)

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return what is stored with the search under a name."""
        return self.study.user_attrs.get(name, default)

    def set_attribute(self, name: str, value: Any) -> None:
        """Store plain data with the search."""
        with storage_errors(self.file):
            self.study.set_user_attr(name, value)

    def trials(self) -> list[Trial]:
        """Return all trials, oldest first."""
        with storage_errors(self.file):
            return [_trial(each) for each in self.study.get_trials(deepcopy=False)]

    def unfinished(self) -> list[int]:
        """Return the numbers of the trials that an earlier process left running."""
        return [trial.number for trial in self.trials() if trial.state == "running"]

    def ask(self, space: Space, options: SearchOptions, number: int | None = None) -> Trial:
        """Create a trial and choose its parameters, or complete the parameters of the running trial `number`.

        The random numbers depend on the seed and on the number of the trial only.
        """
        optuna = import_optuna()
        with storage_errors(self.file):
            frozen = self.study.get_trials(deepcopy=False)
            number = len(frozen) if number is None else number
            self.study.sampler = _sampler(options, number)
            is_new = number == len(frozen)
            trial = self.study.ask() if is_new else optuna.trial.Trial(self.study, frozen[number]._trial_id)
            if "parameters" not in trial.user_attrs:
                trial.set_user_attr("parameters", dict(space.suggest(trial)))
            return _trial(self.study.get_trials(deepcopy=False)[number])

    def record(self, number: int, name: str, value: Any) -> None:
        """Store something that was computed for a running trial: `cost`, or `fold 0`."""
        with storage_errors(self.file):
            frozen = self.study.get_trials(deepcopy=False)[number]
            self.study._storage.set_trial_user_attr(frozen._trial_id, name, value)

    def end(self, number: int, state: State, *, values: Sequence[float] = (), reason: str = "") -> None:
        """End a trial. `values` are the objectives of a trial that is complete, or repeats a complete one."""
        self.record(number, "ended", {"state": state, "reason": reason})
        with storage_errors(self.file):
            if values:
                self.study.tell(number, list(values))
            else:
                self.study.tell(number, state=import_optuna().trial.TrialState.PRUNED)

    def importances(self, objective: int) -> dict[str, float]:
        """Return the share of the variance of one objective that each parameter explains (fANOVA).

        Empty where there are too few complete trials. Only parameters that all complete trials have are compared.
        """
        optuna = import_optuna()
        complete = [t for t in self.study.get_trials(deepcopy=False) if t.values]
        shared = set.intersection(*(set(t.params) for t in complete)) if complete else set()
        varied = [name for name in sorted(shared) if len({t.params[name] for t in complete}) > 1]
        if len(complete) < 4 or not varied or len({t.values[objective] for t in complete}) < 2:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found = optuna.importance.get_param_importances(
            self.study, evaluator=evaluator, params=varied, target=lambda t: t.values[objective]
        )
        return {name: float(share) for name, share in found.items()}


def front(trials: Sequence[Trial], maximised: Sequence[bool]) -> list[Trial]:
    """Return the complete trials that no other one dominates: the Pareto front, in the order of the trials."""
    complete = [trial for trial in trials if trial.state == "complete"]
    return [one for one in complete if not any(dominates(other.values, one.values, maximised) for other in complete)]


def dominates(one: Sequence[float], other: Sequence[float], maximised: Sequence[bool]) -> bool:
    """Return whether the first values are better in one objective and worse in none."""
    gains = [a - b if up else b - a for a, b, up in zip(one, other, maximised, strict=True)]
    return min(gains) >= 0 and max(gains) > 0


@dataclass
class Pruning:
    """Optuna's pruner over the accuracy after each step, for a search with any number of objectives.

    The steps are folds, whose mean accuracy counts, or epochs. Optuna prunes in studies with one objective only, so
    this is a study of its own, in memory; after an interruption it is filled again by the stored steps.
    `reduction_factor` is that of Hyperband: one of so many trials goes on to as many times the steps.
    """

    kind: Pruner
    steps: int
    reduction_factor: int = 2
    _study: Any = None
    _trials: dict[int, Any] = field(default_factory=dict)

    def report(self, number: int, step: int, accuracy: float) -> bool:
        """Report the accuracy of a trial after a step (0…); return whether the pruner gives the trial up."""
        if self.kind == "none":
            return False
        if self._study is None:
            self._study = _pruning_study(self.kind, self.steps, self.reduction_factor)
        trial = (
            self._trials.setdefault(number, self._study.ask()) if number not in self._trials else self._trials[number]
        )
        trial.report(accuracy, step + 1)
        return bool(trial.should_prune()) and step + 1 < self.steps

    def end(self, number: int, accuracy: float | None) -> None:
        """Report the end of a trial: its accuracy, or None if it is not complete."""
        if number in self._trials:
            states = import_optuna().trial.TrialState
            is_complete = accuracy is not None
            state = states.COMPLETE if is_complete else states.PRUNED
            self._study.tell(self._trials.pop(number), accuracy, state=state)


def _pruning_study(kind: Pruner, steps: int, reduction_factor: int) -> Any:
    optuna = import_optuna()
    pruners = {
        "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=PRUNER_STARTUP),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=steps, reduction_factor=reduction_factor
        ),
    }
    return optuna.create_study(direction="maximize", study_name="pruning", pruner=pruners[kind]())


def _storage(file: Path) -> Any:
    optuna = import_optuna()
    return optuna.storages.RDBStorage(f"sqlite:///{file}", engine_kwargs={"connect_args": {"timeout": 60}})


def _sampler(options: SearchOptions, number: int) -> Any:
    optuna = import_optuna()
    digest = hashlib.sha256(f"{options.seed} {number}".encode()).digest()
    seed = int.from_bytes(digest[:4], "little")
    if options.sampler == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if options.sampler == "nsga2":
        population = min(LARGEST_POPULATION, max(SMALLEST_POPULATION, options.trials // 5))
        return optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
    startup = min(STARTUP_TRIALS, max(2, options.trials // 4))
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup, constant_liar=True)


def _trial(frozen: Any) -> Trial:
    attributes = frozen.user_attrs
    ended = attributes.get("ended", {}) if frozen.state.is_finished() else {}
    folds: list[Mapping[str, Any]] = []
    while (name := f"fold {len(folds)}") in attributes:
        folds.append(attributes[name])
    return Trial(
        number=frozen.number,
        state=ended.get("state", "refused") if frozen.state.is_finished() else "running",
        parameters=attributes.get("parameters", {}),
        reason=ended.get("reason", ""),
        cost=attributes.get("cost"),
        folds=tuple(folds),
        values=tuple(frozen.values or ()),
    )


def trial_of(trials: Sequence[Trial], number: int) -> Trial:
    """Return a trial by its number. Raises UsageError if there is none."""
    if not 0 <= number < len(trials):
        known = f"Trials are numbered 0 to {len(trials) - 1}." if trials else "There are no trials yet: eitk tune."
        raise UsageError(f"there is no trial {number}", hint=known)
    return trials[number]


def _other_version(file: Path, why: str) -> DataError:
    return DataError(
        f"{file} was written by another version", why=why,
        hint="Continue with the version that wrote it, or start a new search: eitk tune --restart",
    )  # fmt: skip
