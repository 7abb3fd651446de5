"""libsvm text by the letter, in plain Python; imports nothing of ours.

label[,label...] [qid:number] index:value index:value ...  # comment
"""

import re

import numpy as np

NUMBER = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
SPECIAL = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
DIGITS = re.compile(rb"[0-9]{1,19}")
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
LARGEST_INDEX, LARGEST_QID = 2**31 - 2, 2**63 - 1


class Refused(Exception):
    """The text is not what these options accept."""


def rows(text, *, dtype, multilabel, one_based, allow):
    """Return (labels, qid, [(index, value), ...]) of each row, indices as the text has them, or raise Refused."""
    if text.startswith(MARKS):
        raise Refused("a mark")
    lines = text.split(b"\n")
    found = []
    for line in lines:
        content, hash_sign, _ = line.partition(b"#")
        if not hash_sign and content.endswith(b"\r"):
            content = content[:-1]
        tokens = [token for token in re.split(rb"[ \t]+", content) if token]
        if tokens:
            found.append(_row(tokens, dtype, multilabel, one_based, allow))
    if not found and "no_rows" not in allow:
        raise Refused("no rows")
    return found


def _row(tokens, dtype, multilabel, one_based, allow):
    if multilabel and re.match(rb"[0-9]*:", tokens[0]):
        labels, qid = [], -1
    else:
        texts = tokens.pop(0).split(b",") if multilabel else [tokens.pop(0)]
        labels = [_number(text, np.float64, allow) for text in texts]
        qid = _qid(tokens.pop(0)[4:]) if tokens and tokens[0].startswith(b"qid:") else -1
    entries = []
    for token in tokens:
        index, colon, value = token.partition(b":")
        index = _whole(index, LARGEST_INDEX)
        if not colon or index < one_based:
            raise Refused(token)
        if entries and (
            (index == entries[-1][0] and "duplicates" not in allow)
            or (index < entries[-1][0] and "unsorted" not in allow)
        ):
            raise Refused(token)
        entries.append((index, _number(value, dtype, allow)))
    return labels, qid, entries


def _qid(text):
    return -_whole(text[1:], LARGEST_QID) if text.startswith(b"-") else _whole(text, LARGEST_QID)


def _whole(text, largest):
    if not DIGITS.fullmatch(text) or int(text) > largest:
        raise Refused(text)
    return int(text)


def _number(text, dtype, allow):
    if not NUMBER.fullmatch(text) and not SPECIAL.fullmatch(text):
        raise Refused(text)
    with np.errstate(over="ignore"):
        value = dtype(float(text))
    if not np.isfinite(value) and "nonfinite" not in allow:
        raise Refused(text)
    return value
