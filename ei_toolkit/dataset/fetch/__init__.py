"""Get GTZAN: from an address, an archive or a folder, each track checked against the index."""

from ei_toolkit.dataset.fetch.fetch import FetchReport, fetch_gtzan, published_sources

__all__ = ["FetchReport", "fetch_gtzan", "published_sources"]
