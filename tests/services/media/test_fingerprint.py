"""The same picture again is near, another one is not, and blank ones say nothing."""

from __future__ import annotations

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

from services.media.fingerprint import BITS, alike, distance, look

SIZE = (360, 480)


def photo(seed: int) -> Image.Image:
    """Noise with the spectrum of photos."""
    rng = np.random.default_rng(seed)
    y, x = np.fft.fftfreq(SIZE[1])[:, None], np.fft.rfftfreq(SIZE[0])[None]
    falling = np.hypot(x, y)
    falling[0, 0] = np.inf
    waves = rng.normal(size=falling.shape) + 1j * rng.normal(size=falling.shape)
    field = np.fft.irfft2(waves / falling**1.3, s=SIZE[::-1])
    return Image.fromarray(np.clip(128 + 48 * field / field.std(), 0, 255).astype(np.uint8))


def card(seed: int) -> Image.Image:
    """A text on the background that all of this creator's cards have."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", SIZE, "#f4efe6")
    for row in range(5):
        words = "".join(rng.choice(list("abcdefgh iklmno rstu"), rng.integers(8, 16)))
        ImageDraw.Draw(image).text(
            (30, 120 + 40 * row), words, fill="#222222", font=ImageFont.load_default(30)
        )
    return image


def saved(image: Image.Image, quality: int) -> Image.Image:
    content = io.BytesIO()
    image.convert("RGB").save(content, "JPEG", quality=quality)
    return Image.open(content)


def cropped(image: Image.Image, share: float) -> Image.Image:
    across, down = round(image.width * share), round(image.height * share)
    return image.crop((across, down, image.width - across, image.height - down))


AGAIN = {
    "recompressed": lambda image: saved(image, 40),
    "resaved twice": lambda image: saved(saved(image, 90), 75),
    "smaller": lambda image: image.resize((120, 160)),
    "larger": lambda image: image.resize((720, 960)),
    "brighter": lambda image: ImageEnhance.Brightness(image.convert("RGB")).enhance(1.15),
    "cropped": lambda image: cropped(image, 0.012),
}


@pytest.mark.parametrize("how", AGAIN)
def test_the_same_picture_again_is_near(how: str) -> None:
    for seed in range(3):
        for original in (photo(seed), card(seed)):
            assert alike([look(original)], [look(AGAIN[how](original))]), seed


def test_different_pictures_are_not() -> None:
    """... nor different texts on the same card, which short hashes take for the same."""
    for make in (photo, card):
        looks = [look(make(seed)) for seed in range(12)]
        assert not any(alike([one], [other]) for one, other in combinations(looks, 2))


def test_a_blank_picture_says_nothing() -> None:
    assert look(Image.new("RGB", SIZE, "navy")) == ""
    assert not alike([""], [""])
    assert not alike([], [])


def test_films_are_compared_where_both_show_something() -> None:
    one, other = "0" * 64, "f" * 64
    assert distance([one, one, one, one], [one, one, other, other]) == 0.5
    assert distance([one, "", one, one], [one, other, one, ""]) == 0
    assert distance([one, "", "", ""], [one, one, one, one]) is None
    assert distance([one], [one, one, one, one]) is None
    assert len(look(photo(1))) * 4 == BITS
