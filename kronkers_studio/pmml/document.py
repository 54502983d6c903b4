"""A PMML document as elements: read by expat within bounds, without DTDs, entities and references to elsewhere, and
only what the evaluator knows (``vocabulary``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from kronkers_studio.pmml.problems import Unevaluated
from kronkers_studio.pmml.vocabulary import FREE_CONTENT, KNOWN, PASSED_OVER, REFUSED

LARGEST = 256 << 20
"""Bytes of a document."""
MOST_ELEMENTS = 1_000_000
DEEPEST = 400
_LONGEST_TEXT = 16 << 20
_MOST_ATTRIBUTES = 60
_MOST_INTERNED = 50_000
_SHORT = 40
_BLOCK = 1 << 18
_ENCODINGS = ("utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1", "windows-1252")
_NAMESPACE = "dmg.org/PMML"
_EXTRA = ("x-mathContext",)  # of JPMML: whether to add in 32 bits
_SHOWN = 60


class Element:
    """One element: ``tag`` without its namespace, ``children`` in their order, ``text`` between them, and the ``line``
    where it begins."""

    __slots__ = ("_attributes", "children", "line", "tag", "text")

    def __init__(self, tag: str, attributes: tuple[str, ...], line: int) -> None:
        self.tag = tag
        self._attributes = attributes
        self.children: list[Element] | tuple[()] = ()
        self.text = ""
        self.line = line

    def get(self, name: str, default: str = "") -> str:
        """The attribute ``name``; ``default`` where there is none."""
        attributes = self._attributes
        for place in range(0, len(attributes), 2):
            if attributes[place] == name:
                return attributes[place + 1]
        return default

    def has(self, name: str) -> bool:
        return name in self._attributes[::2]

    def has_only(self, names: tuple[str, ...]) -> bool:
        """Whether it has no other attributes than these."""
        return all(name in names for name in self._attributes[::2])

    def need(self, name: str) -> str:
        """The attribute ``name``. Raises ``Unevaluated`` where there is none."""
        if not self.has(name):
            self.refuse(f"the attribute “{name}” is missing")
        return self.get(name)

    def number(self, name: str, default: float | None = None) -> float:
        """The attribute ``name`` as a finite number. Raises ``Unevaluated``."""
        if default is not None and not self.has(name):
            return default
        return self.as_number(self.need(name))

    def whole(self, name: str, default: int | None = None) -> int:
        """The attribute ``name`` as a whole number from 0."""
        if default is not None and not self.has(name):
            return default
        text = self.need(name).strip()
        if not text.isascii() or not text.isdecimal() or len(text) > 9:
            self.refuse(f"“{text[:_SHOWN]}” is no whole number")
        return int(text)

    def flag(self, name: str, default: bool = False) -> bool:
        """The attribute ``name`` as true or false."""
        text = self.get(name, "true" if default else "false").strip().lower()
        if text not in ("true", "false", "1", "0"):
            self.refuse(f"“{text[:_SHOWN]}” is neither true nor false")
        return text in ("true", "1")

    def choice(self, name: str, allowed: tuple[str, ...], default: str = "") -> str:
        """The attribute ``name``, one of ``allowed``."""
        found = self.get(name, default) if default else self.need(name)
        if found not in allowed:
            self.refuse(f"{name}=“{found[:_SHOWN]}” is not evaluated")
        return found

    def as_number(self, text: str) -> float:
        """``text`` as a finite number, as XML Schema writes them. Raises ``Unevaluated``."""
        try:
            number = float(text) if text.isascii() and "_" not in text else float("nan")
        except ValueError:
            number = float("nan")
        if not abs(number) < float("inf"):
            self.refuse(f"“{text[:_SHOWN]}” is no number that can be computed with")
        return number

    def first(self, *tags: str) -> Element | None:
        """The first child that is called one of ``tags``."""
        return next((child for child in self.children if child.tag in tags), None)

    def one(self, *tags: str) -> Element:
        """That child, the only one of these. Raises ``Unevaluated`` where there is none or more."""
        found = self.all(*tags)
        if len(found) != 1:
            self.refuse(f"it has {len(found)} of {' or '.join(tags)}, it must have one")
        return found[0]

    def all(self, *tags: str) -> list[Element]:
        return [child for child in self.children if child.tag in tags]

    def refuse(self, reason: str) -> NoReturn:
        """Raise ``Unevaluated`` for this element."""
        raise Unevaluated(reason, self.tag, self.line)

    def walk(self) -> Iterator[Element]:
        """This element and all below it."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(element.children)


