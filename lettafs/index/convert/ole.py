"""Old Office containers (OLE): which sort of document one is, by the streams it holds."""

from __future__ import annotations

import io

from lettafs.index.convert.failure import PASSWORD, Failure, damaged

__all__ = ["inside_of_ole"]


def inside_of_ole(data: bytes) -> str | Failure:
    """Return `xls` or `msg`, or why it is neither: it may be locked, or of another sort."""
    import olefile  # late: only the child loads it, when such a file comes

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as container:
            names = {"/".join(path) for path in container.listdir()}
    except (OSError, ValueError, IndexError, TypeError, AttributeError):
        return damaged("an Office document")
    if "EncryptedPackage" in names or "EncryptedSummary" in names:
        return PASSWORD
    if "__properties_version1.0" in names:
        return "msg"
    if "Workbook" in names or "Book" in names:
        return "xls"
    if "WordDocument" in names:
        return Failure(
            "unsupported", "it is an old Word document, which is not read: save it as .docx"
        )
    if "PowerPoint Document" in names:
        return Failure(
            "unsupported", "it is an old PowerPoint file, which is not read: save it as .pptx"
        )
    return Failure("unsupported", "it is a binary file of a sort that is not read")
