"""Renders a report on paper."""

from __future__ import annotations

from gyropilot.worker.reports.document import Report
from gyropilot.worker.reports.render_html import embed, fill_page


class UnavailableError(Exception):
    """A library of the system is absent, so that there is no PDF. The message says how to get it."""


def render_pdf(report: Report) -> bytes:
    """Return the report as PDF.

    Raises:
        UnavailableError: when WeasyPrint does not find Pango.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise UnavailableError(
            "PDF files are not written, as the system library Pango is absent. On Debian or Ubuntu: "
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0."
        ) from error
    own = URLFetcher(allowed_protocols=("data",))  # a report opens no addresses
    content: bytes = HTML(string=fill_page(report, embed), url_fetcher=own).write_pdf()
    return content
