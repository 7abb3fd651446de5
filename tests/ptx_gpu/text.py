"""Reads the PTX that numba-cuda's compiler made of a module: kernels of basic blocks, and the memory that blocks share."""

import re
from typing import NamedTuple

import numpy as np

SIZES = {"pred": 1, "b8": 1, "u8": 1, "s8": 1, "b16": 2, "u16": 2, "s16": 2, "f16": 2, "bf16": 2}
SIZES |= {f"{letter}{bits}": bits // 8 for letter in "busf" for bits in (32, 64)}


class Instruction(NamedTuple):
    """``@guard name operands``; `guard` is (register, negated) or None; vectors among the operands are tuples."""

    guard: tuple[str, bool] | None
    name: str
    operands: tuple
    line: str


class Kernel(NamedTuple):
    """One kernel: where basic blocks begin, by label, among them; registers by name with their type."""

    name: str
    params: dict[str, int]  # name -> offset in bytes
    registers: dict[str, str]
    blocks: list[list[Instruction]]
    labels: dict[str, int]
    shared: dict[str, int]
    shared_size: int


def read_module(text: str) -> dict[str, Kernel]:
    """Return the kernels of a module by name."""
    text = re.sub(r"//[^\n]*", "", text)
    shared, size = {}, 0
    declared = r"\.shared\s+\.align\s+(\d+)\s+\.(\w+)\s+([\w$]+)(?:\[(\d+)\])?;"
    for align, kind, name, count in re.findall(declared, text):
        size = -(-size // int(align)) * int(align)
        shared[name] = size
        size += SIZES[kind] * int(count or 1)
    kernels = {}
    for match in re.finditer(r"\.visible\s+\.entry\s+([\w$]+)\s*\(([^)]*)\)[^{]*\{", text):
        body, depth, end = [], 1, match.end()
        while depth:  # braces of vectors are within the body
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        body = text[match.end() : end - 1]
        kernels[match[1]] = _kernel(match[1], match[2], body, shared, size)
    return kernels


def _kernel(name, declared, body, shared, size):
    params, at = {}, 0
    for kind, param in re.findall(r"\.param\s+\.(\w+)\s+([\w$]+)", declared):
        params[param] = at
        at += SIZES[kind]
    registers = {}
    for kind, stem, count in re.findall(r"\.reg\s+\.(\w+)\s+(%\w+?)<(\d+)>;", body):
        registers |= {f"{stem}{k}": kind for k in range(int(count))}
    # Registers of an inner scope are written before they are read there, so that one for all scopes will do.
    registers |= {name: kind for kind, name in re.findall(r"\.reg\s+\.(\w+)\s+(%\w+)\s*;", body)}
    assert not re.search(r"\.local\b|\bcall\b", body), f"{name} calls or keeps arrays of its own"
    blocks, labels = [[]], {}
    for statement in re.findall(r"[\w$]+:|[^;:]+;", re.sub(r"(?m)(?<!\w)\.(?:reg|shared|pragma)\b[^;]*;", "", body)):
        statement = " ".join(statement.split()).lstrip("{} ")  # of an inner scope
        if statement == ";":
            continue
        if statement.endswith(":"):
            if blocks[-1]:
                blocks.append([])
            labels[statement[:-1]] = len(blocks) - 1
            continue
        instruction = _instruction(statement[:-1])
        meets = instruction.name.startswith("shfl")  # threads of a warp wait for each other
        if meets and blocks[-1]:
            blocks.append([])
        blocks[-1].append(instruction)
        if meets or instruction.name.startswith(("bra", "ret", "exit", "bar.sync", "barrier")):
            blocks.append([])
    return Kernel(name, params, registers, blocks, labels, shared, size)


def _instruction(statement):
    guard = None
    if statement.startswith("@"):
        given, statement = statement.split(None, 1)
        guard = given.lstrip("@!"), given.startswith("@!")
    name, _, rest = statement.partition(" ")
    operands = []
    for vector, one in re.findall(r"\{([^}]*)\}|((?:\[[^\]]*\]|[^,{}\s])+)", rest):
        operands.append(tuple(x.strip() for x in vector.split(",")) if vector else one)
    return Instruction(guard, name, tuple(operands), statement)


def constant(text: str):
    """Return what a literal operand stands for; None where it is none."""
    if re.fullmatch(r"0[fF][0-9a-fA-F]{8}", text):
        return np.array([int(text[2:], 16)], np.uint32).view(np.float32)[0]
    if re.fullmatch(r"0[dD][0-9a-fA-F]{16}", text):
        return np.array([int(text[2:], 16)], np.uint64).view(np.float64)[0]
    if re.fullmatch(r"-?(?:0x[0-9a-fA-F]+|\d+)U?", text):
        return int(text.rstrip("U"), 0)
    return None
