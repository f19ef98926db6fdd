"""A comparison as a page for those who were not there: ``mtlearn compare … --report FILE.html``.

``markup`` escapes, ``tables`` and ``pictures`` show, ``repeat`` has the code that does it again,
``page`` puts them together and ``style`` dresses them. Pictures need matplotlib, the extra
``plot``.
"""

from mtlearn.report.page import report_html, save_report

__all__ = ["report_html", "save_report"]
