"""Opens finetuned.pt in PyTorch. Usage: check.py [finetuned.pt [LOSS]]; fails if the loss isn't LOSS, which the C# program printed."""
import sys

import torch

from pretrain import Net

state = torch.load(sys.argv[1] if len(sys.argv) > 1 else "finetuned.pt", weights_only=True)
net = Net()
net.load_state_dict(state)
line = torch.linspace(-1, 1, 33)
x = torch.cartesian_prod(line, line)
with torch.no_grad():
    loss = (net(x) - torch.sin(3 * x.prod(1, keepdim=True) + 0.5)).square().mean().item()
print(f"{len(state)} tensors, loss {loss:.4g}")
if len(sys.argv) > 2 and abs(loss - float(sys.argv[2])) > 1e-3 * loss:
    sys.exit(f"expected a loss of {sys.argv[2]}")
