"""Run the search of [tune] on the clips of a project: trials in worker processes, every step of each stored at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from ei_toolkit.compute import end_at_once, executor, pool_size
from ei_toolkit.config import Settings
from ei_toolkit.config.settings import plain
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.eon.toolchain import arm_tool_versions
from ei_toolkit.errors import ConfigurationError, DataError, EitkError, MissingToolError
from ei_toolkit.evaluation.model import Recipe
from ei_toolkit.evaluation.tune_folds import FoldPlan, accuracy_of, run_fold, split_artists
from ei_toolkit.tuning.candidate import Candidate, candidate
from ei_toolkit.tuning.cost import Cost, Limits, candidate_cost, exceeded, limits_of, model_cost, read_cost
from ei_toolkit.tuning.search import Pruning, Search, SearchOptions, Trial, front
from ei_toolkit.tuning.space import MAXIMISED, SettingsSpace

Log = Callable[[str], None]
MOST_REFUSED = 100  # candidates that do not fit, one after another
CURRENT = "current"
REPORTS = "reports"


@dataclass(frozen=True)
class TunePlan:
    """A search on clips: settings, the project's own recipe to compare with (None: no impulse), clips and folds."""

    settings: Settings
    current: Recipe | None
    search: FoldPlan
    report: FoldPlan
    jobs: int

    @property
    def limits(self) -> Limits:
        """Return the limits of the board."""
        return limits_of(self.settings)

    @property
    def options(self) -> SearchOptions:
        """Return how the search is done."""
        tune = self.settings.tune
        upward = tuple(MAXIMISED[name] for name in tune.objectives)
        return SearchOptions(
            tune.objectives, upward, tune.sampler, tune.pruner, tune.trials, tune.folds, tune.seed
        )  # fmt: skip

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for trials to be comparable, as plain data."""
        settings = self.settings
        own = {
            key: value for key, value in plain(settings.slice).items() if key not in ("window_ms", "hop_ms", "level")
        }
        tune = {name: getattr(settings.tune, name) for name in ("folds", "epochs", "report_fraction", "seed")}
        clips = sha256("".join(sorted(f"{k.sha256}{k.clip.label}{k.group}" for k in self.search.clips)).encode())
        found: dict[str, Any] = plain(
            {
                "slice": own, "engine": settings.build.engine, "tune": tune, "clips": clips.hexdigest()[:16],
                "objectives": settings.tune.objectives, "conditions": self.search.conditions,
                "space": SettingsSpace(settings.tune).description(), "limits": vars(self.limits),
            }
        )  # fmt: skip
        return found


def tune_plan(
    settings: Settings, current: Recipe | None, clips: Sequence[KnownClip], cache: Path, jobs: int
) -> TunePlan:  # fmt: skip
    """Return the plan of a search. Raises DataError where a label has too few groups for the folds and the report."""
    tune = settings.tune
    search, report = split_artists(clips, tune.folds, tune.report_fraction, tune.seed)
    conditions = tune.conditions if "worst_condition" in tune.objectives else ()
    known = tuple(clips)
    return TunePlan(
        settings, current, FoldPlan(known, search, cache, conditions), FoldPlan(known, report, cache, conditions), jobs
    )  # fmt: skip


def open_search(file: Path, plan: TunePlan) -> Search:
    """Return the stored search, or a new one. Raises ConfigurationError if the stored one is of another space.

    Raises DataError for a file of another version, or one that is damaged.
    """
    identity = plan.identity()
    search = Search.open(file)
    if search is None:
        file.unlink(missing_ok=True)  # an interrupted creation
        return Search.create(file, plan.options, {"identity": identity})
    changed = sorted(key for key in identity if search.attribute("identity").get(key) != identity[key])
    if changed:
        raise ConfigurationError(
            f"the stored search differs from eitk.toml and the clips in {', '.join(changed)}",
            why="its trials cannot be compared with new ones",
            hint="Restore the settings, or start a new search: eitk tune --restart",
        )
    return search


@dataclass
class _Active:
    """A trial that is worked on: its candidate and the step that runs now (-1: its cost, else a fold)."""

    trial: Trial
    candidate: Candidate
    cost: Cost | None = None
    folds: list[Mapping[str, Any]] = field(default_factory=list)
    step: int = -1


class TuneRun:
    """One run of a search: `run` works until the wanted number of trials is trained, or raises what stops it."""

    def __init__(self, plan: TunePlan, search: Search, log: Log, show: Callable[[list[Trial]], None]) -> None:
        self.plan, self.search, self.log, self.show = plan, search, log, show
        self.options, self.limits = plan.options, plan.limits
        self.space = SettingsSpace(plan.settings.tune)
        self.pruning = Pruning(self.options.pruner, self.options.folds)
        self.refused_in_row = 0

    def run(self) -> list[Trial]:
        """Run the trials, then measure the project's own recipe and the chosen trial on the artists of the report."""
        self._replay()
        with self._executor() as pool:
            try:
                self._run_trials(pool, pool_size(pool, self.plan.jobs))
                self._measure_current(pool)
                self._report(pool)
            except BaseException:  # KeyboardInterrupt, too: the workers would train to the end
                end_at_once(pool)
                raise
        return self.search.trials()

    def _executor(self) -> Executor:
        """Return where the trials run; workers elsewhere must see the clips and the folder of the shared features."""
        cache = self.plan.search.cache
        cache.mkdir(parents=True, exist_ok=True)
        reach = [cache, *(known.clip.path for known in self.plan.search.clips[:1])]
        return executor(self.plan.jobs, self.plan.settings.compute.scheduler, reach, arm_tool_versions)

    def _replay(self) -> None:
        """Report to the pruner the trials of earlier runs."""
        for trial in self.search.trials():
            if trial.state in ("complete", "pruned"):
                for fold in range(len(trial.folds)):
                    self.pruning.report(trial.number, fold, self._accuracy(trial.folds[: fold + 1]))
                is_complete = trial.state == "complete"
                self.pruning.end(trial.number, self._accuracy(trial.folds) if is_complete else None)

    def _run_trials(self, pool: Executor, at_once: int) -> None:
        waiting = self.search.unfinished()
        running: dict[Future[Any], _Active] = {}
        while True:
            while len(running) < at_once and (waiting or self._wants_more(len(running))):
                active = self._start(waiting.pop(0) if waiting else None)
                if active is not None:
                    running[self._submit(pool, active)] = active
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                active = running.pop(future)
                if self._take(active, future):
                    running[self._submit(pool, active)] = active
            self.show(self.search.trials())

    def _wants_more(self, running: int) -> bool:
        trained = sum(trial.is_trained for trial in self.search.trials())
        if self.refused_in_row >= MOST_REFUSED and not running:
            raise DataError(
                f"{self.refused_in_row} candidates one after another were refused",
                why=f"the last one: {self.search.trials()[-1].reason}",
                hint="Add smaller values to [tune], raise its limits, or choose another [board] name.",
            )
        return trained + running < self.options.trials and self.refused_in_row < MOST_REFUSED

    def _start(self, number: int | None) -> _Active | None:
        """Create a trial, or take up the running one `number`; None if it ends at once."""
        trial = self.search.ask(self.space, self.options, number)
        if (same := self._same(trial)) is not None:
            self.refused_in_row += 1
            reason = f"the same parameters as trial {same.number}"
            self.search.end(trial.number, "repeated", values=same.values, reason=reason)
            return None
        try:
            made = candidate(self.plan.settings, trial.parameters)
        except ConfigurationError as error:
            self._refuse(trial, str(error))
            return None
        cost = read_cost(trial.cost) if trial.cost else None
        active = _Active(trial, made, cost, list(trial.folds), len(trial.folds) if cost else -1)
        for fold in range(len(active.folds)):
            if self._end_after(active, fold):
                return None
        return active

    def _same(self, trial: Trial) -> Trial | None:
        others = (t for t in self.search.trials() if t.number != trial.number and t.state != "repeated")
        return next((t for t in others if t.parameters == trial.parameters and t.state != "running"), None)

    def _submit(self, pool: Executor, active: _Active) -> Future[Any]:
        if active.step < 0:
            return pool.submit(
                _or_rejection, candidate_cost, active.candidate, len(self.plan.search.labels), self.limits
            )
        return pool.submit(_or_rejection, run_fold, self._recipe(active), self.plan.search, active.step)

    def _recipe(self, active: _Active) -> Recipe:
        return Recipe(f"trial {active.trial.number}", active.candidate.settings, active.candidate.script)

    def _take(self, active: _Active, future: Future[Any]) -> bool:
        """Store the result of a step; return whether the trial has another one."""
        number = active.trial.number
        result = _result(future)
        if isinstance(result, _Rejection):
            self._refuse(active.trial, result.reason)
            return False
        if active.step < 0:
            return self._take_cost(active, result)
        data, _ = result
        self.search.record(number, f"fold {active.step}", data)
        active.folds.append(data)
        if self._end_after(active, active.step):
            return False
        active.step += 1
        return True

    def _take_cost(self, active: _Active, cost: Cost) -> bool:
        active.cost = cost
        self.search.record(active.trial.number, "cost", cost.data())
        if reasons := exceeded(cost, self.limits):
            self._refuse(active.trial, f"does not fit the {self.limits.board} board: " + "; ".join(reasons))
            return False
        active.step = 0
        return True

    def _refuse(self, trial: Trial, reason: str) -> None:
        self.refused_in_row += 1
        self.search.end(trial.number, "refused", reason=reason)
        self.log(f"trial {trial.number}: refused: {reason}")

    def _end_after(self, active: _Active, fold: int) -> bool:
        """End the trial if it is complete or given up after a fold; return whether it has ended."""
        number, cost = active.trial.number, active.cost
        assert cost is not None
        found = active.folds[: fold + 1]
        accuracy = self._accuracy(found)
        is_pruned = self.pruning.report(number, fold, accuracy)
        if fold + 1 == self.options.folds:
            values = objective_values(found, self.plan.search.clips, cost, self.options.objectives)
            self.search.end(number, "complete", values=values)
            self.pruning.end(number, accuracy)
            self.log(f"trial {number}: accuracy {100 * accuracy:.1f} %, {cost.total_ms:.0f} ms")
        elif is_pruned and (better := self._better(active, accuracy, fold)):
            reason = (
                f"after {fold + 1} of {self.options.folds} folds its accuracy is {100 * accuracy:.1f} %;"
                f" trial {better.number} had {100 * self._accuracy(better.folds[: fold + 1]):.1f} % and costs no more"
            )
            self.search.end(number, "pruned", reason=reason)
            self.pruning.end(number, None)
            self.log(f"trial {number}: pruned: {reason}")
        else:
            return False
        self.refused_in_row = 0
        return True

    def _better(self, active: _Active, accuracy: float, fold: int) -> Trial | None:
        """Return a complete trial that was more accurate after this fold and costs no more in any objective."""
        assert active.cost is not None
        names = [name for name in self.options.objectives if name in COSTS]
        own = [COSTS[name](active.cost) for name in names]
        for other in self.search.trials():
            if other.state == "complete" and other.cost and self._accuracy(other.folds[: fold + 1]) > accuracy:
                theirs = [COSTS[name](read_cost(other.cost)) for name in names]
                if all(a <= b for a, b in zip(theirs, own, strict=True)):
                    return other
        return None

    def _accuracy(self, folds: Sequence[Mapping[str, Any]]) -> float:
        return accuracy_of(folds, self.plan.search.clips).accuracy

    def _measure_current(self, pool: Executor) -> None:
        """Measure the project's own recipe on the same folds, fold by fold."""
        if self.plan.current is None:
            return
        found, key = self.search.attribute(CURRENT), recipe_key(self.plan.current)
        if found is None or found["key"] != key:  # none was measured, or eitk.toml has another impulse now
            found = {"key": key, "folds": [], "cost": None}
        while len(found["folds"]) < self.options.folds:
            self.log(f"the present impulse: fold {len(found['folds']) + 1} of {self.options.folds}")
            data, model = _result(pool.submit(run_fold, self.plan.current, self.plan.search, len(found["folds"])))
            settings = self.plan.current.settings
            cost = found["cost"] or _result(pool.submit(_cost_data, settings, model, data["parameters"], self.limits))
            found = {"key": key, "folds": [*found["folds"], data], "cost": cost}
            self.search.set_attribute(CURRENT, found)

    def _report(self, pool: Executor) -> None:
        """Measure the chosen trial and the project's own recipe once on the artists that no trial has seen."""
        trials = self.search.trials()
        best = chosen(trials, self.options)
        reports = self.search.attribute(REPORTS, [])
        wanted: list[tuple[str, Recipe]] = []
        if best is not None:
            made = candidate(self.plan.settings, best.parameters)
            wanted.append((f"trial {best.number}", Recipe("", made.settings, made.script)))
        if self.plan.current is not None and wanted:
            wanted.append((CURRENT, self.plan.current))
        known = [report["key"] for report in reports]
        missing = [(name, recipe) for name, recipe in wanted if recipe_key(recipe) not in known]
        futures = [(name, recipe, pool.submit(run_fold, recipe, self.plan.report, 0)) for name, recipe in missing]
        for name, recipe, future in futures:
            self.log(f"{name}: training on all artists of the search, testing on the artists of the report")
            data, _ = _result(future)
            reports = [*reports, {"model": name, "key": recipe_key(recipe), "fold": data, "trials": len(trials)}]
            self.search.set_attribute(REPORTS, reports)


