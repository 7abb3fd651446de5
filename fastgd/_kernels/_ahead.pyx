"""Scheduled hyperparameters, as training asks for them: at one step after the other.

The values of a schedule are computed some steps ahead, all at once, and kept; a step then takes them out of lists, in one call.
"""
import numpy as np

from fastgd._validation import ArgumentValueError

cdef enum:
    MOST = 256     # values computed together: what is done once for all of them, about 20 us, is then little for each
    PATIENCE = 16  # steps without an observation after which a measured schedule is computed ahead, too

cdef long long LAST_STEP = 2 ** 53


cdef class Ahead:
    """One schedule. Its values are those of `Schedule.at`, bit for bit, since those of `Schedule._values` are.

    An observation ends the validity of what a measured schedule would have been: such a one is computed ahead as far again as it has
    come without.
    """
    cdef object schedule, memory
    cdef list values
    cdef long long first

    def __init__(self, schedule):
        self.schedule, self.memory, self.values, self.first = schedule, None, [], 0

    cdef object at(self, long long t, memory):
        """Return the value at step `t`; what `Schedule.observe` changes is another `memory`, never this one."""
        if memory is self.memory and 0 <= t - self.first < len(self.values):
            return self.values[t - self.first]
        return self.reached(t, memory)

    cdef object reached(self, long long t, memory):
        """Return a value that is not kept, and keep it, or those of the steps from it on."""
        cdef Py_ssize_t n = len(self.values)
        cdef bint follows = n and memory is self.memory and t == self.first + n
        value = self.schedule.at(t, memory)  # raises what is wrong with this step
        if not follows:
            self.first, self.memory, self.values = t, memory, [value]
        elif self.schedule.is_stateful and n < PATIENCE:
            self.values = [*self.values, value]
        else:
            n = 2 * n if self.schedule.is_stateful else MOST
            found = self.computed(t, min(n, MOST, LAST_STEP + 1 - t), memory)
            self.first, self.memory, self.values = t, memory, found
        return value

    cdef list computed(self, long long t, long long n, memory):
        """Return the values of `n` steps from `t` on, or of fewer, where one of them cannot be had: whoever reaches it is told."""
        try:
            with np.errstate(all="ignore"):
                found = self.schedule._values(t, n, memory)
        except ArgumentValueError:
            return []
        finite = np.isfinite(found)
        return found[: n if finite.all() else int(finite.argmin())].tolist()


cdef class Scheduled:
    """The hyperparameters of a group that follow schedules.

    Parameters
    ----------
    entries : list of (str, int or None, Schedule, float, float)
        Name, position within a tuple, schedule, and the least and the greatest value that is allowed.
    refuse : callable
        Raises for ``(name, value, t)``.
    """
    cdef list names, places, ahead, least, most
    cdef object refuse

    def __init__(self, list entries, refuse):
        self.names, self.places, self.least, self.most = ([entry[k] for entry in entries] for k in (0, 1, 3, 4))
        self.ahead, self.refuse = [Ahead(entry[2]) for entry in entries], refuse

    def advance(self, t, list memories, dict present, double factor):
        """Put the values at step `t` into `present`, by name; the rate is multiplied by `factor`."""
        cdef Py_ssize_t i
        cdef double number
        for i in range(len(self.names)):
            name, place = self.names[i], self.places[i]
            value = (<Ahead> self.ahead[i]).at(t, memories[i])
            number = value
            if not (<double> self.least[i]) <= number <= (<double> self.most[i]):
                self.refuse(name, value, t)
            if name == "lr" and factor != 1:
                value = number * factor
            if place is not None:
                value = (*present[name][:place], value, *present[name][place + 1:])
            present[name] = value
