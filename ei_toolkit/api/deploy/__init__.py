"""Deployments: built, downloaded by their version, checked, pinned in eitk.lock."""
