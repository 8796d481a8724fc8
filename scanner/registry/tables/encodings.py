"""Detects the encoding of a text that is not UTF-8, if it is certain: Windows-1252 or Shift_JIS (cp932); pure."""

from __future__ import annotations

import re
from itertools import groupby

from msgspec import Struct

SAMPLE = 256 * 1024
"""The bytes by which an encoding is detected, from the first line that is not UTF-8."""

_CERTAIN = 0.9
"""The share of the foreign characters that must fit."""

# Letters of the languages that are written in Windows-1252.
_LETTERS = frozenset("äöüßÄÖÜàâæçéèêëîïôœùûüÿáíóúñìòãõåøÀÂÆÇÉÈÊËÎÏÔŒÙÛÁÍÓÚÑÌÒÃÕÅØ")
_MARKS = frozenset("“”„\u2018\u2019\u201a«»\u2013—…•·€£§°©®™ª\u00a0\u00ad¿¡\u00b4")
_APOSTROPHES = frozenset("\u2019\u00b4·\u00ad\u2013\u00a0")
"""Marks that also stand between two letters; the others would be letters of another encoding there."""
_LONGEST_RUN = 3
"""The most such letters in a row: more are a word of another alphabet."""

# Kana, the usual kanji and the punctuation of Shift_JIS are two bytes; the first is one of these.
_USUAL_JAPANESE = re.compile(rb"[\x81-\x98][\x40-\x7e\x80-\xfc]")
_JAPANESE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]+")
_USUAL = 0.5
"""The share of these among the foreign characters; EUC-JP and the encodings of Chinese and Korean have none."""
_IN_A_ROW = 2
"""The least mean number of Japanese characters in a row: by accident they stand alone between Latin letters."""


class Encoding(Struct, frozen=True):
    """An encoding by its name in Python, and by that for people."""

    codec: str
    title: str


def encoding_of(sample: bytes) -> Encoding | None:
    """Return the encoding of a part of a text that is not UTF-8; None if it is not certain."""
    sample = sample[: sample.rfind(b"\n") + 1] or sample
    if _is_japanese(sample):
        return Encoding("cp932", "Shift_JIS")
    return Encoding("cp1252", "Windows-1252") if _is_western(sample) else None


def _is_japanese(sample: bytes) -> bool:
    text = _decoded(sample, "cp932")
    foreign = sum(not char.isascii() for char in text or "")
    if text is None or not foreign:
        return False
    runs = _JAPANESE.findall(text)
    usual = len(_USUAL_JAPANESE.findall(sample))
    return sum(map(len, runs)) >= _CERTAIN * foreign and usual >= _USUAL * foreign and foreign >= _IN_A_ROW * len(runs)


def _is_western(sample: bytes) -> bool:
    text = _decoded(sample, "cp1252")
    if text is None:
        return False
    foreign = fitting = 0
    padded = f" {text} "
    for is_letter, places in groupby(range(1, len(padded) - 1), key=lambda at: padded[at] in _LETTERS):
        run = list(places)
        if is_letter:
            foreign += len(run)
            fitting += len(run) if len(run) <= _LONGEST_RUN else 0
            continue
        for at in run:
            if not padded[at].isascii():
                foreign += 1
                fitting += padded[at] in _MARKS and (padded[at] in _APOSTROPHES or not _is_within(padded, at))
    return foreign > 0 and fitting >= _CERTAIN * foreign


def _is_within(text: str, at: int) -> bool:
    """Return whether a character stands between two letters."""
    return text[at - 1].isalpha() and text[at + 1].isalpha()


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None
