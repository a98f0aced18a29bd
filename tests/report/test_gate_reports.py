"""The verdict for CI servers: XML that a parser reads, and workflow commands of one line."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from ei_toolkit.report.gate_reports import github_annotations, junit_xml


def figures(*reasons: str, text: str = "The challenger passes.") -> dict[str, Any]:
    return {"text": text, "checks": [{"name": f"check {n}", "reason": reason} for n, reason in enumerate(reasons)]}


def test_a_passed_gate_is_one_notice() -> None:
    assert github_annotations(figures("", "")) == ["::notice title=eitk gate::The challenger passes."]


def test_what_has_a_meaning_in_a_workflow_command_is_escaped() -> None:
    assert github_annotations({"text": "", "checks": [{"name": "a, b", "reason": "5 % less\n::set-output::x"}]}) == [
        "::error title=eitk gate%3A a%2C b::5 %25 less%0A::set-output::x"
    ]


def test_names_and_reasons_are_escaped_in_xml_and_have_no_control_characters() -> None:
    root = ElementTree.fromstring(junit_xml(figures("<b> & \x07", text="label \x00 <i>")))
    (failure,) = root.iter("failure")
    assert failure.get("message") == "<b> & \ufffd"
    assert failure.text == "label \ufffd <i>"


def test_both_levels_count_tests_and_failures() -> None:
    root = ElementTree.fromstring(junit_xml(figures("", "too large", "")))
    for element in (root, *root):
        assert [element.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["3", "1", "0", "0"]
    assert root.tag == "testsuites" and root[0].tag == "testsuite"
    assert root[0].findtext("system-out") == "The challenger passes."
