"""Arrays of images as pixels, and many images as one."""

import numpy as np

# Between the images of a sheet: a grey that shows on light pages and on dark ones.
GAP_GREY = 128


class Pixels:
    """Turns data values into pixels, all by one scale.

    Args:
        examples: array (N, H, W, C), uint8 or float; float data outside [0, 1] are scaled to what they span.
        uint8_scale: number by which the model divides uint8 examples: float images of theirs span 0 to
            255 / uint8_scale. Default 255.
    """

    def __init__(self, examples: np.ndarray, uint8_scale: float = 255.0) -> None:
        self.low, self.high = 0.0, 1.0
        if examples.dtype == np.uint8:
            self.high = 255.0 / uint8_scale
        else:
            low, high = float(examples.min()), float(examples.max())
            if low < 0.0 or high > 1.0:
                self.low, self.high = low, max(high, low + 1e-6)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Pixels of images.

        Args:
            images: array (N, H, W, C), uint8 as stored or float as the model sees and makes them.

        Returns:
            uint8 array (N, H, W) where they are grey, (N, H, W, 3) where they are RGB; of another number of
            channels their mean is grey.
        """
        if images.dtype != np.uint8:
            images = np.round(255 * self.shades(images)).astype("uint8")
        if images.shape[-1] == 3:
            return images
        return np.round(images.mean(axis=-1)).astype("uint8")

    def shades(self, images: np.ndarray) -> np.ndarray:
        """Shades of float images, from black at 0 to white at 1.

        Args:
            images: float array of any shape.

        Returns:
            Float array of that shape.
        """
        return np.clip((images - self.low) / (self.high - self.low), 0, 1)


def sheet(pixels: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """Images in rows, as one image.

    Args:
        pixels: uint8 array (N, H, W) or (N, H, W, 3), N >= 1.
        columns: images a row.
        gap: pixels between them. Default 2.

    Returns:
        uint8 array (R (H + gap) - gap, columns (W + gap) - gap), or that of three channels.
    """
    rows = -(-len(pixels) // columns)
    height, width = pixels.shape[1:3]
    size = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    result = np.full((*size, *pixels.shape[3:]), GAP_GREY, "uint8")
    for index, image in enumerate(pixels):
        top, left = (height + gap) * (index // columns), (width + gap) * (index % columns)
        result[top : top + height, left : left + width] = image
    return result
