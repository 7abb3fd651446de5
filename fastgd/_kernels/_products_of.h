/* The products for one type, REAL; included by _products.h.

   What is read of a row of B may go beyond its end by less than two vectors, so B needs that much memory behind it; what that yields is
   not written. */
typedef REAL PRODUCTS(vector) __attribute__((vector_size(PRODUCTS_BYTES), aligned(sizeof(REAL)), may_alias));
#define VECTOR PRODUCTS(vector)
#define WIDTH ((ptrdiff_t) (PRODUCTS_BYTES / sizeof(REAL)))
#define UNROLLED _Pragma("GCC unroll 32")

/* The first `left` numbers of a vector. */
PRODUCTS_INLINE void PRODUCTS(store)(VECTOR v, ptrdiff_t left, REAL *c) {
    const REAL *from = (const REAL *) &v;
    ptrdiff_t size;
    if (left >= WIDTH) {
        *(VECTOR *) c = v;
        return;
    }
    UNROLLED for (size = WIDTH / 2; size > 0; size /= 2)
        if (left > 0 && left & size) {
            memcpy(c, from, (size_t) size * sizeof(REAL));
            c += size;
            from += size;
        }
}

/* Rows i to i + rows of C, its first columns: start + A B, or start + A' B where `across`; A is given by the addresses of its rows.

   All loops over the tile are unrolled before the compiler looks at memory, else it would store the sums and load them again. `next` is
   NULL or has the rows that will take the place of A's: the numbers that stand where those of this tile do are asked for, some at a time,
   while the processor multiplies. */
PRODUCTS_INLINE void PRODUCTS(tile)(
    const int rows, const int across, ptrdiff_t skip, ptrdiff_t n_k, ptrdiff_t i, const REAL *const *a, const REAL *b, ptrdiff_t ldb,
    const REAL *start, REAL *c, ptrdiff_t ldc, ptrdiff_t columns, const REAL *const *next
) {
    VECTOR sums[PRODUCTS_ROWS][PRODUCTS_VECTORS], part[PRODUCTS_VECTORS];
    const REAL *row[PRODUCTS_ROWS], *column = NULL;
    ptrdiff_t k;
    int r, j;
    UNROLLED for (r = 0; r < rows; r++) {
        UNROLLED for (j = 0; j < PRODUCTS_VECTORS; j++) sums[r][j] = start ? *(const VECTOR *) (start + j * WIDTH) : (VECTOR) {0};
        if (!across) row[r] = a[i + r] + skip;
    }
    for (k = 0; k < n_k; k++) {
        UNROLLED for (j = 0; j < PRODUCTS_VECTORS; j++) part[j] = *(const VECTOR *) (b + k * ldb + j * WIDTH);
        if (across) column = a[k] + i;
        if (next) PRODUCTS_FETCH(next[k] + i);
        UNROLLED for (r = 0; r < rows; r++) {
            const REAL x = across ? column[r] : row[r][k];
            UNROLLED for (j = 0; j < PRODUCTS_VECTORS; j++) sums[r][j] += x * part[j];
        }
    }
    if (columns >= PRODUCTS_VECTORS * WIDTH) {
        UNROLLED for (r = 0; r < rows; r++)
            UNROLLED for (j = 0; j < PRODUCTS_VECTORS; j++) *(VECTOR *) (c + r * ldc + j * WIDTH) = sums[r][j];
        return;
    }
    UNROLLED for (r = 0; r < rows; r++)
        UNROLLED for (j = 0; j < PRODUCTS_VECTORS; j++) PRODUCTS(store)(sums[r][j], columns - j * WIDTH, c + r * ldc + j * WIDTH);
}

/* Rows low to high of C, of which c is the first, and columns j to j + those of a tile. */
PRODUCTS_INLINE void PRODUCTS(panel)(
    const int across, ptrdiff_t low, ptrdiff_t high, ptrdiff_t skip, ptrdiff_t n_k, ptrdiff_t j, ptrdiff_t n_columns,
    const REAL *const *a, const REAL *b, const REAL *start, REAL *c, const REAL *const *next
) {
    const ptrdiff_t left = n_columns - j;
    ptrdiff_t i;
    b += j;
    c += j;
    if (start) start += j;
    for (i = low; i + PRODUCTS_ROWS <= high; i += PRODUCTS_ROWS)
        PRODUCTS(tile)(PRODUCTS_ROWS, across, skip, n_k, i, a, b, n_columns, start, c + (i - low) * n_columns, n_columns, left, next);
    for (; i + PRODUCTS_FEW <= high; i += PRODUCTS_FEW)
        PRODUCTS(tile)(PRODUCTS_FEW, across, skip, n_k, i, a, b, n_columns, start, c + (i - low) * n_columns, n_columns, left, next);
    for (; i < high; i++) PRODUCTS(tile)(1, across, skip, n_k, i, a, b, n_columns, start, c + (i - low) * n_columns, n_columns, left, next);
}

/* C = start + A B, without the first `skip` columns of A; start is one row or NULL. Panels of B stay in the cache for all rows of A. */
static void PRODUCTS(product)(
    ptrdiff_t n, ptrdiff_t skip, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, const REAL *start, REAL *c
) {
    ptrdiff_t j;
    for (j = 0; j < n_columns; j += PRODUCTS_VECTORS * WIDTH) PRODUCTS(panel)(0, 0, n, skip, n_k, j, n_columns, a, b, start, c, NULL);
}

/* Rows low to high of C = A' B, of which c is the first. Columns low to high of the rows `next`, as many as A's or NULL, are brought to the cache. */
static void PRODUCTS(product_across)(
    ptrdiff_t low, ptrdiff_t high, ptrdiff_t n_k, ptrdiff_t n_columns, const REAL *const *a, const REAL *b, REAL *c,
    const REAL *const *next
) {
    ptrdiff_t j = 0;
    if (next) {
        PRODUCTS(panel)(1, low, high, 0, n_k, 0, n_columns, a, b, NULL, c, next);
        j = PRODUCTS_VECTORS * WIDTH;
    }
    for (; j < n_columns; j += PRODUCTS_VECTORS * WIDTH) PRODUCTS(panel)(1, low, high, 0, n_k, j, n_columns, a, b, NULL, c, NULL);
}

#undef VECTOR
#undef WIDTH
#undef UNROLLED
