"""Makes and checks the bundled demo clip: people who do not exist, moods by a known script.

    python tools/make_clip.py [--data ../shared/data]     writes edge/camera/demo.mp4 and demo_script.yaml
    python tools/make_clip.py --check                     counts faces in the clip against the script

Needs ffmpeg with libx264 (``apt-get install ffmpeg``) to write. The same data, library versions
and seed give the same pictures.
"""

from __future__ import annotations

import argparse
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import clip_check
import clip_faces
import clip_scene
import numpy as np
import yaml
from clip_scene import Floats, Look, Pose
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
CLIP = ROOT / "edge" / "camera" / "demo.mp4"
SCRIPT = ROOT / "edge" / "camera" / "demo_script.yaml"
SEED = 7
FPS = 12.5
SEGMENT_S = 4.0
FADE_S = 0.3
TYPES = 6
PEOPLE_PER_FACE = {"neutral": 100, "happy": 80, "surprise": 60, "angry": 60, "sad": 40}
"""How many people's photographs make one average; fewer for rare emotions, always far above 12."""
EXAGGERATION = {"neutral": 0.0, "happy": 0.1, "surprise": 0.25, "angry": 0.2, "sad": 0.15}
"""How much further than on average the features move away from the person's neutral face: averages are bland."""
SHARPENING = 0.4
MOUTH_Y_PX = {"neutral": 202.0, "happy": 198.0, "surprise": 208.0, "angry": 206.0, "sad": 204.0}
CENTRE, LEFT, RIGHT = (320.0, 1.05), (172.0, 0.86), (474.0, 0.80)
"""Place in the frame (px) and scale."""


@dataclass(frozen=True)
class Part:
    """One person in one segment."""

    person: str
    emotion: str
    place: tuple[float, float] = CENTRE


SEGMENTS: tuple[tuple[Part, ...], ...] = (
    (Part("A", "neutral"),),
    (Part("A", "happy"),),
    (Part("A", "surprise"),),
    (),
    (Part("B", "angry"),),
    (Part("B", "neutral"),),
    (Part("B", "happy", LEFT), Part("C", "sad", RIGHT)),
    (Part("C", "sad"),),
    (),
    (Part("D", "happy"),),
)
PEOPLE = {"A": (1, 5), "B": (1, 4), "C": (0,), "D": (2,)}
"""Which types of people (k-means centres of appearance, largest group first; of two, their middle) make each one."""
LOOKS = {
    "A": Look(((52, 66, 108), (112, 140, 196), (168, 196, 232)), (24, 30, 42), (120, 84, 52), True, 54),
    "B": Look(((58, 72, 112), (126, 150, 204), (184, 206, 238)), (46, 66, 88), (70, 72, 62), False, 64),
    "C": Look(((40, 52, 88), (92, 118, 172), (146, 174, 214)), (60, 62, 64), (58, 44, 96), False, 62),
    "D": Look(((36, 46, 82), (86, 110, 168), (140, 170, 216)), (18, 18, 22), (84, 110, 60), True, 54),
}
DURATION_S = SEGMENT_S * len(SEGMENTS)
Heads = dict[tuple[str, str], Floats]


def average_faces(data: Path) -> tuple[Heads, dict[tuple[str, str], int]]:
    """Painted heads for each person and emotion of the script, and how many people are in each."""
    stacks = {emotion: clip_faces.align(photos) for emotion, photos in clip_faces.read_photos(data).items()}
    features = {emotion: clip_faces.appearance(stack) for emotion, stack in stacks.items()}
    common = np.vstack([features["neutral"], features["happy"]])
    centres = clip_faces.types_of_people(common, TYPES, SEED)
    stacks["neutral"] = clip_faces.closed_mouths(stacks["neutral"])
    features["neutral"] = clip_faces.appearance(stacks["neutral"])
    heads: Heads = {}
    identities: dict[tuple[str, str], int] = {}
    for person in PEOPLE:
        centre = centres[list(PEOPLE[person])].mean(0)
        moods = sorted({part.emotion for parts in SEGMENTS for part in parts if part.person == person})
        faces = {}
        for emotion in ("neutral", *(m for m in moods if m != "neutral")):
            distance = ((features[emotion] - centre) ** 2).sum(1)
            nearest = np.sort(np.argsort(distance, kind="stable")[: PEOPLE_PER_FACE[emotion]])
            faces[emotion] = clip_faces.average(stacks[emotion].images[nearest])
            identities[person, emotion] = len({stacks[emotion].photos[i].identity for i in nearest})
            print(f"person {person} {emotion:8s} averaged over {identities[person, emotion]} different people")
        for emotion in moods:
            face = clip_faces.exaggerate(faces[emotion], faces["neutral"], EXAGGERATION[emotion])
            face = clip_faces.sharpen(face, SHARPENING)
            heads[person, emotion] = clip_scene.paint_head(face, LOOKS[person], MOUTH_Y_PX[emotion], SEED)
    return heads, identities


