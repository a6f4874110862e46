"""What encoded pictures say of their size before they are decoded, within the graph.

A file of some kilobytes can stand for gigabytes of pixels, so the size is known and judged first. What is read is
what TensorFlow's decoders go by. Numbers are int64; bytes behind the end of a file read as 0.
"""

import tensorflow as tf

# Longer than every header that is read at fixed places.
_HEADER = 64
# Of a GIF: more runs of blocks than any writer makes, and few enough to be walked in a moment.
_GIF_STEPS = 4096
_GIF_RUN = 1024


def size(encoded: tf.Tensor) -> tf.Tensor:
    """Width and height of a picture, as its file states them.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        int64 tensor (2,): width and height; of a JPEG with pictures within it (a preview), those of the one of
        most pixels; zeros where a file of a known format is cut off or breaks its format's rules before them.
        A format that is none of PNG, JPEG, GIF, BMP and WebP is -1, -1.
    """
    head = _bytes(tf.strings.substr(encoded, 0, _HEADER), _HEADER)
    return tf.case(
        [
            (_begins(head, b"\x89PNG\r\n\x1a\n"), lambda: _png(head)),
            (_begins(head, b"\xff\xd8\xff"), lambda: _jpeg(encoded)),
            (_begins(head, b"GIF8"), lambda: _gif(encoded)[0]),
            (_begins(head, b"BM"), lambda: _bmp(head)),
            (_begins(head, b"RIFF") & _begins(head[8:], b"WEBP"), lambda: _webp(head)),
        ],
        default=lambda: tf.constant([-1, -1], tf.int64),
        exclusive=False,
    )


def first_picture(encoded: tf.Tensor) -> tf.Tensor:
    """The file without what follows its first picture, which a decoder would keep in memory unasked.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        String tensor (): of a GIF, its first picture; of other formats, the file as it is.
    """
    is_gif = tf.equal(tf.strings.substr(encoded, 0, 4), b"GIF8")

    def cut():
        end = _gif(encoded)[1]
        return tf.strings.join([tf.strings.substr(encoded, tf.zeros_like(end), end), b";"])

    return tf.cond(is_gif, cut, lambda: encoded)


def _bytes(encoded, padding):
    """uint8 tensor of the bytes of a string, and zeros behind them."""
    return tf.concat([tf.io.decode_raw(encoded, tf.uint8), tf.zeros([padding], tf.uint8)], axis=0)


def _begins(data, magic):
    return tf.reduce_all(data[: len(magic)] == tf.constant(list(magic), tf.uint8))


def _number(data, start, count, big_endian=False):
    """The unsigned whole number of `count` bytes."""
    powers = [256**i for i in range(count)]
    digits = tf.cast(data[start : start + count], tf.int64)
    return tf.reduce_sum(digits * tf.constant(powers[::-1] if big_endian else powers, tf.int64))


def _png(head):
    # libpng passes over other chunks before IHDR, which the format forbids: a small size in one of them would hide
    # the true one.
    sizes = tf.stack([_number(head, 16, 4, big_endian=True), _number(head, 20, 4, big_endian=True)])
    return tf.where(_begins(head[8:], b"\0\0\0\x0dIHDR"), sizes, 0)


def _jpeg(encoded):
    # Every place that can be a frame header counts, so that nothing put before the true one hides it. It is told
    # by its marker, a length of 8 + 3 components, and their number: chance does not bring these together.
    data = _bytes(encoded, _HEADER)
    count = tf.size(data) - _HEADER

    def byte(offset):
        return data[offset : offset + count]

    marker, components = byte(1), byte(9)
    is_frame = (marker >= 0xC0) & (marker <= 0xCF) & (marker != 0xC4) & (marker != 0xC8) & (marker != 0xCC)
    fits = (byte(2) == 0) & (components >= 1) & (components <= 4) & (byte(3) == 8 + 3 * components)
    places = tf.where((byte(0) == 0xFF) & is_frame & fits)[:, 0]
    numbers = tf.cast(tf.gather(data, places[:, tf.newaxis] + tf.range(5, 9, dtype=tf.int64)), tf.int64)
    sizes = tf.stack([256 * numbers[:, 2] + numbers[:, 3], 256 * numbers[:, 0] + numbers[:, 1]], axis=1)
    sizes = tf.concat([tf.zeros([1, 2], tf.int64), sizes], axis=0)
    return sizes[tf.argmax(tf.reduce_prod(sizes, axis=1))]


def _gif(encoded):
    """Size of a GIF's first picture, and the place behind it and its extensions."""
    data = _bytes(encoded, _HEADER)
    end = tf.size(data, tf.int64) - _HEADER

    def number(place, count):
        return _number(data, tf.minimum(place, end), count)

    def colours(flags):
        # The length of a table of colours.
        return tf.where(flags >= 128, 3 * 2 ** (flags % 8 + 1), 0)

    def goes_on(place, within):
        return within | (number(place, 1) == 0x21)

    def walk(place, within):
        """Behind the blocks at a place, and whether the walk was given up; `within` an extension or picture."""

        def step(place, within):
            # Blocks of one length are passed over together.
            length = number(place, 1)
            run = tf.cast(data[place : place + _GIF_RUN * (length + 1) : length + 1], tf.int64) == length
            alike = tf.reduce_sum(tf.math.cumprod(tf.cast(run, tf.int64)))
            inner = tf.where(length > 0, alike * (length + 1), 1)
            return tf.minimum(place + tf.where(within, inner, 2), end), tf.where(within, length != 0, True)

        start = (place, tf.constant(within))
        place, within = tf.while_loop(goes_on, step, start, maximum_iterations=_GIF_STEPS, parallel_iterations=1)
        return place, goes_on(place, within)

    picture, lost = walk(13 + colours(number(tf.constant(10, tf.int64), 1)), within=False)
    lost |= number(picture, 1) != 0x2C
    behind, cut = walk(picture + 11 + colours(number(picture + 9, 1)), within=True)
    sizes = tf.stack([number(picture + 5, 2), number(picture + 7, 2)])
    return tf.where(lost | cut, tf.zeros_like(sizes), sizes), behind


def _bmp(head):
    # A negative height, in two's complement, is that of rows from the top.
    height = _number(head, 22, 4)
    return tf.stack([_number(head, 18, 4), tf.minimum(height, 2**32 - height)])


def _webp(head):
    bits = _number(head, 21, 4)
    kinds = {
        b"VP8X": (_number(head, 24, 3) + 1, _number(head, 27, 3) + 1),
        b"VP8L": (bits % 2**14 + 1, bits // 2**14 % 2**14 + 1),
        b"VP8 ": (_number(head, 26, 2) % 2**14, _number(head, 28, 2) % 2**14),
    }
    found = tf.zeros([2], tf.int64)
    for kind, sizes in kinds.items():
        found = tf.where(_begins(head[12:], kind), tf.stack(sizes), found)
    return found
