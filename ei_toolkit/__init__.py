"""eitk: audio classifiers on microcontrollers, with the Edge Impulse API or entirely offline.

The public names are listed in `__init__.pyi`. Each is imported when it is first used, because NumPy and the others take
most of a second.
"""

from importlib import import_module

__version__ = "0.3.0.dev0"

with open(f"{__file__}i", encoding="utf-8") as _stub:  # noqa: PTH123 - pathlib takes longer to import than all this
    _MODULE_OF = {
        name: __name__ + module  # of "from .api.data import Dataset as Dataset"
        for _, module, _, name, *_ in (line.split() for line in _stub if line.startswith("from ."))
    }
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(_MODULE_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
