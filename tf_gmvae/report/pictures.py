"""Images as `<img>` sources that need no file: PNG, or JPEG for colours, in data URIs."""

import base64
import io

import numpy as np

from tf_gmvae.figures.image_sheets import sheet

# Pixels of a page that an image takes, about; small ones are shown larger, and larger ones are made smaller.
TILE = 56
LARGEST = 96
# Pixels of a page between images, whatever their size.
GAP = 4


def strip(pixels: np.ndarray, columns: int | None = None) -> dict[str, str | int]:
    """Images side by side, as one picture.

    Args:
        pixels: uint8 array (N, H, W) or (N, H, W, 3), N >= 1.
        columns: images a row; None puts all into one.

    Returns:
        Dict with src (a data URI), width and height (on the page, in its pixels).
    """
    from PIL import Image

    # Each image has its size on the page before they are put side by side: gaps stay whole pixels and alike, also
    # where a narrow screen makes the strip smaller.
    longest = max(pixels.shape[1:3])
    if longest > LARGEST:
        height, width = (max(1, round(size * LARGEST / longest)) for size in pixels.shape[1:3])
        pixels = np.stack([np.asarray(Image.fromarray(image).resize((width, height))) for image in pixels])
    else:
        zoom = max(1, round(TILE / longest))
        pixels = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    picture = Image.fromarray(sheet(pixels, min(columns or len(pixels), len(pixels)), GAP))
    encoded, form = io.BytesIO(), "PNG" if pixels.ndim == 3 else "JPEG"
    picture.save(encoded, form, **({"optimize": True} if form == "PNG" else {"quality": 85, "subsampling": 0}))
    return {
        "src": f"data:image/{form.lower()};base64,{base64.b64encode(encoded.getvalue()).decode()}",
        "width": picture.width,
        "height": picture.height,
    }
