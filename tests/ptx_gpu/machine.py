"""Runs a kernel's PTX, all threads of a block at once, on the memory of `driver.c`; a block after another, in an order that changes.

What a device does in an order of its own must not matter, and is looked at apart: two threads that touch the same memory without a
barrier between them, of which one writes (`Races`); a barrier that not all threads of a block reach; an address that is not a multiple of
what is accessed, or of no allocation. Where PTX allows a product and a sum to be rounded once, ``fused=True`` does so.
"""

import ctypes

import numpy as np

from tests.ptx_gpu.arithmetic import VALUES, arithmetic, as_type
from tests.ptx_gpu.block import KEPT, Block, Fault
from tests.ptx_gpu.races import Races
from tests.ptx_gpu.text import SIZES, Kernel, constant


class Machine:
    """Prepares a kernel's instructions, each a function of a block's state and of the threads that run it."""

    def __init__(self, kernel: Kernel, library: ctypes.CDLL, fused: bool):
        self.kernel, self.library = kernel, library
        self.meetings = {k for k, block in enumerate(kernel.blocks) if block and block[0].name.startswith("shfl")}
        operands = [o for block in kernel.blocks for i in block for o in i.operands[1:]]
        self.read = {x for o in operands for x in (o if isinstance(o, tuple) else (o,))}
        self.products = _products(kernel) if fused else {}
        self.blocks = [[self._prepared(i) for i in block] for block in kernel.blocks]

    def run(self, grid: int, n_threads: int, arguments: bytes, order: np.ndarray) -> None:
        """Run the blocks of a grid in an order."""
        races = Races()
        for number in order:
            Block(self, int(number), grid, n_threads, arguments, races).run()
        trouble = races.between_blocks()
        if trouble:
            raise Fault(f"{self.kernel.name}: {trouble}")

    def _prepared(self, instruction):
        """Return an instruction and the function that runs it; None where it says which instructions come next."""
        parts = instruction.name.split(".")
        if parts[0] in ("bra", "ret", "exit", "bar", "barrier"):
            return instruction, None
        make = getattr(self, f"_{parts[0]}", None)
        run = make(instruction, parts) if make else self._computed(instruction, parts)
        return instruction, run

    # -------------------------------------------------------------------------------------------------------------- operands

    def _reads(self, operand, kind):
        """Return a function of (block, threads) that gives an operand's values as of a type."""
        dtype = VALUES[kind]
        if operand in self.kernel.registers:
            return lambda b, t: b.registers[operand][t] if kind == "pred" else b.registers[operand][t].view(dtype)
        if operand.startswith("%"):
            return lambda b, t: b.special(operand, t).astype(dtype)
        if operand in self.kernel.shared:
            place = self.kernel.shared[operand]
            return lambda b, t: np.full(b.count(t), place, dtype)
        value = constant(operand) if isinstance(operand, str) else None
        assert value is not None, operand
        fixed = as_type(value, dtype)
        return lambda b, t: np.full(b.count(t), fixed, dtype)

    def _writes(self, operand):
        kept = KEPT[self.kernel.registers[operand]]

        def write(b, t, values):
            b.registers[operand][t] = values if kept is bool else _resized(values, np.dtype(kept).itemsize).view(kept)

        return write

    def _place(self, operand, space):
        """Return a function of (block, threads) that gives addresses."""
        base, _, offset = operand.strip("[]").partition("+")
        base, offset = base.strip(), np.int64(int(offset or 0))
        if space == "shared" and base in self.kernel.registers and self.kernel.registers[base].endswith("32"):
            read = self._reads(base, "u32")
            return lambda b, t: read(b, t).astype(np.int64) + offset
        read = self._reads(base, "s64")
        return lambda b, t: read(b, t) + offset

    # -------------------------------------------------------------------------------------------------------------- instructions

    def _computed(self, instruction, parts):
        target, *operands = instruction.operands
        kinds, function = arithmetic(parts, len(operands), self.library)
        if instruction.line in self.products:
            return self._fused(instruction, parts)
        reads = [self._reads(o, k) for o, k in zip(operands, kinds, strict=True)]
        write = self._writes(target)

        def run(b, t):
            write(b, t, function(*[read(b, t) for read in reads]))

        return run

    def _fused(self, instruction, parts):
        """A sum or difference of a product, rounded once."""
        kind, target = parts[-1], instruction.operands[0]
        position, factors = self.products[instruction.line]
        reads = [self._reads(o, kind) for o in (*factors, instruction.operands[2 - position])]
        write, is_sub = self._writes(target), parts[0] == "sub"
        fma = arithmetic(["fma", "rn", kind], 3, self.library)[1]

        def run(b, t):
            x, y, other = (read(b, t) for read in reads)
            if is_sub:
                x, other = (x, -other) if position == 0 else (-x, other)
            write(b, t, fma(x, y, other))

        return run

    def _mov(self, instruction, parts):
        target, source = instruction.operands
        kind = parts[-1]
        if isinstance(target, tuple):  # the halves of a register
            width = SIZES[kind] // len(target)
            read, writes = self._reads(source, kind), [None if x == "_" else self._writes(x) for x in target]

            def split(b, t):
                halves = np.ascontiguousarray(read(b, t)).view(f"u{width}").reshape(-1, len(target))
                for write, half in zip(writes, halves.T, strict=True):
                    if write:
                        write(b, t, np.ascontiguousarray(half))

            return split
        if isinstance(source, tuple):
            width = SIZES[kind] // len(source)
            reads, write = [self._reads(x, f"b{8 * width}") for x in source], self._writes(target)

            def join(b, t):
                write(b, t, np.stack([read(b, t) for read in reads], axis=1).reshape(-1).view(f"u{SIZES[kind]}"))

            return join
        read, write = self._reads(source, kind), self._writes(target)
        return lambda b, t: write(b, t, read(b, t))

    def _cvta(self, instruction, parts):
        return self._mov(instruction, ["mov", "u64"])

    def _ld(self, instruction, parts):
        target, place = instruction.operands
        kind, space = parts[-1], _space(parts)
        targets = target if isinstance(target, tuple) else (target,)
        size = SIZES[kind]
        if space == "param":
            name, _, offset = place.strip("[]").partition("+")
            at, write = self.kernel.params[name] + int(offset or 0), self._writes(targets[0])
            return lambda b, t: write(
                b, t, np.full(b.count(t), np.frombuffer(b.arguments, VALUES[kind], 1, at)[0], VALUES[kind])
            )
        where, writes = self._place(place, space), [self._writes(x) for x in targets]

        def load(b, t):
            values = b.load(where(b, t), size * len(targets), space, t, instruction.line)
            lanes = values.view(VALUES[kind]).reshape(-1, len(targets))
            for k, write in enumerate(writes):
                write(b, t, np.ascontiguousarray(lanes[:, k]))

        return load

    def _st(self, instruction, parts):
        place, source = instruction.operands
        kind, space = parts[-1], _space(parts)
        sources = source if isinstance(source, tuple) else (source,)
        kept = [self.kernel.registers.get(x, kind) for x in sources]
        where, reads = (
            self._place(place, space),
            [self._reads(x, _of_size(k, kind)) for x, k in zip(sources, kept, strict=True)],
        )

        def store(b, t):
            lanes = [_resized(read(b, t), SIZES[kind]).view(f"u{SIZES[kind]}") for read in reads]
            b.store(where(b, t), np.stack(lanes, axis=1), space, t, instruction.line)

        return store

    def _atom(self, instruction, parts):
        target, place, operand = instruction.operands
        return self._atomic(instruction, parts, target, place, operand)

    def _red(self, instruction, parts):
        place, operand = instruction.operands
        return self._atomic(instruction, parts, None, place, operand)

    def _atomic(self, instruction, parts, target, place, operand):
        kind, function = parts[-1], {"add": np.add, "max": np.maximum, "min": np.minimum, "or": np.bitwise_or}
        change = function[next(p for p in parts[1:] if p in function)]
        where, read = self._place(place, "global"), self._reads(operand, kind)
        write = self._writes(target) if target in self.read else None

        def run(b, t):
            addresses, given = where(b, t), read(b, t)
            found = np.empty_like(given)
            for k in range(len(given)):
                now = b.move(addresses[k : k + 1], SIZES[kind], None, instruction.line).view(VALUES[kind])
                found[k] = now[0]
                b.move(
                    addresses[k : k + 1], SIZES[kind], change(now, given[k : k + 1]).view(np.uint8), instruction.line
                )
            if write:
                b.count_blocks()
                write(b, t, found)

        return run

    def _shfl(self, instruction, parts):
        target, source, distance, bounds, members = instruction.operands
        assert parts[:3] == ["shfl", "sync", "bfly"] and constant(bounds) == 31 and constant(members) == -1, (
            instruction.line
        )
        read, write, reach = self._reads(source, "b32"), self._writes(target.partition("|")[0]), constant(distance)

        def run(b, t):
            b.races.shuffle(np.arange(b.n)[t])
            values = read(b, t).reshape(-1, 32)
            write(b, t, np.ascontiguousarray(values[:, np.arange(32) ^ reach]).reshape(-1))

        return run

    def _membar(self, instruction, parts):
        return lambda b, t: b.fence()

    _fence = _membar


