using TorchZoo.Data;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Training;

/// <summary>A small learning problem that trains in milliseconds: y = sin(x₁) + x₂² from 2 inputs by a small tanh net.</summary>
internal static class Regression
{
    public static PairDataset Data(long count = 64, ulong seed = 1)
    {
        using var generator = new Generator(seed);
        var x = randn([count, 2], generator: generator);
        var y = x.select(1, 0).sin() + x.select(1, 1).square();
        return new PairDataset(x, y.unsqueeze(1));
    }

    public static nn.Module<Tensor, Tensor> Net(long seed = 7, double dropout = 0)
    {
        random.manual_seed(seed);
        return nn.Sequential(("first", nn.Linear(2, 16)), ("tanh", nn.Tanh()), ("dropout", nn.Dropout(dropout)), ("second", nn.Linear(16, 1)));
    }

    public static Tensor MeanSquare(Tensor prediction, Tensor target) => (prediction - target).square().mean();

    public static double Distance(nn.Module a, nn.Module b)
    {
        using var scope = NewDisposeScope();
        return a.parameters().Zip(b.parameters()).Max(p => (p.First - p.Second).abs().max().item<float>());
    }
}
