/* Decimal text to double, correctly rounded (the same bits as strtod in the C locale), for text that ends in a newline.

   Digits are read eight at a time, so up to seven bytes behind a number are touched: they must be readable.

   decimal_number reads [+-]digits[.digits][(e|E)[+-]digits] and returns where it stopped, or NULL where there is no such number.
   Up to 19 digits the number is m * 10**e with an exact 64-bit m. Where m < 2**53 and |e| <= 22, one operation on two exact doubles is
   rounded once (Clinger, "How to read floating point numbers accurately", 1990). Where m needs up to 64 bits and |e| <= 27, the x87's
   64-bit significand holds both exactly: its one rounding is harmless unless the bits that double drops are within one unit of a tie.
   All else goes to strtod. */
#ifndef FASTGD_DECIMAL_H
#define FASTGD_DECIMAL_H

#include <float.h>
#include <locale.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static locale_t decimal_locale;

static int decimal_init(void) {
    decimal_locale = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
    return decimal_locale != (locale_t) 0;
}

static const double decimal_powers[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
#if LDBL_MANT_DIG == 64
static const long double decimal_long_powers[] = {
    1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
#endif

/* Return whether m * 10**e could be computed with one harmless rounding. */
static inline int decimal_exact(uint64_t m, int e, double *value) {
    if (m < (UINT64_C(1) << 53) && e >= -22 && e <= 22) {
        *value = e < 0 ? (double) m / decimal_powers[-e] : (double) m * decimal_powers[e];
        return 1;
    }
#if LDBL_MANT_DIG == 64
    if (m != 0 && e >= -27 && e <= 27) {
        long double wide = e < 0 ? (long double) m / decimal_long_powers[-e] : (long double) m * decimal_long_powers[e];
        uint64_t significand;
        memcpy(&significand, &wide, sizeof significand);
        unsigned dropped = significand & 0x7FF;
        if (dropped < 0x3FF || dropped > 0x401) {
            *value = (double) wide;
            return 1;
        }
    }
#endif
    return 0;
}

static const uint64_t decimal_whole_powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* Append the digits at `at` to *m, modulo 2**64, and return where they end. Little-endian: the first digit is the lowest byte. */
static inline const char *decimal_digits(const char *at, uint64_t *m) {
    for (;;) {
        uint64_t word, others;
        int n;
        memcpy(&word, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        word ^= UINT64_C(0x3030303030303030);
        others = (word | (word + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080);  /* right up to the first non-digit */
        n = others ? __builtin_ctzll(others) >> 3 : 8;
        if (n == 0) return at;
        word <<= 8 * (8 - n);
        word = (10 * word + (word >> 8)) & UINT64_C(0x00FF00FF00FF00FF);
        word = (100 * word + (word >> 16)) & UINT64_C(0x0000FFFF0000FFFF);
        word = (10000 * word + (word >> 32)) & UINT64_C(0xFFFFFFFF);
        *m = *m * decimal_whole_powers[n] + word;
        at += n;
        if (n < 8) return at;
    }
}

static inline const char *decimal_number(const char *at, double *value) {
    const char *start = at, *digits;
    uint64_t m = 0;
    int e = 0, negative = *at == '-';
    ptrdiff_t n;
    at += negative || *at == '+';
    digits = at;
    if ((unsigned char) (*at - '0') < 10 && (unsigned char) (at[1] - '0') >= 10) m = (uint64_t) (*at++ - '0');  /* 0.5, 1: most often */
    else at = decimal_digits(at, &m);
    n = at - digits;
    if (*at == '.') {
        digits = ++at;
        at = decimal_digits(at, &m);
        n += at - digits;
        e = at - digits < 400 ? (int) (digits - at) : -400;
    }
    if (n == 0) return NULL;
    if (*at == 'e' || *at == 'E') {
        uint64_t power = 0;
        int minus = at[1] == '-';
        at += 1 + (minus || at[1] == '+');
        digits = at;
        at = decimal_digits(at, &power);
        if (at == digits) return NULL;
        if (at - digits > 4) n = 20;
        else e += minus ? -(int) power : (int) power;
    }
    if (n < 20 && decimal_exact(m, e, value)) {
        if (negative) *value = -*value;
        return at;
    }
    *value = strtod_l(start, NULL, decimal_locale);
    return at;
}

#endif
