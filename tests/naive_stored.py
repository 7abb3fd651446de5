"""How state arrays are stored in fewer bits, from the definition, in NumPy: rounding with a dither, and blocks of 256 with a scale."""

import numpy as np

BLOCK = 256
f32 = np.float32


def dither(age):
    """Return the dither of the step number `age`: the multiples of (about) the golden ratio modulo 1, less 1/2, in 16 bits."""
    return f32((age * 40503 % 65536 + 0.5) / 65536 - 0.5)


def to_bfloat16(x, d):
    """Return the bits of bfloat16, rounded up where what is cut off and the dither (from 0 to 1) make a whole."""
    offset = int((float(d) + 0.5) * 65536)
    return ((x.view(np.uint32).astype(np.uint64) + offset) >> 16).astype(np.uint16)


def from_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def blocks(x):
    """Return a flat array as rows of 256, padded with zeros."""
    return np.pad(x, (0, -x.size % BLOCK)).reshape(-1, BLOCK)


def root(x, part):
    """Return the float32 whose distance from 1, in bits, is this part of that of `x`, less what becomes of 0: nearly the power `part`."""
    one = int(f32(1).view(np.int32))
    bits = one + np.floor(
        (np.abs(np.asarray(x, f32)).view(np.int32).astype(np.int64) - one) * part
    )  # exact: multiples of 1/4
    zero = np.int32(one + np.floor(-one * part)).view(f32)
    return bits.astype(np.int32).view(f32) - zero


def power(r, times):
    """Return the float32 whose distance from 1, in bits, is that many times the one of `r` and what became of 0."""
    one = int(f32(1).view(np.int32))
    bits = (r + np.int32(one - one // times).view(f32)).view(np.int32).astype(np.int64)
    return (one + (bits - one) * times).astype(np.int32).view(f32)


def rounded(found, scale, d, low, high):
    """Return the codes of roots."""
    per_root = f32(1) / np.where(scale > 0, scale, f32(1))
    return np.rint(np.clip(found * per_root[:, None] + d, f32(low), f32(high)))


def to_int8(x, d):
    """Return codes and scales, the root that one code stands for: (nearly) the square root, the largest size having 127."""
    rows = blocks(x)
    found = np.copysign(root(rows, 1 / 2), rows)
    scale = np.abs(found).max(axis=1) * f32(1 / 127)
    return rounded(found, scale, d, -127, 127).astype(np.int8).ravel()[: x.size], scale


def from_int8(codes, scale):
    found = blocks(codes).astype(np.float32) * scale[:, None]
    return np.copysign(power(np.abs(found), 2), found).ravel()[: codes.size]


def to_uint8(x, d):
    """Return codes and scales: the fourth root, the largest element having 255; only the root 0 has the code 0."""
    found = root(blocks(x), 1 / 4)
    scale = found.max(axis=1) * f32(1 / 255)
    codes = np.where(found > 0, rounded(found, scale, d, 1, 255), 0)
    return codes.astype(np.uint8).ravel()[: x.size], scale


def from_uint8(codes, scale):
    return power(blocks(codes).astype(np.float32) * scale[:, None], 4).ravel()[: codes.size]


class AdamW:
    """AdamW on one flat float32 array whose moments are stored: in "bfloat16" or "int8"."""

    def __init__(self, p, lr, how, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        self.p, self.lr, self.how, self.betas, self.eps, self.decay, self.age = p, lr, how, betas, eps, weight_decay, 0
        none = np.zeros(p.size, np.float32)
        self.m, self.v = self.store(none, none)

    def store(self, m, v):
        d = dither(self.age)
        return (to_bfloat16(m, d), to_bfloat16(v, d)) if self.how == "bfloat16" else (to_int8(m, d), to_uint8(v, d))

    def loaded(self):
        if self.how == "bfloat16":
            return from_bfloat16(self.m), from_bfloat16(self.v)
        return from_int8(*self.m), from_uint8(*self.v)

    def step(self, g):
        self.age += 1
        (b1, b2), (m, v) = self.betas, self.loaded()
        m = f32(b1) * m + f32(1 - b1) * g
        v = f32(b2) * v + f32(1 - b2) * (g * g)
        rate, root = f32(self.lr / (1 - b1**self.age)), f32(1 / np.sqrt(1 - b2**self.age))
        self.p = self.p - (f32(self.lr * self.decay) * self.p + rate * m / (root * np.sqrt(v) + f32(self.eps)))
        self.m, self.v = self.store(m, v)
