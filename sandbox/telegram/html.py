"""Telegram's HTML, parsed as strictly as the real server does. Called by text.py.

Rules and error texts follow `parse_html` in tdlib/td, td/telegram/MessageEntity.cpp. Python's own
html.parser is lenient where Telegram refuses, and would hide a forgotten html.escape().
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.telegram.wire import Json

TYPE_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
NAMED_REFERENCES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
DECIMAL = "0123456789"
HEXADECIMAL = "0123456789abcdefABCDEF"
SPACES = " \t\r\n\v\0"
END = "\0"
LANGUAGE_PREFIX = "language-"
SURROGATES = range(0xD800, 0xE000)


class HtmlError(ValueError):
    """The text after `can't parse entities: `."""


def utf16_length(text: str) -> int:
    """Telegram counts offsets, lengths and limits in UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def parse_html(source: str) -> tuple[str, list[Json]]:
    """The plain text and its MessageEntity objects, sorted by place, outer ones first.

    Raises HtmlError. The text is not trimmed here.
    """
    return _Parser(source).parse()


@dataclass
class _OpenTag:
    name: str
    attributes: dict[str, str]
    offset: int  # UTF-16 units of text before it
    begin: int  # characters of text before it


class _Parser:
    def __init__(self, source: str) -> None:
        # A NUL ends the source, as in C: no index can run past it, and it counts as a space.
        self.source = source.replace(END, " ") + END
        self.at = 0
        self.text = ""
        self.length = 0  # of self.text, in UTF-16 units
        self.open: list[_OpenTag] = []
        self.entities: list[Json] = []

    def parse(self) -> tuple[str, list[Json]]:
        while self.source[self.at] != END:
            if self.source[self.at] == "<":
                self._tag()
            else:
                self._add(self._character())
        if self.open:
            name = self.open[-1].name
            raise HtmlError(f'Can\'t find end tag corresponding to start tag "{name}"')
        entities = [entity for entity in self.entities if entity["length"] > 0]
        return self.text, sorted(entities, key=lambda e: (e["offset"], -e["length"]))

    def _add(self, character: str) -> None:
        self.text += character
        self.length += utf16_length(character)

    def _character(self) -> str:
        """One character of text or of an attribute, with its reference decoded."""
        character = self.source[self.at]
        if character == "&" and (found := self._reference()):
            character, self.at = found
        else:
            self.at += 1
        return character

    def _reference(self) -> tuple[str, int] | None:
        """The decoded character and the place after it; None leaves the "&" as it is written."""
        begin = end = self.at + 1
        if self.source[begin] == "#":
            hexadecimal = self.source[begin + 1] == "x"
            begin = end = begin + 1 + hexadecimal
            while self.source[end] in (HEXADECIMAL if hexadecimal else DECIMAL):
                end += 1
            digits = self.source[begin:end]
            code = int(digits, 16 if hexadecimal else 10) if 1 <= len(digits) <= 8 else 0
            if not 0 < code < 0x10FFFF or end - self.at >= 10:
                return None
            if code in SURROGATES:
                raise HtmlError(
                    "Text contains invalid Unicode characters after decoding HTML entities, check"
                    " for unmatched surrogate code units"
                )
            decoded = chr(code)
        else:
            while self.source[end].isascii() and self.source[end].isalpha():
                end += 1
            decoded = NAMED_REFERENCES.get(self.source[begin:end], "")
            if not decoded:
                return None
        return decoded, end + (self.source[end] == ";")

    def _tag(self) -> None:
        begin = self.at
        self.at += 1
        if self.source[self.at] == "/":
            self._end_tag(begin)
        else:
            self._start_tag(begin)

    def _until(self, stops: str) -> str:
        begin = self.at
        while self.source[self.at] not in stops:
            self.at += 1
        return self.source[begin : self.at]

    def _skip_spaces(self) -> None:
        while self.source[self.at] in SPACES and self.source[self.at] != END:
            self.at += 1

    def _byte(self, position: int) -> str:
        return f"at byte offset {len(self.source[:position].encode())}"

    def _start_tag(self, begin: int) -> None:
        name = _lower(self._until(SPACES + ">"))
        if self.source[self.at] == END:
            raise HtmlError(f"Unclosed start tag {self._byte(begin)}")
        if name not in TYPE_OF_TAG:
            raise HtmlError(f'Unsupported start tag "{name}" {self._byte(begin)}')
        attributes: dict[str, str] = {}
        while self.source[self.at] != ">":
            self._skip_spaces()
            if self.source[self.at] != ">":
                key, value = self._attribute(name, begin)
                attributes[key] = value
        self.at += 1
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise HtmlError(f'Tag "span" must have class "tg-spoiler" {self._byte(begin)}')
        self.open.append(_OpenTag(name, attributes, self.length, len(self.text)))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        key = self._until(SPACES + "=>")
        if not key:
            raise HtmlError(f'Empty attribute name in the tag "{tag}" {self._byte(begin)}')
        self._skip_spaces()
        if self.source[self.at] != "=":
            return key, ""
        self.at += 1
        self._skip_spaces()
        if self.source[self.at] == END:
            raise HtmlError(f'Unclosed start tag "{tag}" {self._byte(begin)}')
        value = self._quoted() if self.source[self.at] in "\"'" else self._name_token()
        if self.source[self.at] == END:
            raise HtmlError(f"Unclosed start tag {self._byte(begin)}")
        return key, value

    def _quoted(self) -> str:
        quote = self.source[self.at]
        self.at += 1
        value = ""
        while self.source[self.at] not in (quote, END):
            value += self._character()
        self.at += self.source[self.at] == quote
        return value

    def _name_token(self) -> str:
        begin = self.at
        while (character := self.source[self.at]) in ".-" or (
            character.isascii() and character.isalnum()
        ):
            self.at += 1
        if self.source[self.at] not in SPACES + ">":
            raise HtmlError(f"Unexpected end of name token {self._byte(begin)}")
        return _lower(self.source[begin : self.at])

    def _end_tag(self, begin: int) -> None:
        if not self.open:
            raise HtmlError(f"Unexpected end tag {self._byte(begin)}")
        self.at += 1
        found = _lower(self._until(SPACES + ">"))
        self._skip_spaces()
        if self.source[self.at] != ">":
            raise HtmlError(f"Unclosed end tag {self._byte(begin)}")
        self.at += 1
        tag = self.open[-1]
        if found and found != tag.name:
            raise HtmlError(
                f'Unmatched end tag {self._byte(begin)}, expected "</{tag.name}>",'
                f' found "</{found}>"'
            )
        self.open.pop()
        if self.length > tag.offset:
            self._close(tag)

    def _close(self, tag: _OpenTag) -> None:
        entity: Json = {
            "type": TYPE_OF_TAG[tag.name],
            "offset": tag.offset,
            "length": self.length - tag.offset,
        }
        if tag.name == "a":
            self._link(entity, tag.attributes.get("href") or self.text[tag.begin :])
            return
        if tag.name == "code" and (css := tag.attributes.get("class", "")).startswith(
            LANGUAGE_PREFIX
        ):
            entity["language"] = css.removeprefix(LANGUAGE_PREFIX)  # kept only inside <pre>
        if tag.name == "pre":
            entity = self._merged_with_code(entity)
        if tag.name == "blockquote" and "expandable" in tag.attributes:
            entity["type"] = "expandable_blockquote"
        if tag.name == "tg-emoji":
            entity["custom_emoji_id"] = tag.attributes.get("emoji-id", "")
        if tag.name == "tg-time":
            unix_time = tag.attributes.get("unix", "")
            entity["unix_time"] = int(unix_time) if unix_time.isdecimal() else 0
            entity["date_time_format"] = tag.attributes.get("format", "")
        self.entities.append(entity)

    def _link(self, entity: Json, address: str) -> None:
        url = checked_link(address)
        if url:  # a link that Telegram can't use leaves plain text
            self.entities.append({**entity, "url": url})

    def _merged_with_code(self, pre: Json) -> Json:
        """<pre><code class="language-x"> is one entity with a language."""
        inner = self.entities[-1] if self.entities else {}
        span = (pre["offset"], pre["length"])
        if inner.get("type") == "code" and (inner["offset"], inner["length"]) == span:
            self.entities.pop()
            if "language" in inner:
                return {**pre, "language": inner["language"]}
        return pre


def checked_link(address: str) -> str | None:
    """The address as Telegram keeps it, or None if it is no http(s), tg or ton link with a host."""
    address = address.strip()
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "http", address
    if not rest or any(character in SPACES for character in rest):
        return None
    if scheme.lower() in ("tg", "ton"):
        return address
    host = rest.split("/")[0].split("?")[0].split("#")[0]
    if scheme.lower() not in ("http", "https") or "." not in host.strip("."):
        return None
    return f"{scheme.lower()}://{rest}{'/' if rest == host else ''}"


def _lower(text: str) -> str:
    """ASCII letters only, as in C."""
    return text.encode().lower().decode()
