"""Tests of the pages of the studio. A package, so that its fixtures of the scope `package` end with its last test."""
