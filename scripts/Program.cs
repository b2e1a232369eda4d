using TorchSharp;
using TorchZoo;

TorchRuntime.EnsureLoaded();
System.Console.WriteLine(torch.ones(2).sum().item<float>());