def recipe_key(recipe: Recipe) -> str:
    """Return a hash of all that determines the models of a recipe."""
    parts = [plain(getattr(recipe.settings, name)) for name in ("slice", "impulse", "training")]
    return sha256(json.dumps([*parts, recipe.script], sort_keys=True).encode()).hexdigest()[:16]


COSTS: Mapping[str, Callable[[Cost], float]] = {
    "ram": lambda cost: float(cost.ram_bytes),
    "flash": lambda cost: float(cost.flash_bytes),
    "time": lambda cost: cost.total_ms,
}


def objective_values(
    folds: Sequence[Mapping[str, Any]], clips: Sequence[KnownClip], cost: Cost, objectives: Sequence[str]
) -> list[float]:
    """Return the values of the objectives: accuracies as shares, RAM and flash in bytes, time in ms."""
    found = accuracy_of(folds, clips)
    own = {"accuracy": found.accuracy, "worst_condition": found.worst_condition}
    return [own[name] if name in own else COSTS[name](cost) for name in objectives]


def chosen(trials: Sequence[Trial], options: SearchOptions) -> Trial | None:
    """Return the trial of the front with the best first objective; None before a trial is complete."""
    sign = 1 if options.maximised[0] else -1
    return max(front(trials, options.maximised), key=lambda trial: sign * trial.values[0], default=None)


def _cost_data(settings: Settings, model: bytes, parameters: int, limits: Limits) -> dict[str, Any]:
    """Return the cost of the project's own model. Runs in a worker process."""
    return model_cost(settings, model, parameters, limits).data()


@dataclass(frozen=True)
class _Rejection:
    """Why a candidate cannot be used."""

    reason: str


def _or_rejection(step: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result of a step of a candidate, or why the candidate is refused. Runs in a worker process.

    What it raises does not concern the candidate: a missing tool, or, outside of it, a worker that cannot be used.
    """
    try:
        return step(*arguments)
    except MissingToolError:
        raise
    except (ConfigurationError, DataError) as error:
        return _Rejection(str(error))


def _result(future: Future[Any]) -> Any:
    """Return the result of a step. Raises EitkError for a worker process that was killed, or could not write a file."""
    try:
        return future.result()
    except BrokenProcessPool:
        why = "it was killed, for example because the memory was too small"
        raise EitkError("a worker process has ended", why=why, hint="eitk tune resume --jobs 1") from None
    except OSError as error:
        hint = "Make space on the disk or correct its permissions; then eitk tune resume."
        raise EitkError("a worker process could not read or write a file", why=str(error), hint=hint) from None
