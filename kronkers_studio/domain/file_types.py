"""The table of file types: what an extension, a whole name or the first bytes say."""

from __future__ import annotations

from typing import NamedTuple

from kronkers_studio.domain import model_files
from kronkers_studio.domain.migration import FileKind


class Look(NamedTuple):
    """What a file is. ``compressed`` means that compressing it again is a waste."""

    kind: FileKind
    description: str
    compressed: bool


_KIND_WORDS = {
    FileKind.MODEL: "Model, ",
    FileKind.DATA: "Data, ",
    FileKind.CODE: "Code, ",
    FileKind.NOTEBOOK: "Notebook, ",
    FileKind.DOCUMENT: "Document, ",
    FileKind.IMAGE: "Image, ",
    FileKind.ARCHIVE: "Archive, ",
    FileKind.OTHER: "",
}


def _look(kind: FileKind, label: str, *, compressed: bool = False) -> Look:
    return Look(kind, _KIND_WORDS[kind] + label, compressed)


# kind, compressed already, what it is called, its extensions; those of models are in the domain's table
_TYPES: tuple[tuple[FileKind, bool, str, str], ...] = (
    (FileKind.DATA, False, "CSV", "csv"),
    (FileKind.DATA, False, "TSV", "tsv tab"),
    (FileKind.DATA, True, "Excel workbook", "xlsx xlsm xlsb"),
    (FileKind.DATA, False, "Excel workbook (old format)", "xls"),
    (FileKind.DATA, True, "OpenDocument table", "ods"),
    (FileKind.DATA, True, "Parquet", "parquet pq"),
    (FileKind.DATA, False, "Arrow", "arrow feather"),
    (FileKind.DATA, True, "ORC", "orc"),
    (FileKind.DATA, True, "Avro", "avro"),
    (FileKind.DATA, False, "JSON", "json geojson"),
    (FileKind.DATA, False, "JSON lines", "jsonl ndjson"),
    (FileKind.DATA, False, "XML", "xml"),
    (FileKind.DATA, False, "SQLite database", "sqlite sqlite3 db"),
    (FileKind.DATA, False, "DuckDB database", "duckdb"),
    (FileKind.DATA, False, "Access database", "mdb accdb"),
    (FileKind.DATA, False, "NumPy array", "npy"),
    (FileKind.DATA, True, "NumPy arrays", "npz"),
    (FileKind.DATA, False, "HDF5", "hdf5 hdf"),
    (FileKind.DATA, True, "R workspace", "rdata rda"),
    (FileKind.DATA, False, "Stata", "dta"),
    (FileKind.DATA, False, "SPSS", "sav por"),
    (FileKind.DATA, False, "SAS", "sas7bdat xpt"),
    (FileKind.DATA, False, "MATLAB", "mat"),
    (FileKind.DATA, False, "shapes", "shp dbf shx gpkg"),
    (FileKind.DATA, True, "Power BI", "pbix"),
    (FileKind.NOTEBOOK, False, "Jupyter", "ipynb"),
    (FileKind.NOTEBOOK, False, "R Markdown", "rmd"),
    (FileKind.NOTEBOOK, False, "Quarto", "qmd"),
    (FileKind.CODE, False, "Python", "py pyi pyw"),
    (FileKind.CODE, False, "R script", "r"),
    (FileKind.CODE, False, "Julia", "jl"),
    (FileKind.CODE, False, "SQL", "sql"),
    (FileKind.CODE, False, "shell script", "sh bash zsh"),
    (FileKind.CODE, False, "PowerShell", "ps1 psm1"),
    (FileKind.CODE, False, "batch file", "bat cmd"),
    (FileKind.CODE, False, "Visual Basic", "bas vbs vba"),
    (FileKind.CODE, False, "SAS program", "sas"),
    (FileKind.CODE, False, "SPSS syntax", "sps"),
    (FileKind.CODE, False, "Stata program", "do ado"),
    (FileKind.CODE, False, "MATLAB program", "m"),
    (FileKind.CODE, False, "JavaScript", "js mjs ts jsx tsx"),
    (FileKind.CODE, False, "Java", "java scala kt"),
    (FileKind.CODE, False, "C or C++", "c h cpp hpp cc cxx"),
    (FileKind.CODE, False, "C#", "cs"),
    (FileKind.CODE, False, "Go", "go"),
    (FileKind.CODE, False, "Rust", "rs"),
    (FileKind.CODE, False, "settings", "toml yaml yml ini cfg conf env"),
    (FileKind.CODE, False, "R project", "rproj"),
    (FileKind.DOCUMENT, False, "text", "txt log"),
    (FileKind.DOCUMENT, False, "Markdown", "md markdown rst"),
    (FileKind.DOCUMENT, True, "Word", "docx docm"),
    (FileKind.DOCUMENT, False, "Word (old format)", "doc"),
    (FileKind.DOCUMENT, True, "PowerPoint", "pptx pptm"),
    (FileKind.DOCUMENT, False, "PowerPoint (old format)", "ppt"),
    (FileKind.DOCUMENT, True, "PDF", "pdf"),
    (FileKind.DOCUMENT, True, "OpenDocument", "odt odp"),
    (FileKind.DOCUMENT, False, "OneNote", "one"),
    (FileKind.DOCUMENT, False, "rich text", "rtf"),
    (FileKind.DOCUMENT, False, "web page", "html htm"),
    (FileKind.DOCUMENT, False, "LaTeX", "tex bib"),
    (FileKind.DOCUMENT, False, "mail", "eml msg"),
    (FileKind.DOCUMENT, False, "link to a web page", "url webloc"),
    (FileKind.IMAGE, True, "PNG", "png"),
    (FileKind.IMAGE, True, "JPEG", "jpg jpeg"),
    (FileKind.IMAGE, True, "GIF", "gif"),
    (FileKind.IMAGE, True, "WebP", "webp"),
    (FileKind.IMAGE, True, "HEIC", "heic heif avif"),
    (FileKind.IMAGE, False, "TIFF", "tif tiff"),
    (FileKind.IMAGE, False, "bitmap", "bmp"),
    (FileKind.IMAGE, False, "SVG", "svg"),
    (FileKind.IMAGE, False, "icon", "ico"),
    (FileKind.ARCHIVE, True, "ZIP", "zip"),
    (FileKind.ARCHIVE, True, "gzip", "gz tgz"),
    (FileKind.ARCHIVE, True, "bzip2", "bz2 tbz2"),
    (FileKind.ARCHIVE, True, "xz", "xz txz lzma"),
    (FileKind.ARCHIVE, True, "Zstandard", "zst"),
    (FileKind.ARCHIVE, True, "7-Zip", "7z"),
    (FileKind.ARCHIVE, True, "RAR", "rar"),
    (FileKind.ARCHIVE, False, "tar", "tar"),
    (FileKind.ARCHIVE, True, "Python wheel", "whl"),
    (FileKind.OTHER, True, "Video", "mp4 mov mkv avi webm m4v"),
    (FileKind.OTHER, True, "Sound", "mp3 m4a ogg flac opus"),
    (FileKind.OTHER, False, "Sound", "wav"),
)

