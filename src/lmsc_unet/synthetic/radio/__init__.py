"""Generated recordings with exact labels, after the eight scene templates measured in the RF signal dataset."""

from lmsc_unet.synthetic.radio.scenarios import TEMPLATES
from lmsc_unet.synthetic.radio.scene import Scene, SceneOptions, draw_scene, render
from lmsc_unet.synthetic.radio.writer import write_pictures, write_scenes

__all__ = ["TEMPLATES", "Scene", "SceneOptions", "draw_scene", "render", "write_pictures", "write_scenes"]
