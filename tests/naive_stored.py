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


def rounded(code, d, low, high):
    return np.rint(np.clip(code + d, f32(low), f32(high)))


def to_int8(x, d):
    """Return codes and scales: the square root of the largest size in a block."""
    rows = blocks(x)
    scale = np.sqrt(np.abs(rows).max(axis=1))
    per_root = f32(127) / np.where(scale > 0, scale, f32(1))
    code = np.copysign(np.sqrt(np.abs(rows)) * per_root[:, None], rows)
    return rounded(code, d, -127, 127).astype(np.int8).ravel()[: x.size], scale


def from_int8(codes, scale):
    root = blocks(codes).astype(np.float32) * (scale / f32(127))[:, None]
    return (root * np.abs(root)).ravel()[: codes.size]


def to_uint8(x, d):
    """Return codes and scales: the fourth root of the largest element; only 0 has the code 0."""
    rows = blocks(x)
    scale = np.sqrt(np.sqrt(rows.max(axis=1)))
    per_root = f32(255) / np.where(scale > 0, scale, f32(1))
    code = rounded(np.sqrt(np.sqrt(rows)) * per_root[:, None], d, 1, 255)
    return np.where(rows > 0, code, 0).astype(np.uint8).ravel()[: x.size], scale


def from_uint8(codes, scale):
    root = blocks(codes).astype(np.float32) * (scale / f32(255))[:, None]
    square = root * root
    return (square * square).ravel()[: codes.size]


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
