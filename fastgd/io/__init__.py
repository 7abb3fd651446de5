"""Reading data: libsvm text by compiled code, tables through pyarrow, NumPy's files, and streams of batches larger than memory."""

from fastgd.io._arrays import load_arrays
from fastgd.io._files import DataChangedError, DataFileError
from fastgd.io._load import load_svmlight_file
from fastgd.io._stream import Stream, stream
from fastgd.io._tables import Table, load_table

__all__ = [
    "DataChangedError",
    "DataFileError",
    "Stream",
    "Table",
    "load_arrays",
    "load_svmlight_file",
    "load_table",
    "stream",
]
