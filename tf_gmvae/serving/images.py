"""Encoded pictures to examples, within the graph."""

from typing import NamedTuple

import tensorflow as tf

from tf_gmvae.serving import headers

# Of one picture: twice what an ordinary camera makes and the size of a frame of 8K film. Decoding it takes
# about half a gigabyte for a moment.
MAX_PIXELS = 2**25
_REFUSED = {
    headers.UNKNOWN: "The picture has an unknown image file format: send PNG or JPEG (or BMP, GIF, WebP).",
    headers.ANIMATED: "The picture is an animated WebP: send one of its pictures, as PNG or JPEG.",
    headers.FOREIGN_BMP: "The picture is a BMP, compressed or not of 8, 24 or 32 bits a pixel: save it as PNG.",
}
_DAMAGED = "The picture is cut off or damaged: send it whole, or saved as PNG or JPEG anew."


class Decoded(NamedTuple):
    """Pictures of a request.

    Attributes:
        pixels: uint8 tensor (B, H, W, C); zeros where there is an error.
        error: string tensor (B,), empty, or a sentence on what is wrong with the picture.
    """

    pixels: tf.Tensor
    error: tf.Tensor


def decode(image_bytes: tf.Tensor, data_shape: tuple[int, int, int]) -> Decoded:
    """Pictures as `tf_gmvae.data` makes them of the files in a folder.

    Transparency is dropped, grey is the luma of Pillow's mode "L", the size is changed by an antialiased bilinear
    filter whatever the proportions, and values are rounded to whole shades of 0 to 255. A PNG becomes what it
    becomes there, exactly where the size does not change and within one shade where it does. Unlike there, a
    camera's note of its orientation (EXIF) is not obeyed, and 16 bits are cut to 8.

    One that is no picture, or of more than `MAX_PIXELS`, which is not decoded, spoils no other: a server may have
    put the pictures of many clients together. The same holds of an animated WebP, and of a BMP that is compressed
    or has other than 8, 24 or 32 bits a pixel.

    Args:
        image_bytes: string tensor (B,), each a PNG or a JPEG (or a BMP, a WebP or a GIF, of which
            the first picture counts).
        data_shape: (H, W, C) of an example, C 1 or 3.

    Returns:
        `Decoded`.
    """
    count = tf.size(image_bytes, tf.int64)
    fault = tf.map_fn(
        lambda encoded: _fault(headers.size(encoded)), image_bytes, fn_output_signature=tf.string,
        parallel_iterations=1,
    )  # fmt: skip
    # A graph has no way to catch an error but tf.data's. One after the other, so that the memory for one picture
    # is all that a request takes.
    pictures = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes, fault))
    pictures = pictures.filter(lambda number, encoded, fault: tf.equal(fault, ""))
    pictures = pictures.map(
        lambda number, encoded, fault: (number, _decode_one(encoded, *data_shape)), num_parallel_calls=None
    ).ignore_errors()
    # A data set without an element has no single batch.
    last = tf.data.Dataset.from_tensors((count, tf.zeros(data_shape, tf.uint8)))
    options = tf.data.Options()
    options.autotune.enabled = False  # the end of a pass would wait for it
    numbers, pixels = pictures.concatenate(last).batch(count + 1).with_options(options).get_single_element()
    pixels = tf.scatter_nd(numbers[:, tf.newaxis], tf.cast(pixels, tf.int32), [count + 1, *data_shape])
    is_read = tf.scatter_nd(numbers[:, tf.newaxis], tf.ones_like(numbers), [count + 1])[:-1] > 0
    error = tf.where(is_read | tf.not_equal(fault, ""), fault, _DAMAGED)
    return Decoded(tf.cast(pixels[:-1], tf.uint8), error)


def _decode_one(encoded, height, width, channels):
    pixels = _colours(encoded)
    if channels == 1:
        # Decoding to grey would be left to libjpeg and libpng, whose weights of the colours differ.
        red, green, blue = (tf.cast(colour, tf.int32) for colour in tf.unstack(pixels, axis=-1))
        grey = (19595 * red + 38470 * green + 7471 * blue + 0x8000) // 0x10000
        pixels = tf.cast(grey, tf.uint8)[..., tf.newaxis]
    resized = tf.image.resize(pixels, (height, width), antialias=True)
    return tf.ensure_shape(
        tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8), (height, width, channels)
    )


def _colours(encoded):
    """uint8 tensor (H, W, 3), without transparency."""
    whole = headers.first_picture(encoded)

    def decoded(channels):
        return tf.io.decode_image(whole, channels=channels, expand_animations=False)

    branches = {
        headers.COLOURS: lambda: decoded(3),
        headers.OWN_CHANNELS: lambda: decoded(0)[..., :3],
        headers.PALETTE: lambda: tf.gather(headers.palette(whole), tf.cast(decoded(3)[..., 0], tf.int32)),
    }
    return tf.ensure_shape(tf.switch_case(headers.form(whole), branches), (None, None, 3))


def _fault(size):
    """What is wrong by the size that a file states, or nothing."""
    width, height = tf.unstack(size)
    pixels = tf.strings.join([tf.strings.as_string(width), " x ", tf.strings.as_string(height)])
    too_large = tf.strings.join(
        ["The picture has ", pixels, f" pixels, more than {MAX_PIXELS:,}: make it smaller before you send it."]
    )
    # Either side alone first: the product of two lying ones would overflow.
    fits = (tf.maximum(width, height) <= MAX_PIXELS) & (width * height <= MAX_PIXELS)
    fault = tf.where(width == 0, _DAMAGED, tf.where(fits, "", too_large))
    for number, sentence in _REFUSED.items():
        fault = tf.where(tf.equal(width, number), sentence, fault)
    return fault
