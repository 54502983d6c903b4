"""Hostile documents of PMML: what XML and PMML have for reading elsewhere, and for taking all memory and time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.hostile_files.hostile import Hostile
from tests.pmml_models.documents import derived, document, schema, tree


def _build(data: bytes) -> Callable[[Path], bytes]:
    return lambda _: data


def _with_declarations(declarations: str, text: str) -> bytes:
    plain = derived(f'<Constant dataType="string">{text}</Constant>', kind="string").decode()
    return plain.replace("<PMML ", f"<!DOCTYPE PMML [{declarations}]><PMML ", 1).encode()


def _laughs() -> bytes:
    lines = ['<!ENTITY a0 "ha">', *(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))]
    return _with_declarations("".join(lines), "&a11;")


def _reads_a_file(canary: Path) -> bytes:
    return _with_declarations(f'<!ENTITY file SYSTEM "file://{canary}">', "&file;")


def _apply(function: str, *arguments: str) -> str:
    return f'<Apply function="{function}">{"".join(arguments)}</Apply>'


def _nested(depth: int) -> str:
    return '<Apply function="abs">' * depth + '<FieldRef field="x"/>' + "</Apply>" * depth


def _functions(*bodies: tuple[str, str]) -> str:
    made = "".join(
        f'<DefineFunction name="{name}" optype="continuous"><ParameterField name="p"/>{body}</DefineFunction>'
        for name, body in bodies
    )
    return f"<TransformationDictionary>{made}</TransformationDictionary>"


def _doubling(count: int) -> str:
    """Functions of which each calls the next twice."""
    p = '<FieldRef field="p"/>'
    bodies = [
        (f"f{n}", _apply("+", _apply(f"f{n + 1}", p), _apply(f"f{n + 1}", p)) if n < count else p)
        for n in range(count + 1)
    ]
    return _functions(*bodies)


def _fields(*expressions: tuple[str, str]) -> bytes:
    made = "".join(
        f'<DerivedField name="{name}" optype="continuous" dataType="double">{expression}</DerivedField>'
        for name, expression in expressions
    )
    return document(
        f'<RegressionModel functionName="regression">{schema("x")}<LocalTransformations>{made}</LocalTransformations>'
        f'<RegressionTable intercept="0"><NumericPredictor name="{expressions[0][0]}" coefficient="1"/>'
        "</RegressionTable></RegressionModel>"
    )


def _ref(name: str) -> str:
    return f'<FieldRef field="{name}"/>'


def _pattern(pattern: str, function: str = "matches") -> bytes:
    more = ('<Constant dataType="string">b</Constant>',) if function == "replace" else ()
    constant = f'<Constant dataType="string">{pattern}</Constant>'
    return derived(_apply("stringLength", _apply(function, _ref("word"), constant, *more)), fields=("word",))


def _segments(count: int) -> bytes:
    inner = '<Node score="1"><True/></Node>'
    model = f'<TreeModel functionName="regression">{schema("x")}{inner}</TreeModel>'
    for _ in range(count):
        model = (
            f'<MiningModel functionName="regression">{schema("x")}<Segmentation multipleModelMethod="sum">'
            f"<Segment><True/>{model}</Segment></Segmentation></MiningModel>"
        )
    return document(model)


def _many_elements() -> bytes:
    return tree('<Node score="1"><True/>' + "<Node><False/></Node>" * 600_000 + "</Node>")


def _many_classes() -> bytes:
    """A class of its own for each of many leaves: a table of all by all would take terabytes."""
    leaves = "".join(f"<Node score='c{number}'><False/></Node>" for number in range(30_000))
    return tree(f"<Node score='a'><True/>{leaves}</Node>", function="classification")


def _wide_vectors() -> bytes:
    """Empty vectors over many fields, used by many machines."""
    refs = '<FieldRef field="x"/>' * 20_000
    vectors = "".join(f'<VectorInstance id="v{number}"><REAL-SparseArray/></VectorInstance>' for number in range(400))
    used = "".join(f'<SupportVector vectorId="v{number}"/>' for number in range(400))
    values = '<Coefficient value="1"/>' * 400
    machine = f"<SupportVectorMachine><SupportVectors>{used}</SupportVectors><Coefficients>{values}</Coefficients>"
    return document(
        f'<SupportVectorMachineModel functionName="regression">{schema("x")}<LinearKernelType/><VectorDictionary>'
        f"<VectorFields>{refs}</VectorFields>{vectors}</VectorDictionary>"
        f"{(machine + '</SupportVectorMachine>') * 50}</SupportVectorMachineModel>"
    )


def _deep_tree() -> bytes:
    return tree("<Node score='1'><True/>" * 5_000 + "</Node>" * 5_000)


def _encoded(name: str) -> bytes:
    return derived(_ref("x")).replace(b'encoding="UTF-8"', f'encoding="{name}"'.encode())


def _renamed(old: str, new: str) -> bytes:
    return derived(_ref("x")).replace(old.encode(), new.encode(), 1)


_CHAIN = [(f"d{n}", _ref(f"d{n + 1}")) for n in range(3_000)] + [("d3000", _ref("x"))]
_P = '<FieldRef field="p"/>'
_NOT = "cannot be served"

PMML_DOCUMENTS = [
    Hostile("PMML: a billion laughs", "m.pmml", _build(_laughs()), "document type declaration"),
    Hostile("PMML: an external entity", "m.pmml", _reads_a_file, "document type declaration"),
    Hostile(
        "PMML: a DTD from elsewhere",
        "m.pmml",
        _build(derived(_ref("x")).replace(b"<PMML ", b'<!DOCTYPE PMML SYSTEM "http://127.0.0.1:9/x.dtd"><PMML ', 1)),
        "document type declaration",
    ),
    Hostile("PMML: a million elements", "m.pmml", lambda _: _many_elements(), "more than 1,000,000 elements"),
    Hostile("PMML: a deep tree", "m.pmml", _build(_deep_tree()), "nested deeper than 400 .*line 8"),
    Hostile("PMML: a class for each leaf", "m.pmml", lambda _: _many_classes(), "shares of classes"),
    Hostile("PMML: wide vectors", "m.pmml", lambda _: _wide_vectors(), "more than 10,000,000 numbers"),
    Hostile("PMML: two repeats anywhere", "m.pmml", _build(_pattern("a*a*b")), "could take for ever"),
    Hostile("PMML: deep expressions", "m.pmml", _build(derived(_nested(300))), "nested deeper than 40"),
    Hostile(
        "PMML: a function that calls itself",
        "m.pmml",
        _build(derived(_apply("f", _ref("x")), shared=_functions(("f", _apply("f", _P))))),
        "“f” calls itself",
    ),
    Hostile(
        "PMML: functions that call each other",
        "m.pmml",
        _build(derived(_apply("f", _ref("x")), shared=_functions(("f", _apply("g", _P)), ("g", _apply("f", _P))))),
        "calls itself",
    ),
    Hostile(
        "PMML: functions that double",
        "m.pmml",
        _build(derived(_apply("f0", _ref("x")), shared=_doubling(19))),
        "calls of functions",
    ),
    Hostile("PMML: a field derived from itself", "m.pmml", _build(_fields(("d", _ref("d")))), "derived from itself"),
    Hostile(
        "PMML: fields derived in a circle",
        "m.pmml",
        _build(_fields(("d", _ref("e")), ("e", _ref("d")))),
        "derived from itself",
    ),
    Hostile("PMML: a long chain of fields", "m.pmml", _build(_fields(*_CHAIN)), "derived one from the other"),
    Hostile("PMML: a pattern that explodes", "m.pmml", _build(_pattern("^(a+)+$")), "could take for ever"),
    Hostile("PMML: many repeats", "m.pmml", _build(_pattern("a*a*a*a*a*b")), "could take for ever"),
    Hostile("PMML: a pattern to replace", "m.pmml", _build(_pattern("(a|aa)+$", "replace")), "could take for ever"),
    Hostile("PMML: a pattern that refers back", "m.pmml", _build(_pattern("(a)\\1")), "could take for ever"),
    Hostile("PMML: models in models", "m.pmml", _build(_segments(40)), "models are nested deeper"),
    Hostile(
        "PMML: a number beyond all", "m.pmml", _build(_renamed('coefficient="1"', 'coefficient="1e999"')), "no number"
    ),
    Hostile("PMML: not a number", "m.pmml", _build(_renamed('intercept="0"', 'intercept="NaN"')), "no number"),
    Hostile(
        "PMML: digits of another script", "m.pmml", _build(_renamed('intercept="0"', 'intercept="٣"')), "no number"
    ),
    Hostile(
        "PMML: an exponent of a billion",
        "m.pmml",
        _build(_renamed('coefficient="1"', 'coefficient="1" exponent="99999999999"')),
        "no whole number",
    ),
    Hostile("PMML: an unknown encoding", "m.pmml", _build(_encoded("rot13")), "encoding “rot13”"),
    Hostile("PMML: a coded encoding", "m.pmml", _build(_encoded("zlib_codec")), "encoding “zlib_codec”"),
    Hostile(
        "PMML: a program in another namespace",
        "m.pmml",
        _build(derived('<run:Program xmlns:run="urn:x">touch</run:Program>')),
        "not PMML's own",
    ),
    Hostile(
        "PMML: a table outside the document",
        "m.pmml",
        _build(
            derived('<MapValues outputColumn="o"><FieldColumnPair field="x" column="i"/><TableLocator/></MapValues>')
        ),
        "the table lies outside the document",
    ),
    Hostile(
        "PMML: a function of a library",
        "m.pmml",
        _build(derived(_apply("java.lang.Runtime.exec", _ref("x")))),
        "java.lang.Runtime.exec” is not evaluated",
    ),
    Hostile("PMML: cut off", "m.pmml", _build(derived(_ref("x"))[:-40]), "no whole XML"),
    Hostile("PMML: two models", "m.pmml", _build(_renamed("</PMML>", "<TreeModel/></PMML>")), _NOT),
]
