"""What encoded pictures say of their size before they are decoded, within the graph.

A file of some kilobytes can stand for gigabytes of pixels, so the size is known and judged first. What is read is
what TensorFlow's decoders go by. Numbers are int64; bytes behind the end of a file read as 0.
"""

import tensorflow as tf

# Longer than every header that is read at fixed places.
_HEADER = 72
# Of a BMP: where the number of bits of a pixel stands; masks of the colours, of 32 bits, as nearly all have them.
_BITS = 28
_MASKS = b"\0\0\xff\0\0\xff\0\0\xff\0\0\0"
# Of a GIF: more runs of blocks than any writer makes, and few enough to be walked in a moment.
_GIF_STEPS = 4096
_GIF_RUN = 1024
# Instead of a size: a format that is not known, and what TensorFlow's decoders should not get. They know no
# compression of a BMP, and an animated WebP without transparency can end their process.
UNKNOWN, ANIMATED, FOREIGN_BMP = -1, -2, -3
# What is decoded: red, green and blue; the channels that a file has; numbers of colours.
COLOURS, OWN_CHANNELS, PALETTE = range(3)


def size(encoded: tf.Tensor) -> tf.Tensor:
    """Width and height of a picture, as its file states them.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        int64 tensor (2,): width and height; of a JPEG with pictures within it (a preview), those of the one of
        most pixels; zeros where a file of a known format is cut off or breaks its format's rules before them.
        Twice `UNKNOWN` for a format that is none of PNG, JPEG, GIF, BMP and WebP, `ANIMATED` for a WebP that is,
        `FOREIGN_BMP` for a BMP that is compressed, or has other than 8, 24 or 32 bits a pixel.
    """
    head = _head(encoded)
    return tf.case(
        [
            (_begins(head, b"\x89PNG\r\n\x1a\n"), lambda: _png(head)),
            (_begins(head, b"\xff\xd8\xff"), lambda: _jpeg(encoded)),
            (_begins(head, b"GIF8"), lambda: _gif(encoded)[0]),
            (_begins(head, b"BM"), lambda: _bmp(head)),
            (_is_webp(head), lambda: _webp(head)),
        ],
        default=lambda: tf.constant([UNKNOWN, UNKNOWN], tf.int64),
        exclusive=False,
    )


def first_picture(encoded: tf.Tensor) -> tf.Tensor:
    """The file without what follows its first picture, which a decoder would keep in memory unasked.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        String tensor (): of a GIF, its first picture, without the extensions before it: one of them may name a
        transparent colour, which the decoder would make black. Of other formats, the file as it is.
    """
    is_gif = tf.equal(tf.strings.substr(encoded, 0, 4), b"GIF8")

    def cut():
        _, extensions, picture, end = _gif(encoded)
        start = tf.strings.substr(encoded, tf.zeros_like(extensions), extensions)
        return tf.strings.join([start, tf.strings.substr(encoded, picture, end - picture), b";"])

    return tf.cond(is_gif, cut, lambda: encoded)


def form(encoded: tf.Tensor) -> tf.Tensor:
    """What a decoder has to be asked for.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        int32 tensor (): `OWN_CHANNELS` for a WebP, of which no others can be asked, `PALETTE` for a BMP of 8 bits
        a pixel, which is decoded as if these were shades of grey, and else `COLOURS`.
    """
    head = _head(encoded)
    has_palette = _begins(head, b"BM") & (_number(head, _BITS, 2) == 8)
    return tf.where(_is_webp(head), OWN_CHANNELS, tf.where(has_palette, PALETTE, COLOURS))


def palette(encoded: tf.Tensor) -> tf.Tensor:
    """The colours that the pixels of a BMP of 8 bits stand for.

    Args:
        encoded: string tensor (), a whole file.

    Returns:
        uint8 tensor (256, 3) of red, green and blue; those that the file leaves out are black.
    """
    head = _head(encoded)
    stated = _number(head, 46, 4)
    count = tf.where((stated == 0) | (stated > 256), tf.constant(256, tf.int64), stated)
    colours = _bytes(tf.strings.substr(encoded, 14 + _number(head, 14, 4), 4 * count), 4 * 256)[: 4 * 256]
    return tf.reshape(colours, [256, 4])[:, 2::-1]


def _head(encoded):
    return _bytes(tf.strings.substr(encoded, 0, _HEADER), _HEADER)


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
    """Size of a GIF's first picture; the places of the extensions before it, of itself, and behind it."""
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

    extensions = 13 + colours(number(tf.constant(10, tf.int64), 1))
    picture, lost = walk(extensions, within=False)
    lost |= number(picture, 1) != 0x2C
    behind, cut = walk(picture + 11 + colours(number(picture + 9, 1)), within=True)
    sizes = tf.stack([number(picture + 5, 2), number(picture + 7, 2)])
    return tf.where(lost | cut, tf.zeros_like(sizes), sizes), extensions, picture, behind


def _bmp(head):
    # A negative height, in two's complement, is that of rows from the top.
    height, bits, compression = _number(head, 22, 4), _number(head, _BITS, 2), _number(head, 30, 4)
    kind = _number(head, 14, 4)  # the size of the header; in one of 12 bytes all else stands elsewhere
    is_plain = (kind >= 40) & (compression == 0) & ((bits == 8) | (bits == 24) | (bits == 32))
    is_plain |= (bits == 32) & (compression == 3) & _begins(head[54:], _MASKS)
    # A file that ends before them has no bits.
    sizes = tf.stack([_number(head, 18, 4), tf.minimum(height, 2**32 - height)])
    return tf.where(is_plain | ((bits == 0) & (kind != 12)), sizes, FOREIGN_BMP)


def _is_webp(head):
    return _begins(head, b"RIFF") & _begins(head[8:], b"WEBP")


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
    is_still = ~_begins(head[12:], b"VP8X") | (_number(head, 20, 1) // 2 % 2 == 0)
    return tf.where(is_still, found, ANIMATED)
