using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchZoo.Models.Compression;

/// <summary>The layers whose weights can be zero: <c>nn.Linear</c>, <c>nn.Conv2d</c> and sparse ones.</summary>
internal static class PrunableLayers
{
    /// <summary>Those of a network, the network itself included, each once.</summary>
    /// <param name="net">The network.</param>
    public static IEnumerable<(string Name, Module Layer)> Of(Module net) => net.named_modules().Prepend(("", net)).DistinctBy(m => m.Item2)
        .Where(m => m.Item2 is TorchSharp.Modules.Linear or TorchSharp.Modules.Conv2d or SparseLayer);

    /// <summary>A layer's dense weight.</summary>
    public static Tensor WeightOf(Module layer) => layer switch
    {
        Linear linear => linear.weight!,
        Conv2d conv => conv.weight,
        _ => ((SparseLayer)layer).DenseWeight(),
    };
}
