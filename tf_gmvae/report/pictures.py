"""Images as `<img>` sources that need no file: PNG, or JPEG for colours, in data URIs."""

import base64
import io

from tf_gmvae.image_sheets import sheet

# Pixels of a page that an image takes, about; small ones are shown larger, and larger ones are made smaller.
TILE = 56
LARGEST = 96


def strip(pixels, columns=None):
    """Images side by side, as one picture.

    Args:
        pixels: uint8 array (N, H, W) or (N, H, W, 3), N >= 1.
        columns: images a row; None puts all into one.

    Returns:
        Dict with src (a data URI), width and height (on the page, in its pixels).
    """
    from PIL import Image

    picture = Image.fromarray(sheet(pixels, min(columns or len(pixels), len(pixels)), gap=1))
    longest = max(pixels.shape[1:3])
    if longest > LARGEST:
        picture = picture.resize([max(1, round(size * LARGEST / longest)) for size in picture.size])
        longest = LARGEST
    zoom = max(1, round(TILE / longest))
    encoded, form = io.BytesIO(), "PNG" if pixels.ndim == 3 else "JPEG"
    picture.save(encoded, form, **({"optimize": True} if form == "PNG" else {"quality": 85, "subsampling": 0}))
    return {
        "src": f"data:image/{form.lower()};base64,{base64.b64encode(encoded.getvalue()).decode()}",
        "width": zoom * picture.width,
        "height": zoom * picture.height,
    }
