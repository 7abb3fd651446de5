"""Lines of libsvm text to the arrays of a CSR matrix: strict, without the GIL, many megabytes at a call.

    label[,label...] [qid:number] index:value index:value ...  # comment

The text must end in a newline, which stops every loop below. `io/_svmlight.py` cuts files into such texts and words the errors.
Entries as most writers write them are taken by `entries_run`, many at a time; `read_entries` takes all others and finds the flaws.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

PADDING = 64  # bytes that may be read behind a text

cdef enum:
    STRETCH = 192  # bytes counted at once: whole vectors of any length, and fewer than 256

ctypedef fused real:
    float
    double


cdef extern from "_decimal.h" nogil:
    int decimal_init()
    const char *decimal_digits(const char *at, uint64_t *value)
    const char *decimal_number(const char *at, double *value)

cdef extern from "_entries.h" nogil:
    const int ENTRIES_BEFORE
    const char *entries_run(
        const char *at, int64_t base, int64_t *last_index, int32_t *indices, void *values, bint single, int64_t *n_entries)

if not decimal_init():
    raise ImportError("the C library has no 'C' locale")


# What is wrong with a line; the place is given beside it.
cpdef enum Flaw:
    NONE = 0
    LABEL = 1
    LABEL_END = 2
    INDEX = 3
    COLON = 4
    VALUE = 5
    VALUE_END = 6
    ORDER = 7
    DUPLICATE = 8
    ZERO_INDEX = 9
    LARGE_INDEX = 10
    NONFINITE = 11
    QID = 12
    QID_TWICE = 13
    CARRIAGE_RETURN = 14
    NUL = 15

cdef uint64_t LARGEST_INDEX = 2**31 - 2  # so that one more, the number of features, is an int32 too
cdef uint64_t LARGEST_QID = 2**63 - 1


cdef struct Line:
    # Where a line's entries go, and what is known of the text so far.
    int64_t n_entries
    int64_t n_labels
    int64_t qid
    int64_t lowest
    int64_t highest
    bint unsorted


cdef struct Rules:
    int64_t base            # what is subtracted from every index
    int64_t least           # index that is accepted
    bint multilabel
    bint unsorted           # accepted
    bint duplicates
    bint nonfinite


cdef inline bint is_digit(char c) noexcept nogil:
    return <uint8_t> (c - c"0") < 10


cdef inline const char *blanks(const char *at) noexcept nogil:
    while at[0] == c" " or at[0] == c"\t":
        at += 1
    return at


cdef inline bint ends_line(const char *at) noexcept nogil:
    return at[0] == c"\n" or at[0] == c"#" or (at[0] == c"\r" and at[1] == c"\n")


cdef inline bint ends_token(const char *at) noexcept nogil:
    return at[0] == c" " or at[0] == c"\t" or ends_line(at)


cdef inline bint spells(const char *at, const char *word, char folded) noexcept nogil:
    # Whether the text goes on with this lower-case word; with 32 for `folded`, in any case.
    while word[0] != 0:
        if (at[0] | folded) != word[0]:
            return False
        at += 1
        word += 1
    return True


cdef const char *special(const char *at, double *value) noexcept nogil:
    # nan, inf, infinity with a sign, in any case; NULL for all else.
    cdef const char *word = at + (at[0] == c"-" or at[0] == c"+")
    if spells(word, "nan", 32):
        value[0] = 0.0
        value[0] = value[0] / value[0]
        return word + 3
    if spells(word, "inf", 32):
        value[0] = 1e300 * 1e300 * (-1.0 if at[0] == c"-" else 1.0)
        return word + (8 if spells(word, "infinity", 32) else 3)
    return NULL


cdef inline const char *number(const char *at, double *value, bint nonfinite, int *flaw, int otherwise) noexcept nogil:
    # One number; at a flaw, returns where it is and sets it.
    cdef const char *end = decimal_number(at, value)
    if end == NULL:
        end = special(at, value)
        if end == NULL:
            flaw[0] = otherwise
            return at
    if value[0] - value[0] != 0 and not nonfinite:
        flaw[0] = NONFINITE
        return at
    return end


cdef inline const char *whole(const char *at, int64_t *value, uint64_t largest, int *flaw, int otherwise, int too_large) noexcept nogil:
    # Digits to an integer of at most `largest`.
    cdef uint64_t n = 0
    cdef const char *end = decimal_digits(at, &n)
    if end == at:
        flaw[0] = otherwise
    elif end - at > 19 or n > largest:  # 19 digits fit in 64 bits
        flaw[0] = too_large
        return at
    value[0] = <int64_t> n
    return end


cdef bint begins_with_entry(const char *at) noexcept nogil:
    # A line without labels: digits, then a colon.
    while is_digit(at[0]):
        at += 1
    return at[0] == c":"


cdef const char *read_labels(const char *at, double *labels, Line *line, Rules *rules, int *flaw) noexcept nogil:
    if rules.multilabel and begins_with_entry(at):
        return at
    while True:
        at = number(at, &labels[line.n_labels], rules.nonfinite, flaw, LABEL)
        if flaw[0]:
            return at
        line.n_labels += 1
        if at[0] == c"," and rules.multilabel:
            at += 1
            continue
        if not ends_token(at):
            flaw[0] = LABEL_END
        return at


cdef const char *read_qid(const char *at, Line *line, int *flaw) noexcept nogil:
    cdef bint negative
    line.qid = -1
    if not spells(at, "qid:", 0):
        return at
    negative = at[4] == c"-"
    at = whole(at + 4 + negative, &line.qid, LARGEST_QID, flaw, QID, QID)
    if flaw[0]:
        return at
    if negative:
        line.qid = -line.qid
    if not ends_token(at):
        flaw[0] = QID
        return at
    at = blanks(at)
    if spells(at, "qid:", 0):
        flaw[0] = QID_TWICE
    return at


cdef inline void widen(Line *line, int64_t lowest, int64_t highest) noexcept nogil:
    line.lowest = min(line.lowest, lowest)
    line.highest = max(line.highest, highest)


cdef inline const char *read_entry(
    const char *at, int32_t *indices, real *values, int64_t *last, Line *line, Rules *rules, int *flaw
) noexcept nogil:
    # One entry, whatever it looks like.
    cdef const char *begin = at
    cdef int64_t index
    cdef double value
    at = whole(at, &index, LARGEST_INDEX, flaw, INDEX, LARGE_INDEX)
    if flaw[0]:
        return at
    if at[0] != c":":
        flaw[0] = COLON
        return at
    if index < rules.least:
        flaw[0] = ZERO_INDEX
        return begin
    if index <= last[0]:
        if index == last[0] and not rules.duplicates:
            flaw[0] = DUPLICATE
            return begin
        if index < last[0] and not rules.unsorted:
            flaw[0] = ORDER
            return begin
        line.unsorted = True
    at = number(at + 1, &value, rules.nonfinite, flaw, VALUE)
    if flaw[0]:
        return at
    if not ends_token(at):
        flaw[0] = VALUE_END
        return at
    indices[line.n_entries] = <int32_t> (index - rules.base)
    values[line.n_entries] = <real> value
    # A finite double that float cannot hold is as unusable as inf.
    if real is float and not rules.nonfinite and values[line.n_entries] - values[line.n_entries] != 0:
        flaw[0] = NONFINITE
        return begin
    line.n_entries += 1
    widen(line, index, index)
    last[0] = index
    return at


cdef inline const char *read_entries(
    const char *at, const char *text, int32_t *indices, real *values, Line *line, Rules *rules, int *flaw
) noexcept nogil:
    cdef int64_t last = rules.least - 1
    cdef int64_t first
    while True:  # a run of plain entries, then one that is not
        at = blanks(at)
        if at - text >= ENTRIES_BEFORE:
            first = line.n_entries
            at = blanks(entries_run(at, rules.base, &last, indices, values, real is float, &line.n_entries))
            if line.n_entries > first:
                widen(line, indices[first] + rules.base, last)
        if ends_line(at):
            return at
        at = read_entry(at, indices, values, &last, line, rules, flaw)
        if flaw[0]:
            return at


cdef void tally(const uint8_t *text, Py_ssize_t n, Py_ssize_t *newlines, Py_ssize_t *colons, Py_ssize_t *commas) noexcept nogil:
    # Bytes count the bytes of a stretch, so that the compiler counts a whole vector at once.
    cdef Py_ssize_t begin = 0, i
    cdef uint8_t some_newlines, some_colons, some_commas
    newlines[0] = colons[0] = commas[0] = 0
    while begin + STRETCH <= n:
        some_newlines = some_colons = some_commas = 0
        for i in range(STRETCH):
            some_newlines += text[begin + i] == c"\n"
            some_colons += text[begin + i] == c":"
            some_commas += text[begin + i] == c","
        newlines[0] += some_newlines
        colons[0] += some_colons
        commas[0] += some_commas
        begin += STRETCH
    for i in range(begin, n):
        newlines[0] += text[i] == c"\n"
        colons[0] += text[i] == c":"
        commas[0] += text[i] == c","


def _require_lines(const uint8_t[::1] text, Py_ssize_t begin, Py_ssize_t end):
    if not 0 <= begin < end <= text.shape[0] - PADDING:
        raise ValueError(f"bytes {begin} to {end} and {PADDING} more must lie in the text of {text.shape[0]} bytes")
    if text[end - 1] != c"\n":
        raise ValueError("the text must end in a newline")


def count(const uint8_t[::1] text, Py_ssize_t begin, Py_ssize_t end):
    """Return bounds of the numbers of rows, entries and labels of ``text[begin:end]``: newlines, colons, newlines plus commas."""
    cdef Py_ssize_t newlines, colons, commas
    _require_lines(text, begin, end)
    with nogil:
        tally(&text[begin], end - begin, &newlines, &colons, &commas)
    return newlines, colons, newlines + commas


def parse(const uint8_t[::1] text, Py_ssize_t begin, Py_ssize_t end, bounds, real[::1] values, int32_t[::1] indices, int64_t[::1] ends,
          double[::1] labels, int64_t[::1] label_ends, int64_t[::1] qids, *,
          int base, int least, bint multilabel, bint unsorted, bint duplicates, bint nonfinite):
    """Parse ``text[begin:end]``, which must end in a newline, into arrays.

    The arrays must be large enough for `bounds` of the numbers of rows, entries and labels: what `count` found there, or more.
    `PADDING` bytes more must be readable behind the text. Indices are stored less `base`; those below `least` are a flaw.

    Returns
    -------
    rows, entries, labels : int
        How many were written.
    lowest, highest : int
        Of the indices as the text has them; 2**31 and -1 where there are none.
    unsorted : bool
        Whether any row's indices do not ascend.
    flaw, place : int
        A `Flaw`, and the byte of ``text[begin:]`` where it is.
    lines : int
        How many there are, comments and empty ones too.
    """
    cdef Py_ssize_t most_rows, most_entries, most_labels
    most_rows, most_entries, most_labels = bounds
    _require_lines(text, begin, end)
    if min(values.shape[0], indices.shape[0]) < most_entries or min(ends.shape[0], qids.shape[0]) < most_rows:
        raise ValueError("the arrays are too short")
    if labels.shape[0] < most_labels or label_ends.shape[0] < most_rows:
        raise ValueError("the arrays of labels are too short")
    cdef Rules rules = Rules(base, least, multilabel, unsorted, duplicates, nonfinite)
    cdef Line line = Line(0, 0, -1, 2**31, -1, False)
    cdef const char *start = <const char *> &text[begin]
    cdef const char *at = start
    cdef const char *stop = start + (end - begin)
    cdef Py_ssize_t row = 0, lines = 0
    cdef int flaw = 0
    cdef real none = 0
    cdef int32_t no_index = 0
    cdef real *to_values = &values[0] if values.shape[0] else &none
    cdef int32_t *to_indices = &indices[0] if indices.shape[0] else &no_index
    with nogil:
        while at < stop:
            at = blanks(at)
            if not ends_line(at):
                at = read_labels(at, &labels[0], &line, &rules, &flaw)
                if not flaw:
                    at = read_qid(blanks(at), &line, &flaw)
                if not flaw:
                    at = read_entries(at, <const char *> &text[0], to_indices, to_values, &line, &rules, &flaw)
                if flaw:
                    break
                ends[row] = line.n_entries
                label_ends[row] = line.n_labels
                qids[row] = line.qid
                row += 1
            while at[0] != c"\n":  # a comment, or the \r of \r\n
                at += 1
            at += 1
            lines += 1
    if flaw and at[0] == c"\r":
        flaw = CARRIAGE_RETURN
    if flaw and at[0] == 0:
        flaw = NUL
    return row, line.n_entries, line.n_labels, line.lowest, line.highest, bool(line.unsorted), flaw, at - start, lines
