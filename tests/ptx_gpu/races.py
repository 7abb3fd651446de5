"""Notes which thread touches which memory, and says where the order of two accesses is left to the device."""

import numpy as np

NONE, MANY = -1, -2
PLACE, SIZE, STORE, BLOCK, THREAD, INTERVAL, SHUFFLES, COUNTED, WARP = range(9)


class Races:
    """The accesses of one launch.

    Between two barriers, threads of a block must not touch the same bytes of shared or device memory if one of them writes. Blocks are in
    no order, except that what a block wrote before a fence and an atomic operation may be read by another after its own.
    """

    def __init__(self):
        self.log = []

    def begin(self, block, n_threads, shared_size):
        """A block begins."""
        self.block, self.interval, self.phase, self.fenced = block, 0, 0, True
        self.writer, self.reader = np.full(shared_size, NONE), np.full(shared_size, NONE)
        self.shuffles = np.zeros(-(-n_threads // 32), np.int64)

    def barrier(self):
        self.interval += 1
        self.writer[:] = self.reader[:] = NONE

    def shuffle(self, threads):
        """Warps exchange values: what their threads do next comes after what all did before."""
        self.shuffles[np.unique(threads // 32)] += 1

    def fence(self):
        self.fenced = True

    def count(self):
        """A block adds to a counter and looks what it was; return what is wrong with that here."""
        if not self.fenced:
            return "a block writes, then adds to a counter, without a fence between"
        self.phase += 1
        return None

    def shared_access(self, places, size, threads, is_store):
        """Return what is wrong with an access to shared memory."""
        where = (places[:, None] + np.arange(size)).reshape(-1)
        who = np.repeat(threads, size)
        written = self.writer[where]
        if ((written != NONE) & (written != who)).any():
            return "another thread wrote there, with no barrier since"
        if is_store:
            read = self.reader[where]
            if ((read != NONE) & (read != who)).any():
                return "another thread read there, with no barrier since"
            self.writer[where] = who
            if (self.writer[where] != who).any():
                return "two threads write to the same place"
        else:
            read = self.reader[where]
            self.reader[where] = np.where((read == NONE) | (read == who), who, MANY)
            if (self.reader[where] != who).any():
                shared = self.reader[where] != who
                self.reader[where[shared]] = MANY
        return None

    def global_access(self, addresses, size, threads, is_store):
        if is_store:
            self.fenced = False
        notes = np.empty((len(addresses), 9), np.int64)
        notes[:, PLACE], notes[:, SIZE], notes[:, STORE], notes[:, BLOCK] = addresses, size, is_store, self.block
        notes[:, THREAD], notes[:, WARP] = threads, threads // 32
        notes[:, INTERVAL], notes[:, SHUFFLES], notes[:, COUNTED] = (
            self.interval,
            self.shuffles[threads // 32],
            min(self.phase, 1),
        )
        self.log.append(notes)

    def between_blocks(self):
        """Return what is wrong with the accesses of all blocks together, None where nothing is."""
        if not self.log:
            return None
        notes = np.concatenate(self.log)
        unit = 1 if (notes[:, SIZE] == 1).any() else 2 if (notes[:, SIZE] == 2).any() else 4
        words = notes[:, SIZE] // unit
        first = np.cumsum(words) - words
        within = unit * (np.arange(words.sum()) - np.repeat(first, words))
        notes = np.repeat(notes, words, axis=0)
        notes[:, PLACE] += within
        notes = notes[np.isin(notes[:, PLACE], notes[notes[:, STORE] == 1, PLACE])]
        return _in_a_block(notes) or _among_blocks(notes)


def _groups(notes, columns):
    """Return the notes sorted by some columns, and where each group that is alike in them begins."""
    notes = notes[np.lexsort(notes[:, columns[::-1]].T)]
    return notes, np.flatnonzero(np.r_[True, (np.diff(notes[:, columns], axis=0) != 0).any(axis=1)])


def _differs(values, starts):
    return np.maximum.reduceat(values, starts) != np.minimum.reduceat(values, starts)


def _in_a_block(notes):
    """Threads of a block, between two of its barriers."""
    for who, when in ((WARP, [INTERVAL]), (THREAD, [INTERVAL, WARP, SHUFFLES])):
        notes, starts = _groups(notes, [PLACE, BLOCK, *when])
        if len(notes):
            wrong = starts[_differs(notes[:, who], starts) & (np.maximum.reduceat(notes[:, STORE], starts) == 1)]
            if len(wrong):
                return f"threads of block {notes[wrong[0], BLOCK]} touch one place with no barrier between"
    return None


def _among_blocks(notes):
    """Blocks: each but one has only written, before its counter; that one only read, after its own, or did what it liked before."""
    notes, starts = _groups(notes, [PLACE])
    several = np.repeat(_differs(notes[:, BLOCK], starts), np.diff(np.r_[starts, len(notes)])) if len(notes) else ()
    notes, starts = _groups(notes[several], [PLACE]) if len(notes) else (notes, ())
    for group in np.split(notes, starts[1:]) if len(notes) else ():
        writers, late = set(group[group[:, STORE] == 1, BLOCK]), group[group[:, COUNTED] == 1]
        before = set(group[group[:, COUNTED] == 0, BLOCK])
        if len(writers) > 1 or (late[:, STORE] == 1).any() or not before <= writers:
            return f"blocks {sorted(set(group[:, BLOCK].tolist()))} touch one place in no order"
    return None
