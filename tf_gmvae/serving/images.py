"""Encoded pictures to examples, within the graph."""

import tensorflow as tf

from tf_gmvae.serving import headers
from tf_gmvae.serving.checks import require

# Of one picture: twice what an ordinary camera makes and the size of a frame of 8K film. Decoding it takes
# about half a gigabyte for a moment.
MAX_PIXELS = 2**25


def decode(image_bytes: tf.Tensor, data_shape: tuple[int, int, int]) -> tf.Tensor:
    """Pictures as `tf_gmvae.data` makes them of the files in a folder.

    Transparency is dropped, grey is the luma of Pillow's mode "L", the size is changed by an antialiased bilinear
    filter whatever the proportions, and values are rounded to whole shades of 0 to 255. A PNG becomes what it
    becomes there, exactly where the size does not change and within one shade where it does. Unlike there, a
    camera's note of its orientation (EXIF) is not obeyed, and 16 bits are cut to 8.

    Args:
        image_bytes: string tensor (B,), each a PNG or a JPEG (or a BMP, a WebP or a GIF, of which
            the first picture counts).
        data_shape: (H, W, C) of an example, C 1 or 3.

    Returns:
        Uint8 tensor (B, H, W, C). Evaluating it raises `tf.errors.InvalidArgumentError` on what is no picture, and
        on one of more than `MAX_PIXELS`, which is not decoded.
    """
    # One after the other, so that the memory for one is all that a request takes.
    return tf.map_fn(
        lambda each: _decode_one(each[0], each[1], *data_shape),
        (tf.range(tf.size(image_bytes)), image_bytes),
        fn_output_signature=tf.TensorSpec(data_shape, tf.uint8),
        parallel_iterations=1,
    )


def _decode_one(index, encoded, height, width, channels):
    with tf.control_dependencies(_checks(index, headers.size(encoded))):
        encoded = headers.first_picture(encoded)
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    if channels == 1:
        # Decoding to grey would be left to libjpeg and libpng, whose weights of the colours differ.
        red, green, blue = (tf.cast(colour, tf.int32) for colour in tf.unstack(pixels, axis=-1))
        grey = (19595 * red + 38470 * green + 7471 * blue + 0x8000) // 0x10000
        pixels = tf.cast(grey, tf.uint8)[..., tf.newaxis]
    resized = tf.image.resize(pixels, (height, width), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)


def _checks(index, size):
    width, height = tf.unstack(size)
    culprit = tf.strings.join(["picture ", tf.strings.as_string(index), " of `image_bytes` "])
    pixels = tf.strings.join([tf.strings.as_string(width), " x ", tf.strings.as_string(height)])
    return [
        require(width >= 0, culprit, "has an unknown image file format: send PNG or JPEG (or BMP, GIF, WebP)."),
        require(width != 0, culprit, "is cut off or damaged: send it whole, or saved as PNG or JPEG anew."),
        require(
            # Either side alone first: the product of two lying ones would overflow.
            (tf.maximum(width, height) <= MAX_PIXELS) & (width * height <= MAX_PIXELS),
            culprit, "has ", pixels, f" pixels, more than {MAX_PIXELS:,}: make it smaller before you send it.",
        ),
    ]  # fmt: skip
