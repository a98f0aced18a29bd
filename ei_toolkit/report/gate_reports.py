"""The verdict of the gate for other programs: a JUnit file, and annotations of GitHub Actions.

JUnit: a test case for each requirement, in the form that the Ant task writes and CI servers read. GitHub: workflow
commands (docs.github.com, "Workflow commands for GitHub Actions"), one in a line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ei_toolkit.config.untrusted_text import printable

SUITE = "eitk gate"


def junit_xml(figures: Mapping[str, Any]) -> bytes:
    """Return a JUnit file; `figures` are the metrics of a run of the gate."""
    checks, failed = figures["checks"], [check for check in figures["checks"] if check["reason"]]
    counts = {"tests": str(len(checks)), "failures": str(len(failed)), "errors": "0", "skipped": "0"}
    suite = ElementTree.Element("testsuite", {"name": SUITE, **counts})
    for check in checks:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "eitk.gate", "name": printable(check["name"])})
        if check["reason"]:
            failure = ElementTree.SubElement(
                case, "failure", {"message": printable(check["reason"]), "type": "GateNotMet"}
            )
            failure.text = printable(figures["text"])
    ElementTree.SubElement(suite, "system-out").text = printable(figures["text"])
    root = ElementTree.Element("testsuites", {"name": SUITE, **counts})
    root.append(suite)
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def github_annotations(figures: Mapping[str, Any]) -> list[str]:
    """Return an error for each requirement that is not met, else a notice with the verdict."""
    failed = [check for check in figures["checks"] if check["reason"]]
    if not failed:
        return [f"::notice title={_property(SUITE)}::{_message(figures['text'])}"]
    return [f"::error title={_property(f'{SUITE}: ' + check['name'])}::{_message(check['reason'])}" for check in failed]


def _message(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
