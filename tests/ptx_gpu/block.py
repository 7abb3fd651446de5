"""The threads of one block, all at once: where each is, its registers, and the memory it reaches."""

import ctypes

import numpy as np

KEPT = {"pred": bool, "b16": np.uint16, "b32": np.uint32, "b64": np.uint64, "f32": np.float32, "f64": np.float64}
KEPT |= {"u16": np.uint16, "s16": np.uint16, "u32": np.uint32, "s32": np.uint32, "u64": np.uint64, "s64": np.uint64}


class Fault(Exception):
    """What a device would answer with an error, or hang on, or do differently each time."""


class Block:
    """The threads of one block: their registers, where each is in the kernel, and the memory they share."""

    def __init__(self, machine, number, grid, n, arguments, races):
        self.machine, self.number, self.grid, self.n, self.arguments, self.races = (
            machine,
            number,
            grid,
            n,
            arguments,
            races,
        )
        kernel = machine.kernel
        self.registers = {
            name: np.full(n, 0x7A, np.uint8).astype(KEPT[kind]) for name, kind in kernel.registers.items()
        }
        self.shared = np.full(kernel.shared_size, 0xC7, np.uint8)
        self.at = np.zeros(n, np.int64)
        self.alive, self.waiting = np.ones(n, bool), np.zeros(n, bool)
        races.begin(number, n, kernel.shared_size)

    def count(self, t):
        return self.n if isinstance(t, slice) else len(t)

    def special(self, name, t):
        if name == "%tid.x":
            return np.arange(self.n)[t]
        if name == "%laneid":
            return np.arange(self.n)[t] % 32
        found = {"%ctaid.x": self.number, "%ntid.x": self.n, "%nctaid.x": self.grid}
        return np.full(self.count(t), found[name])

    def run(self):
        """Run until all threads have returned: always those that are furthest behind, which meet the others again where paths join."""
        blocks = self.machine.blocks
        with np.errstate(all="ignore"):
            while self.alive.any():
                ready = self.alive & ~self.waiting
                if not ready.any():
                    self._release()
                    continue
                place, running = self._next(ready)
                threads = slice(None) if len(running) == self.n else running
                self.at[running] = place + 1
                for instruction, run in blocks[place]:
                    if run is None:
                        self._flow(instruction, running)
                    elif instruction.guard is None:
                        run(self, threads)
                    elif len(chosen := self._guarded(instruction.guard, running)):
                        run(self, chosen)

    def _next(self, ready):
        """Return the block of instructions to run, and which threads do."""
        for place in np.unique(self.at[ready]):
            running = ready & (self.at == place)
            if place in self.machine.meetings:
                whole = running.reshape(-1, 32).all(axis=1) if self.n % 32 == 0 else np.zeros(1, bool)
                running &= np.repeat(whole, 32 if self.n % 32 == 0 else self.n)
            if running.any():
                return place, np.flatnonzero(running)
        raise Fault(
            f"{self.machine.kernel.name}: threads of a warp wait for others that do not come to where values are exchanged"
        )

    def _guarded(self, guard, running):
        name, negated = guard
        return running[self.registers[name][running] != negated]

    def _flow(self, instruction, running):
        chosen = self._guarded(instruction.guard, running) if instruction.guard else running
        name = instruction.name.split(".")[0]
        if name == "bra":
            self.at[chosen] = self.machine.kernel.labels[instruction.operands[0]]
        elif name in ("ret", "exit"):
            self.alive[chosen] = False
        else:
            self.waiting[chosen] = True

    def _release(self):
        if len(set(self.at[self.waiting])) > 1 or not (self.waiting[self.alive].all()):
            raise Fault(f"{self.machine.kernel.name}: threads of a block wait at different barriers")
        if not self.alive.all():
            raise Fault(f"{self.machine.kernel.name}: some threads returned before a barrier")
        self.waiting[:] = False
        self.races.barrier()

    # ---------------------------------------------------------------------------------------------------------------- memory

    def move(self, addresses, size, values, line):
        """Load from the device's memory, or store; return the bytes."""
        addresses = np.ascontiguousarray(addresses, np.uint64)
        data = (
            np.empty(len(addresses) * size, np.uint8)
            if values is None
            else np.ascontiguousarray(values).view(np.uint8).reshape(-1)
        )
        done = self.machine.library.stand_in_move(
            addresses.ctypes.data_as(ctypes.c_void_p), data.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_size_t(len(addresses)), ctypes.c_size_t(size), int(values is not None),
        )  # fmt: skip
        if done != len(addresses):
            raise Fault(
                f"{self.machine.kernel.name}: {line}: {size} bytes at {int(addresses[done]):#x}, misaligned or not of the device"
            )
        return data

    def load(self, addresses, size, space, t, line):
        if space == "global":
            self.races.global_access(addresses, size, np.arange(self.n)[t], False)
            return self.move(addresses, size, None, line)
        return self._share(addresses, size, t, line, None)

    def store(self, addresses, lanes, space, t, line):
        size = lanes.shape[1] * lanes.itemsize
        if space == "global":
            self.races.global_access(addresses, size, np.arange(self.n)[t], True)
            self.move(addresses, size, lanes, line)
        else:
            self._share(addresses, size, t, line, np.ascontiguousarray(lanes).view(np.uint8).reshape(-1, size))

    def _share(self, places, size, t, line, values):
        if (places % size).any() or (places < 0).any() or (places + size > len(self.shared)).any():
            raise Fault(f"{self.machine.kernel.name}: {line}: outside of shared memory, or misaligned")
        trouble = self.races.shared_access(places, size, np.arange(self.n)[t], values is not None)
        if trouble:
            raise Fault(f"{self.machine.kernel.name}: {line}: {trouble}")
        where = places[:, None] + np.arange(size)
        if values is None:
            return self.shared[where].reshape(-1)
        self.shared[where] = values
        return None

    def count_blocks(self):
        trouble = self.races.count()
        if trouble:
            raise Fault(f"{self.machine.kernel.name}: {trouble}")

    def fence(self):
        self.races.fence()
