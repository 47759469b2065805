"""Reports that people look at: pages, PDFs and notebooks made of one document model.

A report is a `document.Report`: a title, facts, and sections of paragraphs, tables, findings and pictures. Pictures
come from `charts`, whose functions take plain numbers and return a `document.Picture`; what they do not draw is drawn
on a `charts.Canvas`, which has the same looks. Three functions render a report:

* `render_html.render_html(report)`: one self-contained page, for light and dark screens, phones and printers;
* `render_pdf.render_pdf(report)`: the same on paper; raises `UnavailableError` where a library of the system is absent;
* `render_notebook.render_notebook(report)`: a notebook of markdown cells with the pictures embedded.

Everything that a report shows is escaped by the renderers: texts are plain text. Matplotlib and WeasyPrint are imported
where they are used, so that a worker which writes no report does not load them.
"""
