/* The products for one type, REAL; included by _products.h.

   What is read of a row of B may go beyond its end by less than two vectors, so B needs that much memory behind it; what that yields is
   not written. */
typedef REAL PRODUCTS(vector) __attribute__((vector_size(PRODUCTS_BYTES), aligned(sizeof(REAL)), may_alias));
#define VECTOR PRODUCTS(vector)
#define WIDTH ((ptrdiff_t) (PRODUCTS_BYTES / sizeof(REAL)))

/* Rows i to i + rows of C, its first columns: start + A B, or start + A' B where `across`; A is given by the addresses of its rows. */
PRODUCTS_INLINE void PRODUCTS(tile)(
    const int rows, const int across, ptrdiff_t n_k, ptrdiff_t i, const REAL *const *a, const REAL *b, ptrdiff_t ldb, const REAL *start,
    REAL *c, ptrdiff_t ldc, ptrdiff_t columns
) {
    VECTOR sums[PRODUCTS_ROWS][PRODUCTS_VECTORS], part[PRODUCTS_VECTORS];
    const REAL *row[PRODUCTS_ROWS], *column = NULL;
    ptrdiff_t k;
    int r, j;
    for (r = 0; r < rows; r++) {
        for (j = 0; j < PRODUCTS_VECTORS; j++) sums[r][j] = start ? *(const VECTOR *) (start + j * WIDTH) : (VECTOR) {0};
        if (!across) row[r] = a[i + r];
    }
    for (k = 0; k < n_k; k++) {
        for (j = 0; j < PRODUCTS_VECTORS; j++) part[j] = *(const VECTOR *) (b + k * ldb + j * WIDTH);
        if (across) column = a[k] + i;
        for (r = 0; r < rows; r++) {
            const REAL x = across ? column[r] : row[r][k];
            for (j = 0; j < PRODUCTS_VECTORS; j++) sums[r][j] += x * part[j];
        }
    }
    for (r = 0; r < rows; r++, c += ldc) {
        for (j = 0; j < PRODUCTS_VECTORS; j++) {
            const ptrdiff_t left = columns - j * WIDTH;
            if (left >= WIDTH) *(VECTOR *) (c + j * WIDTH) = sums[r][j];
            else if (left > 0) memcpy(c + j * WIDTH, &sums[r][j], (size_t) left * sizeof(REAL));
        }
    }
}

/* Rows low to high of C = start + A B, or start + A' B; start is one row or NULL. Panels of B stay in the cache for all rows of A. */
PRODUCTS_INLINE void PRODUCTS(panels)(
    const int across, ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b,
    ptrdiff_t ldb, const REAL *start, REAL *c, ptrdiff_t ldc
) {
    ptrdiff_t i, j, left;
    for (j = 0; j < n_columns; j += PRODUCTS_VECTORS * WIDTH) {
        const REAL *from = start ? start + j : NULL;
        left = n_columns - j;
        for (i = low; i + PRODUCTS_ROWS <= high; i += PRODUCTS_ROWS)
            PRODUCTS(tile)(PRODUCTS_ROWS, across, n_k, i, a, b + j, ldb, from, c + i * ldc + j, ldc, left);
        for (; i + PRODUCTS_FEW <= high; i += PRODUCTS_FEW)
            PRODUCTS(tile)(PRODUCTS_FEW, across, n_k, i, a, b + j, ldb, from, c + i * ldc + j, ldc, left);
        for (; i < high; i++) PRODUCTS(tile)(1, across, n_k, i, a, b + j, ldb, from, c + i * ldc + j, ldc, left);
    }
}

static void PRODUCTS(product)(
    ptrdiff_t n, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, const REAL *start, REAL *c
) {
    PRODUCTS(panels)(0, 0, n, n_k, n_columns, a, b, n_columns, start, c, n_columns);
}

static void PRODUCTS(product_across)(
    ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, REAL *c
) {
    PRODUCTS(panels)(1, low, high, n_k, n_columns, a, b, n_columns, NULL, c, n_columns);
}

#undef VECTOR
#undef WIDTH
