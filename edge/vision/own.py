import cv2
import numpy as np
FILL = 128
def letterbox(image, canvas):
    height, width = image.shape[:2]
    side_h, side_w = canvas.shape[:2]
    scale = min(side_w / width, side_h / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    canvas[:] = FILL
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR)
    return canvas, scale
