"""The loops of `_sweeps.pyx` and `_blocks.pyx`, compiled for one processor level."""
