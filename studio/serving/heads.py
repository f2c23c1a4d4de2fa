"""The output head of a small model, laid out once so that several rows cost little more than one.

A head multiplies every row by the whole vocabulary and is the dearest product of a small model. torch's fp32 product
on a CPU turns such weights over at each call as soon as there are two rows: on (4, 192) × (192, 4096) it takes three
times what oneDNN takes on weights that were laid out beforehand. One row alone is as quick without.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

MOST_BYTES = 32 * 2**20
"""The layout is a second copy: of a base of half a billion parameters and more it stays below three hundredths."""

MOST_ROWS = 16
"""Beyond it the product itself is what takes the time."""


def lay_out_head(model: Any) -> int:
    """Have the head of a model multiply a few rows at once by laid-out weights; bytes taken, 0 where it stays as it is.

    For a plain fp32 head on a CPU. The numbers differ from the plain product in their last bits, as those of any
    product of another size do; one row alone is the plain product.
    """
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or not torch.backends.mkldnn.is_available():
        return 0
    weight = head.weight.detach()
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or weight.nbytes > MOST_BYTES:
        return 0
    laid = torch.ops.mkldnn._reorder_linear_weight(weight)
    plain = head.forward

    def forward(inputs: Tensor) -> Tensor:
        rows = inputs.numel() // inputs.shape[-1]
        if not 1 < rows <= MOST_ROWS or inputs.dtype != torch.float32:
            return plain(inputs)
        return torch.ops.mkldnn._linear_pointwise(inputs, laid, head.bias, "none", [], "")

    head.forward = forward
    return weight.nbytes
