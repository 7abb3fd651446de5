"""Small damage to files: of any bytes, and of what a format's own reader would otherwise refuse at the first check."""

import hashlib
import io
import json
import re
import warnings
import zipfile

INTEGERS = (
    -(2**63),
    -(2**31),
    -2,
    -1,
    0,
    1,
    2,
    3,
    7,
    255,
    2**15,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**63 - 1,
    2**63,
    2**64,
    10**30,
)
JUNK = (None, True, False, "", "x", "nan", 0.5, -1e300, [], {}, [[]], [0], [-1], {"a": 1}, [2**62, 4], "é" * 99)
MOST = 1 << 16  # bytes of a mutant


def mutated(rng, seeds, words=()):
    """Return a seed with one to eight changes, mostly one."""
    data = bytearray(rng.choice(seeds))
    for _ in range(1 + min(7, int(rng.expovariate(1.0)))):
        rng.choice(CHANGES)(rng, data, seeds, words)
    return bytes(data[:MOST])


def _flip(rng, data, *_):
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng, data, *_):
    if data:
        data[rng.randrange(len(data))] = rng.choice(
            (0, 1, 9, 10, 13, 32, 34, 44, 45, 58, 127, 128, 255, rng.randrange(256))
        )


def _cut(rng, data, *_):
    begin = rng.randrange(len(data) + 1)
    del data[begin : begin + rng.choice((1, 2, 8, len(data)))]


def _repeat(rng, data, *_):
    begin = rng.randrange(len(data) + 1)
    piece = data[begin : begin + rng.randrange(1, 40)]
    data[begin:begin] = piece * rng.choice((1, 2, 50))


def _splice(rng, data, seeds, _):
    other = rng.choice(seeds)
    begin, at = rng.randrange(len(other) + 1), rng.randrange(len(data) + 1)
    data[at : at + rng.choice((0, 20))] = other[begin : begin + rng.randrange(1, 60)]


def _word(rng, data, _, words):
    if words:
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.choice((0, 0, 1, 4))] = rng.choice(words)


def _number(rng, data, *_):
    places = [found.span() for found in re.finditer(rb"[0-9]+", bytes(data))]
    if places:
        begin, end = rng.choice(places)
        data[begin:end] = str(rng.choice(INTEGERS)).encode()


def _binary_number(rng, data, *_):
    size = rng.choice((1, 2, 4, 8))
    if len(data) >= size:
        at = rng.randrange(len(data) - size + 1)
        data[at : at + size] = (rng.choice(INTEGERS) % 2 ** (8 * size)).to_bytes(size, "little")


CHANGES = (_flip, _set, _cut, _repeat, _splice, _word, _number, _binary_number)


def safetensors(rng, seeds):
    """Return a safetensors file whose header says something else, with a right length and, mostly, a right seal."""
    data = rng.choice(seeds)
    length = int.from_bytes(data[:8], "little")
    try:
        header, body = json.loads(data[8 : 8 + length]), bytearray(data[8 + length :])
        config = json.loads(header["__metadata__"]["fastgd"])
    except (ValueError, KeyError, TypeError):
        return mutated(rng, seeds)
    for _ in range(1 + min(4, int(rng.expovariate(0.8)))):
        part = rng.random()
        if part < 0.6:
            _change(rng, config)
        elif part < 0.85:
            _change(rng, header)
        elif len(body) > 40:
            for change in (_flip, _binary_number):
                change(rng, body, (), ())
    if isinstance(header, dict) and isinstance(header.get("__metadata__"), dict):
        header["__metadata__"]["fastgd"] = json.dumps(config)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    whole = len(text).to_bytes(8, "little") + text + bytes(body)
    return whole[:-32] + hashlib.sha256(whole[:-32]).digest() if rng.random() < 0.97 else whole


def _change(rng, value):
    """Change something at a random place in nested lists and dicts, in place."""
    places = []

    def visit(node):
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            visit(node[key])

    visit(value)
    if not places:
        return
    node, key = rng.choice(places)
    kind = rng.random()
    if kind < 0.3:
        node[key] = rng.choice(INTEGERS)
    elif kind < 0.55:
        node[key] = rng.choice(JUNK)
    elif kind < 0.75:
        other, place = rng.choice(places)
        node[key] = json.loads(json.dumps(other[place])) if place in _keys(other) else None
    elif kind < 0.85:
        del node[key]
    elif isinstance(node, dict):
        node[rng.choice(("x", "data", "a" * 300))] = node.pop(key)
    else:
        node.append(json.loads(json.dumps(node[key])))


def _keys(node):
    return node if isinstance(node, dict) else range(len(node))


def npy(rng, seeds):
    """Return a .npy file whose header is changed and has a right length."""
    data = rng.choice(seeds)
    if data[:6] != b"\x93NUMPY" or len(data) < 12:
        return mutated(rng, seeds)
    width = 2 if data[6] == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    header, body = bytearray(data[8 + width : 8 + width + length]), data[8 + width + length :]
    for _ in range(rng.randrange(1, 4)):
        rng.choice(CHANGES)(rng, header, (bytes(header),), NPY_WORDS)
    size = len(header) % 2 ** (8 * width)
    return data[:8] + size.to_bytes(width, "little") + bytes(header) + body


NPY_WORDS = (
    *(
        b"'<f8'",
        b"'|O'",
        b"'<U4'",
        b"'|V9'",
        b"'>i4'",
        b"'<M8[ns]'",
        b"[('a','<f4'),('b','|O')]",
        b"'<f8,<i4'",
        b"'|S0'",
    ),
    *(
        b"True",
        b"False",
        b"()",
        b"(0,)",
        b"(-1,)",
        b"(3,-4)",
        b"(9223372036854775807,2)",
        b"(4294967296,4294967296)",
        b"(True,)",
    ),
    *(
        b"(1.5,)",
        b"'descr': ",
        b"'shape': ",
        b"'fortran_order': ",
        b"{",
        b"}",
        b"((",
        b"[[[[",
        b"__import__('os')",
        b"1+1",
        b"\n",
    ),
)


def npz(rng, seeds):
    """Return an archive with other members: changed, renamed, compressed, there twice, or missing."""
    try:
        with zipfile.ZipFile(io.BytesIO(rng.choice(seeds))) as archive:
            members = [(each.filename, archive.read(each), each.compress_type) for each in archive.infolist()]
    except Exception:
        return mutated(rng, seeds)
    if members:
        k = rng.randrange(len(members))
        name, data, method = members[k]
        kind = rng.random()
        if kind < 0.5:
            members[k] = (name, npy(rng, [data]) if rng.random() < 0.7 else mutated(rng, [data]), method)
        elif kind < 0.6:
            members[k] = (
                rng.choice(
                    ("../x.npy", "X.npy", "/x.npy", "a\\b.npy", "x", ".npy", "é.npy", "format.npy", "indptr.npy")
                ),
                data,
                method,
            )
        elif kind < 0.8:
            members[k] = (
                name,
                data,
                rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED)),
            )
        elif kind < 0.9:
            members.append(members[k])
        else:
            del members[k]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that are there twice
        for name, data, method in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    whole = out.getvalue()
    return mutated(rng, [whole]) if rng.random() < 0.3 else whole
