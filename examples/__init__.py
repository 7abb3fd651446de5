"""Models written out in plain NumPy, to read in a class and to train with fastgd (`fastgd.examples` once installed)."""
