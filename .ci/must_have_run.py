"""Fail unless tests of one suite ran: `must_have_run.py REPORT.xml SUITE [no-skips]`, from pytest's JUnit report.

A suite is a part of a test module's dotted name.
"""

import sys
import xml.etree.ElementTree as ElementTree


def main(report: str, suite: str, *options: str) -> str | None:
    cases = [
        case
        for case in ElementTree.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it a moment ago
        if suite in case.get("classname", "")
    ]
    skipped = [case for case in cases if case.find("skipped") is not None]
    if len(cases) == len(skipped):
        return f"ci: no test of {suite} ran ({len(skipped)} were skipped)"
    if "no-skips" in options and skipped:
        return f"ci: {len(skipped)} tests of {suite} were skipped, the first is {skipped[0].get('name')}"
    print(f"ci: {suite}: {len(cases) - len(skipped)} ran, {len(skipped)} skipped")  # noqa: T201
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
