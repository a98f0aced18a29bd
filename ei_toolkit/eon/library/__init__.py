"""Package processing blocks and model as a C++ library with Edge Impulse's layout and public API."""

from ei_toolkit.eon.library.package import package
from ei_toolkit.eon.library.request import LibraryDspBlock, LibraryInfo, LibraryRequest, WindowLevel

__all__ = ["LibraryDspBlock", "LibraryInfo", "LibraryRequest", "WindowLevel", "package"]