def read_document(stream: BinaryIO) -> Element:
    """The root of the document in ``stream``, from where it stands. Raises ``Unevaluated``."""
    reader = _Reader()
    size = 0
    try:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > LARGEST:
                raise Unevaluated(f"it is larger than {LARGEST >> 20} MiB")
            reader.parser.Parse(block, False)
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unevaluated(f"it is no whole XML: {expat.ErrorString(error.code)} in line {error.lineno}") from None
    except (LookupError, ValueError):  # an encoding that Python does not know, or that is none of text
        raise Unevaluated("it is written in an encoding that is not read") from None
    if reader.root is None:
        raise Unevaluated("it is empty")
    return reader.root


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._passing = 0
        self._in_extension = False
        self._free = 0
        self._depth = 0
        self._count = 0
        self._text_length = 0
        self._interned: dict[str, str] = {}
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._external
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        self.parser = parser

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise Unevaluated(f"it is written in the encoding “{encoding[:_SHOWN]}”, which is not read")

    def _doctype(self, *_: object) -> NoReturn:
        raise Unevaluated("it has a document type declaration", "DOCTYPE", self.parser.CurrentLineNumber)

    def _entity(self, *_: object) -> NoReturn:
        raise Unevaluated("it declares entities", "ENTITY", self.parser.CurrentLineNumber)

    def _external(self, *_: object) -> NoReturn:
        raise Unevaluated("it refers to another file", "ENTITY", self.parser.CurrentLineNumber)

    def _start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        self._count += 1
        line = self.parser.CurrentLineNumber
        space, _, tag = name.rpartition(" ")
        if self._depth > DEEPEST:
            raise Unevaluated(f"elements are nested deeper than {DEEPEST}", tag[:_SHOWN], line)
        if self._count > MOST_ELEMENTS:
            raise Unevaluated(f"it has more than {MOST_ELEMENTS:,} elements", tag[:_SHOWN], line)
        if len(attributes) > 2 * _MOST_ATTRIBUTES:
            raise Unevaluated(f"it has more than {_MOST_ATTRIBUTES} attributes", tag[:_SHOWN], line)
        if self._seen_through(tag):
            self._open.append(self._open[-1])
            self._texts.append([])
            return
        if self._passing or (not self._free and tag in PASSED_OVER):
            if self._in_extension and tag in KNOWN:
                raise Unevaluated(f"{tag} in an Extension could mean another answer", tag, line)
            self._in_extension = self._in_extension or tag == "Extension"
            self._passing += 1
            return
        self._free += bool(self._free)
        self._require_known(space, tag, attributes, line)
        if tag in FREE_CONTENT and not self._free:
            self._free = 1
        kept = tuple(self._short(text) for text in attributes)
        element = Element(self._short(tag), kept, line)
        if self._open:
            above = self._open[-1]
            if above.children == ():
                above.children = []
            above.children.append(element)  # type: ignore[union-attr]
        else:
            self.root = element
        self._open.append(element)
        self._texts.append([])

    def _seen_through(self, tag: str) -> bool:
        """R writes the distributions of naive Bayes into extensions, where PMML had no place for them."""
        return tag == "Extension" and not self._passing and bool(self._open) and self._open[-1].tag == "BayesInputs"

    def _require_known(self, space: str, tag: str, attributes: list[str], line: int) -> None:
        if self._free:
            return
        if not self._open:
            if tag != "PMML" or (space and _NAMESPACE not in space):
                raise Unevaluated("it is no PMML document", tag[:_SHOWN], line)
        elif tag in REFUSED:
            raise Unevaluated(f"{tag} is not evaluated: {REFUSED[tag]}", tag, line)
        elif space and _NAMESPACE not in space:
            raise Unevaluated(f"{tag[:_SHOWN]} is not PMML's own", tag[:_SHOWN], line)
        elif tag not in KNOWN[self._open[-1].tag].children:
            above = self._open[-1].tag
            raise Unevaluated(f"{tag[:_SHOWN]} in {above} is not evaluated", tag[:_SHOWN], line)
        known = KNOWN[tag].attributes
        for name in attributes[::2]:
            if name not in known and " " not in name and name not in _EXTRA:
                raise Unevaluated(f"the attribute “{name[:_SHOWN]}” is not evaluated", tag, line)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._passing:
            self._passing -= 1
            self._in_extension = self._in_extension and self._passing > 0
            return
        self._free -= bool(self._free)
        element = self._open.pop()
        element.text = "".join(self._texts.pop())

    def _data(self, text: str) -> None:
        if self._open and not self._passing:
            self._text_length += len(text)
            if self._text_length > _LONGEST_TEXT * 8:
                raise Unevaluated("its texts are longer than any model's", self._open[-1].tag, self._open[-1].line)
            if text.strip() or self._texts[-1] or self._free or self._open[-1].tag == "Constant":
                self._texts[-1].append(text)

    def _short(self, text: str) -> str:
        """The same text once: names of fields and operators come a thousand times."""
        if len(text) > _SHORT or len(self._interned) > _MOST_INTERNED:
            return text
        return self._interned.setdefault(text, text)
