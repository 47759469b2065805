"""Renders a report on paper."""

from __future__ import annotations

from base64 import b64encode

from markupsafe import Markup

from gyropilot.worker.reports.document import Picture, Report
from gyropilot.worker.reports.render_html import fill_page


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
    content: bytes = HTML(string=fill_page(report, _embed), url_fetcher=own).write_pdf()
    return content


def _embed(picture: Picture) -> Markup:
    """Return a picture as an image in the colours of paper."""
    content = b64encode(picture.as_svg(has_flat_points=True).encode()).decode()
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(picture.alternative, content)
