"""Benchmarks: ``python -m bench.report`` measures fastgd beside its peers; ``python -m pytest bench`` runs the same workloads singly.
``python -m bench.linear`` does so for the linear models.

Everything that is compared runs interleaved in one process, from the same parameters with the same gradients, and ends with the same
parameters: the report prints the largest difference beside the times, so that nobody compares different work.
"""
