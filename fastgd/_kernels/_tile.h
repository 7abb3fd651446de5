/* The products of dense rows with a tile of LANES lanes, LANES > 1, of type REAL; included by _tiles.h once for each.

Every prediction is SUMS partial sums (feature k belongs to sum k mod SUMS) added up as a tree, every element of the gradient one sum over
the rows in their order: the bits depend neither on ROWS and LANES nor on the processor. */

typedef REAL NAME(vector) __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

/* ROWS predictions: each element of the weights is fetched once and multiplied with all rows while in a register. */
static void NAME(forward_rows)(Py_ssize_t n_features, const REAL *const *x, const REAL *w, Py_ssize_t stride, REAL *const *z) {
    NAME(vector) partial[SUMS][ROWS];
    for (Py_ssize_t low = 0; low < n_features || low == 0; low += BLOCK) {
        Py_ssize_t high = n_features < low + BLOCK ? n_features : low + BLOCK;
        for (int p = 0; p < SUMS; p++) {
#define LOAD(r) NAME(vector) sum##r = {0}; if (low) sum##r = partial[p][r]; const REAL *x##r = x[r];
#define MULTIPLY(r) sum##r += x##r[k] * v;
#define STORE(r) partial[p][r] = sum##r;
            EACH_ROW(LOAD)
            for (Py_ssize_t k = low + p; k < high; k += SUMS) {
                NAME(vector) v = *(const NAME(vector) *)(w + k * stride);
                EACH_ROW(MULTIPLY)
            }
            EACH_ROW(STORE)
#undef LOAD
#undef MULTIPLY
#undef STORE
        }
    }
    for (int half = SUMS / 2; half; half /= 2)
        for (int p = 0; p < half; p++)
            for (int r = 0; r < ROWS; r++) partial[p][r] += partial[half + p][r];
    for (int r = 0; r < ROWS; r++) *(NAME(vector) *) z[r] = partial[0][r];
}

static void NAME(forward_row)(Py_ssize_t n_features, const REAL *x, const REAL *w, Py_ssize_t stride, REAL *z) {
    NAME(vector) partial[SUMS];
    for (int p = 0; p < SUMS; p++) {
        NAME(vector) sum = {0};
        for (Py_ssize_t k = p; k < n_features; k += SUMS) sum += x[k] * *(const NAME(vector) *)(w + k * stride);
        partial[p] = sum;
    }
    for (int half = SUMS / 2; half; half /= 2)
        for (int p = 0; p < half; p++) partial[p] += partial[half + p];
    *(NAME(vector) *) z = partial[0];
}

static void NAME(forward)(Py_ssize_t n, Py_ssize_t n_features, const void *const *x, const void *w, Py_ssize_t stride, void *z) {
    REAL unwanted[LANES];
    for (Py_ssize_t i = 0; i < n; i += ROWS) {
        if (i + 1 == n) {
            NAME(forward_row)(n_features, x[i], w, stride, (REAL *) z + i * stride);
            break;
        }
        const REAL *rows[ROWS];
        REAL *out[ROWS];
        for (int r = 0; r < ROWS; r++) {
            rows[r] = x[i + r < n ? i + r : i];
            out[r] = i + r < n ? (REAL *) z + (i + r) * stride : unwanted;
        }
        NAME(forward_rows)(n_features, rows, w, stride, out);
    }
}

/* ROWS rows' contributions to a block of the gradient, each element of which is fetched and stored once for all of them. */
static void NAME(backward_rows)(
    Py_ssize_t low, Py_ssize_t high, const REAL *const *x, const REAL *const *slope, REAL *g, Py_ssize_t stride
) {
#define LOAD(r) NAME(vector) slope##r = *(const NAME(vector) *) slope[r]; const REAL *x##r = x[r];
#define ADD(r) sum += x##r[k] * slope##r;
    EACH_ROW(LOAD)
    for (Py_ssize_t k = low; k < high; k++) {
        NAME(vector) sum = *(NAME(vector) *)(g + k * stride);
        EACH_ROW(ADD)
        *(NAME(vector) *)(g + k * stride) = sum;
    }
#undef LOAD
#undef ADD
}

static void NAME(backward_row)(Py_ssize_t low, Py_ssize_t high, const REAL *x, const REAL *slope, REAL *g, Py_ssize_t stride) {
    NAME(vector) own = *(const NAME(vector) *) slope;
    for (Py_ssize_t k = low; k < high; k++) *(NAME(vector) *)(g + k * stride) += x[k] * own;
}

static void NAME(backward)(
    Py_ssize_t n, Py_ssize_t first, Py_ssize_t last, const void *const *x, const void *slope, Py_ssize_t stride, void *g
) {
    for (Py_ssize_t low = first; low < last; low += BLOCK) {
        Py_ssize_t high = last < low + BLOCK ? last : low + BLOCK, i = 0;
        for (; i + ROWS <= n; i += ROWS) {
            const REAL *rows[ROWS], *slopes[ROWS];
            for (int r = 0; r < ROWS; r++) rows[r] = x[i + r], slopes[r] = (const REAL *) slope + (i + r) * stride;
            NAME(backward_rows)(low, high, rows, slopes, g, stride);
        }
        for (; i < n; i++) NAME(backward_row)(low, high, x[i], (const REAL *) slope + i * stride, g, stride);
    }
}
