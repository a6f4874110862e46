"""Encoded pictures that are sent to an exported model: their size is judged before they are decoded."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_gmvae.data import pictures
from tf_gmvae.serving import headers, images

WIDTH, HEIGHT = 37, 21
size_of = tf.function(headers.size, input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
decode = tf.function(
    lambda data: images.decode(data, (8, 8, 1)),
    input_signature=[tf.TensorSpec((None,), tf.string)],
    autograph=False,
)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, first=b""):
    """A black PNG of few bytes; `first` are chunks before its header."""
    packed = zlib.compressobj(9)
    row = bytes(1 + width)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + first + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def encoded(form, mode="RGB", size=(WIDTH, HEIGHT), **options):
    rng = np.random.default_rng(0)
    return file_of(Image.fromarray(rng.integers(0, 256, (*size[::-1], 4), "uint8")).convert(mode), form, **options)


def file_of(picture, form, **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def animation(frames, size=(WIDTH, HEIGHT), **options):
    shades = [Image.fromarray(np.full(size[::-1], number, "uint8")) for number in range(frames)]
    return file_of(shades[0], "GIF", save_all=True, append_images=shades[1:], **options)


def upside_down(bmp):
    """The BMP with its rows from the top, which a negative height says."""
    return bmp[:22] + struct.pack("<i", -HEIGHT) + bmp[26:]


def with_preview():
    """A photograph as cameras write it: a smaller one within its notes, before the frame header of its own."""
    return encoded("JPEG", exif=b"Exif\0\0" + encoded("JPEG", size=(8, 6)))


FILES = {
    "png": lambda: encoded("PNG"),
    "png, palette": lambda: encoded("PNG", "P"),
    "jpeg": lambda: encoded("JPEG"),
    "jpeg, grey": lambda: encoded("JPEG", "L"),
    "jpeg, four colours": lambda: encoded("JPEG", "CMYK"),
    "jpeg, progressive": lambda: encoded("JPEG", progressive=True),
    "jpeg, with a preview": with_preview,
    "jpeg, rubbish between its segments": lambda: encoded("JPEG").replace(
        b"\xff\xdb", bytes(99) + b"\xff\xff\xdb", 1
    ),
    "gif": lambda: encoded("GIF", "P"),
    "gif, animated": lambda: animation(5, loop=0, comment=b"one" * 300),
    "bmp": lambda: encoded("BMP"),
    "bmp, palette": lambda: encoded("BMP", "P"),
    "bmp, from the top": lambda: upside_down(encoded("BMP")),
    "webp, lossy": lambda: encoded("WEBP"),
    "webp, lossless": lambda: encoded("WEBP", lossless=True),
    "webp, transparent": lambda: encoded("WEBP", "RGBA"),
}


@pytest.mark.parametrize("kind", FILES)
def test_the_size_of_a_file_is_that_of_what_is_decoded(kind):
    content = FILES[kind]()
    assert size_of(content).numpy().tolist() == [WIDTH, HEIGHT]
    if kind not in (
        "jpeg, four colours",
        "webp, transparent",
    ):  # TensorFlow's decoder asks other channels of these
        assert tf.io.decode_image(content, 3, expand_animations=False).shape[:2] == (HEIGHT, WIDTH)
    # Cut off, a file is at most as large as it was; half a negative number is a large one.
    for length in [*range(27 if kind.startswith("bmp") else 0, 70), len(content) - 1]:
        assert max(size_of(content[:length]).numpy()) <= max(WIDTH, HEIGHT)


def test_a_header_cannot_hide_behind_another():
    small = struct.pack(">II", 8, 8)
    assert size_of(png(64, 64, first=chunk(b"aaAa", small + small))).numpy().tolist() == [0, 0]
    large, hidden = encoded("JPEG", size=(640, 480)), encoded("JPEG", size=(8, 8))
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(hidden)) + hidden
    assert size_of(large[:2] + comment + large[2:]).numpy().tolist() == [640, 480]


def test_of_an_animation_the_first_picture_alone_is_decoded():
    content = animation(7, loop=0, comment=b"one")
    cut = headers.first_picture(tf.constant(content)).numpy()
    assert len(cut) < len(content) / 3
    first, kept = (tf.io.decode_image(data, 3, expand_animations=False).numpy() for data in (content, cut))
    np.testing.assert_array_equal(first, kept)
    assert Image.open(io.BytesIO(cut)).n_frames == 1
    photograph = encoded("JPEG")
    assert headers.first_picture(tf.constant(photograph)).numpy() == photograph


def test_a_gif_of_endless_blocks_is_given_up():
    start = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b"\x21\xfe"
    assert size_of(start + 10**5 * b"\1a\2aa").numpy().tolist() == [0, 0]


def test_what_is_too_large_or_no_picture_has_an_error_and_spoils_no_other():
    hidden = chunk(b"aaAa", bytes(16))
    whole = encoded("PNG", "L", size=(8, 8))
    cases = [
        (png(6000, 6000), "has 6000 x 6000 pixels, more than 33,554,432: make it smaller before you send it."),
        (png(6000, 6000, first=hidden), "is cut off or damaged: send it whole"),
        (whole[:60], "is cut off or damaged: send it whole"),
        (b"BM" + bytes(16) + 8 * b"\xff" + bytes(38), "has 4294967295 x 1 pixels, more than"),
        (b"\xff\x0a a JPEG XL", "has an unknown image file format: send PNG or JPEG"),
        (b"", "has an unknown image file format: send PNG or JPEG"),
    ]
    expected = decode(tf.constant([whole])).pixels[0]
    assert expected.shape == (8, 8, 1) and expected.dtype == tf.uint8 and expected.numpy().any()
    for content, sentence in cases:
        for place in range(3):  # first, in the midst, last
            sent = [whole, whole]
            sent.insert(place, content)
            pixels, error = decode(tf.constant(sent))
            for number in range(3):
                is_bad = number == place
                np.testing.assert_array_equal(pixels[number], np.zeros((8, 8, 1)) if is_bad else expected)
                assert error[number].numpy().startswith(f"The picture {sentence}".encode() if is_bad else b"")
                assert bool(error[number].numpy()) == is_bad
    pixels, error = decode(tf.constant([content for content, _ in cases]))
    assert pixels.shape == (6, 8, 8, 1) and not pixels.numpy().any() and all(error.numpy())


def test_a_picture_is_what_the_same_file_is_in_a_folder():
    colours = Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 8, 3), "uint8")).quantize(7)
    sent = [
        encoded("BMP", "P", (8, 8)),
        file_of(colours, "BMP"),  # of a palette that is not full
        file_of(colours, "GIF", transparency=3, comment=b"one"),
        encoded("BMP", "RGBA", (8, 8)),
        encoded("WEBP", "RGBA", (8, 8), lossless=True),
        encoded("WEBP", "RGBA", (8, 8)),
    ]
    pixels, error = decode(tf.constant(sent))
    assert not any(error.numpy())
    np.testing.assert_array_equal(pixels, [pictures.pixels(io.BytesIO(content), 1, None) for content in sent])


def test_what_tensorflow_would_misread_is_refused_by_its_name():
    palette, masked = encoded("BMP", "P", (8, 8)), bytearray(encoded("BMP", "RGBA", (8, 8)))
    masked[30], masked[54:66] = 3, b"\xff\0\0\0\0\xff\0\0\0\0\xff\0"  # red is where blue was
    black = struct.pack("<2sIIIIHHHH", b"BM", 26 + 192, 0, 26, 12, 8, 8, 1, 24) + bytes(192)  # as OS/2 wrote them
    bmps = [encoded("BMP", "1", (8, 8)), palette[:30] + b"\1" + palette[31:], bytes(masked), black]
    two = Image.new("RGB", (8, 8))
    _, error = decode(
        tf.constant([*bmps, file_of(two, "WEBP", save_all=True, append_images=[two.rotate(9, fillcolor="red")])])
    )
    assert all(
        b"is a BMP, compressed or not of 8, 24 or 32 bits a pixel: save" in each for each in error[:4].numpy()
    )
    assert b"is an animated WebP: send one of its pictures" in error[4].numpy()
