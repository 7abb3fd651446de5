/* The products of dense rows with one lane, of type REAL, in vectors of features; the same sums in the same order as in _tile.h. */

typedef REAL NAME(vector) __attribute__((vector_size(SUMS * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

static void NAME(forward)(Py_ssize_t n, Py_ssize_t n_features, const void *const *x, const void *w, Py_ssize_t stride, void *z) {
    Py_ssize_t whole = n_features - n_features % SUMS;
    const REAL *weights = w;
    for (Py_ssize_t i = 0; i < n; i++) {
        const REAL *row = x[i];
        NAME(vector) partial = {0};
        for (Py_ssize_t k = 0; k < whole; k += SUMS) partial += *(const NAME(vector) *)(row + k) * *(const NAME(vector) *)(weights + k);
        for (Py_ssize_t k = whole; k < n_features; k++) partial[k - whole] += row[k] * weights[k];
        for (int half = SUMS / 2; half; half /= 2)
            for (int p = 0; p < half; p++) partial[p] += partial[half + p];
        ((REAL *) z)[i * stride] = partial[0];
    }
}

static void NAME(backward_rows)(Py_ssize_t low, Py_ssize_t high, const REAL *const *x, const REAL *slope, REAL *g) {
    Py_ssize_t k = low;
#define LOAD(r) const REAL *x##r = x[r]; REAL slope##r = slope[r];
#define ADD(r) sum += *(const NAME(vector) *)(x##r + k) * slope##r;
#define ADD_ONE(r) g[k] += x##r[k] * slope##r;
    EACH_ROW(LOAD)
    for (; k + SUMS <= high; k += SUMS) {
        NAME(vector) sum = *(NAME(vector) *)(g + k);
        EACH_ROW(ADD)
        *(NAME(vector) *)(g + k) = sum;
    }
    for (; k < high; k++) {
        EACH_ROW(ADD_ONE)
    }
#undef LOAD
#undef ADD
#undef ADD_ONE
}

static void NAME(backward_row)(Py_ssize_t low, Py_ssize_t high, const REAL *x, REAL slope, REAL *g) {
    Py_ssize_t k = low;
    for (; k + SUMS <= high; k += SUMS) *(NAME(vector) *)(g + k) += *(const NAME(vector) *)(x + k) * slope;
    for (; k < high; k++) g[k] += x[k] * slope;
}

static void NAME(backward)(
    Py_ssize_t n, Py_ssize_t low, Py_ssize_t high, const void *const *x, const void *slope, Py_ssize_t stride, void *g
) {
    const REAL *slopes = slope;
    Py_ssize_t i = 0;
    for (; i + ROWS <= n; i += ROWS) NAME(backward_rows)(low, high, (const REAL *const *) x + i, slopes + i, g);
    for (; i < n; i++) NAME(backward_row)(low, high, x[i], slopes[i], g);
}
