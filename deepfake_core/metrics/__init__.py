"""Metrics of images and clips: pure functions of tensors."""

from deepfake_core.metrics.image import psnr, ssim
from deepfake_core.metrics.motion import average_keypoint_distance, temporal_difference

__all__ = ["average_keypoint_distance", "psnr", "ssim", "temporal_difference"]