BY_EXTENSION: dict[str, Look] = {
    extension: _look(kind, label, compressed=compressed)
    for kind, compressed, label, extensions in _TYPES
    for extension in extensions.split()
} | {
    suffix.removeprefix("."): _look(model.kind, model.label, compressed=model.compressed)
    for model in model_files.MODEL_FILE_KINDS
    for suffix in model.suffixes
}

BY_NAME: dict[str, Look] = {
    name: _look(model.kind, model.label) for model in model_files.MODEL_FILE_KINDS for name in model.names
} | {
    "requirements.txt": _look(FileKind.CODE, "Python requirements"),
    "pyproject.toml": _look(FileKind.CODE, "Python project"),
    "renv.lock": _look(FileKind.CODE, "R requirements"),
    "dockerfile": _look(FileKind.CODE, "Dockerfile"),
    "makefile": _look(FileKind.CODE, "Makefile"),
    ".python-version": _look(FileKind.CODE, "Python version"),
    ".gitignore": _look(FileKind.CODE, "Git settings"),
    ".gitattributes": _look(FileKind.CODE, "Git settings"),
    ".rprofile": _look(FileKind.CODE, "R settings"),
    "license": _look(FileKind.DOCUMENT, "text"),
    "readme": _look(FileKind.DOCUMENT, "text"),
}

# First bytes of files whose name says nothing; the longest that could be mistaken for another comes first.
MAGIC: tuple[tuple[bytes, Look], ...] = (
    (b"PAR1", BY_EXTENSION["parquet"]),
    (b"ARROW1", BY_EXTENSION["arrow"]),
    (b"SQLite format 3\0", BY_EXTENSION["sqlite"]),
    (b"\x89HDF\r\n", BY_EXTENSION["h5"]),
    (b"\x93NUMPY", BY_EXTENSION["npy"]),
    (b"%PDF-", BY_EXTENSION["pdf"]),
    (b"\x89PNG\r\n", BY_EXTENSION["png"]),
    (b"\xff\xd8\xff", BY_EXTENSION["jpg"]),
    (b"GIF8", BY_EXTENSION["gif"]),
    (b"PK\x03\x04", BY_EXTENSION["zip"]),
    (b"\x1f\x8b", BY_EXTENSION["gz"]),
    (b"BZh", BY_EXTENSION["bz2"]),
    (b"\xfd7zXZ\0", BY_EXTENSION["xz"]),
    (b"\x28\xb5\x2f\xfd", BY_EXTENSION["zst"]),
    (b"7z\xbc\xaf\x27\x1c", BY_EXTENSION["7z"]),
    (b"Rar!", BY_EXTENSION["rar"]),
    (b"\xd0\xcf\x11\xe0", _look(FileKind.DOCUMENT, "Office (old format)")),
)

OWN_SCRIPT = _look(FileKind.CODE, "script")
TEXT = _look(FileKind.DOCUMENT, "text")
BINARY = _look(FileKind.OTHER, "File of a type not known here")
EMPTY = _look(FileKind.OTHER, "Empty file")
LOCK_FILE = _look(FileKind.OTHER, "Lock file")
SYSTEM_FILE = _look(FileKind.OTHER, "System file")
EXCLUDED_FOLDER = _look(FileKind.OTHER, "Folder")
FOLDER = _look(FileKind.OTHER, "Empty folder")
UNREADABLE_FOLDER = _look(FileKind.OTHER, "Folder that cannot be listed")


def look_of_model(head: bytes) -> Look | None:
    """What a file is whose first bytes are a model's; None for all others."""
    model = model_files.kind_of_bytes(head)
    return _look(FileKind.MODEL, model.label, compressed=model.compressed) if model is not None else None


def kind_of_name(name: str) -> FileKind:
    """What a file's name alone promises; Python objects (.pkl, .joblib) count as models, which most of them are."""
    lowered = name.lower()
    if lowered.endswith(_PYTHON_OBJECTS):
        return FileKind.MODEL
    look = BY_NAME.get(lowered) or BY_EXTENSION.get(lowered.rpartition(".")[2] if "." in lowered else "")
    return look.kind if look is not None else FileKind.OTHER


_PYTHON_OBJECTS = (*model_files.JOBLIB.suffixes, *model_files.PICKLE.suffixes)
