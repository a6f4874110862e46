"""The check of a whole number, which seeds, sizes and counts share."""

from functools import partial

from layers.validation import whole_number as _whole_number
from tf_gmvae.errors import InputError

whole_number = partial(_whole_number, error=InputError)
