/* The products for one type, REAL; included by _products.h. A tile is up to PRODUCTS_ROWS rows by two vectors of C.

   What is read of a row of B may go beyond its end by less than two vectors, so B needs that much memory behind it; what that yields is
   not written. */
typedef REAL PRODUCTS(vector) __attribute__((vector_size(PRODUCTS_BYTES), aligned(sizeof(REAL)), may_alias));
#define VECTOR PRODUCTS(vector)
#define WIDTH ((ptrdiff_t) (PRODUCTS_BYTES / sizeof(REAL)))

PRODUCTS_INLINE void PRODUCTS(store)(VECTOR first, VECTOR second, REAL *c, ptrdiff_t columns) {
    if (columns >= 2 * WIDTH) {
        *(VECTOR *) c = first;
        *(VECTOR *) (c + WIDTH) = second;
    } else if (columns >= WIDTH) {
        *(VECTOR *) c = first;
        memcpy(c + WIDTH, &second, (size_t) (columns - WIDTH) * sizeof(REAL));
    } else {
        memcpy(c, &first, (size_t) columns * sizeof(REAL));
    }
}

/* Rows i to i + rows of C, its first columns: start + A B, or start + A' B where `across`; A is given by the addresses of its rows. */
PRODUCTS_INLINE void PRODUCTS(tile)(
    const int rows, const int across, ptrdiff_t n_k, ptrdiff_t i, const REAL *const *a, const REAL *b, ptrdiff_t ldb, const REAL *start,
    REAL *c, ptrdiff_t ldc, ptrdiff_t columns
) {
    VECTOR sums[PRODUCTS_ROWS][2], first, second;
    const REAL *row[PRODUCTS_ROWS], *column = NULL;
    ptrdiff_t k;
    int r;
    for (r = 0; r < rows; r++) {
        sums[r][0] = start ? *(const VECTOR *) start : (VECTOR) {0};
        sums[r][1] = start ? *(const VECTOR *) (start + WIDTH) : (VECTOR) {0};
        if (!across) row[r] = a[i + r];
    }
    for (k = 0; k < n_k; k++) {
        first = *(const VECTOR *) (b + k * ldb);
        second = *(const VECTOR *) (b + k * ldb + WIDTH);
        if (across) column = a[k] + i;
        for (r = 0; r < rows; r++) {
            const REAL x = across ? column[r] : row[r][k];
            sums[r][0] += x * first;
            sums[r][1] += x * second;
        }
    }
    for (r = 0; r < rows; r++) PRODUCTS(store)(sums[r][0], sums[r][1], c + (i + r) * ldc, columns);
}

/* Rows low to high of C = start + A B, or start + A' B; start is one row or NULL. Panels of B stay in the cache for all rows of A. */
PRODUCTS_INLINE void PRODUCTS(panels)(
    const int across, ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b,
    ptrdiff_t ldb, const REAL *start, REAL *c, ptrdiff_t ldc
) {
    ptrdiff_t i, j, left;
    for (j = 0; j < n_columns; j += 2 * WIDTH) {
        const REAL *from = start ? start + j : NULL;
        left = n_columns - j;
        for (i = low; i + PRODUCTS_ROWS <= high; i += PRODUCTS_ROWS)
            PRODUCTS(tile)(PRODUCTS_ROWS, across, n_k, i, a, b + j, ldb, from, c + j, ldc, left);
        for (; i + 2 <= high; i += 2) PRODUCTS(tile)(2, across, n_k, i, a, b + j, ldb, from, c + j, ldc, left);
        if (i < high) PRODUCTS(tile)(1, across, n_k, i, a, b + j, ldb, from, c + j, ldc, left);
    }
}

static void PRODUCTS(product)(
    ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, ptrdiff_t ldb,
    const REAL *start, REAL *c, ptrdiff_t ldc
) {
    PRODUCTS(panels)(0, low, high, n_k, n_columns, a, b, ldb, start, c, ldc);
}

static void PRODUCTS(product_across)(
    ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, ptrdiff_t ldb, REAL *c,
    ptrdiff_t ldc
) {
    PRODUCTS(panels)(1, low, high, n_k, n_columns, a, b, ldb, NULL, c, ldc);
}

#undef VECTOR
#undef WIDTH
