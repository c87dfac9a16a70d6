"""Cheap cameras and bad light: gamma, gain, tint, grey, infra-red look, few pixels, blur, noise, JPEG."""

from __future__ import annotations

import cv2
import numpy as np
from detector_data import Bgr


def change_light(image: Bgr, rng: np.random.Generator) -> Bgr:
    """A changed copy of ``image`` uint8 (H, W, 3); a fifth stays as it is."""
    if rng.random() < 0.2:
        return image
    image = _levels(image, rng)
    if rng.random() < 0.2:
        image = _grey(image, rng)
    if rng.random() < 0.12:
        image = _fewer_pixels(image, rng)
    if rng.random() < 0.1:
        sigma = float(rng.uniform(0.4, 1.6))
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    if rng.random() < 0.15:
        image = _noisy(image, rng)
    if rng.random() < 0.12:
        _, coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return image


def _levels(image: Bgr, rng: np.random.Generator) -> Bgr:
    """Gamma, gain, offset and a tint, by one table for each channel."""
    levels = np.linspace(0.0, 1.0, 256)
    gamma = float(np.exp(np.clip(rng.normal(0.0, 0.35), -0.8, 0.8)))
    gain, offset = float(np.exp(np.clip(rng.normal(0.0, 0.2), -0.6, 0.35))), float(rng.normal(0.0, 0.05))
    if rng.random() < 0.08:  # little light
        gain *= rng.uniform(0.15, 0.5)
    tint = np.exp(rng.normal(0.0, 0.08, 3))
    table = np.clip((levels**gamma)[:, None] * gain * tint + offset, 0.0, 1.0) * 255.0
    return np.asarray(cv2.LUT(image, table.astype(np.uint8)[None]), np.uint8)


def _grey(image: Bgr, rng: np.random.Generator) -> Bgr:
    """Grey; some of it as an infra-red camera sees: red counts most, skin bright."""
    if rng.random() < 0.3:
        one = cv2.transform(image, np.array([[-0.1, 0.1, 1.0]], np.float32))
    else:
        one = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(one, cv2.COLOR_GRAY2BGR), np.uint8)


def _fewer_pixels(image: Bgr, rng: np.random.Generator) -> Bgr:
    height, width = image.shape[:2]
    scale = float(rng.uniform(0.4, 0.8))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _noisy(image: Bgr, rng: np.random.Generator) -> Bgr:
    noise = np.empty(image.shape, np.int16)
    cv2.setRNGSeed(int(rng.integers(2**31)))
    cv2.randn(noise, 0, float(rng.uniform(2.0, 18.0)))
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)
