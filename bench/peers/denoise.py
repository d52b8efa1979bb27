# Denoises for bench/peers/peers.ts, in its private environment: a line of JSON in, a line of JSON out, until stdin ends.
# In:  {"method": "bm3d" | "nlm", "input", "output", "width", "height", "sigma" (8-bit units), "h" (nlm)}
#      input and output are raw float32, [height, width, 3] in [0, 1]
# Out: {"seconds"}, of the method alone: no reading, no writing
# bm3d is for non-commercial use only; it is installed here for measuring and is no part of flow-denoise.
import json
import sys
import time

import bm3d
import cv2
import numpy


def denoise(job, noisy):
    if job["method"] == "bm3d":
        return lambda: bm3d.bm3d_rgb(noisy, job["sigma"] / 255)
    # OpenCV takes bytes: what lies outside of [0, 1] is cut off.
    noisy_bytes = (numpy.clip(noisy, 0, 1) * 255 + 0.5).astype(numpy.uint8)
    h = job["h"]
    return lambda: cv2.fastNlMeansDenoisingColored(noisy_bytes, None, h, h, 7, 21) / 255


for line in sys.stdin:
    job = json.loads(line)
    shape = (job["height"], job["width"], 3)
    noisy = numpy.fromfile(job["input"], numpy.float32).reshape(shape).astype(numpy.float64)
    run = denoise(job, noisy)
    started = time.perf_counter()
    result = run()
    seconds = time.perf_counter() - started
    result.astype(numpy.float32).tofile(job["output"])
    print(json.dumps({"seconds": seconds}), flush=True)
