"""Many small images as few large ones, which a browser reads one by one as they are needed."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from tf_gmvae.figures.image_sheets import sheet

# Images of a sheet, in rows of so many.
COLUMNS, ROWS = 32, 16
# Pixels: the longest side of an image, and of all images together; of many images each becomes smaller.
LONGEST, ALL = 96, 16_000_000
# Pixels of all images up to which none of their detail is given up; beyond, it would take megabytes.
EXACT = 1_000_000
QUALITY = 80


def sheets(pixels: np.ndarray) -> dict[str, Any]:
    """Images side by side, without gaps, as WebP in data URIs.

    Args:
        pixels: uint8 array (N, H, W) or (N, H, W, 3), N >= 1.

    Returns:
        Dict with width and height (of an image, in pixels), columns (images a row), each (images a sheet) and
        sheets (data URIs).
    """
    from PIL import Image

    pixels = smaller(pixels, min(LONGEST, int((ALL / len(pixels)) ** 0.5)))
    exact = {"lossless": True, "quality": 50} if pixels[..., :1].size <= EXACT else {"quality": QUALITY}
    each, found = COLUMNS * ROWS, []
    for begin in range(0, len(pixels), each):
        picture = Image.fromarray(sheet(pixels[begin : begin + each], COLUMNS, gap=0))
        encoded = io.BytesIO()
        picture.save(encoded, "WEBP", **exact)
        found.append(f"data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode()}")
    height, width = pixels.shape[1:3]
    return {"width": width, "height": height, "columns": COLUMNS, "each": each, "sheets": found}


def smaller(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Images of which no side is longer than that.

    Args:
        pixels: uint8 array (N, H, W) or (N, H, W, 3).
        longest: pixels.

    Returns:
        uint8 array, the same if they are small enough.
    """
    from PIL import Image

    side = max(pixels.shape[1:3])
    if side <= longest:
        return pixels
    height, width = (max(1, round(size * longest / side)) for size in pixels.shape[1:3])
    return np.stack([np.asarray(Image.fromarray(image).resize((width, height))) for image in pixels])
