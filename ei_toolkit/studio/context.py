"""What every route reaches: the options, the state, the jobs, the live log, the calculator."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.studio.activity import Activity
from ei_toolkit.studio.calculator import Calculator
from ei_toolkit.studio.jobs.runner import Runner
from ei_toolkit.studio.live.hub import Hub
from ei_toolkit.studio.live.tokens import Tokens
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.garbage import collect


@dataclass(frozen=True)
class Studio:
    """One running studio."""

    options: Options
    store: Store
    runner: Runner
    hub: Hub
    tokens: Tokens
    calculator: Calculator
    activity: Activity

    @classmethod
    def open(cls, options: Options) -> Studio:
        """A studio on a data folder; nothing runs yet."""
        store, hub = Store.open(options.data), Hub()
        store.blobs.sweep()
        collect(store)
        calculator = Calculator(options)
        return cls(options, store, Runner(options, store, hub), hub, Tokens(), calculator, Activity())

    def close(self) -> None:
        """Let go of everything that is open."""
        self.calculator.close()
        self.store.close()
