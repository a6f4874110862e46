"""Tables: what their columns hold, and the likelihood and networks that go with them.

- `columns`: names and kinds of columns, guessed or declared; from values to numbers and back. NumPy alone.
- `precision`: which of these float32 cannot tell apart.
- `likelihood`: p(y | x) of rows whose columns are of several kinds, with missing values.
- `networks`: encoder and decoder for rows.
"""

from tf_gmvae.tables.columns import Column, Columns

__all__ = ["Column", "Columns"]
