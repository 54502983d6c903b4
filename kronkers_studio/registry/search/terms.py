"""How text is searched: case, accents and the ways of putting letters together make no difference.

A term of three characters or more is found anywhere in a path, also inside a word. A shorter one is found where a word
begins with it, because every name has an "a" somewhere.
"""

from __future__ import annotations

import re
import unicodedata

from kronkers_studio.storage.stored_text import to_stored

_WORD = re.compile(r"[^\W_]+")
_BETWEEN_TERMS = re.compile(r"[\s/\\\0]+")
IN_PROJECT, WITH_EXTENSION = "\x1d", "\x1c"
"""The groups of ``facet``."""
IN_BRANCH = "\x1e"
"""The group of branches' names, which only have a ``mark``."""
LONG = 3
"""Characters of the shortest term that is found anywhere."""
_BEGINS = "\x1f"  # stands before the first letters of a word in ``beginnings``, twice


def folded(text: str) -> str:
    """``text`` in the form in which it is compared, as it is stored."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return to_stored("".join(letter for letter in apart if not unicodedata.combining(letter)))


def words(folded_text: str) -> list[str]:
    """The runs of letters and digits in a folded text."""
    return _WORD.findall(folded_text)


def terms(text: str) -> list[str] | None:
    """What to look for in paths; None when ``text`` holds nothing that could be found. "" asks for nothing."""
    parts = [part for part in _BETWEEN_TERMS.split(folded(text)) if part]
    found = [part if len(part) >= LONG else "".join(words(part)) for part in parts]
    useful = list(dict.fromkeys(term for term in found if term))
    return useful if useful or not parts else None


def path_key(folder: str, name: str) -> str:
    """A folded path, its name first: no term holds a slash, so that what stands before the slash is in the name."""
    return f"{name}/{folder}"


def beginnings(folder: str, name: str) -> str:
    """The first letters of each word of a folded path: what short terms are looked up in. Those of the name come first,
    then a slash, then those that are in the folder only.

    Marked twice, one letter makes a trigram as well as two do.
    """
    in_name = {word[:2] for word in words(name)}
    in_folder = {word[:2] for word in words(folder)} - in_name
    return "/".join("".join(f"{_BEGINS * 2}{start}" for start in sorted(starts)) for starts in (in_name, in_folder))


def beginning(term: str) -> str:
    """What ``beginnings`` holds for a word that begins with the short ``term``."""
    return (_BEGINS * 2 + term)[-LONG:]


def mark(number: int) -> str:
    """One character for each number, which is in no term together with a group."""
    return chr(0x10000 + number % 0x100000)


def facet(group: str, number: int) -> str:
    """Three characters that stand for what a file belongs to, such as its project: one trigram to look up."""
    return group * 2 + mark(number)


def phrase(text: str) -> str:
    """``text`` as a string in FTS5's query language."""
    return '"' + text.replace('"', '""') + '"'
