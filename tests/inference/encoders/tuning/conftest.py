"""Tiny networks are trained on one thread: more of them would wait for each other most of the time."""

import torch

torch.set_num_threads(1)
