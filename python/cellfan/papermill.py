"""Papermill parameters for TypeScript notebooks.

Papermill has entry points for engines and for storage, none for translators; it loads all engines' when it is
imported. So the wheel names this module as an engine: loading it registers the translator, and the engine itself is
papermill's own.
"""

from __future__ import annotations

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

# The largest integer that a number of JavaScript holds exactly.
MAX_SAFE_INTEGER = 2**53 - 1

IDENTIFIER = re.compile(r"(?!\d)[\w$]+\Z")

RESERVED = frozenset(
    """await break case catch class const continue debugger default delete do else enum export extends false finally for
    function if implements import in instanceof interface let new null package private protected public return static
    super switch this throw true try typeof var void while with yield undefined NaN Infinity eval arguments""".split()
)


class TypeScriptTranslator(Translator):
    """Values of Python, as JSON and YAML give them, in TypeScript."""

    @classmethod
    def translate_none(cls, val):
        return "null"

    @classmethod
    def translate_escaped_str(cls, str_val):
        # JSON's strings are JavaScript's too. Half a surrogate pair cannot stand in a file but as an escape.
        text = str_val if isinstance(str_val, str) else str(str_val)
        return json.dumps(text, ensure_ascii=any("\ud800" <= char <= "\udfff" for char in text))

    @classmethod
    def translate_int(cls, val):
        return f"{val}n" if abs(val) > MAX_SAFE_INTEGER else str(val)

    @classmethod
    def translate_float(cls, val):
        if math.isnan(val):
            return "NaN"
        if math.isinf(val):
            return "Infinity" if val > 0 else "-Infinity"
        return repr(val)

    @classmethod
    def translate_list(cls, val):
        return f"[{', '.join(cls.translate(item) for item in val)}]"

    @classmethod
    def translate_dict(cls, val):
        if not val:
            return "{}"
        return f"{{ {', '.join(f'{cls.property_name(key)}: {cls.translate(item)}' for key, item in val.items())} }}"

    @classmethod
    def property_name(cls, key):
        # In brackets, because `"__proto__": x` sets the prototype.
        return '["__proto__"]' if key == "__proto__" else cls.translate_escaped_str(key)

    @classmethod
    def codify(cls, parameters, comment="Parameters"):
        # The kernel looks for this line: what is declared below it has the type that the notebook gave it.
        return super().codify(parameters, f"{comment}, injected: each keeps the type it was declared with")

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}".strip()

    @classmethod
    def assign(cls, name, str_val):
        if not IDENTIFIER.match(name) or name in RESERVED:
            raise ValueError(
                f"The parameter {name!r} cannot be a variable of TypeScript: letters, digits, _ and $ can, "
                "beginning with no digit, and no word of the language."
            )
        return f"let {name} = {str_val}"

    @classmethod
    def inspect(cls, parameters_cell):
        return [parameter(*found) for found in declarations(parameters_cell["source"])]


def parameter(name, annotation, value, comment):
    return Parameter(
        name=name,
        inferred_type_name=annotation or type_of(value),
        default=value,
        help=comment,
    )


def type_of(value):
    """The type of a literal, as papermill names types that it does not know: None."""
    if re.fullmatch(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?|NaN|-?Infinity|0[xob][\da-f_]+", value, re.IGNORECASE):
        return "number"
    if re.fullmatch(r"-?\d[\d_]*n", value):
        return "bigint"
    if value in ("true", "false"):
        return "boolean"
    return "string" if value[:1] in ("'", '"', "`") else "None"


HEAD = re.compile(r"\s*(?:export\s+)?(?:const|let|var)\s+(?P<name>[\w$]+)\s*")


def declarations(source):
    """Name, type, value and comment of each `const`, `let` or `var` at the top of the cell."""
    for text, comment in statements(source):
        head = HEAD.match(text)
        if head is None:
            continue
        equals = top_level_equals(text, head.end())
        if equals is None:
            continue
        annotation = text[head.end() : equals].strip().removeprefix(":").strip()
        value = " ".join(text[equals + 1 :].split())
        yield head["name"], annotation, value, comment


def top_level_equals(text, start):
    """Where the initializer begins: the first `=` that is no `=>` of a type."""
    found = re.compile(r"=(?![=>])").search(text, start)
    return None if found is None else found.start()


TOKEN = re.compile(
    r"""(?P<line>//[^\n]*) | (?P<block>/\*.*?(?:\*/|\Z)) | (?P<string>"(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*`)
    | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<end>[;\n]) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def statements(source):
    """Each statement at the top, its comments taken out, with the comment that ends its last line."""
    text, depth, waiting = "", 0, None
    for token in TOKEN.finditer(source):
        kind, piece = token.lastgroup, token.group()
        if kind == "line" and depth == 0:
            comment = piece[2:].strip()
            if text.strip():
                yield text, comment
            elif waiting is not None:
                yield waiting, comment
            text, waiting = "", None
            continue
        if waiting is not None and (piece == "\n" or not piece.isspace()):
            yield waiting, ""
            waiting = None
        if kind in ("line", "block"):
            continue
        depth += {"open": 1, "close": -1}.get(kind, 0)
        goes_on = piece == "\n" and re.search(r"[=,:+\-*/|&]\s*\Z", text)
        if kind == "end" and depth == 0 and not goes_on:
            # A comment may follow the semicolon.
            waiting, text = (text, "") if text.strip() else (waiting, "")
            if piece == "\n" and waiting is not None:
                yield waiting, ""
                waiting = None
        else:
            text += piece
    for rest in (waiting, text):
        if rest is not None and rest.strip():
            yield rest, ""


papermill_translators.register("typescript", TypeScriptTranslator)
papermill_translators.register("cellfan", TypeScriptTranslator)

Engine = NBClientEngine
