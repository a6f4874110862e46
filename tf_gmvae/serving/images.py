"""Encoded pictures to examples, within the graph."""

import tensorflow as tf


def decode(image_bytes, data_shape):
    """Pictures as `tf_gmvae.data` makes them of the files in a folder.

    Transparency is dropped, grey is the luma of Pillow's mode "L", the size is changed by an antialiased bilinear
    filter whatever the proportions, and values are rounded to whole shades of 0 to 255. A PNG becomes what it
    becomes there, exactly where the size does not change and within one shade where it does. Unlike there, a
    camera's note of its orientation (EXIF) is not obeyed, and 16 bits are cut to 8.

    Args:
        image_bytes: string tensor (B,), each a PNG or a JPEG (or a BMP or a GIF, of which the first picture).
        data_shape: (H, W, C) of an example, C 1 or 3.

    Returns:
        Uint8 tensor (B, H, W, C). Evaluating it raises `tf.errors.InvalidArgumentError` on what is no picture.
    """
    spec = tf.TensorSpec(data_shape, tf.uint8)
    return tf.map_fn(lambda encoded: _decode_one(encoded, *data_shape), image_bytes, fn_output_signature=spec)


def _decode_one(encoded, height, width, channels):
    pixels = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    if channels == 1:
        # Decoding to grey would be left to libjpeg and libpng, whose weights of the colours differ.
        red, green, blue = tf.unstack(tf.cast(pixels, tf.int32), axis=-1)
        pixels = ((19595 * red + 38470 * green + 7471 * blue + 0x8000) // 0x10000)[..., tf.newaxis]
    resized = tf.image.resize(pixels, (height, width), antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)