def _space(parts):
    return next((p for p in parts if p in ("global", "shared", "param")), "global")


def _of_size(register, kind):
    """Return the type in which a register is read for a store of a type: its own size."""
    return kind if SIZES[register] == SIZES[kind] else f"b{8 * SIZES[register]}"


def _resized(values, size):
    """Return integers cut or widened, as loads and stores of less than a register do."""
    if values.dtype.itemsize == size:
        return values
    kind = values.dtype.kind if values.dtype.kind in "iu" else "u"
    return values.view(f"{kind}{values.dtype.itemsize}").astype(f"{kind}{size}")


def _products(kernel):
    """Return by its line each sum that PTX lets the assembler fuse with a product: which operand that is, and the product's factors."""
    made, counts, found = {}, {}, {}
    for instruction in (i for block in kernel.blocks for i in block):
        for target in instruction.operands[:1]:
            for each in target if isinstance(target, tuple) else (target,):
                counts[each] = counts.get(each, 0) + 1
        if instruction.name in ("mul.f32", "mul.f64"):
            made[instruction.operands[0]] = instruction.operands[1:]
    for instruction in (i for block in kernel.blocks for i in block):
        if instruction.name in ("add.f32", "sub.f32", "add.f64", "sub.f64"):
            for position, operand in enumerate(instruction.operands[1:]):
                if operand in made and counts[operand] == 1 and all(counts.get(f, 1) == 1 for f in made[operand]):
                    found[instruction.line] = position, made[operand]
                    break
    return found