def _ease(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _weight(index: int, t_s: float) -> float:
    """How far segment ``index`` is on at a time: 0-1, cross-fading around its ends, but not at the clip's own ends."""
    start = 1.0 if index == 0 else _ease((t_s - index * SEGMENT_S) / FADE_S + 0.5)
    end = 0.0 if index == len(SEGMENTS) - 1 else _ease((t_s - (index + 1) * SEGMENT_S) / FADE_S + 0.5)
    return start * (1 - end)


def _place(person: str, t_s: float) -> tuple[float, float]:
    """Place and scale of a person, who steps aside in the second before company and back in the one after."""
    own = [(i, part.place) for i, parts in enumerate(SEGMENTS) for part in parts if part.person == person]
    place = np.array(own[0][1])
    for (index, old), (_, new) in zip(own[1:], own[:-1], strict=True):
        change_s = index * SEGMENT_S
        begin_s = change_s - 1.0 if len(SEGMENTS[index]) > 1 else change_s + 0.2
        place = place + (np.array(old) - np.array(new)) * _ease(t_s - begin_s)
    return float(place[0]), float(place[1])


def pose_at(person: str, t_s: float, opacity: float) -> Pose:
    """Gentle swaying with periods of 3 to 7 s, different for each person."""
    phase = 2.1 * list(PEOPLE).index(person)

    def wave(period_s: float) -> float:
        return math.sin(2 * math.pi * t_s / period_s + phase)

    x_px, scale = _place(person, t_s)
    return Pose(
        x_px=x_px + 14 * wave(5.3) + 3 * wave(1.9),
        y_px=228 + 7 * wave(3.7),
        scale=scale * (1 + 0.04 * wave(6.7)),
        roll_deg=3.0 * wave(4.3),
        yaw_px=4.0 * wave(3.1),
        gain=1 + 0.05 * wave(7.1),
        opacity=opacity,
    )


def frames(heads: Heads) -> Iterator[NDArray[np.uint8]]:
    """Every frame of the clip ``(480, 640, 3)`` BGR."""
    rng = np.random.default_rng(SEED)
    room = clip_scene.paint_background(SEED)
    for index in range(round(DURATION_S * FPS)):
        t_s = index / FPS
        frame = clip_scene.background_at(room, t_s).copy()
        for person in PEOPLE:
            shares = [
                (heads[person, part.emotion], _weight(i, t_s))
                for i, parts in enumerate(SEGMENTS)
                for part in parts
                if part.person == person and _weight(i, t_s) > 0
            ]
            opacity = sum(weight for _, weight in shares)
            if opacity > 0:
                head = clip_scene.mix([h for h, _ in shares], [weight / opacity for _, weight in shares])
                clip_scene.put_head(frame, head, pose_at(person, t_s, min(opacity, 1.0)))
        yield clip_scene.sensor(frame, 1 + 0.03 * math.sin(2 * math.pi * t_s / 8), rng)


def encode(heads: Heads, clip: Path, crf: int) -> None:
    """Writes H.264 without sound and metadata."""
    if shutil.which("ffmpeg") is None:
        sys.exit("make_clip: ffmpeg is missing; install it (apt-get install ffmpeg) and run this again")
    width, height = clip_scene.FRAME_PX
    source = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    codec = [
        "-c:v",
        "libx264",
        "-preset",
        "slower",
        "-crf",
        str(crf),
        "-pix_fmt",
        "yuv420p",
        "-threads",
        "1",
        "-g",
        "50",
    ]
    plain = ["-an", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"]
    plain += ["-bsf:v", "filter_units=remove_types=6", "-movflags", "+faststart"]
    command = ["ffmpeg", "-y", "-loglevel", "error", *source, *codec, *plain, str(clip)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames(heads):
            process.stdin.write(frame.tobytes())
        process.stdin.close()
    if process.returncode:
        sys.exit(f"make_clip: ffmpeg ended with status {process.returncode}")


def write_script(identities: dict[tuple[str, str], int], path: Path) -> None:
    """Writes the ground truth."""
    segments = [
        {
            "from_s": index * SEGMENT_S,
            "to_s": (index + 1) * SEGMENT_S,
            "people": [
                {"person": p.person, "emotion": p.emotion, "identities": identities[p.person, p.emotion]} for p in parts
            ],
        }
        for index, parts in enumerate(SEGMENTS)
    ]
    script = {
        "duration_s": DURATION_S,
        "fps": FPS,
        "size": list(clip_scene.FRAME_PX),
        "fade_s": FADE_S,
        "segments": segments,
        "source": "Averages of aligned photographs from LFW (Huang et al. 2007) and film stills, each over as many"
        " different people as `identities` says; expressions exaggerated a little; colours, hair and room are painted."
        " Nobody is shown. Made by tools/make_clip.py.",
        "licence": "Apache-2.0 for what is made here; no original photograph is contained.",
    }
    head = "# Ground truth of demo.mp4, written by tools/make_clip.py. The larger face of two comes first.\n"
    path.write_text(head + yaml.safe_dump(script, sort_keys=False, width=120), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data")
    parser.add_argument("--crf", type=int, default=25, help="quality for x264: lower is better and larger")
    parser.add_argument("--check", action="store_true", help="count the faces of the clip instead of making it")
    parser.add_argument("--yunet", type=Path, default=ROOT / ".." / "shared" / "peers" / "yunet_n_640.onnx")
    arguments = parser.parse_args()
    if not arguments.check:
        if not (arguments.data / "faces" / "faces.csv").is_file():
            sys.exit(f"make_clip: no faces/faces.csv in {arguments.data}; name the data folder with --data")
        heads, identities = average_faces(arguments.data)
        encode(heads, CLIP, arguments.crf)
        write_script(identities, SCRIPT)
        print(f"{CLIP.name}: {CLIP.stat().st_size / 1e6:.2f} MB")
    else:
        clip_check.report(CLIP, SCRIPT, arguments.yunet)


if __name__ == "__main__":
    main()
