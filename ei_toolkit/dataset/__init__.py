"""From a folder of clips to windows that can be trusted: groups, splits, the manifest, and GTZAN's index."""
